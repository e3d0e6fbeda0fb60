"""A day of a gateway on a simulated clock: citizens who write and answer what they hear, providers that fail, crashes.

The store, the conversations and the sender are the real ones. What stands for the world is a `Road` for each channel
and a heap of what happens when: messages brought once or more, in any order, reports likewise.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from sending_bench import CASABLANCA, Scripted
from walks import a_script

from flows.load import load
from gateway.channels.base import Cause, Channel, Receipt, Received, Sendable, Sent, State
from gateway.conversation import Conversations
from gateway.library import Library
from gateway.phones import Phones
from gateway.sender import Sender
from gateway.sending.compose import compose
from gateway.sending.line import LEASE
from gateway.settings import Sending
from locales.catalogue import Catalogues
from storage.memory import MemoryStore
from storage.outgoing import WROTE, OutboundKind
from storage.sqlite import SqliteStore
from storage.store import Store

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
LANGUAGES = ("fr", "ar", "zgh")
WATER = Path(__file__).resolve().parents[2] / "flows" / "surveys" / "water.yaml"
KEYWORDS = {"1": "ماء", "2": "ⴰⵎⴰⵏ", "3": "EAU"}
TICK = MINUTE
TOGETHER = 250
"""Citizens who share one model: plain dicts are searched from end to end."""
NOON = "2027-02-06 12:00"
"""The day ends in the night in which the clocks go back: Ramadan begins."""


class Crash(BaseException):
    """The process ends here."""


class Sms(Struct):
    """One SMS that reached a phone: our id of it, its kind where nobody asked for it, and when."""

    id: str
    at: int
    segments: int


class Citizen(Struct):
    """One person with a phone: what they will write, and the questions they have already heard."""

    phone: str
    road: str
    script: list[str]
    said: int = 0
    heard: set[str] = []


class Road(Scripted):
    """A channel whose provider refuses, times out, takes twice, loses its link, and reports in any order."""

    def __init__(self, name: str, world: Day, **limits: object) -> None:
        super().__init__(name, quiet_hours="21:00-08:00", **limits)
        self.world = world
        self.gone = False
        self.took: list[Sms] = []

    def send(self, message: Sendable) -> Sent:
        luck = self.world.chance.random()
        if self.gone:
            return self.met("unreachable", Sent("unreachable", error="network: ConnectionError"))
        if luck < 0.03:
            return self.met("refused for now", Sent("retry", error="HTTP 503"))
        if luck < 0.035:
            return self.met("refused for good", Sent("failed", error="403 InvalidPhoneNumber"))
        if luck < 0.036:
            raise KeyError("an answer of no known shape")
        self.took.append(Sms(message.id, self.world.now, message.segments))
        self.world.rings(message)
        if luck < 0.037:
            self.world.met["crashes while sending"] += 1
            raise Crash
        if luck < 0.045:
            return self.met("timeouts", Sent("retry", error="network: ReadTimeout"))
        provider_id = f"{self.name}-{len(self.took)}"
        self.world.reports(self, provider_id)
        return Sent("accepted", provider_id=provider_id)

    def met(self, what: str, answer: Sent) -> Sent:
        """Count what happened, and answer."""
        self.world.met[what] += 1
        return answer


class Gateway:
    """The real conversations on a store, with the shipped flow on water."""

    def __init__(self, store: Store, clock: Callable[[], int], texts: Catalogues, phones: Phones) -> None:
        self.store = store
        library = Library(store, LANGUAGES)
        water = load(WATER.read_text("utf-8"), "water").flow
        assert water is not None
        library.serve([water], clock())
        self.conversations = Conversations(
            store, library, texts, phones, clock, timezone="Africa/Casablanca", within="02", languages=LANGUAGES
        )


class Day:
    """What happens from noon to noon. `messages` prompts and notices are sent at least, all told."""

    def __init__(self, folder: Path, messages: int, seed: int = 20261123) -> None:
        self.folder, self.messages = folder, messages
        self.chance = random.Random(seed)
        self.now = self.begins = noon()
        self.texts, self.phones = Catalogues(), Phones(b"p" * 32, b"s" * 32)
        self.met: Counter[str] = Counter()
        self.due: list[tuple[int, int, Callable[[], None]]] = []
        self.order = count()
        hourly = max(8, messages // 60)
        self.roads = {
            "modem": Road("modem", self, budget_hour=hourly, budget_day=20 * hourly),
            "smsc": Road("smsc", self, budget_day=60 * hourly),
            "aggregator": Road("aggregator", self, budget_hour=2 * hourly, prefixes=("+2126",)),
        }
        self.citizens: dict[str, Citizen] = {}
        self.taken: set[str] = set()
        self.models: list[Gateway] = []
        """The same citizens where nothing fails: each message once, in the order the gateway took them."""
        self.store: Store = SqliteStore(folder / "awal.db")
        self.restart()

    def restart(self) -> None:
        """Begin anew on the same disk, as after a crash."""
        self.store.close()
        self.store = SqliteStore(self.folder / "awal.db")
        self.gateway = Gateway(self.store, lambda: self.now, self.texts, self.phones)
        self.sender = Sender(
            self.store, self.roads, self.phones, lambda: self.now, jitter=self.chance.random, rules=Sending()
        )

    # what happens --------------------------------------------------------------------------------------------------
    def at(self, moment: int, what: Callable[[], None]) -> None:
        """Let something happen at a moment."""
        heappush(self.due, (moment, next(self.order), what))

    def run(self) -> None:
        """Live the day, and three more in which nothing new begins."""
        self._plan()
        end = self.begins + 24 * HOUR
        while self.now < end + 72 * HOUR:
            self.now += TICK if self.now < end or self.due else 10 * MINUTE
            while self.due and self.due[0][0] <= self.now:
                self._crashing(heappop(self.due)[2])
            self._crashing(self._send)

    def _crashing(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Crash:
            self.met["restarts"] += 1
            self.restart()
            self.now += LEASE

    def _send(self) -> None:
        while self.sender.run_once(self.now):
            pass

    def _plan(self) -> None:
        for at in range(self.messages // 5):
            self.at(self.begins + self._moment(), lambda at=at: self._begins(at))  # type: ignore[misc]
        for hour, minutes in ((2, 90), (7, 150)):
            self._outage("modem", self.begins + hour * HOUR, minutes)
        for hour in (3, 6, 20, 22):
            self._outage("smsc", self.begins + hour * HOUR, 4)
        for hour, kind in ((5, "campaign"), (8.9, "notice"), (12, "reminder"), (19, "campaign")):
            self.at(self.begins + int(hour * HOUR), lambda kind=kind: self._unasked(kind))  # type: ignore[misc]

    def _moment(self) -> int:
        """Return when in the day a citizen begins: most in the afternoon and evening, some by night."""
        hours = self.chance.choice((self.chance.uniform(0, 24), self.chance.uniform(0, 9), self.chance.uniform(19, 24)))
        return int(hours * HOUR)

    def _outage(self, name: str, moment: int, minutes: int) -> None:
        def switch(gone: bool) -> None:
            self.roads[name].gone = gone

        self.at(moment, lambda: switch(True))
        self.at(moment + minutes * MINUTE, lambda: switch(False))

    def _begins(self, at: int) -> None:
        language, _, *replies = a_script(self.chance)
        script = [KEYWORDS[language], *replies]
        if self.chance.random() < 0.02:
            script.insert(self.chance.randrange(1, len(script)), self.chance.choice(("STOP", "xyz", "AIDE")))
        phone, road = f"+2126{at:08d}", self.chance.choice(("modem", "smsc", "smsc", "aggregator"))
        citizen = self.citizens[phone] = Citizen(phone, road, script, heard=set())
        self._writes(citizen, self.now)

    # citizens ------------------------------------------------------------------------------------------------------
    def rings(self, message: Sendable) -> None:
        """Let a message reach its phone; its owner answers what they have not heard yet."""
        citizen = self.citizens[message.to]
        if message.id in citizen.heard:
            self.met["prompts heard again"] += 1
            return
        citizen.heard.add(message.id)
        for _ in range(1 + (self.chance.random() < 0.02)):  # now and then two replies at once
            self._writes(citizen, self.now + self.chance.randrange(5 * SECOND, 10 * MINUTE))

    def _writes(self, citizen: Citizen, moment: int) -> None:
        """Let the next words of a script be brought to us, some more than once, and later ones overtaking."""
        if citizen.said == len(citizen.script):
            return
        text, id = citizen.script[citizen.said], f"{citizen.phone}-{citizen.said}"
        citizen.said += 1
        received = Received(channel=citizen.road, bearer="sms", external_id=id, sender=citizen.phone, text=text)
        copies = self.chance.choice((1, 1, 1, 1, 2, 3))
        for copy in range(copies):
            late = self.chance.randrange(6 * HOUR) if copy else self.chance.randrange(20 * SECOND)
            self.at(moment + late, lambda: self._brought(received))

    def _brought(self, received: Received) -> None:
        """Bring one message to the gateway as a provider does: once more where it was not acknowledged."""
        luck, road = self.chance.random(), self.roads[received.channel]
        if road.gone:
            self.at(self.now + 5 * MINUTE, lambda: self._brought(received))
            return
        if luck < 0.004:
            self.at(self.now + MINUTE, lambda: self._brought(received))
            self.met["crashes while taking"] += 1
            if luck < 0.002:
                raise Crash
        self._takes(road, received)
        if luck < 0.004:
            raise Crash

    def _takes(self, road: Channel, received: Received) -> None:
        self.gateway.conversations.take(road, received)
        if received.external_id in self.taken:
            self.met["repeats"] += 1
            return
        self.taken.add(received.external_id)
        self._model_of(received.sender).conversations.take(road, received)

    def _model_of(self, phone: str) -> Gateway:
        at = int(phone.removeprefix("+2126")) // TOGETHER
        while len(self.models) <= at:
            self.models.append(Gateway(MemoryStore(), lambda: self.now, self.texts, self.phones))
        return self.models[at]

    # providers -----------------------------------------------------------------------------------------------------
    def reports(self, road: Road, provider_id: str) -> None:
        """Let the provider tell what became of a message: nothing, once, or more than once in any order."""
        luck = self.chance.random()
        states: list[tuple[State, Cause]] = [("accepted", ""), ("delivered", "")]
        if luck < 0.05:
            states = []
        elif luck < 0.07:
            states = [("failed", "passing")]
        elif luck < 0.08:
            states = [("failed", "")]
        for state, cause in states * self.chance.choice((1, 1, 2)):
            receipt = Receipt(provider_id=provider_id, state=state, detail=state, cause=cause)
            moment = self.now + self.chance.randrange(SECOND, 5 * MINUTE)
            self.at(moment, lambda receipt=receipt: self.gateway.conversations.receipt(road, receipt))  # type: ignore[misc]

    def _unasked(self, kind: OutboundKind) -> None:
        """Queue what nobody asked for, to those who wrote first; the store drops who said stop."""
        wrote = [one for one in self.citizens.values() if self.chance.random() < 0.08]
        for one in wrote:
            row = compose(
                one.phone,
                "Coupure d'eau demain de 8 h à 14 h.",
                kind,
                WROTE,
                phones=self.phones,
                channels=self.roads.values(),
                now=self.now,
                wanted=one.road,
            )
            self.met["unasked"] += self.store.enqueue([row])

    def took(self) -> Iterator[tuple[str, Sms]]:
        """Yield what each provider took, with the road's name."""
        for name, road in self.roads.items():
            for sms in road.took:
                yield name, sms


