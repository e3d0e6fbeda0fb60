"""Stores that have served long: one citizen walks through the real store, and their rows are multiplied in bulk.

So a row here has whatever columns the program gives it today. What is counted ahead is counted by the store itself,
as a gateway does when it is idle; what began last is not yet counted, as in a gateway at work.
"""

from __future__ import annotations

import itertools
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from flows.types import Conversation
from storage.sqlite import SqliteStore, rolling
from storage.store import AnswerRow, Change, Citizen, InboundRow, Session, Store

NOW = datetime(2026, 12, 15, 12, tzinfo=UTC)
AT = int(NOW.timestamp() * 1000)
WHO, NUMBER = "@", "#"
"""In the template's names: where the citizen's pseudonym goes, and the number of the walk."""
PLACE, DAY, VALUE = "04.421.01.00.", "2026-11-01", "o0"
FRESH = 200
"""The walks, at most, that were not counted ahead yet: those of the last minutes."""
OPTIONS = 5
ROLL = 50_000
"""Conversations counted ahead in one transaction here; a gateway takes fewer at a time, for its citizens' sake."""

LOADING = ("synchronous = OFF", "journal_mode = OFF", "cache_size = -1000000")
"""How SQLite is filled: nothing is at stake, and pages that citizens are spread over are written once."""

EVERYTHING = ("citizens", "sessions", "inbound", "messages", "conversations", "answers")
FIGURES = ("conversations", "answers")
"""The tables that the figures of a report are made from."""


class Grown(ABC):
    """A store that has served so many walks of so many answers each; filled at its first use."""

    def __init__(self, walks: int, each: int, tables: Sequence[str] = EVERYTHING) -> None:
        self.walks = walks
        self.each = each
        self.tables = tables

    @cached_property
    def store(self) -> Store:
        """Return the store, filled, counted ahead, and at rest."""
        with self.opened() as store:
            walk(store, self.each)
        self.multiply()
        self.settle()
        return self.opened()

    @abstractmethod
    def opened(self) -> Any:
        """Open the store."""

    @abstractmethod
    def multiply(self) -> None:
        """Put the rows of the walk in the tables once for every number."""

    @abstractmethod
    def settle(self) -> None:
        """Count ahead what ended, and let the database come to rest."""

    def rows(self, columns: Sequence[str], template: Sequence[Sequence[Any]]) -> Iterator[list[Any]]:
        """Yield a table's rows, walk by walk."""
        makers = [[*map(maker, columns, row)] for row in template]
        ends = [columns.index(name) for name in ("status", "state", "completed_at")] if "status" in columns else []
        for at in range(1, self.walks):
            who = citizen(at)
            for nth, row in enumerate(makers):
                made = [make(at, who, nth) if callable(make) else make for make in row]
                if ends and at >= self.walks - FRESH:
                    made = goes_on(made, *ends)
                yield made


def goes_on(row: list[Any], status: int, state: int, completed_at: int) -> list[Any]:
    """Return a conversation that has not ended yet."""
    row[status], row[completed_at] = "active", 0
    row[state] = row[state].replace('"status":"done"', '"status":"active"')
    return row


def maker(column: str, value: Any) -> Any:
    """Return what makes a column's value for a walk, or the value where it is the same for all."""
    if column == "seq":
        return lambda at, who, nth: None  # noqa: ARG005 - the database numbers
    if value == PLACE:
        return lambda at, who, nth: place(at)  # noqa: ARG005
    if value == DAY:
        return lambda at, who, nth: day(at)  # noqa: ARG005
    if column in ("value", "raw") and value == VALUE:
        return lambda at, who, nth: f"o{(at + nth) % OPTIONS}"  # noqa: ARG005
    if isinstance(value, str) and (WHO in value or NUMBER in value):
        return named(value)
    return value


def named(value: str) -> Callable[[int, str, int], str]:
    """Return what puts a citizen and a number into a name, or into a whole state."""
    parts = [part.split(NUMBER) for part in value.split(WHO)]
    return lambda at, who, nth: who.join([str(at).join(part) for part in parts])  # noqa: ARG005


def citizen(at: int) -> str:
    """Return a citizen's pseudonym, spread over the index as real ones are."""
    return f"{at * 2654435761 % 4294967296:08x}-{at}" if at else WHO


def place(at: int) -> str:
    """Return one of the province's communes."""
    return f"04.421.01.{at % 12:02d}."


def day(at: int) -> str:
    """Return a day of the month."""
    return f"2026-11-{at % 30 + 1:02d}"


def walk(store: Store, each: int) -> None:
    """Let the template's citizen dial and answer, each input a turn of its own; the last one ends the walk."""
    made = dial(WHO, f"s{NUMBER}", f"-{NUMBER}", PLACE)
    took(store, made)
    for nth in range(each):
        made = answered(made, f"{nth}-{NUMBER}", nth, "done" if nth == each - 1 else "active")
        took(store, made)


def took(store: Store, change: Change) -> None:
    if store.accept(change).outcome != "taken":
        raise RuntimeError("a step was not taken")


