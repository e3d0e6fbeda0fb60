"""Totals kept ahead on PostgreSQL: right at every moment, whoever writes at once, and never a scan of what was kept."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from store_changes import answer, change, conversation

from storage.postgres.connection import connect
from storage.store import Store

LATER = 4_000_000_000_000
ROWS = b"""
SELECT (SELECT count(*) FROM citizens), (SELECT count(*) FROM messages),
    (SELECT count(*) FROM messages WHERE conversation <> ''), (SELECT count(*) FROM answers)
"""


def told(store: Any) -> tuple[dict[str, int], tuple[int, ...]]:
    """Return the totals, and the same counted row by row, of one moment."""
    from storage.postgres import reading

    with store._pool.snapshot() as connection:
        return dict(reading.counts(connection)), connection.execute(ROWS).fetchone()


def check(store: Any) -> None:
    totals, rows = told(store)
    assert (totals["citizens"], totals["inbound"], totals["steps"], totals["answers"]) == rows


def first(store: Store, citizen: str) -> None:
    """Keep one conversation that is over, and an inbound that moved none."""
    id = f"walk-{citizen}"
    over = conversation(id, status="done")
    assert store.accept(change(f"x-{citizen}", over, citizen, answers=[answer("supply", "yes", id)])).outcome == "taken"
    assert store.accept(change(f"y-{citizen}", None, citizen)).outcome == "taken"


def together(*works: Callable[[], None]) -> None:
    """Do all of it at once; raise what the first that failed raised."""
    failed: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def test_totals_are_right_at_every_moment_of_eight_threads(postgres_store: Any) -> None:
    writers, many = 5, 25
    going = [writers]

    def write(number: int) -> Callable[[], None]:
        def work() -> None:
            try:
                for at in range(many):
                    first(postgres_store, f"c{number}-{at}")
                    if at % 5 == 4:
                        assert postgres_store.erase(f"c{number}-{at - 2}", LATER) > 0
            finally:
                going[0] -= 1

        return work

    def roll() -> None:
        while going[0]:
            postgres_store.roll(LATER, limit=2)

    def look() -> None:
        while going[0]:
            check(postgres_store)

    together(*(write(number) for number in range(writers)), roll, roll, look)

    check(postgres_store)
    rolled(postgres_store)
    check(postgres_store)
    assert postgres_store.counts()["citizens"] == writers * (many - many // 5)


def rolled(store: Any) -> None:
    """Count ahead all there is: the first round may only note up to where."""
    while store.roll(LATER) or store.roll(LATER):
        pass


def test_a_message_that_was_numbered_before_the_others_and_kept_after_them_is_counted(
    postgres_store: Any, postgres_url: str
) -> None:
    """The number is drawn, the transaction waits, others commit and are counted; then it commits."""
    from storage.postgres import lane

    slow = connect(postgres_url)
    lane.make_month(slow, 1_000)
    with slow.transaction():
        lane.accept(slow, change("slow", None, "slow"), postgres_store._zone)
        for at in range(3):
            first(postgres_store, f"c{at}")
            rolled(postgres_store)
        check(postgres_store)
    slow.close()

    check(postgres_store)
    rolled(postgres_store)
    check(postgres_store)
    assert postgres_store.counts()["inbound"] == 7


def test_a_note_of_another_server_does_not_stop_the_counting(postgres_store: Any) -> None:
    """A restored database brings a transaction number that this server may reach in years."""
    first(postgres_store, "c1")
    postgres_store.roll(LATER)
    with postgres_store._pool.lend() as connection:
        connection.execute("UPDATE counters SET value = 1 << 40 WHERE name = 'noted-at'")
    first(postgres_store, "c2")
    settled(postgres_store)
    check(postgres_store)
    assert fresh(postgres_store) == (0, 0)


def settled(store: Any) -> None:
    """Count ahead until nothing is left: the server's own transactions (ANALYZE) may hold the counting up a while."""
    until = time.monotonic() + 30
    while fresh(store) != (0, 0):
        assert time.monotonic() < until, fresh(store)
        rolled(store)


def fresh(store: Any) -> tuple[int, int]:
    """Return how many citizens and messages are not counted ahead."""
    sql = (
        b"SELECT (SELECT count(*) FROM citizens WHERE rolled IS NOT TRUE),"
        b" (SELECT count(*) FROM messages WHERE seq > (SELECT value FROM counters WHERE name = 'inbound-upto'))"
    )
    with store._pool.lend() as connection:
        found: tuple[int, int] = connection.execute(sql).fetchone()
    return found


def effort(store: Any) -> int:
    """Return how many rows the totals read, whatever the planner takes for cheaper in tables this small."""
    from storage.postgres import reading

    with store._pool.lend() as connection:
        connection.execute("ANALYZE")
        connection.execute("SET enable_seqscan = off")
        upto = connection.execute("SELECT value FROM counters WHERE name = 'inbound-upto'").fetchone()
        (plan,) = connection.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + reading.COUNTS, upto).fetchone()
        connection.execute("RESET enable_seqscan")
    return read_by((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def read_by(node: Any) -> int:
    """Add up the rows that the leaves of a plan read, those they threw away again too."""
    below = sum(read_by(one) for one in node.get("Plans", ()))
    read = node.get("Rows Removed by Filter", 0) + (0 if node.get("Plans") else node["Actual Rows"])
    return int(below + read * node["Actual Loops"])


def test_totals_cost_the_same_however_much_was_kept(postgres_store: Any) -> None:
    for at in range(20):
        first(postgres_store, f"a{at}")
    settled(postgres_store)
    few = effort(postgres_store)
    for at in range(150):
        first(postgres_store, f"b{at}")
    scanned = effort(postgres_store)
    settled(postgres_store)

    assert effort(postgres_store) <= few
    assert scanned > 3 * few  # else this way of measuring shows nothing
    assert fresh(postgres_store) == (0, 0)


def test_an_idle_database_is_not_written(postgres_store: Any) -> None:
    from storage.postgres import reading

    first(postgres_store, "c1")
    settled(postgres_store)
    with postgres_store._pool.lend() as connection, connection.transaction():
        assert reading.roll(connection, LATER, 100) == 0
        assert connection.execute("SELECT pg_current_xact_id_if_assigned()::text").fetchone() == (None,)


@pytest.fixture(autouse=True)
def server(postgres_server: Any) -> None:
    """Need a real server."""


def test_a_conversation_that_is_just_being_counted_is_taken_out_of_the_counts_when_it_is_forgotten(
    postgres_store: Any, postgres_url: str
) -> None:
    """Whoever forgets it waits until it is counted: else its answers would be told for ever."""
    from storage.postgres import reading

    first(postgres_store, "c")
    counting, looking = connect(postgres_url), connect(postgres_url)
    forgetting = threading.Thread(target=postgres_store.erase, args=("c", LATER))
    with counting.transaction():
        while not reading.roll(counting, LATER, 100):
            pass
        forgetting.start()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            waits = looking.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
            if waits and waits[0]:
                break
    forgetting.join()
    counting.close()
    looking.close()

    assert postgres_store.counts()["answers"] == postgres_store.counts()["conversations"] == 0
    assert postgres_store.tallies("0000-00-00", "9999-99-99") == []
