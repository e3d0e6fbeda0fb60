"""Turns that the thread which hands them over runs itself: it never waits for a sync, and shares with the writer."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from store_changes import change, conversation
from store_held import held
from store_served import Served

from storage.errors import StoreError
from storage.sqlite import SqliteStore, serving
from storage.sqlite.share import Share
from storage.store import Accepted, Change, Dialogue
from storage.turns import Asked, Decide

WAIT = 30


@pytest.fixture
def served() -> Iterator[Served]:
    with closing(Served()) as made:
        yield made


def taking(name: str, where: list[int] | None = None) -> Decide:
    """Decide that an inbound begins a conversation; note the thread in which that is done."""

    def decide(_: Dialogue) -> Change:
        if where is not None:
            where.append(threading.get_ident())
        made: Change = change(name, conversation(f"c-{name}"), f"citizen-{name}")
        return made

    return decide


def asked(name: str) -> Asked:
    return Asked("at", name, f"citizen-{name}")


class Ears:
    """Hears outcomes."""

    def __init__(self) -> None:
        self.heard: SimpleQueue[Any] = SimpleQueue()

    def next(self) -> Any:
        return self.heard.get(timeout=WAIT)


def stuck(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Let commits wait; return what says that one does, and what lets them go on."""
    waits, over = threading.Event(), threading.Event()
    committed = store._writes._to_disk

    def slow(operations: int) -> None:
        waits.set()
        assert over.wait(WAIT)
        committed(operations)

    monkeypatch.setattr(store._writes, "_to_disk", slow)
    return waits, over


def test_the_thread_that_serves_decides_and_hears_of_it(sqlite: SqliteStore, served: Served) -> None:
    decided: list[int] = []
    told: SimpleQueue[int] = SimpleQueue()
    served.hand_over(sqlite, asked("x1"), taking("x1", decided), lambda _: told.put(threading.get_ident()))
    assert told.get(timeout=WAIT) == served.thread
    assert decided == [served.thread]


