"""Who is asked: citizens with a ground and a number who fit the audience, in the order of a lot one can repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct

from flows.conditions import compile_condition
from flows.errors import AwalError
from flows.model import Value
from gateway.campaigns.plan import Audience, Campaign
from gateway.sending.routing import choose
from storage.outgoing import WROTE
from storage.store import Store

if TYPE_CHECKING:
    from gateway.channels.base import Channel
    from gateway.project import Project

PAGE = 1_000
LENGTH = {"region": 2, "province": 6, "commune": 12}
"""Characters of an HCP code up to a level; a code that is shorter tells no place of it."""


class Person(Struct, frozen=True):
    """One citizen who may be asked. `number` is sealed, `channel` the one that serves it."""

    citizen: str
    number: bytes
    channel: str
    ground: str
    language: str = ""
    place: str = ""
    consented: bool = False


def people(store: Store) -> Iterator[Person]:
    """Yield everyone with a ground and a number: who wrote first, then who was brought in and has not written yet."""
    wrote: set[str] = set()
    after = ""
    while page := store.reached(after, PAGE):
        for one in page:
            wrote.add(one.citizen)
            yield Person(one.citizen, one.number, one.channel, WROTE, one.language, one.place, bool(one.consented_at))
        after = page[-1].citizen
    after = ""
    while brought := store.brought_in(after, PAGE):
        for proof in brought:
            if proof.citizen not in wrote and proof.number:
                yield Person(proof.citizen, proof.number, proof.channel, proof.words, proof.language, proof.place)
        after = brought[-1].citizen


def select(project: Project, campaign: Campaign, now: int, among: Collection[str] | None = None) -> dict[str, Person]:
    """Return everyone a campaign may ask at a moment, by pseudonym: fitting, reachable, and not asked too lately.

    `among`: only of these.
    """
    asked = project.store.last_asked(now - campaign.rest * 1000) if campaign.rest else {}
    able = _channels(project, campaign)
    fits = _Fits(project.store, campaign.audience, now)
    found = {}
    for one in people(project.store):
        if (among is None or one.citizen in among) and one.citizen not in asked and fits(one):
            placed = _placed(project, one, able)
            if placed is not None:
                found[one.citizen] = placed
    return found


def _channels(project: Project, campaign: Campaign) -> Sequence[Channel]:
    if campaign.channel:
        return [project.channel(campaign.channel)]
    return list(project.channels.values())


def _placed(project: Project, one: Person, able: Sequence[Channel]) -> Person | None:
    """Return a person with the channel that serves them; None where no channel may write to the number unasked.

    A citizen who shares a phone with others is not their phone's owner: who holds it is not told of them.
    """
    try:
        number = project.phones.unseal(one.number)
    except AwalError:
        return None
    prefixes = tuple(project.settings.sending.prefixes)
    if (prefixes and not number.startswith(prefixes)) or project.phones.pseudonym(number) != one.citizen:
        return None
    channel = choose(able, number, one.channel)
    if channel is None:
        return None
    return Person(one.citizen, one.number, channel.name, one.ground, one.language, one.place, one.consented)


class _Fits:
    """Tells whether a person belongs to an audience."""

    def __init__(self, store: Store, audience: Audience, now: int) -> None:
        self.places = tuple(audience.places)
        self.languages = frozenset(audience.languages)
        self.past = _past(store, audience, now) if audience.flow else None

    def __call__(self, one: Person) -> bool:
        if self.languages and one.language not in self.languages:
            return False
        if self.places and not any(lies_in(one.place, place) for place in self.places):
            return False
        return self.past is None or one.citizen in self.past


def lies_in(place: str, outer: str) -> bool:
    """Tell whether a place is another one, or in it."""
    return place == outer or place.startswith(f"{outer}.")


def _past(store: Store, audience: Audience, now: int) -> set[str]:
    """Return who answered the flow, and fulfils the condition in the newest of these conversations."""
    since = now - audience.since * 1000 if audience.since else 0
    newest: dict[str, tuple[str, dict[str, Value]]] = {}
    for row in store.answers(audience.flow, since):
        talk, answers = newest.get(row.citizen, ("", {}))
        if talk != row.conversation:
            newest[row.citizen] = (row.conversation, answers := {})
        answers[row.step] = row.value
    test = compile_condition(audience.when) if audience.when else lambda _: True
    return {citizen for citizen, (_, answers) in newest.items() if test(answers)}


def lot(seed: str, citizens: Iterator[str] | Sequence[str] | Mapping[str, Person]) -> list[str]:
    """Return citizens in the order of a lot: chance to them, the same again to whoever knows the seed."""
    return sorted(citizens, key=lambda one: sha256(f"{seed}\0{one}".encode()).digest())


def draw(campaign: Campaign, found: Mapping[str, Person], seed: str, first: Sequence[str] = ()) -> list[str]:
    """Return who is asked in a round, in order: by lot, within the quotas and the most of a round.

    `first` come before all others, as far as they may be asked.
    """
    kept = [one for one in first if one in found]
    ahead = set(kept)
    taken: list[str] = []
    counts: Counter[Cell] = Counter()
    for one in (*kept, *(one for one in lot(seed, found) if one not in ahead)):
        if campaign.most and len(taken) >= campaign.most:
            break
        cells = _cells(campaign, found[one].place)
        if cells is not None and all(counts[cell] < most for cell, most in cells):
            counts.update(cell for cell, _ in cells)
            taken.append(one)
    return taken


Cell = tuple[str, str]


def _cells(campaign: Campaign, place: str) -> list[tuple[Cell, int]] | None:
    """Return the quota cells that a place counts in, each with its most; None where a quota's place is not known."""
    cells = []
    for name, most in campaign.quota.items():
        if name in LENGTH:
            if len(place) < LENGTH[name]:
                return None
            cells.append(((name, place[: LENGTH[name]]), most))
        elif lies_in(place, name):
            cells.append(((name, ""), most))
    return cells


def next_round(campaign: Campaign, found: Mapping[str, Person], seed: str, before: Sequence[str]) -> list[str]:
    """Return who is asked in a later round: new citizens, or the panel with a part of it renewed by lot."""
    panel = campaign.panel
    if panel is None or panel.members == "new":
        return draw(campaign, {one: found[one] for one in found if one not in set(before)} or found, seed)
    leaving = round(len(before) * panel.rotate)
    staying = set(lot(seed, list(before))[leaving:])
    room = {one: found[one] for one in found if one in staying or (one not in before and leaving)}
    return draw(campaign, room, seed, [one for one in before if one in staying])[: len(before)]
