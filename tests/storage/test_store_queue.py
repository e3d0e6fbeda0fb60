"""A long queue costs a claim no more than a short one: what is claimed counts, not what waits."""

from __future__ import annotations

import sqlite3

import pytest
from store_changes import message

from storage.outgoing import Terms
from storage.sqlite import SqliteStore, claim, outbox

TERMS = Terms(fresh=1, cap=3, today=5, hour="2026-11-23T10", most_day=10_000)


def work(connection: sqlite3.Connection, terms: Terms) -> int:
    """Return how many hundred steps SQLite takes to claim twenty messages."""
    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    connection.set_progress_handler(count, 100)
    try:
        assert len(claim.claim(connection, "at", 10, 100, 20, terms)) == 20
    finally:
        connection.set_progress_handler(None, 0)
    return steps[0]


@pytest.mark.parametrize("kind", ["reply", "campaign"])
def test_a_claim_costs_the_same_in_a_queue_twenty_times_as_long(sqlite: SqliteStore, kind: str) -> None:
    def filled(count: int) -> None:
        rows = [message(f"m{at}-{count}", f"c{at}-{count}", kind=kind, ground="form 7") for at in range(count)]
        sqlite._write(lambda connection: outbox.enqueue(connection, rows))

    filled(100)
    short = sqlite._write(lambda connection: work(connection, TERMS))
    filled(2_000)
    long = sqlite._write(lambda connection: work(connection, TERMS))
    assert long <= 2 * short + 5, f"{short} hundred steps became {long}"
