"""Inbounds that share a commit: as if each had come alone, in what is read, what is answered and what is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from itertools import count, groupby
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace
from store_changes import answer, change, conversation, message
from store_held import held
from store_served import Served

from storage.consents import Consent
from storage.sqlite import SqliteStore
from storage.sqlite.turns import Turn
from storage.store import Change, Citizen, Dialogue, Session
from storage.turns import Asked, Decide, Instead

WAIT = 30
CITIZENS = ("amina", "badr", "chama")
KINDS = (
    "begin",
    "move",
    "answer",
    "end",
    "restart",
    "withdraw",
    "close",
    "stop",
    "erase",
    "share",
    "plan",
    "known",
    "fail",
)
OTHERS = ("roll", "erase", "ask", "follow", "copy")
TABLES = ("inbound", "citizens", "sessions", "conversations", "answers", "outbox", "events", "consents", "reached")


class Said(Struct, frozen=True):
    """One inbound of the script: who, in which session, under which id, and what comes of it."""

    citizen: str
    session: str
    id: int
    kind: str


SAID = st.builds(
    Said,
    citizen=st.sampled_from(CITIZENS),
    session=st.sampled_from(["s1", "s2", "s3", ""]),
    id=st.integers(1, 9),
    kind=st.sampled_from(KINDS) | st.sampled_from(("begin", "move", "answer")),
)
SCRIPTS = st.lists(st.lists(SAID | st.sampled_from(OTHERS), min_size=1, max_size=7), min_size=1, max_size=5)


class Script:
    """Plays a script on a store; `seen` is what each inbound was decided on.

    `alone`: each by an operation of its own; `served`: by a thread that does the store's work.
    """

    def __init__(self, store: SqliteStore, *, alone: bool = False, served: Served | None = None) -> None:
        self.store = store
        self.alone = alone
        self.served = served
        self.seen: list[tuple[int, Dialogue]] = []
        self.heard: dict[int, object] = {}

    def decide(self, at: int, said: Said) -> Decide:
        """Return what decides an inbound."""

        def decide(read: Dialogue) -> Change | bytes | Instead:
            session = read.session
            if session is not None and session.person and session.citizen == said.citizen:
                self.seen.append((-at, read))
                person = replace(said, citizen=session.person)
                return Instead(Asked("at", f"x{said.id}", person.citizen, said.session), self.sure(at, person))
            return self.sure(at, said)(read)

        return decide

    def sure(self, at: int, said: Said) -> Callable[[Dialogue], Change | bytes]:
        """Return what decides an inbound of whom it is known to be."""

        def decide(read: Dialogue) -> Change | bytes:
            self.seen.append((at, read))
            if said.kind == "fail" or read.foreign:
                raise LookupError(said.citizen)
            if read.reply is not None or said.kind == "known":
                return read.reply or b"known"
            return made(at, said, read)

        return decide

    def told(self, at: int) -> tuple[Callable[[object], None], SimpleQueue[object]]:
        """Return what hears an outcome."""
        heard: SimpleQueue[object] = SimpleQueue()

        def told(outcome: object) -> None:
            self.heard[at] = outcome if not isinstance(outcome, Exception) else (type(outcome), str(outcome))
            heard.put(outcome)

        return told, heard

    def give(self, at: int, said: Said) -> SimpleQueue[object]:
        """Hand one inbound over."""
        told, heard = self.told(at)
        asked = Asked("at", f"x{said.id}", said.citizen, said.session)
        if self.alone:
            turn = Turn(asked, self.decide(at, said), self.store._keeper)
            self.store._writes.hand_over(lambda connection: turn(connection), told, lambda: False)
        elif self.served:
            self.served.hand_over(self.store, asked, self.decide(at, said), told)
        else:
            self.store.hand_over(asked, self.decide(at, said), told)
        return heard

    def other(self, at: int, what: str) -> SimpleQueue[object]:
        """Hand over something that is no inbound."""
        told, heard = self.told(at)
        self.store._writes.hand_over(lambda connection: run(connection, what), told, lambda: False)
        return heard


def made(at: int, said: Said, read: Dialogue) -> Change:
    """Return what comes of an inbound: plain or not, and sometimes what cannot be kept."""
    current, kind = read.current, said.kind
    begins = current is None or kind in ("begin", "close")
    state = conversation(f"c{at}", flow=f"f{at % 3}") if current is None or begins else current.state
    if kind == "end":
        state = conversation(state.id, flow=state.flow, status="done")
    citizen = read.citizen or Citizen(said.citizen)
    citizen = Citizen(said.citizen, "fr" if at % 2 else citizen.language, stopped_at=at if kind == "stop" else 0)
    row: dict[str, Any] = {"base": 0 if begins or current is None else current.revision}
    if said.session:
        before = read.session
        person = "dina" if kind == "share" else before.person if before and said.citizen == "dina" else ""
        owner = before.citizen if before and said.citizen == "dina" else said.citizen
        opened = before.opened_at if before else at
        row["session"] = Session(
            "at", said.session, owner, path=str(at), conversation=state.id, opened_at=opened, person=person
        )
    if kind == "answer":
        row["answers"] = [answer("supply", f"v{at}", conversation=state.id, at=at)]
        row["events"] = [("unclear", f"{at}")]
        row["outbound"] = [message(f"m{at}", citizen=said.citizen, kind="notice", ground="form 7")]
    if kind == "close" and current is not None:
        row["closes"] = current.state.id
    row["due_at"] = at if kind == "plan" else 0
    row["forget_answers"] = kind == "restart" and not begins
    row["withdrawn"] = ("supply",) if kind == "withdraw" and not begins else ()
    if begins:
        row["consents"] = [Consent(said.citizen, at, "agreed", "at", "1", f"id-{at}", "fr")]
        row["reach"] = b"sealed"
        row["fallbacks"] = {"zgh>ar": 1}
    whole = change(f"x{said.id}", state, said.citizen, **row)
    return replace(whole, citizen=citizen, erase=kind == "erase")


def run(connection: sqlite3.Connection, what: str) -> str:
    """Change behind the inbounds' back what they would read."""
    if what == "follow":
        connection.execute("UPDATE conversations SET asked_at = asked_at + 1, revision = revision + 1")
    elif what == "erase":
        connection.execute("DELETE FROM sessions WHERE citizen = 'amina'")
        connection.execute("UPDATE conversations SET status = 'expired' WHERE citizen = 'amina'")
    elif what == "ask":
        connection.execute("UPDATE citizens SET language = 'ar'")
    elif what == "copy":
        connection.execute("UPDATE sessions SET path = 'copied'")
    return what