def test_it_goes_on_while_a_commit_waits_for_the_disk(
    sqlite: SqliteStore, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, over = stuck(sqlite, monkeypatch)
    ears = Ears()
    served.hand_over(sqlite, asked("x1"), taking("x1"), ears.heard.put)
    assert waits.wait(WAIT)
    served.hand_over(sqlite, asked("x2"), taking("x2"), ears.heard.put)
    served.passed()
    assert ears.heard.empty()
    over.set()
    assert {ears.next().outcome, ears.next().outcome} == {"taken"}


def test_nothing_is_told_before_it_is_on_disk(sqlite: SqliteStore, served: Served) -> None:
    told: SimpleQueue[int] = SimpleQueue()

    def kept(_: object) -> None:
        with closing(sqlite3.connect(sqlite.path)) as beside:
            told.put(beside.execute("SELECT count(*) FROM inbound").fetchone()[0])

    for number in range(1, 6):
        served.hand_over(sqlite, asked(f"x{number}"), taking(f"x{number}"), kept)
        assert told.get(timeout=WAIT) == number


def test_a_write_of_its_own_is_refused_at_once(sqlite: SqliteStore, served: Served) -> None:
    def decide(_: Dialogue) -> bytes:
        sqlite.put("key", "value")
        return b"never"

    ears = Ears()
    served.hand_over(sqlite, asked("x1"), decide, ears.heard.put)
    error = ears.next()
    assert isinstance(error, StoreError)
    assert "never writes" in str(error)


def test_who_serves_and_the_writer_both_get_on(sqlite: SqliteStore, served: Served) -> None:
    names, over, ends = count(), threading.Event(), SimpleQueue[Any]()

    def again(outcome: Accepted | Exception) -> None:
        if over.is_set() or isinstance(outcome, Exception):
            ends.put(outcome)
        else:
            name = f"x{next(names)}"
            sqlite.hand_over(asked(name), taking(name), again, served.soon)

    for number in range(4):  # four callers who never rest
        served.hand_over(sqlite, asked(f"first-{number}"), taking(f"first-{number}"), again)
    for number in range(50):
        sqlite.put(f"key-{number}", "value")
    over.set()
    assert [ends.get(timeout=WAIT).outcome for _ in range(4)] == ["taken"] * 4
    assert sqlite.get("key-49") == "value"
    assert sqlite.counts()["inbound"] == next(names) + 4


def test_many_who_write_do_not_hold_up_who_serves(
    sqlite: SqliteStore, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    commits: list[int] = []
    committed = sqlite._writes._to_disk

    def counted(operations: int) -> None:
        commits.append(operations)
        committed(operations)

    monkeypatch.setattr(sqlite._writes, "_to_disk", counted)

    def put(number: int) -> None:
        while not over.is_set():
            sqlite.put(f"key-{number}", "value")

    writers = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    ears = Ears()
    outcomes = []
    for number in range(100):
        served.hand_over(sqlite, asked(f"x{number}"), taking(f"x{number}"), ears.heard.put)
        outcomes.append(ears.next())
    over.set()
    for writer in writers:
        writer.join(WAIT)
    assert [outcome.outcome for outcome in outcomes] == ["taken"] * 100
    assert len(commits) < 1_000, "a turn waits for one commit of others, or two, besides its own"


def test_another_program_that_holds_the_file_holds_up_no_loop(sqlite: SqliteStore, served: Served) -> None:
    ears = Ears()
    with closing(sqlite3.connect(sqlite.path, isolation_level=None)) as browser:
        browser.execute("BEGIN IMMEDIATE")
        served.hand_over(sqlite, asked("x1"), taking("x1"), ears.heard.put)
        served.passed()
        assert ears.heard.empty()
        browser.execute("ROLLBACK")
    assert ears.next().outcome == "taken"


def test_an_erasure_waits_for_its_files_in_another_thread(
    sqlite: SqliteStore, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[int] = []
    forgets = sqlite._keeper.forgets

    def noting(citizen: str, at: int) -> None:
        noted.append(threading.get_ident())
        forgets(citizen, at)

    def decide(_: Dialogue) -> Change:
        return change("x1", conversation("c-x1"), "citizen-x1", erase=True)

    monkeypatch.setattr(sqlite._keeper, "forgets", noting)
    ears = Ears()
    served.hand_over(sqlite, asked("x1"), decide, ears.heard.put)
    assert ears.next().outcome == "taken"
    assert noted
    assert served.thread not in noted


def test_what_waited_when_the_disk_was_slow_goes_to_the_writer_before_what_comes_after(
    sqlite: SqliteStore, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided: list[int] = []
    ears = Ears()
    with held(sqlite):
        served.hand_over(sqlite, asked("x1"), taking("x1", decided), ears.heard.put)
        served.passed()
        monkeypatch.setattr(sqlite._writes._serving, "_rests_until", float("inf"))
    assert ears.next().outcome == "taken"
    assert decided == [sqlite._writes._thread.ident]


def test_a_slow_disk_is_left_to_the_writer_for_a_while(
    sqlite: SqliteStore, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided: list[int] = []
    ears = Ears()
    monkeypatch.setattr(serving, "SLOW", -1.0)
    served.hand_over(sqlite, asked("x1"), taking("x1", decided), ears.heard.put)
    assert ears.next().outcome == "taken"
    served.hand_over(sqlite, asked("x2"), taking("x2", decided), ears.heard.put)
    assert ears.next().outcome == "taken"
    monkeypatch.setattr(sqlite._writes._serving, "_rests_until", 1.0)
    served.hand_over(sqlite, asked("x3"), taking("x3", decided), ears.heard.put)
    assert ears.next().outcome == "taken"
    assert decided == [served.thread, sqlite._writes._thread.ident, served.thread]


def test_what_waits_when_the_store_closes_is_kept_and_told_once(path: Path, served: Served) -> None:
    store, ears = SqliteStore(path), Ears()
    with held(store):
        served.hand_over(store, asked("x1"), taking("x1"), ears.heard.put)
        served.passed()
        closing_ = threading.Thread(target=store.close)
        closing_.start()
        with pytest.raises(StoreError):
            repeat_for_ever(store, served, asked("x1"))
    closing_.join(WAIT)
    assert ears.next().outcome in ("taken", "repeat")
    assert ears.heard.empty()
    with SqliteStore(path) as again:
        assert again.counts()["inbound"] == 1


def test_what_waits_is_kept_by_the_writer_when_nobody_serves_any_more(path: Path) -> None:
    store, served, ears = SqliteStore(path), Served(), Ears()
    with held(store):
        served.hand_over(store, asked("x1"), taking("x1"), ears.heard.put)
        served.close()
    store.close()
    assert ears.next().outcome == "taken"


def repeat_for_ever(store: SqliteStore, served: Served, same: Asked) -> None:
    """Hand the same inbound over again and again, until the store is closed."""
    while True:
        served.hand_over(store, same, taking("x1"), lambda _: None)


def test_who_stopped_serving_meanwhile_is_told_all_the_same(
    sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, over = stuck(sqlite, monkeypatch)
    ears, served = Ears(), Served()
    served.hand_over(sqlite, asked("x1"), taking("x1"), ears.heard.put)
    assert waits.wait(WAIT)
    served.close()
    over.set()
    assert ears.next().outcome == "taken"


def test_a_share_is_offered_to_nobody_while_another_waits_for_it() -> None:
    share, called, taken = Share(), SimpleQueue[str](), threading.Event()
    assert share.offered(lambda: called.put("never"))

    def wait() -> None:
        share.take()
        taken.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not share._awaited:
        waiting.join(0.001)
    assert not share.offered(lambda: called.put("later"))
    share.give()
    assert taken.wait(WAIT)
    assert called.get(timeout=WAIT) == "later"
    assert not share.offered(lambda: called.put("again"))
    share.give()
    assert called.get(timeout=WAIT) == "again"
    share._awaited = True  # somebody is about to take it
    assert not share.offered(lambda: None)
    share._awaited = False
    assert share.offered(lambda: None)
