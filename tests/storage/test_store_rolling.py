"""Counting ahead: no figure changes by it, and a figure then costs by its cells and not by the answers behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from store_changes import DAY, answer, change, conversation

from storage.sqlite import SqliteStore
from storage.store import Store, Tally

LATER = 4_000_000_000_000
FIGURES: dict[str, Callable[[Store], object]] = {
    "tallies": lambda store: store.tallies("2026-11-01", "2026-11-30"),
    "walks": lambda store: store.walks("2026-11-16", "2026-11-22"),
    "spread": lambda store: store.spread("2026-11-01", "2026-11-30"),
    "days": lambda store: store.answer_days(),
    "counts": lambda store: store.counts(),
}


def tell(store: Store, many: int, first: int = 0) -> None:
    """Keep `many` conversations of the same two answers, each of another citizen."""
    for at in range(first, first + many):
        id = f"c{at}"
        told = [answer("supply", "yes", id), answer("need", ["road", "school"], id)]
        store.accept(change(f"x{at}", conversation(id, status="done", place="02"), f"p{at}", answers=told))


def rolled(store: SqliteStore) -> SqliteStore:
    while store.roll(LATER):
        pass
    return store


def effort(store: SqliteStore, figure: Callable[[Store], object]) -> int:
    """Return how many hundreds of steps SQLite's machine took for a figure."""
    with store._readers.lend() as connection:
        steps = [0]
        connection.set_progress_handler(lambda: steps.__setitem__(0, steps[0] + 1), 100)
    figure(store)
    connection.set_progress_handler(None, 0)
    return steps[0]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_costs_by_its_cells_and_not_by_the_answers(sqlite: SqliteStore, name: str) -> None:
    tell(sqlite, 20)
    few = effort(rolled(sqlite), FIGURES[name])
    tell(sqlite, 600, first=20)
    scanned = effort(sqlite, FIGURES[name])

    assert effort(rolled(sqlite), FIGURES[name]) <= few + 1
    assert scanned > 2 * few + 2  # else this way of measuring shows nothing


def test_an_open_conversation_is_counted_ahead_once_it_is_quiet(sqlite: SqliteStore) -> None:
    sqlite.accept(change("x1", conversation(), answers=[answer()]))
    begun = 1_795_435_200_000  # NOON

    def fresh() -> int:
        return sqlite._read(
            lambda connection: connection.execute("SELECT COUNT(*) FROM conversations WHERE rolled = 0").fetchone()[0]
        )

    sqlite.roll(begun + 9 * 60_000)
    assert fresh() == 1
    sqlite.roll(begun + 11 * 60_000)
    assert fresh() == 0
    sqlite.accept(change("x2", conversation(place="02"), base=1))
    assert fresh() == 1
    assert sqlite.tallies(DAY, DAY) == [Tally("water", "hash-water", "supply", "yes", "02", 1)]


def test_counting_ahead_writes_nothing_when_nothing_settled(sqlite: SqliteStore) -> None:
    tell(rolled(sqlite), 2)
    assert sqlite.roll(LATER) > 0
    sqlite._writer.run = None  # type: ignore[assignment, union-attr, method-assign] - any write would fail now
    assert sqlite.roll(LATER) == 0


def test_nothing_of_a_forgotten_citizen_stays_in_the_counts(sqlite: SqliteStore) -> None:
    tell(sqlite, 2)
    rolled(sqlite)
    sqlite.erase("p0", 1)
    assert [row.count for row in sqlite.tallies(DAY, DAY)] == [1, 1, 1]
    sqlite.erase("p1", 1)

    for table in ("rolled_answers", "rolled_walks", "rolled_days"):
        sql = f"SELECT * FROM {table}"
        assert sqlite._read(lambda connection, sql=sql: connection.execute(sql).fetchall()) == []
    assert set(sqlite.counts().values()) == {0}


def test_the_citizens_own_words_are_counted_but_not_tallied(store: Store) -> None:
    words = [replace(answer("why", f"words {at}", f"c{at}"), free=True) for at in range(3)]
    for at, one in enumerate(words):
        store.accept(change(f"x{at}", conversation(f"c{at}"), f"p{at}", answers=[one]))
    before = store.tallies(DAY, DAY)
    store.roll(LATER)

    assert before == store.tallies(DAY, DAY) == [Tally("water", "hash-water", "why", "", "", 3)]
    assert [row.free for row in store.answers()] == [True] * 3


def test_reports_beside_a_running_gateway_count_without_writing(sqlite: SqliteStore, path: Path) -> None:
    tell(sqlite, 3)
    sqlite.roll(LATER, limit=2)

    with SqliteStore(path, readonly=True) as beside:
        assert beside.tallies(DAY, DAY) == sqlite.tallies(DAY, DAY)
        assert [row.count for row in beside.tallies(DAY, DAY)] == [3, 3, 3]


def test_a_database_of_the_first_release_counts_as_before(tmp_path: Path) -> None:
    import msgspec
    import sqlite_utils

    from storage.sqlite import migrations, schema

    path = tmp_path / "old.db"
    db = sqlite_utils.Database(path)
    for sql in (migrations.CITIZENS, migrations.OUTBOX, migrations.REST):
        db.executescript(sql)
    flow = {"id": "water", "steps": [{"verb": "ask", "id": "why", "type": "text"}, {"verb": "say", "id": ""}]}
    db["flows"].insert({"hash": "h", "flow": "water", "version": 1, "data": msgspec.json.encode(flow), "kept_at": 1})
    db["conversations"].insert(
        {
            **dict.fromkeys(("language", "bearer", "channel", "place", "state"), ""),
            **dict.fromkeys(("version", "revision", "started_at", "completed_at", "updated_at"), 1),
            **{"id": "c1", "citizen": "p", "flow": "water", "flow_hash": "h", "status": "done", "day": DAY},
        }
    )
    for step in ("why", "supply"):
        db["answers"].insert(
            {
                **dict.fromkeys(("id", "raw", "language", "bearer", "channel"), step),
                **{"conversation": "c1", "flow": "water", "flow_version": 1, "flow_hash": "h", "step": step},
                **{"kind": "text", "value": "words", "answered_at": 1, "day": DAY},
            }
        )
    db["_sqlite_migrations"].insert({"migration_set": "awal", "name": "0001_first_tables", "applied_at": "2026"})
    db.conn.execute("PRAGMA user_version = 1")
    db.close()

    with SqliteStore(path) as store:
        assert [(row.step, row.value) for row in store.tallies(DAY, DAY)] == [("supply", "words"), ("why", "")]
        before = store.tallies(DAY, DAY), store.walks(DAY, DAY), store.counts()
        assert store.roll(LATER) == 1
        assert (store.tallies(DAY, DAY), store.walks(DAY, DAY), store.counts()) == before
    assert schema.VERSION >= 2
