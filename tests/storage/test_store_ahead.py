"""Turns decided ahead: while a commit waits for the disk, whoever serves decides what comes after it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from msgspec.structs import replace
from store_changes import change, conversation
from store_served import Served
from test_store_serving import WAIT, Ears, stuck

from storage.errors import StoreError
from storage.sqlite import SqliteStore
from storage.store import Change, Citizen, Dialogue
from storage.turns import Asked


@pytest.fixture
def served() -> Iterator[Served]:
    with closing(Served()) as made:
        yield made


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def later(sqlite: SqliteStore, served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Amina has begun and is at hand; somebody else's commit waits until this is called."""
    served.accept(sqlite, change("a1", conversation("a")))
    waits, over = stuck(sqlite, monkeypatch)
    begins = change("b1", conversation("b"), "badr")
    served.hand_over(sqlite, Asked("at", "b1", "badr"), lambda _: begins, lambda _: None)
    assert waits.wait(WAIT)
    yield over.set
    over.set()


class Amina:
    """Goes on from where she stands, and remembers what was read of her each time that this is decided."""

    def __init__(self, external_id: str) -> None:
        self.asked = Asked("at", external_id, "amina")
        self.read: list[Dialogue] = []

    def __call__(self, read: Dialogue) -> Change:
        self.read.append(read)
        assert read.current is not None
        assert read.citizen is not None
        state = replace(read.current.state, at=read.current.state.at + 1)
        made: Change = change(self.asked.external_id, state, base=read.current.revision)
        return replace(made, citizen=self.said(read.citizen))

    def said(self, before: Citizen) -> Citizen:
        """Return what is remembered of her from now on."""
        return before


class Stop(Amina):
    """Says stop."""

    def said(self, before: Citizen) -> Citizen:
        return replace(before, stopped_at=7)


def stands(store: SqliteStore) -> tuple[int, int]:
    """Return where Amina is, and when she said stop."""
    read = store.dialogue("at", "never", "amina")
    assert read.current is not None
    assert read.citizen is not None
    return read.current.state.at, read.citizen.stopped_at


def test_a_turn_is_decided_while_a_commit_waits_and_not_again(
    sqlite: SqliteStore, served: Served, later: Callable[[], None], ears: Ears
) -> None:
    goes_on = Amina("a2")
    served.hand_over(sqlite, goes_on.asked, goes_on, ears.heard.put)
    assert len(goes_on.read) == 1
    assert ears.heard.empty()
    later()
    assert ears.next().outcome == "taken"
    assert len(goes_on.read) == 1
    assert stands(sqlite) == (0, 0)


def test_who_is_not_at_hand_is_decided_when_they_are_read(
    sqlite: SqliteStore, served: Served, later: Callable[[], None], ears: Ears
) -> None:
    sqlite._writes._together._at_hand.clear()
    goes_on = Amina("a2")
    served.hand_over(sqlite, goes_on.asked, goes_on, ears.heard.put)
    assert not goes_on.read
    later()
    assert ears.next().outcome == "taken"
    assert stands(sqlite) == (0, 0)


@pytest.mark.parametrize("before", [Amina("a2"), Stop("a2")], ids=["went on", "said stop"])
def test_it_is_decided_again_where_the_same_citizen_came_first(
    sqlite: SqliteStore,
    served: Served,
    later: Callable[[], None],
    ears: Ears,
    before: Amina,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undone: list[None] = []
    roll_back = sqlite._writes._roll_back
    monkeypatch.setattr(sqlite._writes, "_roll_back", lambda: (undone.append(None), roll_back()))
    goes_on = Amina("a3")
    served.hand_over(sqlite, before.asked, before, ears.heard.put)
    served.hand_over(sqlite, goes_on.asked, goes_on, ears.heard.put)
    assert len(goes_on.read) == 1
    later()
    assert [ears.next().outcome, ears.next().outcome] == ["taken", "taken"]
    assert len(goes_on.read) == 2
    assert stands(sqlite) == (1, 7 if isinstance(before, Stop) else 0)
    assert not undone, "what had been decided was not even tried"


def test_it_is_decided_again_where_the_writer_came_first(
    sqlite: SqliteStore, served: Served, later: Callable[[], None], ears: Ears
) -> None:
    goes_on = Amina("a3")
    served.hand_over(sqlite, goes_on.asked, goes_on, ears.heard.put)
    stop = Stop("a2")
    sqlite.hand_over(stop.asked, stop, ears.heard.put)  # by no loop: as an SMS that a link brings
    later()
    assert [ears.next().outcome, ears.next().outcome] == ["taken", "taken"]
    assert stands(sqlite) == (1, 7)


def test_it_is_decided_again_where_what_it_goes_on_from_was_not_kept(
    sqlite: SqliteStore, served: Served, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.accept(sqlite, change("a1", conversation("a")))
    broken = [sqlite3.OperationalError("disk I/O error")]
    committed = sqlite._writes._to_disk

    def breaks(operations: int) -> None:
        if broken:
            raise broken.pop()
        committed(operations)

    monkeypatch.setattr(sqlite._writes, "_to_disk", breaks)
    waits, over = stuck(sqlite, monkeypatch)
    first, second = Amina("a2"), Amina("a3")
    served.hand_over(sqlite, first.asked, first, ears.heard.put)
    assert waits.wait(WAIT)
    served.hand_over(sqlite, second.asked, second, ears.heard.put)
    assert len(second.read) == 1
    over.set()
    assert [ears.next().outcome, ears.next().outcome] == ["taken", "taken"]
    assert len(first.read) == 2
    assert len(second.read) == 2
    assert stands(sqlite) == (1, 0)


def test_what_takes_a_read_of_its_own_waits_for_its_turn(
    sqlite: SqliteStore, served: Served, later: Callable[[], None], ears: Ears
) -> None:
    """The commit under way cannot be read yet: a call may be one too many, the answers to be told one too few."""
    goes_on, seen = Amina("a2"), []

    def decide(read: Dialogue) -> Change:
        seen.append(sqlite.counts()["inbound"])
        return goes_on(read)

    served.hand_over(sqlite, goes_on.asked, decide, ears.heard.put)
    assert not seen
    later()
    assert ears.next().outcome == "taken"
    assert seen == [2]
    assert len(goes_on.read) == 1


def test_what_is_not_plain_is_decided_once_ahead_and_once_when_it_is_read(
    sqlite: SqliteStore, served: Served, later: Callable[[], None], ears: Ears
) -> None:
    stop = Stop("a2")
    served.hand_over(sqlite, stop.asked, stop, ears.heard.put)
    later()
    assert ears.next().outcome == "taken"
    assert len(stop.read) == 2
    assert stands(sqlite) == (0, 7)


def test_a_write_of_its_own_is_refused_there_too(
    sqlite: SqliteStore, served: Served, later: Callable[[], None], ears: Ears
) -> None:
    refused: list[str] = []

    def decide(_: Dialogue) -> bytes:
        try:
            sqlite.put("key", "value")
        except StoreError as error:
            refused.append(str(error))
        return b"CON"

    served.hand_over(sqlite, Asked("at", "a2", "amina"), decide, ears.heard.put)
    later()
    assert ears.next().reply == b"CON"
    assert len(refused) == 2
    assert all("never writes" in one for one in refused)
