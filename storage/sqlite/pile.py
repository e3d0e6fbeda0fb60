"""What the plain turns of a commit change, piled up by table: one statement for all of them, where each had its own.

Most turns only go on: they move a conversation that nobody else can move, and add to what is there. Each statement's
count says whether all of its rows were kept. Where one was not, the whole commit is undone and its operations are run
again, each by itself (`storage.sqlite.writer`), which finds out whose it was and tells why.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from zoneinfo import ZoneInfo

from msgspec.structs import astuple

from flows.types import Conversation
from storage.errors import StoreError
from storage.outgoing import GRACE, OutboundRow
from storage.sqlite import consents as proofs
from storage.sqlite import lane, outbox
from storage.store import Change, Citizen

Row = tuple[object, ...]


class Apart(StoreError):
    """Something in a pile could not be kept: its operations have to be run one by one."""


def plain(change: Change) -> bool:
    """Tell whether a change only adds, and moves nothing but the conversation it was made of."""
    state = change.conversation
    return (
        state is not None
        and not (change.erase or change.closes or change.reopens or change.forget_answers or change.withdrawn)
        and not change.citizen.stopped_at
        and not (change.base and change.due_at)
        and all(row.conversation == state.id for row in change.answers)
    )


class Pile:
    """Rows by table, and what has to be done for single conversations."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._clear()

    def _clear(self) -> None:
        self._inbounds: list[Row] = []
        self._citizens: list[Row] = []
        self._begun: list[tuple[Change, Conversation]] = []
        self._moved: list[Row] = []
        self._ended: list[Row] = []
        self._over: list[tuple[str, str, int]] = []
        self._sessions: list[Row] = []
        self._answers: list[Row] = []
        self._outbound: list[OutboundRow] = []
        self._proofs: list[Row] = []
        self._reach: list[Row] = []
        self._fallbacks: Counter[str] = Counter()
        self._events: list[Row] = []

    def add(self, change: Change, state: Conversation, before: Citizen | None) -> None:
        """Pile up a plain change of a citizen who is in the database as `before`."""
        self._inbounds.append(lane.inbound_row(change))
        if change.citizen != before:
            self._citizens.append(astuple(change.citizen))
        self._walk(change, state)
        if change.session is not None:
            self._sessions.append(astuple(change.session))
        if change.answers:
            self._answers += map(lane.answer_row, change.answers)
        if change.outbound:
            self._outbound += change.outbound
        if change.consents:
            self._proofs += map(astuple, change.consents)
        if change.reach:
            self._reach.append(lane.reach_row(change))
        if change.fallbacks:
            self._fallbacks.update(change.fallbacks)
        if change.events:
            self._events += lane.event_rows(change, change.citizen.pseudonym)

    def _walk(self, change: Change, state: Conversation) -> None:
        """Pile up what becomes of the conversation."""
        over = state.status != "active"
        if over:
            self._over.append((change.citizen.pseudonym, state.id, change.inbound.received_at + GRACE))
        if not change.base:
            self._begun.append((change, state))
        elif over:
            self._ended.append(lane.ended_row(change, state))
        else:
            self._moved.append(lane.moved_row(change, state))

    def keep(self, connection: sqlite3.Connection) -> None:
        """Write it all and be empty; raises Apart where a row was not kept, and what SQLite and the lane raise."""
        if not self._inbounds:
            return
        whole(connection, lane.INBOUND, self._inbounds)
        some(connection, lane.CITIZEN, self._citizens)
        for change, state in self._begun:
            lane.begin(connection, change, state, self._zone)
        whole(connection, lane.MOVE, self._moved)
        whole(connection, lane.MOVE_ON, self._ended)
        whole(connection, lane.SESSION, self._sessions)
        some(connection, lane.ANSWER, self._answers)
        for citizen, conversation, until in self._over:
            outbox.end_questions(connection, citizen, [conversation], until)
        outbox.enqueue(connection, self._outbound)
        some(connection, proofs.INSERT, self._proofs)
        some(connection, lane.REACH, self._reach)
        some(connection, lane.FALLBACK, list(self._fallbacks.items()))
        some(connection, lane.EVENT, self._events)
        self._clear()


def some(connection: sqlite3.Connection, sql: str, rows: list[Row]) -> int:
    """Run a statement for rows, if there are any; return how many it changed."""
    return connection.executemany(sql, rows).rowcount if rows else 0


def whole(connection: sqlite3.Connection, sql: str, rows: list[Row]) -> None:
    """Run a statement for rows, each of which it must change."""
    if some(connection, sql, rows) != len(rows):
        raise Apart("a row was not kept with others: each is tried by itself")
