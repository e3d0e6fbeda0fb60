"""Turns: read, decide and keep in one go; who hands one over hears once how it ended, and only what is on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from store_changes import change, conversation
from store_held import held
from store_served import Served

from storage.errors import StoreBusy, StoreError, StoreFull
from storage.sqlite import SqliteStore
from storage.store import Accepted, Change, Dialogue, Store
from storage.turns import Asked, Decide, Told

WAIT = 30
Hand = Callable[[Store, Asked, Decide, Told], None]


@pytest.fixture(params=["by a thread that waits", "by one that serves"])
def hand(request: pytest.FixtureRequest) -> Iterator[Hand]:
    """Hand a turn over, from a thread of no concern to the store, or from one that does its work."""
    if "waits" in request.param:
        yield lambda store, *given: store.hand_over(*given)
    else:
        served = Served()
        yield served.hand_over
        served.close()


def asked(name: str, citizen: str = "amina") -> Asked:
    return Asked("at", name, citizen)


def taking(name: str, citizen: str = "amina", **more: Any) -> Decide:
    """Decide that an inbound begins a conversation of its own, unless it was taken before."""

    def decide(read: Dialogue) -> Change | bytes:
        made: Change = change(name, conversation(f"c-{name}", flow=f"f-{name}"), citizen, **more)
        return made if read.reply is None else read.reply

    return decide


class Ears:
    """Hears how turns ended, from whatever thread."""

    def __init__(self) -> None:
        self.heard: SimpleQueue[Any] = SimpleQueue()

    def __call__(self, outcome: Accepted | Exception) -> None:
        self.heard.put(outcome)

    def next(self) -> Any:
        return self.heard.get(timeout=WAIT)


def test_a_turn_keeps_what_was_decided_and_a_repeat_hears_it_again(store: Store) -> None:
    first = store.turn(asked("x1"), taking("x1"))
    again = store.turn(asked("x1"), taking("x1"))
    assert (first.outcome, again.outcome) == ("taken", "repeat")
    assert first.reply == again.reply
    assert store.counts()["inbound"] == 1


def test_a_turn_is_decided_on_what_the_one_before_it_left(store: Store) -> None:
    store.turn(asked("x1"), taking("x1"))
    seen: list[Dialogue] = []

    def decide(read: Dialogue) -> bytes:
        seen.append(read)
        return b"known"

    assert store.turn(asked("x2"), decide).reply == b"known"
    assert seen[-1].current is not None
    assert seen[-1].current.state.id == "c-x1"


def test_what_deciding_raises_reaches_the_caller_and_nothing_is_kept(store: Store, hand: Hand) -> None:
    def decide(read: Dialogue) -> bytes:
        raise LookupError("no such flow")

    ears = Ears()
    with pytest.raises(LookupError):
        store.turn(asked("x1"), decide)
    hand(store, asked("x1"), decide, ears)
    assert isinstance(ears.next(), LookupError)
    assert store.counts()["inbound"] == 0


def test_what_is_handed_over_is_kept_when_it_is_told(store: Store, hand: Hand) -> None:
    ears = Ears()
    for number in range(20):
        hand(store, asked(f"x{number}", f"citizen-{number}"), taking(f"x{number}", f"citizen-{number}"), ears)
    assert {ears.next().outcome for _ in range(20)} == {"taken"}
    assert store.counts()["inbound"] == 20


def test_one_that_fails_does_not_take_along_those_it_shares_a_commit_with(sqlite: SqliteStore, hand: Hand) -> None:
    def fails(read: Dialogue) -> bytes:
        raise LookupError("no such flow")

    ears, other = Ears(), Ears()
    with held(sqlite):
        hand(sqlite, asked("x1", "amina"), taking("x1", "amina"), ears)
        hand(sqlite, asked("x2", "badr"), fails, other)
        hand(sqlite, asked("x3", "chama"), taking("x3", "chama"), ears)
    assert [ears.next().outcome, ears.next().outcome] == ["taken", "taken"]
    assert isinstance(other.next(), LookupError)
    assert sqlite.counts()["inbound"] == 2


def test_two_of_one_citizen_in_one_commit_follow_each_other(sqlite: SqliteStore, hand: Hand) -> None:
    seen: list[int] = []

    def decide(name: str) -> Decide:
        def decided(read: Dialogue) -> Change | bytes:
            seen.append(read.current.revision if read.current else 0)
            state = read.current.state if read.current else conversation("c1")
            made: Change = change(name, state, base=read.current.revision if read.current else 0)
            return made

        return decided

    ears = Ears()
    with held(sqlite):
        for name in ("x1", "x2", "x3"):
            hand(sqlite, asked(name), decide(name), ears)
    assert [ears.next().outcome for _ in range(3)] == ["taken"] * 3
    assert seen == [0, 1, 2]


def test_deciding_may_read_but_a_write_of_its_own_is_refused_at_once(sqlite: SqliteStore) -> None:
    def decide(read: Dialogue) -> bytes:
        assert sqlite.counts()["inbound"] == 0
        sqlite.put("key", "value")
        return b"never"

    with pytest.raises(StoreError, match="never writes"):
        sqlite.turn(asked("x1"), decide)
    assert sqlite.get("key") is None


def test_what_waits_too_long_is_told_once_and_never_kept(path: Path, hand: Hand) -> None:
    with SqliteStore(path, deadline=0.2) as store:
        ears = Ears()
        with held(store):
            hand(store, asked("x1"), taking("x1"), ears)
            assert isinstance(ears.next(), StoreBusy)
        store.turn(asked("x2", "badr"), taking("x2", "badr"))  # all that was handed over before is over now
        assert store.counts()["inbound"] == 1
        assert ears.heard.empty()


def test_what_has_begun_and_hangs_is_told_once_and_a_repeat_tells_what_became_of_it(path: Path, hand: Hand) -> None:
    over = threading.Event()

    def hangs(read: Dialogue) -> Change | bytes:
        assert over.wait(WAIT)
        return taking("x1")(read)  # type: ignore[return-value]

    with SqliteStore(path, deadline=0.2) as store:
        ears = Ears()
        hand(store, asked("x1"), hangs, ears)
        busy = ears.next()
        assert isinstance(busy, StoreBusy)
        assert "may yet be kept" in str(busy)
        over.set()
        store._writes._deadline = WAIT
        assert store.turn(asked("x1"), taking("x1")).outcome == "repeat"
        assert ears.heard.empty()


def test_too_many_that_wait_are_refused_at_once(path: Path, hand: Hand) -> None:
    with SqliteStore(path, queue=2) as store, held(store):
        ears = Ears()
        for name in ("x1", "x2"):
            hand(store, asked(name), taking(name), ears)
        with pytest.raises(StoreBusy):
            hand(store, asked("x3"), taking("x3"), ears)


def test_a_closed_store_takes_nothing_over(path: Path, hand: Hand) -> None:
    store = SqliteStore(path)
    store.close()
    with pytest.raises(StoreError):
        hand(store, asked("x1"), taking("x1"), Ears())


def test_who_begins_on_a_full_disk_is_refused_and_who_goes_on_is_kept(sqlite: SqliteStore, hand: Hand) -> None:
    sqlite.turn(asked("x1"), taking("x1"))
    sqlite._reserve.full = True
    sqlite._reserve._looked = float("inf")
    ears = Ears()
    hand(sqlite, asked("x2", "badr"), taking("x2", "badr"), ears)
    assert isinstance(ears.next(), StoreFull)

    def goes_on(read: Dialogue) -> Change:
        assert read.current is not None
        made: Change = change("x3", read.current.state, base=read.current.revision)
        return made

    hand(sqlite, asked("x3"), goes_on, ears)
    assert ears.next().outcome == "taken"


def test_an_erasure_handed_over_is_noted_for_a_restore(sqlite: SqliteStore, path: Path, hand: Hand) -> None:
    sqlite.turn(asked("x1"), taking("x1"))
    ears = Ears()
    hand(sqlite, asked("x2"), taking("x2", erase=True), ears)
    assert ears.next().outcome == "taken"
    assert "amina" in path.with_name("awal.db.erased").read_text()
    assert sqlite.mydata("amina").get("answers", []) == []
