"""The stores that the benchmarks grow in bulk say what stores say in which every citizen really walked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from benchmarks import grown
from benchmarks.grown import Grown, GrownPostgres, GrownSqlite, answered, citizen, day, dial, place, took
from storage.memory import MemoryStore
from storage.store import Store

WALKS, EACH, FRESH = 70, 3, 4
MONTH = ("2026-11-01", "2026-11-30")


@pytest.fixture(params=["sqlite", "postgres"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Grown]]:
    if request.param == "sqlite":
        yield lambda *size: GrownSqlite(tmp_path / "awal.db", *size)
        return
    server: Any = request.getfixturevalue("postgres_server")
    urls: list[str] = []

    def database() -> str:
        urls.append(server.new_database())
        return urls[-1]

    yield lambda *size: GrownPostgres(database, *size)
    for url in urls:
        server.drop(url)


def walked() -> Store:
    """Return a store in which each citizen walked by themselves."""
    store = MemoryStore()
    for at in range(WALKS):
        made = dial(citizen(at), f"s{at}", f"-{at}", place(at))
        assert made.conversation is not None
        begun = datetime(2026, 11, at % 30 + 1, 12, tzinfo=UTC)
        made = replace(made, conversation=replace(made.conversation, started_at=begun))
        took(store, made)
        for nth in range(EACH):
            ends = nth == EACH - 1 and at < WALKS - FRESH
            made = answered(made, f"{nth}-{at}", nth, "done" if ends else "active")
            rows = [replace(row, value=f"o{(at + nth) % 5 if at else 0}", day=day(at)) for row in made.answers]
            took(store, replace(made, answers=rows))
    return store


def test_what_was_grown_says_what_was_walked(made: Callable[..., Grown], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grown, "FRESH", FRESH)
    expected = walked()
    with made(WALKS, EACH).store as store:
        assert store.counts() == expected.counts()
        for figures in ("tallies", "walks", "spread"):
            assert getattr(store, figures)(*MONTH) == getattr(expected, figures)(*MONTH)
        assert store.answer_days() == expected.answer_days()
        for at in range(WALKS):
            mine, theirs = store.mydata(citizen(at)), expected.mydata(citizen(at))
            assert {kind: len(rows) for kind, rows in mine.items()} == {
                kind: len(rows) for kind, rows in theirs.items()
            }
            assert mine["citizen"] == theirs["citizen"]
        assert store.roll(0) == 0, "what ended was not counted ahead"


def test_only_the_figures_tables_of_a_tall_store_are_grown(made: Callable[..., Grown]) -> None:
    with made(WALKS, EACH, grown.FIGURES).store as store:
        counts = store.counts()
        assert (counts["conversations"], counts["answers"], counts["citizens"]) == (WALKS, WALKS * EACH, 1)
