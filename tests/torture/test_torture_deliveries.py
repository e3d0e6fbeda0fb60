"""Providers deliver each callback one to five times, over three days: every one counts once, repeats are byte-equal."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from pathlib import Path

from walks import Desk, Script, a_script, kept_of, oracle, path_of

DELIVERIES = int(os.environ.get("AWAL_TORTURE_DELIVERIES", "2000"))
HOURS_72 = 72 * 3_600_000
MOST = 5
Due = tuple[int, float, int, int, bool]
"""When a callback is delivered, a rank among equals by chance, whose it is, its step, and if it is the first time."""


class Traffic:
    """Callbacks in the order of their delivery: a step comes first only after the screen before it."""

    def __init__(self, seed: int, start: int) -> None:
        self.chance = random.Random(seed)
        self.start = start
        self.scripts: list[Script] = []
        self.copies: list[list[int]] = []
        self._due: list[Due] = []

    def run(self, deliveries: int) -> Iterator[Due]:
        """Yield deliveries until there are that many, then let begun sessions end and late repeats arrive."""
        planned = 0
        while planned < deliveries:
            planned += self._dial(self.start + self.chance.randrange(HOURS_72))
        while self._due:
            due = heappop(self._due)
            at, _, citizen, step, first = due
            if first and step < len(self.scripts[citizen]):
                self._push(at + self.chance.randrange(1, 20_000), citizen, step + 1, first=True)
            if first:
                for _ in range(self.copies[citizen][step] - 1):
                    late = self.chance.randrange(max(1, self.start + HOURS_72 - at))
                    self._push(at + late, citizen, step, first=False)
            yield due

    def _dial(self, at: int) -> int:
        """Let one more citizen dial at a moment; return how many deliveries that makes."""
        script = a_script(self.chance)
        self.scripts.append(script)
        copies = [self.chance.randint(1, MOST) for _ in range(len(script) + 1)]
        self.copies.append(copies)
        self._push(at, len(self.scripts) - 1, 0, first=True)
        return sum(copies)

    def _push(self, at: int, citizen: int, step: int, *, first: bool) -> None:
        heappush(self._due, (at, self.chance.random(), citizen, step, first))


def test_each_callback_counts_once_however_often_it_comes(swift: Path, figures: Callable[..., None]) -> None:
    desk = Desk(swift / "demo")
    traffic = Traffic(20261123, desk.now)
    shown: dict[tuple[int, int], bytes] = {}
    count = 0
    with oracle() as expected:
        for at, _, citizen, step, first in traffic.run(DELIVERIES):
            desk.now = at
            script = traffic.scripts[citizen]
            screen = desk.ask(phone(citizen), f"s{citizen}", path_of(script, step))
            count += 1
            digest = hashlib.blake2b(screen, digest_size=8).digest()
            assert first == ((citizen, step) not in shown)
            assert shown.setdefault((citizen, step), digest) == digest, "a repeat was answered otherwise"
            assert screen == expected(script).screens[step]

        kept = kept_of(desk.store)
        assert len(kept) == len(traffic.scripts)
        for citizen, script in enumerate(traffic.scripts):
            assert kept[desk.pseudonym(phone(citizen))] == expected(script).answers[-1]
    totals = desk.store.counts()
    assert totals["inbound"] == totals["steps"] == len(shown)
    assert totals["conversations"] == totals["citizens"] == len(traffic.scripts)
    assert sum(walk.completed for walk in desk.store.walks("2026-11-01", "2026-12-31")) == len(traffic.scripts)
    assert count >= DELIVERIES
    figures(deliveries=count, unique=len(shown), citizens=len(traffic.scripts), counted=totals["inbound"])
    desk.close()


def phone(citizen: int) -> str:
    return f"+2126{citizen:08d}"
