"""What a step and a report cost as the store grows: the same work on a small store and on a large one."""

from __future__ import annotations

import itertools
import random
import sqlite3
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from msgspec.structs import replace

from benchmarks.measure import Row
from flows.types import Conversation
from storage.sqlite import SqliteStore
from storage.store import AnswerRow, Change, Citizen, InboundRow, Session

FEW, MANY, MOST = 1_000, 100_000, 1_000_000
"""Citizens; the most with `--long`."""
ANSWERS, MANY_ANSWERS, MOST_ANSWERS = 10_000, 100_000, 10_000_000
EACH = 5
"""Answers of one conversation."""
STEPS = 300
REPORTS = 30
MONTH = ("2026-11-01", "2026-11-30")
NOW = datetime(2026, 12, 15, 12, tzinfo=UTC)
AT = int(NOW.timestamp() * 1000)

CITIZENS = "INSERT INTO citizens (pseudonym, language, consented_at, place, stopped_at) VALUES (?, 'fr', 1, '', 0)"
CONVERSATIONS = (
    "INSERT INTO conversations (id, citizen, flow, version, flow_hash, language, bearer, channel, place, status,"
    " revision, state, day, started_at, completed_at, updated_at)"
    " VALUES (?, ?, 'water', 1, 'h', 'fr', 'ussd', 'at', ?, 'done', 1, '{}', ?, 1, 1, 1)"
)
INBOUNDS = (
    "INSERT INTO inbound (id, channel, external_id, citizen, bearer, text, received_at, session, conversation, reply)"
    " VALUES (?, 'at', ?, ?, 'ussd', '1', 1, '', ?, x'31')"
)
ANSWERED = (
    "INSERT INTO answers (id, conversation, flow, flow_version, flow_hash, step, kind, value, raw, language, bearer,"
    " channel, answered_at, day) VALUES (?, ?, 'water', 1, 'h', ?, 'text', ?, '1', 'fr', 'ussd', 'at', 1, ?)"
)


def rows(project: Path, long: bool) -> list[Row]:
    """Return the comparisons of this file."""
    citizens, answers = (MOST, MOST_ANSWERS) if long else (MANY, MANY_ANSWERS)
    few, many = Grown(project / "few.db", FEW, FEW), Grown(project / "many.db", citizens, citizens)
    short, tall = (Grown(project / f"answers-{size}.db", FEW, size) for size in (ANSWERS, answers))
    return [
        Row(f"cost of a step, {citizens:,} citizens", "µs", many.step, few.step, 1.2, against=f"with {FEW:,} citizens"),
        Row(
            f"report of a month, {answers:,} answers",
            "ms",
            tall.report,
            short.report,
            1.2,
            against=f"with {ANSWERS:,} answers",
        ),
    ]


class Grown:
    """A store that has served so many citizens, who gave so many answers; filled at its first use."""

    def __init__(self, path: Path, citizens: int, answers: int) -> None:
        self.path = path
        self.citizens = citizens
        self.answers = answers
        self.numbers = itertools.count()

    @cached_property
    def store(self) -> SqliteStore:
        """Return the store, filled by the tables' own inserts and counted ahead as a gateway does when it is idle."""
        SqliteStore(self.path).close()
        with sqlite3.connect(self.path) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            self._fill(connection)
        connection.close()
        store = SqliteStore(self.path)
        while store.roll(AT, 5_000):
            pass
        return store

    def _fill(self, connection: sqlite3.Connection) -> None:
        walks = self.answers // EACH or 1
        connection.executemany(CITIZENS, ((citizen(at),) for at in range(self.citizens)))
        connection.executemany(
            CONVERSATIONS, ((f"c{at}", citizen(at % self.citizens), place(at), day(at)) for at in range(walks))
        )
        connection.executemany(
            INBOUNDS, ((f"i{at}", f"x{at}", citizen(at % self.citizens), f"c{at}") for at in range(walks))
        )
        connection.executemany(ANSWERED, self._answered(walks))

    def _answered(self, walks: int) -> Iterator[tuple[str, str, str, str, str]]:
        for at, nth in itertools.product(range(walks), range(EACH)):
            yield f"a{at}-{nth}", f"c{at}", f"q{nth}", f"o{(at + nth) % 5}", day(at)

    def step(self) -> float:
        """Return the microseconds of one durable step, the median over citizens drawn from all."""
        chance = random.Random(next(self.numbers))
        _ = self.store
        return statistics.median(self._step(chance.randrange(self.citizens)) for _ in range(STEPS)) * 1e6

    def _step(self, who: int) -> float:
        """Take a dial of a known citizen and one answer, as two durable changes; return the seconds of one."""
        number = next(self.numbers)
        dial = self._change(citizen(who), number)
        begun = time.perf_counter()
        self._take(dial)
        self._take(answered(dial, number))
        return (time.perf_counter() - begun) / 2

    def _take(self, change: Change) -> None:
        inbound = change.inbound
        self.store.dialogue(inbound.channel, inbound.external_id, inbound.citizen, inbound.session)
        if self.store.accept(change).outcome != "taken":
            raise RuntimeError("a step was not taken")

    def _change(self, who: str, number: int) -> Change:
        """Return the dial of a citizen who begins a conversation and closes the one before, if it is open."""
        name = f"{self.path.stem}-{number}"
        current = self.store.dialogue("at", "", who).current
        inbound = InboundRow(f"i{name}", "at", f"y{name}", who, "ussd", "", AT, session=name, conversation=name)
        state = Conversation(id=name, bearer="ussd", flow="water", flow_hash="h", started_at=NOW, updated_at=NOW)
        return Change(
            inbound=inbound,
            reply=b"CON 1",
            citizen=Citizen(who, "fr", 1),
            conversation=state,
            channel="at",
            closes=current.state.id if current else "",
            session=Session("at", name, who),
        )

    def report(self) -> float:
        """Return the milliseconds in which the figures of a month are read."""
        _ = self.store
        begun = time.perf_counter()
        for _ in range(REPORTS):
            self.store.tallies(*MONTH)
            self.store.walks(*MONTH)
            self.store.spread(*MONTH)
        return (time.perf_counter() - begun) / REPORTS * 1000


def answered(dial: Change, number: int) -> Change:
    """Return the change that follows a dial: one answer."""
    inbound, state = dial.inbound, dial.conversation
    assert state
    who = inbound.citizen
    row = AnswerRow(
        f"a{inbound.id}", state.id, who, "water", 1, "h", "q0", "o1", "1", "fr", "ussd", "at", AT, "2026-12-15"
    )
    return replace(
        dial,
        inbound=replace(inbound, id=f"{inbound.id}-1", external_id=f"{inbound.external_id}-1", text="1"),
        conversation=replace(state, at=1, answers={"q0": "o1"}),
        base=1,
        closes="",
        answers=[row],
        session=Session("at", inbound.session, who, path=str(number)),
    )


def citizen(at: int) -> str:
    """Return a citizen's pseudonym, spread over the index as real ones are."""
    return f"{at * 2654435761 % 4294967296:08x}-{at}"


def place(at: int) -> str:
    """Return one of the province's communes."""
    return f"04.421.01.{at % 12:02d}."


def day(at: int) -> str:
    """Return a day of the month."""
    return f"2026-11-{at % 30 + 1:02d}"