Part = list[Said | str]


def play(
    store: SqliteStore, script: list[Part], *, alone: bool = False, served: Served | None = None
) -> tuple[Script, dict[str, list[str]]]:
    """Play a script, each of its parts in one commit or each of its inbounds alone; return it and what is kept."""
    played, at = Script(store, alone=alone, served=served), count(1)
    for part in [
        some for whole in script for some in (singly(whole) if alone else kinds(whole) if served else [whole])
    ]:
        with nullcontext() if alone else held(store):
            heard = [
                played.other(next(at), one) if isinstance(one, str) else played.give(next(at), one) for one in part
            ]
        for told in heard:
            told.get(timeout=WAIT)
    with store._readers.lend() as connection:
        kept = {table: sorted(map(repr, rows(connection, table))) for table in TABLES}
    return played, kept


def singly(part: Part) -> Iterator[Part]:
    """Yield each by itself."""
    return ([one] for one in part)


def kinds(part: Part) -> Iterator[Part]:
    """Yield inbounds and other operations apart: whoever serves and the writer take turns."""
    for _, some in groupby(part, key=lambda one: isinstance(one, str)):
        yield list(some)


def rows(connection: sqlite3.Connection, table: str) -> list[object]:
    """Return the rows of a table without their numbers: those of different citizens may come in another order."""
    cursor = connection.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in cursor.description]
    return [{name: value for name, value in zip(names, row, strict=True) if name != "seq"} for row in cursor]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("together")


KNOWN = Said("amina", "s1", 9, "known")


def move(id: int) -> Said:
    return Said("amina", "s1", id, "move")


GOES_ON = [Said("amina", "s1", 1, "begin"), Said("badr", "s2", 2, "begin")]


