"""A day of sending on a simulated clock: errors, timeouts, an unplugged modem, crashes. All of it is accounted for."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from sending_bench import CASABLANCA, Bench, Scripted

from gateway.channels.base import Sendable, Sent
from gateway.sending.line import FRESH, LEASE
from storage.outgoing import UNASKED

Make = Callable[..., Bench]
MINUTE = 60_000
CITIZENS = 400
KINDS = ("question", "question", "question", "reply", "reminder", "campaign", "notice")
HOURLY, DAILY = 60, 500


class Crash(BaseException):
    """The process ends here."""


class Vendor(Scripted):
    """Takes, refuses, times out after taking, and now and then takes the whole process down with it."""

    def __init__(self, name: str, chance: random.Random, clock: Callable[[], int], **limits: object) -> None:
        super().__init__(name, budget_hour=HOURLY, budget_day=DAILY, quiet_hours="21:00-08:00", **limits)
        self.chance = chance
        self.clock = clock
        self.unplugged = False
        self.took: list[tuple[int, Sendable]] = []

    def send(self, message: Sendable) -> Sent:
        if self.unplugged:
            return Sent("unreachable", error="network: ConnectionError")
        luck = self.chance.random()
        if luck < 0.04:
            return Sent("retry", error="HTTP 503")
        if luck < 0.05:
            return Sent("failed", error="403 InvalidPhoneNumber")
        self.took.append((self.clock(), message))
        if luck < 0.06:
            raise Crash
        if luck < 0.07:
            return Sent("retry", error="network: ReadTimeout")
        return Sent("accepted", provider_id=f"{self.name}-{message.id}-{len(self.took)}")


def lived(on: Bench, chance: random.Random, modem: Vendor) -> dict[str, tuple[str, int]]:
    """Live a day minute by minute, and two more for what waits; return what was queued, of which kind and when."""
    queued: dict[str, tuple[str, int]] = {}
    on.at("2027-02-06 12:00")  # the clocks go back in the night: Ramadan begins
    for minute in (*range(24 * 60), *range(24 * 60, 72 * 60, 10)):
        on.now += MINUTE if minute < 24 * 60 else 10 * MINUTE
        modem.unplugged = 200 < minute < 320
        for _ in range(chance.choice((0, 0, 1, 1, 2)) if minute < 24 * 60 else 0):
            id, kind = f"m{len(queued)}", chance.choice(KINDS)
            citizen = f"c{chance.randrange(CITIZENS)}"
            until = on.now + 6 * 3_600_000 if kind == "question" else None
            on.queue(
                id, "modem", citizen, kind=kind, ground="form 7", not_after=until, segments=chance.choice((1, 1, 2))
            )
            queued[id] = (kind, on.now)
        try:
            on.run()
        except Crash:
            on.restarted()
            on.now += LEASE
    return queued


@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_ends_with_every_message_accounted_for(bench: Make, seed: int) -> None:
    chance = random.Random(seed)
    on = bench()
    modem = Vendor("modem", chance, lambda: on.now)
    second = Vendor("second", chance, lambda: on.now, prefixes=("+2126",))
    on.channels.update(modem=modem, second=second)
    on.restarted()
    queued = lived(on, chance, modem)

    rows = {row.id: row for row in on.store.outbox(limit=10_000)}
    assert set(rows) == set(queued)
    for id, row in rows.items():
        assert row.state in ("accepted", "failed", "dead"), (id, row.state)
        assert row.last_error or row.state == "accepted"

    took = [(at, message, vendor.name) for vendor in (modem, second) for at, message in vendor.took]
    assert second.took, "the second channel stood in"
    assert any(row.lost for row in rows.values()), "a crash struck"
    assert any(kind == "budget-spent" for kind, _ in on.events()), "a budget bound"
    times = Counter(message.id for _, message, _ in took)
    assert {id for id, row in rows.items() if row.state == "accepted"} <= set(times)
    assert not [id for id in times if times[id] > 1 and queued[id][0] == "notice" and not retried(rows[id].attempts)]

    spent: Counter[tuple[str, str]] = Counter()
    for at, message, name in took:
        kind, born = queued[message.id]
        hour = CASABLANCA.at(at).hour
        assert kind not in UNASKED or 8 <= hour < 21, (kind, CASABLANCA.at(at))
        assert at - born <= FRESH or 8 <= hour < 21 or awake(message, at, queued, rows), (message.id, CASABLANCA.at(at))
        spent[name, CASABLANCA.hour(at)] += message.segments
        spent[name, CASABLANCA.hour(at)[:10]] += message.segments
    assert max(count for (_, when), count in spent.items() if len(when) > 10) <= HOURLY
    assert max(count for (_, when), count in spent.items() if len(when) == 10) <= DAILY


def retried(attempts: int) -> bool:
    """Tell whether a provider said "later" to a message, after which it may have taken it twice."""
    return attempts > 1


def awake(message: Sendable, at: int, queued: dict[str, tuple[str, int]], rows: dict) -> bool:
    """Tell whether its citizen wrote again just before a late message went out at night."""
    citizen = rows[message.id].citizen
    return any(
        kind not in UNASKED and rows[id].citizen == citizen and 0 <= at - born <= FRESH
        for id, (kind, born) in queued.items()
    )