def noon() -> int:
    """Return the moment of NOON in Morocco."""
    from datetime import datetime

    return int(datetime.fromisoformat(NOON).replace(tzinfo=CASABLANCA.zone).timestamp() * 1000)


def spending(took: Iterator[tuple[str, Sms]]) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Return the segments that each provider took by civil hour, and by civil day."""
    hours: Counter[tuple[str, str]] = Counter()
    days: Counter[tuple[str, str]] = Counter()
    for name, sms in took:
        hour = CASABLANCA.hour(sms.at)
        hours[name, hour] += sms.segments
        days[name, hour[:10]] += sms.segments
    return hours, days


def texts_of(*stores: Store) -> dict[str, list[str]]:
    """Return what was written to each citizen in answer to them, in its order."""
    found: dict[str, list[str]] = defaultdict(list)
    for store in stores:
        for row in reversed(store.outbox((), 10_000_000)):
            if row.kind in ("question", "reply"):
                found[row.citizen].append(row.text)
    return found


def kept(*stores: Store) -> list[tuple[object, ...]]:
    """Return every answer; one that is there twice is twice in the list."""
    rows = [row for store in stores for row in store.answers()]
    return sorted((row.citizen, row.flow, row.step, str(row.value), row.raw, row.language) for row in rows)


def counted(*stores: Store) -> Counter[object]:
    """Return the aggregates of the month, count by count."""
    found: Counter[object] = Counter()
    for store in stores:
        for tally in store.tallies("2027-02-01", "2027-02-28"):
            found[replace(tally, count=0)] += tally.count
    return found