@settings(max_examples=25, deadline=None)
@given(script=SCRIPTS)
@example(script=[[*GOES_ON, move(3), Said("badr", "s2", 4, "answer")]])
@example(script=[[*GOES_ON, "follow", move(3), KNOWN]])
@example(script=[[*GOES_ON, Said("badr", "s1", 5, "move"), Said("amina", "s1", 3, "erase"), KNOWN]])
@example(script=[[*GOES_ON, move(3), Said("amina", "s1", 3, "known")]])
@example(script=[[*GOES_ON, move(3), move(4), Said("amina", "s1", 3, "known")]])
@example(script=[[*GOES_ON, move(3), move(4), move(3)], [move(5)]])
@example(script=[[*GOES_ON, Said("amina", "s1", 3, "begin"), Said("amina", "s1", 4, "end"), KNOWN]])
@example(script=[[*GOES_ON, Said("amina", "s1", 3, "withdraw"), KNOWN]])
@example(script=[[*GOES_ON, Said("amina", "s1", 3, "answer"), Said("amina", "s1", 4, "stop"), KNOWN]])
@example(script=[[*GOES_ON, Said("amina", "s1", 3, "share"), move(4), KNOWN, move(5)]])
@example(script=[[*GOES_ON, Said("amina", "s1", 3, "plan"), move(4)]])
@example(script=[[Said("amina", "s1", 1, "erase")], [Said("amina", "s1", 2, "begin")]])
def test_inbounds_that_share_a_commit_are_as_if_each_had_come_alone(folder: Path, script: list[list[Any]]) -> None:
    alone = played(folder / "alone.db", script, alone=True)
    assert played(folder / "shared.db", script) == alone
    with closing(Served()) as served:
        assert played(folder / "served.db", script, served=served) == alone


def played(path: Path, script: list[Part], **how: Any) -> object:
    """Play a script on a new store; return what was told, what each was decided on at last, and what is kept."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    with SqliteStore(path) as store:
        done, kept = play(store, script, **how)
        return done.heard, dict(done.seen), kept  # where something failed, the others are decided anew


def test_a_citizen_who_goes_on_is_not_read_again(sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from storage.sqlite import lane

    played, reads = Script(sqlite), []
    read = lane.dialogue

    def counted(*given: Any) -> Dialogue:
        reads.append(given[3])
        return read(*given)

    monkeypatch.setattr(lane, "dialogue", counted)
    for at, kind in enumerate(("begin", "move", "answer", "move"), start=1):
        played.give(at, Said("amina", "s1", at, kind)).get(timeout=WAIT)
    assert reads == ["amina"]
    played.give(5, Said("amina", "s2", 5, "move")).get(timeout=WAIT)
    assert reads == ["amina", "amina"]


def test_of_too_many_at_hand_who_was_heard_least_lately_is_read_again(
    sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.sqlite import at_hand, lane

    played, reads, read = Script(sqlite), [], lane.dialogue

    def counted(*given: Any) -> Dialogue:
        reads.append(given[3])
        return read(*given)

    monkeypatch.setattr(at_hand, "ROOM", 2)
    monkeypatch.setattr(lane, "dialogue", counted)
    says = [("amina", "begin"), ("badr", "begin"), ("amina", "move"), ("chama", "begin"), ("amina", "move")]
    for at, (citizen, kind) in enumerate([*says, ("badr", "move")], start=1):
        played.give(at, Said(citizen, f"of {citizen}", at, kind)).get(timeout=WAIT)
    assert reads == ["amina", "badr", "chama", "badr"]


def test_to_go_on_writes_no_index(sqlite: SqliteStore) -> None:
    from storage.sqlite import lane

    with closing(sqlite3.connect(sqlite.path)) as beside:
        steps = [row[1] for row in beside.execute(f"EXPLAIN {lane.MOVE}", (1,) * lane.MOVE.count("?"))]
    assert "Insert" in steps
    assert not {"IdxInsert", "IdxDelete"} & set(steps)


def test_a_conversation_that_was_closed_is_not_moved_as_one_that_goes_on(sqlite: SqliteStore) -> None:
    from storage.sqlite import lane

    state = conversation("c1", status="done")
    assert sqlite.accept(change("m1", state)).outcome == "taken"
    again = change("m2", conversation("c1"), base=1)
    with closing(sqlite3.connect(sqlite.path)) as beside:
        assert again.conversation is not None
        assert beside.execute(lane.MOVE, lane.moved_row(again, again.conversation)).rowcount == 0
    sqlite.accept(again)
    current = sqlite.dialogue("at", "m3", "amina").current
    assert current is not None
    assert current.state.status == "active"
