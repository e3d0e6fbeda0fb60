"""What leaves by SMS: which frames, how many a day, and when once more. It only plans; the gateway queues.

A snapshot leaves once a day at most, the newest of its flow and week, without the parts that the platform says it has.
Weeks that are over go first. What was acknowledged, by whatever carrier, never leaves again. A flow's layout goes
before its first snapshot, until the platform has acknowledged any snapshot of that flow or asks for it once more.

Nothing here is lost with the notes: `Store.enqueue` drops a frame queued twice, and the platform a frame held twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from flows.texts import Texts
from reports.frames.acks import Ack
from reports.frames.bits import FrameError
from reports.frames.counts import sms_frames
from reports.frames.envelope import Link, to_text
from reports.frames.layout import sms_layout
from reports.snapshots import Sender, Snapshot, snapshots
from reports.wire import Body
from storage.store import Store

AGAIN = 24 * 3600 * 1000
"""Milliseconds before a frame nobody acknowledged leaves once more, and before a newer snapshot may follow one."""
LAYOUT_AGAIN = 7 * AGAIN
"""Milliseconds before a layout leaves once more unasked: a receipt asks for it where counts wait for one."""
SENT, TOLD = "sms-sent", "sms-told"
"""The store's notes: what was queued, and what the platform told. Each has one writer."""

State = Literal["waiting", "sent by SMS", "acknowledged"]


class Frame(Struct, frozen=True):
    """One SMS to queue; `key` makes a second queuing of it harmless."""

    text: str
    key: str


class Trip(Struct, frozen=True):
    """What was queued of one snapshot, or layout (number 0:0): when last, for which time, which parts so far."""

    epoch: int
    seq: int
    at: int
    times: int = 1
    parts: tuple[int, ...] = ()


class Sent(Struct, frozen=True):
    """What was queued, by `flow_hash period` or by `flow_hash`; and the segments of one civil day."""

    trips: dict[str, Trip] = {}
    day: str = ""
    segments: int = 0


class Told(Struct, frozen=True):
    """What the platform told: parts it has (by `epoch:seq`), flows it knows, and those it asks the layout of."""

    parts: dict[str, tuple[int, ...]] = {}
    known: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """What to queue now, and what it leaves. `note` are the notes to keep once the frames are in the outbox."""

    frames: Sequence[Frame] = ()
    snapshots: int = 0
    """Snapshots that leave now."""
    unheard: int = 0
    """Snapshots sent by SMS before, and not acknowledged yet."""
    held_back: int = 0
    """Frames that wait for tomorrow's budget."""
    later: int = 0
    """Snapshots of running weeks that wait for the link, or for their turn tomorrow."""
    refused: Sequence[str] = ()
    standing: Sequence[str] = ()
    """One line for each snapshot that is not acknowledged: flow, week, and how it stands."""
    note: Sent = Sent()

    @property
    def detail(self) -> str:
        """Return one line for the operator."""
        told = [
            (self.snapshots, f"{len(self.frames)} SMS queued, of {{}} snapshots"),
            (self.unheard, "{} sent by SMS, not acknowledged yet"),
            (self.later, "{} wait for the link or for tomorrow"),
            (self.held_back, "{} SMS wait for tomorrow's budget ([national] sms_budget)"),
        ]
        lines = "; ".join(text.format(count) for count, text in told if count) or "nothing to send by SMS"
        return " ".join([f"{lines}.", *self.refused])


class _Day(Struct):
    """What may still be spent today."""

    left: int


def plan(
    store: Store,
    link: Link,
    sender: Sender,
    today: date,
    now: int,
    *,
    budget: int,
    texts: Texts | None = None,
    final_only: bool = False,
    at_once: bool = False,
) -> Plan:
    """Decide what leaves now. `final_only` leaves running weeks to the link; `at_once`: an operator asks.

    Asked by an operator, a newer snapshot need not wait a day behind the one before it.
    """
    made = snapshots(store, sender, today, now, texts)
    sent, told = _sent(store), _learned(store, made)
    spent = sent.segments if sent.day == today.isoformat() else 0
    planner = _Planner(link, sent, told, now, _Day(max(0, budget - spent)), at_once=at_once)
    for _, snapshot, body in sorted(_unheld(made), key=lambda one: one[0]):
        planner.consider(snapshot, body, final_only=final_only)
    current = {key: trip for key, trip in planner.trips.items() if _is_current(key, made)}
    note = Sent(current, today.isoformat(), spent + len(planner.frames))
    standing = [f"{one.flow} {one.period}: {_stands(one, current)}" for one in made if not one.acked]
    return replace(planner.result(), note=note, standing=standing)


def keep(store: Store, made: Plan) -> None:
    """Remember what was queued."""
    store.put(SENT, msgspec.json.encode(made.note).decode())


def known_flows(store: Store, made: Sequence[Snapshot]) -> frozenset[str]:
    """Return the flow hashes whose layout the platform has, as far as it told."""
    return frozenset(_learned(store, made).known)


def acknowledge(store: Store, ack: Ack) -> int:
    """Take a receipt in; return how many snapshots it newly acknowledged."""
    before, fresh = _told(store), 0
    known = set(before.known)
    for one in store.held():
        if one.epoch == ack.epoch and one.seq in ack.held:
            known.add(one.flow_hash)
            fresh += not one.acked
            store.acknowledge(one.flow_hash, one.period, one.epoch, one.seq)
    parts = {f"{ack.epoch}:{seq}": tuple(sorted(here)) for seq, here in ack.parts.items()}
    known = {one for one in known if one[:8] not in ack.wanted}
    told = Told({**before.parts, **parts}, tuple(sorted(known)), tuple(sorted(ack.wanted)))
    _keep_told(store, told)
    return fresh


