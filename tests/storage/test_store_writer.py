"""The writer thread: shared commits, failures that stay alone, limits that are told, nothing acked that is not kept."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from store_changes import answer, change, conversation

from storage.errors import StoreBusy, StoreError, StoreFull
from storage.sqlite import SqliteStore
from storage.sqlite.writer import Undone, Writer


def put(key: str) -> Callable[[sqlite3.Connection], str]:
    def operation(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO settings VALUES (?, 'kept')", (key,))
        return key

    return operation


@contextmanager
def busy(writer: Writer) -> Iterator[None]:
    """Keep the writer in one operation until the block ends."""
    begun, over = threading.Event(), threading.Event()

    def hold(connection: sqlite3.Connection) -> None:
        begun.set()
        over.wait(30)

    thread = threading.Thread(target=writer.run, args=(hold,))
    thread.start()
    begun.wait(30)
    try:
        yield
    finally:
        over.set()
        thread.join()


def queued(
    writer: Writer, pool: ThreadPoolExecutor, operations: list[Callable[[sqlite3.Connection], object]]
) -> list[Future[object]]:
    """Let other threads submit operations, and return once all of them wait."""
    futures = []
    for count, operation in enumerate(operations, start=writer.waiting() + 1):
        futures.append(pool.submit(writer.run, operation))
        while writer.waiting() < count:
            assert not futures[-1].done()
    return futures


@pytest.fixture
def writer(sqlite: SqliteStore) -> Writer:
    assert sqlite._writer is not None
    return sqlite._writer


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def test_all_that_wait_share_one_commit(sqlite: SqliteStore, writer: Writer, pool: ThreadPoolExecutor) -> None:
    statements: list[str] = []
    with busy(writer):
        futures = queued(writer, pool, [put("a"), put("b"), put("c")])
        sqlite._connection.set_trace_callback(statements.append)

    assert [future.result() for future in futures] == ["a", "b", "c"]
    sqlite._connection.set_trace_callback(None)
    assert statements.count("COMMIT") == 2  # the one that held the writer, then the three


def test_a_failing_operation_does_not_hurt_those_it_shares_a_commit_with(
    sqlite: SqliteStore, writer: Writer, pool: ThreadPoolExecutor
) -> None:
    def fails(connection: sqlite3.Connection) -> None:
        put("half")(connection)
        raise ValueError("half done")

    def refuses(connection: sqlite3.Connection) -> None:
        put("half")(connection)
        raise Undone("the outcome")

    with busy(writer):
        first, second, third, last = queued(writer, pool, [put("a"), fails, refuses, put("b")])

    assert (first.result(), third.result(), last.result()) == ("a", "the outcome", "b")
    with pytest.raises(ValueError, match="half done"):
        second.result()
    assert [sqlite.get(key) for key in ("a", "half", "b")] == ["kept", None, "kept"]


def test_a_commit_that_breaks_as_a_whole_is_tried_again_one_by_one(
    sqlite: SqliteStore, writer: Writer, pool: ThreadPoolExecutor
) -> None:
    def breaks_the_commit(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute(
            "INSERT INTO answers VALUES"
            " (1, 'a', 'nowhere', 'f', 1, 'h', 's', 'text', 'v', 'r', 'fr', 'sms', 'c', 1, 'd', 0)"
        )

    with busy(writer):
        first, second, last = queued(writer, pool, [put("a"), breaks_the_commit, put("b")])

    assert (first.result(), last.result()) == ("a", "b")
    with pytest.raises(StoreError):
        second.result()
    assert (sqlite.get("a"), sqlite.get("b"), list(sqlite.answers())) == ("kept", "kept", [])


def test_an_operation_whose_caller_gave_up_is_not_run(path: Path, pool: ThreadPoolExecutor) -> None:
    with SqliteStore(path, deadline=0.01) as store:
        assert store._writer is not None
        gave_up = threading.Event()
        begun = threading.Event()

        def hold(connection: sqlite3.Connection) -> None:
            begun.set()
            gave_up.wait(30)

        store._writer._deadline = 30
        held = pool.submit(store._writer.run, hold)
        begun.wait(30)
        store._writer._deadline = 0.01

        with pytest.raises(StoreBusy, match="nothing was kept"):
            store.put("refused", "yes")
        store._writer._deadline = 30
        gave_up.set()
        held.result()
        store.put("later", "yes")

        assert (store.get("refused"), store.get("later")) == (None, "yes")


def test_an_operation_that_has_begun_is_waited_for(
    sqlite: SqliteStore, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = threading.Event()
    give_up = writer._give_up

    def told_too_late(job: object, linger: bool) -> None:
        late.set()
        writer._deadline = 30
        give_up(job, linger)  # type: ignore[arg-type]

    monkeypatch.setattr(writer, "_give_up", told_too_late)
    writer._deadline = 0.05

    def slow(connection: sqlite3.Connection) -> str:
        late.wait(30)
        return put("slow")(connection)

    assert writer.run(slow) == "slow"
    assert sqlite.get("slow") == "kept"


def test_a_full_queue_is_told_at_once(path: Path, pool: ThreadPoolExecutor) -> None:
    with SqliteStore(path, queue=2) as store:
        assert store._writer is not None
        with busy(store._writer):
            waiting = queued(store._writer, pool, [put("a"), put("b")])
            with pytest.raises(StoreBusy, match="2 writes"):
                store.put("c", "kept")
        assert [future.result() for future in waiting] == ["a", "b"]
        assert store.get("c") is None


def test_closing_finishes_what_is_queued_and_refuses_the_rest(path: Path, pool: ThreadPoolExecutor) -> None:
    store = SqliteStore(path)
    writer = store._writer
    assert writer is not None
    with busy(writer):
        waiting = queued(writer, pool, [put("a"), put("b")])
        closing = pool.submit(store.close)
        while not writer._closed:
            assert not closing.done()
        with pytest.raises(StoreError, match="closed"):
            store.put("late", "kept")
    closing.result()
    assert [future.result() for future in waiting] == ["a", "b"]
    with pytest.raises(StoreError, match="closed"):
        store.counts()
    store.close()

    assert not path.with_name("awal.db-wal").exists()
    with SqliteStore(path) as again:
        assert (again.get("a"), again.get("b"), again.get("late")) == ("kept", "kept", None)


def test_a_full_disk_loses_nothing_acknowledged_and_writing_resumes_by_itself(sqlite: SqliteStore) -> None:
    def pages(limit: int) -> None:
        sqlite._write(lambda connection: connection.execute(f"PRAGMA max_page_count = {limit}").fetchone())

    (used,) = sqlite._connection.execute("PRAGMA page_count").fetchone()
    acked: set[str] = set()
    refused: list[str] = []
    pages(used + 40)

    def citizen(name: str) -> None:
        try:
            for at in range(400):
                id = f"{name}-{at}"
                sqlite.accept(change(id, conversation(id), citizen=id, reply=b"x" * 500, answers=[answer("a", id, id)]))
                acked.add(id)
        except StoreFull as error:
            refused.append(str(error))

    threads = [threading.Thread(target=citizen, args=(f"t{at}",)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 6
    assert all("make room" in told for told in refused)
    assert acked
    assert {row.conversation for row in sqlite.answers()} == acked
    assert sqlite.counts()["inbound"] == len(acked)
    with pytest.raises(StoreFull):
        sqlite.accept(change("big", conversation("big"), reply=b"x" * 200_000))
    pages(1_000_000)
    sqlite.check()
    assert sqlite.accept(change("big", conversation("big"), reply=b"x" * 200_000)).outcome == "taken"
    assert sqlite._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_no_update_is_lost_when_many_move_one_conversation_at_once(sqlite: SqliteStore) -> None:
    threads, moves = 32, 4
    sqlite.accept(change("start", conversation()))
    conflicts: list[str] = []

    def move(name: str) -> None:
        for at in range(moves):
            id = f"{name}-{at}"
            while True:
                read = sqlite.dialogue("at", id, "amina").current
                assert read is not None
                state = replace(read.state, answers={**read.state.answers, id: at})
                kept = sqlite.accept(change(id, state, base=read.revision, answers=[answer(id, at)]))
                if kept.outcome == "taken":
                    break
                conflicts.append(id)

    running = [threading.Thread(target=move, args=(f"t{at}",)) for at in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()

    expected = {f"t{thread}-{at}" for thread in range(threads) for at in range(moves)}
    current = sqlite.dialogue("at", "", "amina").current
    assert current is not None
    assert set(current.state.answers) == expected
    assert {row.step for row in sqlite.answers()} == expected
    assert current.revision == 1 + threads * moves
    assert conflicts  # otherwise nobody met anybody, and this test shows nothing


def test_a_value_sqlite_cannot_hold_is_refused_and_the_writer_goes_on(sqlite: SqliteStore) -> None:
    with pytest.raises(StoreError, match="cannot keep"):
        sqlite.put("surrogate", "\ud800")
    with pytest.raises(StoreError, match="cannot keep"):
        sqlite.claim_slot("job", "slot", 2**70)

    sqlite.put("after", "fine")
    assert sqlite.get("after") == "fine"
