"""What a campaign comes to: the first messages exactly, the conversations by the flow's paths (`flows.budget`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from flows.budget import Estimate, Prices, estimates
from flows.encoding import measure, segments
from flows.model import Flow
from gateway.campaigns.audience import Person
from gateway.campaigns.opening import opened
from storage.campaigns import Segments

if TYPE_CHECKING:
    from gateway.project import Project


class Amount(Struct, frozen=True):
    """Segments both ways: where nobody answers, as it may be expected if all do, and where all take the worst path."""

    least: float = 0.0
    expected: float = 0.0
    worst: float = 0.0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.least + other.least, self.expected + other.expected, self.worst + other.worst)

    def times(self, count: int) -> Amount:
        """Return what so many of it come to."""
        return Amount(self.least * count, self.expected * count, self.worst * count)


class Cost(Struct, frozen=True):
    """The segments that leave, and money by currency."""

    sent: Amount = Amount()
    money: dict[str, Amount] = {}

    def __add__(self, other: Cost) -> Cost:
        names = {**self.money, **other.money}
        money = {name: self.money.get(name, Amount()) + other.money.get(name, Amount()) for name in names}
        return Cost(self.sent + other.sent, money)

    def times(self, count: int) -> Cost:
        """Return what so many of it cost."""
        return Cost(self.sent.times(count), {name: one.times(count) for name, one in self.money.items()})

    def __str__(self) -> str:
        """Return what is signed: the segments and the money at worst."""
        money = ", ".join(f"{one.worst:.2f} {name}" for name, one in sorted(self.money.items()))
        return f"{self.sent.worst:.0f} segments{', ' if money else ''}{money} at most"


def prices_of(project: Project, channel: str) -> Prices:
    """Return a channel's prices."""
    given = project.settings.channels[channel]
    return Prices(given.price_sms, given.price_in, given.price_ussd, given.currency)


def spent(project: Project, found: Mapping[str, Segments]) -> float:
    """Return the money that a campaign's segments have cost, and those will that are on their way."""
    total = 0.0
    for channel, one in found.items():
        if channel in project.settings.channels:
            prices = prices_of(project, channel)
            total += (one.sent + one.waiting) * prices.sms + one.received * prices.inbound
    return total


class Tariff:
    """What one conversation of a flow costs, by who is asked; each kind of citizen is worked out once."""

    def __init__(self, project: Project, flow: Flow, now: int) -> None:
        self.project = project
        self.flow = flow
        self.now = now
        self._known: dict[tuple[str, str, bool, bool], Cost] = {}
        self._first: dict[tuple[str, str, bool, bool], tuple[int, int]] = {}

    @cached_property
    def _estimates(self) -> Mapping[str, Estimate]:
        found = estimates(self.flow, self.project.texts, within=self.project.settings.gateway.region)
        return {one.language: one for one in found if one.bearer == "sms"}

    def first(self, one: Person) -> int:
        """Return the segments of the message that opens a person's conversation."""
        return self._opening(one)[0]

    def _opening(self, one: Person) -> tuple[int, int]:
        """Return the segments of the opening, and those of its question alone, without who writes and why."""
        key = self._key(one)
        if key not in self._first:
            _, text = opened(self.project, self.flow, one, self.now)
            self._first[key] = measure(text).segments, measure(text.partition("\n")[2]).segments
        return self._first[key]

    def cost(self, one: Person) -> Cost:
        """Return what a person's conversation costs."""
        key = self._key(one)
        if key not in self._known:
            self._known[key] = self._cost(one)
        return self._known[key]

    def total(self, people: Iterable[Person]) -> Cost:
        """Return what the conversations of all these people cost."""
        counts: Counter[tuple[str, str, bool, bool]] = Counter()
        for one in people:
            self.cost(one)
            counts[self._key(one)] += 1
        return sum((self._known[key].times(count) for key, count in counts.items()), Cost())

    def dearest(self, people: Iterable[Person]) -> float:
        """Return the most money that one of these conversations may cost on its worst path."""
        return max((one.worst for person in people for one in self.cost(person).money.values()), default=0.0)

    def _key(self, one: Person) -> tuple[str, str, bool, bool]:
        return one.channel, one.language, one.consented, bool(one.place)

    def _cost(self, one: Person) -> Cost:
        first, question = self._opening(one)
        estimate = self._estimates.get(one.language) or max(
            self._estimates.values(), key=lambda known: known.path("worst").tally.sent, default=None
        )
        sent, received = Amount(first, first, first), Amount()
        if estimate is not None:
            extra = first - question
            more = 0 if one.consented and one.language in self.flow.languages else estimate.first.sent
            mean, worst = estimate.mean, estimate.path("worst").tally
            heard = max((segments(word) for word in self.flow.keywords), default=1)  # of a keyword, which nobody sends
            sent = Amount(first, max(first, mean.sent + more + extra), max(first, worst.sent + more + extra))
            received = Amount(0, max(0, mean.received - heard + more), max(0, worst.received - heard + more))
        return Cost(sent, self._money(one.channel, sent, received))

    def _money(self, channel: str, sent: Amount, received: Amount) -> dict[str, Amount]:
        prices = prices_of(self.project, channel)
        if not prices.sms and not prices.inbound:
            return {}
        pairs = zip(
            (sent.least, sent.expected, sent.worst), (received.least, received.expected, received.worst), strict=True
        )
        return {prices.currency: Amount(*(out * prices.sms + into * prices.inbound for out, into in pairs))}


def by_channel(people: Iterable[Person], tariff: Tariff) -> dict[str, int]:
    """Return the segments of the first messages, by channel."""
    found: dict[str, int] = defaultdict(int)
    for one in people:
        found[one.channel] += tariff.first(one)
    return dict(found)