class _Planner:
    """Collects the frames of one day, snapshot by snapshot."""

    def __init__(self, link: Link, sent: Sent, told: Told, now: int, day: _Day, *, at_once: bool) -> None:
        self.trips = dict(sent.trips)
        self.frames: list[Frame] = []
        self._link = link
        self._told = told
        self._now = now
        self._day = day
        self._at_once = at_once
        self._counts = {"snapshots": 0, "unheard": 0, "held_back": 0, "later": 0}
        self._refused: list[str] = []

    def consider(self, snapshot: Snapshot, body: Body, *, final_only: bool) -> None:
        """Add what is due of one snapshot that the platform does not hold."""
        key, number = f"{snapshot.flow_hash} {snapshot.period}", (snapshot.epoch, snapshot.seq)
        trip = self.trips.get(key)
        same = trip is not None and (trip.epoch, trip.seq) == number
        if final_only and not body["final"]:
            self._counts["later"] += 1
            return
        if trip is not None and not same and not self._at_once and self._now < trip.at + AGAIN:
            self._counts["later"] += 1
            return
        try:
            frames = [to_text(one) for one in sms_frames(body, self._link)]
        except FrameError as fault:
            self._refused.append(str(fault))
            return
        if snapshot.flow_hash not in self._told.known:
            layout = [to_text(one) for one in sms_layout(body, self._link)]
            asked = snapshot.flow_hash[:8] in self._told.wanted
            self._send(snapshot.flow_hash, (0, 0), layout, (), again=AGAIN if asked else LAYOUT_AGAIN)
        has = self._told.parts.get(f"{snapshot.epoch}:{snapshot.seq}", ())
        self._counts["snapshots" if self._send(key, number, frames, has) else "unheard"] += 1

    def result(self) -> Plan:
        """Return what was decided."""
        counts = self._counts
        return Plan(
            frames=tuple(self.frames),
            snapshots=counts["snapshots"],
            unheard=counts["unheard"],
            held_back=counts["held_back"],
            later=counts["later"],
            refused=tuple(self._refused),
        )

    def _send(
        self, key: str, number: tuple[int, int], frames: Sequence[str], has: Iterable[int], again: int = AGAIN
    ) -> int:
        """Add the frames that are due, as far as the day's budget goes; return how many."""
        trip = self._trip(key, number, len(frames), again)
        due = [part for part in range(len(frames)) if part not in trip.parts and part not in set(has)]
        now, later = due[: self._day.left], due[self._day.left :]
        self._day.left -= len(now)
        self._counts["held_back"] += len(later)
        self.frames += [_frame(frames[part], trip.times) for part in now]
        if now:
            self.trips[key] = replace(trip, at=self._now, parts=tuple(sorted({*trip.parts, *now})))
        return len(now)

    def _trip(self, key: str, number: tuple[int, int], count: int, again: int) -> Trip:
        """Return the trip to go on with: a new number's, or another time when long went by without a receipt."""
        trip = self.trips.get(key)
        if trip is None or (trip.epoch, trip.seq) != number:
            return Trip(*number, self._now)
        if len(trip.parts) < count or self._now < trip.at + again:
            return trip
        return Trip(*number, self._now, trip.times + 1)


def _stands(one: Snapshot, trips: Mapping[str, Trip]) -> State:
    trip = trips.get(f"{one.flow_hash} {one.period}")
    left = trip is not None and (trip.epoch, trip.seq) == (one.epoch, one.seq)
    return "acknowledged" if one.acked else "sent by SMS" if left else "waiting"


def _frame(text: str, times: int) -> Frame:
    return Frame(text, f"frame {hashlib.sha256(text.encode()).hexdigest()[:24]} {times}")


def _unheld(made: Iterable[Snapshot]) -> list[tuple[tuple[bool, str, str], Snapshot, Body]]:
    """Return what is not acknowledged, with its order: weeks that are over first, oldest first."""
    bodies = [(one, msgspec.json.decode(one.data)) for one in made if not one.acked]
    return [((not body["final"], one.period, one.flow_hash), one, body) for one, body in bodies]


def _is_current(key: str, made: Iterable[Snapshot]) -> bool:
    return any(key in (one.flow_hash, f"{one.flow_hash} {one.period}") for one in made)


def _learned(store: Store, made: Sequence[Snapshot]) -> Told:
    """Return what the platform told, by other carriers too; parts of numbers that are gone are forgotten."""
    told = _told(store)
    known = {*told.known, *(one.flow_hash for one in made if one.acked and one.flow_hash[:8] not in told.wanted)}
    numbers = {f"{one.epoch}:{one.seq}" for one in made if not one.acked}
    fresh = replace(
        told, known=tuple(sorted(known)), parts={key: parts for key, parts in told.parts.items() if key in numbers}
    )
    if fresh != told:
        _keep_told(store, fresh)
    return fresh


def _sent(store: Store) -> Sent:
    return msgspec.json.decode(store.get(SENT) or "{}", type=Sent)


def _told(store: Store) -> Told:
    return msgspec.json.decode(store.get(TOLD) or "{}", type=Told)


def _keep_told(store: Store, told: Told) -> None:
    store.put(TOLD, msgspec.json.encode(told).decode())
