"""What a step and a report cost as a store grows, SQLite and PostgreSQL: the same work on a small and a large one."""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from benchmarks import server
from benchmarks.grown import FIGURES, Grown, GrownPostgres, GrownSqlite, answered, citizen, dial, seconds
from benchmarks.measure import Row
from storage.store import Change, Dialogue
from storage.turns import Asked

FEW, MANY, MOST = 1_000, 100_000, 1_000_000
"""Citizens; the most with `--long`."""
ANSWERS, MANY_ANSWERS, MOST_ANSWERS = 10_000, 100_000, 10_000_000
EACH = 5
"""Answers of one conversation, where reports are measured."""
STEPS = 300
REPORTS = 30
MONTH = ("2026-11-01", "2026-11-30")


def rows(project: Path, long: bool) -> list[Row]:
    """Return the comparisons of this file."""
    stores: dict[str, Callable[..., Grown]] = {"SQLite": lambda name, *size: GrownSqlite(project / name, *size)}
    if server.there("PostgreSQL's share of these"):
        stores["PostgreSQL"] = lambda name, *size: GrownPostgres(server.database, *size)  # noqa: ARG005
    return [row for name, made in stores.items() for row in of_store(name, made, long)]


def of_store(name: str, made: Callable[..., Grown], long: bool) -> list[Row]:
    """Return the comparisons of one kind of store."""
    citizens, answers = (MOST, MOST_ANSWERS) if long else (MANY, MANY_ANSWERS)
    few, many = (Steps(made(f"citizens-{size}.db", size, 1)) for size in (FEW, citizens))
    short, tall = (made(f"answers-{size}.db", size // EACH, EACH, FIGURES) for size in (ANSWERS, answers))
    step, month = f"cost of a step, {name}, {citizens:,} citizens", f"report of a month, {name}, {answers:,} answers"
    return [
        Row(step, "µs", many.measure, few.measure, 1.2, against=f"with {FEW:,} citizens"),
        Row(month, "ms", lambda: report(tall), lambda: report(short), 1.2, against=f"with {ANSWERS:,} answers"),
    ]


class Steps:
    """Durable steps of citizens drawn from all that a store knows, each a turn as a gateway takes it."""

    def __init__(self, grown: Grown) -> None:
        self.grown = grown
        self.numbers = itertools.count()

    def measure(self) -> float:
        """Return the microseconds of one step, the median."""
        chance = random.Random(next(self.numbers))
        _ = self.grown.store
        return statistics.median(self._walk(chance.randrange(self.grown.walks)) for _ in range(STEPS)) * 1e6

    def _walk(self, who: int) -> float:
        """Take the dial of a citizen who was here before, and one answer; return the seconds of one of the two."""
        name = f"-again-{next(self.numbers)}"
        begins = dial(citizen(who), f"s{name}", name)
        return seconds(lambda: (self._turn(begins), self._turn(answered(begins, f"-0{name}", 0)))) / 2

    def _turn(self, change: Change) -> None:
        inbound = change.inbound
        asked = Asked(inbound.channel, inbound.external_id, inbound.citizen, inbound.session)
        if self.grown.store.turn(asked, lambda read: closing(change, read)).outcome != "taken":
            raise RuntimeError("a step was not taken")


def closing(change: Change, read: Dialogue) -> Change:
    """Return the change, which closes what its citizen left open."""
    if change.base or read.current is None:
        return change
    return replace(change, closes=read.current.state.id)


def report(grown: Grown) -> float:
    """Return the milliseconds in which the figures of a month are read."""
    store = grown.store

    def figures() -> None:
        for _ in range(REPORTS):
            store.tallies(*MONTH)
            store.walks(*MONTH)
            store.spread(*MONTH)

    return seconds(figures) / REPORTS * 1000