def dial(who: str, session: str, name: str, where: str = "", closes: str = "") -> Change:
    """Return the dial of a citizen who begins a conversation."""
    inbound = InboundRow(f"i{name}", "at", f"x{name}", who, "ussd", "", AT, session=session, conversation=f"c{name}")
    state = Conversation(
        id=f"c{name}",
        bearer="ussd",
        flow="water",
        version=1,
        flow_hash="h",
        language="fr",
        place=where,
        started_at=datetime(2026, 11, 1, 12, tzinfo=UTC),
        updated_at=NOW,
    )
    return Change(
        inbound=inbound,
        reply="CON D'où vient votre eau ?\n1 Le robinet\n2 Le puits\n3 Autre".encode(),
        citizen=Citizen(who, "fr", AT, where),
        conversation=state,
        channel="at",
        closes=closes,
        session=Session("at", session, who, service="*384*1#", opened_at=AT, conversation=state.id),
    )


def answered(before: Change, name: str, nth: int, status: Any = "active") -> Change:
    """Return the change that follows: one answer."""
    inbound, state, session = before.inbound, before.conversation, before.session
    assert state
    assert session
    row = AnswerRow(
        *(f"a{name}", state.id, inbound.citizen, "water", 1, "h", f"q{nth}", VALUE, VALUE),
        *("fr", "ussd", "at", AT, DAY, state.place),
    )
    return replace(
        before,
        inbound=replace(inbound, id=f"i{name}", external_id=f"x{name}", text="1"),
        conversation=replace(state, at=nth + 1, status=status, answers={**state.answers, f"q{nth}": VALUE}),
        base=nth + 1,
        closes="",
        answers=[row],
        session=replace(session, path="*".join(["1"] * (nth + 1))),
    )


class GrownSqlite(Grown):
    """A store in a file."""

    def __init__(self, path: Path, walks: int, each: int, tables: Sequence[str] = EVERYTHING) -> None:
        super().__init__(walks, each, tables)
        self.path = path

    def opened(self) -> SqliteStore:
        return SqliteStore(self.path)

    def multiply(self) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            for pragma in LOADING:
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN")
            for table in self.tables:
                if table != "messages":
                    self._fill(connection, table)
            connection.execute("COMMIT")

    def _fill(self, connection: sqlite3.Connection, table: str) -> None:
        cursor = connection.execute(f"SELECT * FROM {table}")
        columns = [column[0] for column in cursor.description]
        kept = [at for at, column in enumerate(columns) if column != "rolled"]
        columns = [columns[at] for at in kept]
        template = [[row[at] for at in kept] for row in cursor.fetchall()]
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        connection.executemany(sql, self.rows(columns, template))

    def settle(self) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            for pragma in LOADING:
                connection.execute(f"PRAGMA {pragma}")
            while rolling.roll(connection, AT, ROLL):
                connection.commit()


class GrownPostgres(Grown):
    """A store in a database of a server of one's own."""

    def __init__(self, url: Callable[[], str], walks: int, each: int, tables: Sequence[str] = EVERYTHING) -> None:
        super().__init__(walks, each, tables)
        self._url = url

    @cached_property
    def url(self) -> str:
        return self._url()

    def opened(self) -> Any:
        from storage.postgres import PostgresStore

        return PostgresStore(self.url)

    def _connection(self) -> Any:
        """Connect as one who loads: without a time limit, and without checking each row's conversation."""
        from storage.postgres.connection import connect

        connection = connect(self.url)
        connection.execute("SET statement_timeout = 0")
        connection.execute("SET session_replication_role = replica")
        return connection

    def multiply(self) -> None:
        with closing(self._connection()) as connection:
            for table in self.tables:
                self._fill(connection, table)
            top = "SELECT setval('inbound_seq', greatest((SELECT max(seq) FROM inbound), 1))"
            connection.execute(top)

    def _fill(self, connection: Any, table: str) -> None:
        cursor = connection.execute(f"SELECT * FROM {table}".encode())
        columns = [column.name for column in cursor.description]
        numbered = table in ("inbound", "messages")  # their numbers tell which belong together
        kept = [at for at, column in enumerate(columns) if column != "rolled" and (numbered or column != "seq")]
        template = [[row[at] for at in kept] for row in cursor.fetchall()]
        columns = [columns[at] for at in kept]
        seq = columns.index("seq") if numbered else None
        numbers = itertools.count(len(template) + 1)
        with connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy:
            for row in self.rows(columns, template):
                if seq is not None:
                    row[seq] = next(numbers)
                copy.write_row(row)

    def settle(self) -> None:
        from storage.postgres import reading

        with closing(self._connection()) as connection:
            connection.execute("VACUUM (ANALYZE)")  # as autovacuum does, sooner or later
            for _ in range(2):  # messages are counted one transaction after they were noted
                while True:
                    with connection.transaction():
                        if not reading.roll(connection, AT, ROLL):
                            break
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")


def seconds(work: Callable[[], object]) -> float:
    """Return how long something took."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
