"""The conversation lane: what one inbound needs is read in one go, what it changes is kept in one transaction."""

from __future__ import annotations

import sqlite3
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import astuple

from flows.types import Conversation
from storage.moments import civil_day_of, milliseconds
from storage.outgoing import GRACE
from storage.sqlite import consents, following, outbox, rights, rolling
from storage.sqlite.writer import Undone
from storage.store import Accepted, AnswerRow, Change, Citizen, Dialogue, InboundRow, Saved, Session
from storage.values import to_columns

CONFLICT = Accepted("conflict")

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Conversation).decode

# One statement, hence one snapshot: a session and a conversation of two different moments would be misread together.
DIALOGUE = """
SELECT i.reply, i.citizen,
    c.pseudonym, c.language, c.consented_at, c.place, c.stopped_at,
    s.channel, s.session, s.citizen, s.service, s.path, s.reply, s.conversation, s.opened_at, s.closed, s.person,
    v.state, v.revision, v.asked_at
FROM (SELECT 1)
LEFT JOIN inbound i ON i.channel = :channel AND i.external_id = :external_id
LEFT JOIN citizens c ON c.pseudonym = :citizen
LEFT JOIN sessions s ON s.channel = :channel AND s.session = :session
LEFT JOIN conversations v ON v.seq = (
    SELECT MAX(seq) FROM conversations WHERE citizen = :citizen AND status = 'active')
"""

REACH = """
INSERT INTO reached (citizen, number, channel, at) VALUES (?, ?, ?, ?)
ON CONFLICT (citizen) DO UPDATE SET number = excluded.number, channel = excluded.channel, at = excluded.at
"""


def reach_row(change: Change) -> tuple[object, ...]:
    """Return what `REACH` inserts."""
    return (change.citizen.pseudonym, change.reach, change.inbound.channel, change.inbound.received_at)


def dialogue(connection: sqlite3.Connection, channel: str, external_id: str, citizen: str, session: str) -> Dialogue:
    """Read the citizen, the session, the open conversation, and the stored reply if this inbound was taken before."""
    given = {"channel": channel, "external_id": external_id, "citizen": citizen, "session": session}
    row = connection.execute(DIALOGUE, given).fetchone()
    return Dialogue(
        citizen=Citizen(*row[2:7]) if row[2] is not None else None,
        session=Session(*(*row[7:15], bool(row[15]), row[16])) if row[7] is not None else None,
        current=Saved(decode(row[17]), row[18], row[19]) if row[17] is not None else None,
        reply=row[0] if row[1] in ("", citizen) else None,
        foreign=row[1] not in (None, "", citizen),
    )


def accept(connection: sqlite3.Connection, change: Change, zone: ZoneInfo, read: Dialogue | None = None) -> Accepted:
    """Keep one inbound with all it changes, or nothing: a repeat and a conflict leave no trace.

    `read`: what this very transaction has read of the same inbound; what is as it was need not be written.
    """
    if connection.execute(INBOUND, inbound_row(change)).rowcount != 1:  # it was taken before
        return _repeated(connection, change.inbound)
    if change.erase:
        _erase(connection, change)
    else:
        _keep(connection, change, zone, read)
    return Accepted("taken", change.reply)


def _keep(connection: sqlite3.Connection, change: Change, zone: ZoneInfo, read: Dialogue | None) -> None:
    """Keep everything a change holds besides its inbound."""
    if read is None or read.citizen != change.citizen:
        connection.execute(CITIZEN, astuple(change.citizen))
    if change.closes:
        _close(connection, change)
    if change.conversation is not None:
        _keep_conversation(connection, change, change.conversation, zone)
    if change.session is not None and connection.execute(SESSION, astuple(change.session)).rowcount != 1:
        raise Undone(CONFLICT)
    if change.answers:
        _thaw_others(connection, change)
        connection.executemany(ANSWER, map(answer_row, change.answers))
    _end(connection, change)
    outbox.enqueue(connection, change.outbound)
    if change.consents:
        consents.keep(connection, change.consents)
    if change.reach and not change.citizen.stopped_at:
        connection.execute(REACH, reach_row(change))
    _note(connection, change, change.citizen.pseudonym)


def _end(connection: sqlite3.Connection, change: Change) -> None:
    """Let go of what is not worth sending any more: questions of ended conversations, and all after a stop."""
    state, citizen, now = change.conversation, change.citizen.pseudonym, change.inbound.received_at
    ended = [change.closes] if change.closes else []
    if state is not None and state.status != "active":
        ended.append(state.id)
    if ended:
        outbox.end_questions(connection, citizen, ended, now + GRACE)
    if change.citizen.stopped_at:
        outbox.drop(connection, citizen, now)


def _erase(connection: sqlite3.Connection, change: Change) -> None:
    """Forget the citizen, this inbound included; what still goes out to them carries no pseudonym."""
    rights.forget(connection, change.inbound.citizen, change.inbound.channel, change.reply)
    outbox.enqueue(
        connection, [msgspec.structs.replace(message, citizen="", conversation="") for message in change.outbound]
    )
    _note(connection, change, "")


INBOUND = (
    "INSERT INTO inbound (id, channel, external_id, citizen, bearer, text, received_at, session, sent_at,"
    " conversation, reply) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (channel, external_id) DO NOTHING"
)


def inbound_row(change: Change) -> tuple[object, ...]:
    """Return what `INBOUND` inserts."""
    row = change.inbound
    return (
        row.id,
        row.channel,
        row.external_id,
        row.citizen,
        row.bearer,
        row.text,
        row.received_at,
        row.session,
        row.sent_at,
        "" if change.erase else row.conversation or (change.conversation.id if change.conversation else ""),
        change.reply,
    )


def _repeated(connection: sqlite3.Connection, row: InboundRow) -> Accepted:
    """Return the stored reply, but never one citizen's reply to another."""
    reply, citizen = connection.execute(
        "SELECT reply, citizen FROM inbound WHERE channel = ? AND external_id = ?", (row.channel, row.external_id)
    ).fetchone()
    return Accepted("repeat", reply) if citizen in ("", row.citizen) else CONFLICT


SESSION = (
    "INSERT INTO sessions (channel, session, citizen, service, path, reply, conversation, opened_at, closed,"
    " person) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (channel, session) DO UPDATE SET service = excluded.service, path = excluded.path,"
    " reply = excluded.reply, conversation = excluded.conversation, opened_at = excluded.opened_at,"
    " closed = excluded.closed, person = excluded.person WHERE citizen = excluded.citizen"
)
"""Changes nothing where another citizen opened the session."""
CITIZEN = (
    "INSERT INTO citizens (pseudonym, language, consented_at, place, stopped_at) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (pseudonym) DO UPDATE SET language = excluded.language, consented_at = excluded.consented_at,"
    " place = excluded.place, stopped_at = excluded.stopped_at"
    " WHERE (language, consented_at, place, stopped_at) IS NOT"
    " (excluded.language, excluded.consented_at, excluded.place, excluded.stopped_at)"
)


def _close(connection: sqlite3.Connection, change: Change) -> None:
    """Expire the conversation that this change replaces; a conflict when it is no longer open."""
    sql = (
        "UPDATE conversations SET status = 'expired', state = json_set(state, '$.status', 'expired'),"
        " revision = revision + 1, updated_at = ?, recipient = x'', due_at = 0"
        " WHERE id = ? AND citizen = ? AND status = 'active' AND rolled = 0"
    )
    _fresh_or_thawed(
        connection, sql, (change.inbound.received_at, change.closes, change.citizen.pseudonym), change.closes
    )


def _fresh_or_thawed(connection: sqlite3.Connection, sql: str, given: tuple[object, ...], conversation: str) -> None:
    """Change a conversation; one that was counted ahead is taken out of the counts first. Else it is a conflict."""
    if connection.execute(sql, given).rowcount == 1:
        return
    if not rolling.thaw_one(connection, conversation) or connection.execute(sql, given).rowcount != 1:
        raise Undone(CONFLICT)


def _keep_conversation(connection: sqlite3.Connection, change: Change, state: Conversation, zone: ZoneInfo) -> None:
    """Insert or update the conversation, unless somebody else moved it first."""
    if change.base:
        _move(connection, change, state)
    else:
        begin(connection, change, state, zone)
    if change.forget_answers:
        connection.execute("DELETE FROM answers WHERE conversation = ?", (state.id,))
    if change.withdrawn:
        connection.executemany(
            "DELETE FROM answers WHERE conversation = ? AND step = ?", [(state.id, step) for step in change.withdrawn]
        )


def begin(connection: sqlite3.Connection, change: Change, state: Conversation, zone: ZoneInfo) -> None:
    """Insert a new conversation; a conflict when the citizen has another open one of the same flow."""
    citizen = change.citizen.pseudonym
    open_ = connection.execute(
        "SELECT 1 FROM conversations WHERE (citizen = ? AND status = 'active' AND flow = ?) OR id = ?",
        (citizen, state.flow, state.id),
    )
    if open_.fetchone() is not None:
        raise Undone(CONFLICT)
    connection.execute(
        "INSERT INTO conversations (id, citizen, flow, version, flow_hash, language, bearer, channel, place, status,"
        " revision, state, day, started_at, completed_at, updated_at, recipient, due_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)",
        (
            state.id,
            citizen,
            state.flow,
            state.version,
            state.flow_hash,
            state.language,
            state.bearer,
            change.channel or change.inbound.channel,
            state.place,
            state.status,
            encode(state).decode(),
            change.day or civil_day_of(state.started_at, zone),
            milliseconds(state.started_at),
            _completed_at(state),
            milliseconds(state.updated_at),
            *_waiting(change, state),
        ),
    )


def _move(connection: sqlite3.Connection, change: Change, state: Conversation) -> None:
    """Write the conversation's new state over the revision it was computed from, and over no other."""
    if change.reopens and following.newer(connection, state.id):
        raise Undone(CONFLICT)
    planned = bool(change.due_at) or state.status != "active"
    if not planned and connection.execute(MOVE, moved_row(change, state)).rowcount == 1:
        return
    given = ended_row(change, state) if planned else (state.status, *moved_row(change, state))
    _fresh_or_thawed(connection, MOVE_ON if planned else MOVE_BACK, given, state.id)


def ended_row(change: Change, state: Conversation) -> tuple[object, ...]:
    """Return what `MOVE_ON` takes."""
    return (state.status, *_waiting(change, state), *moved_row(change, state))


def moved_row(change: Change, state: Conversation) -> tuple[object, ...]:
    """Return what `MOVE` takes."""
    return (
        state.flow,
        state.version,
        state.flow_hash,
        state.language,
        state.place,
        encode(state).decode(),
        _completed_at(state),
        milliseconds(state.updated_at),
        state.id,
        change.base,
        change.citizen.pseudonym,
    )


_MOVE = (
    "UPDATE conversations SET {stands}flow = ?, version = ?, flow_hash = ?, language = ?, place = ?,"
    " revision = revision + 1, state = ?, completed_at = ?, updated_at = ?"
    " WHERE id = ? AND revision = ? AND citizen = ? AND rolled = 0"
)
"""Over the revision that was read, and over no other; one that was counted ahead is not moved either."""
MOVE = _MOVE.format(stands="") + " AND status = 'active'"
"""For one that only goes on: to set what an index holds, be it to the same, is to write a page of that index."""
MOVE_BACK = _MOVE.format(stands="status = ?, ")
MOVE_ON = _MOVE.format(stands="status = ?, recipient = ?, due_at = ?, ")


def _waiting(change: Change, state: Conversation) -> tuple[bytes, int]:
    """Return the number and the moment that a conversation waits with: none once it is over."""
    return (change.recipient, change.due_at) if state.status == "active" else (b"", 0)


def _thaw_others(connection: sqlite3.Connection, change: Change) -> None:
    """Take conversations that get answers without being moved themselves out of the counts."""
    moved = change.conversation.id if change.conversation else ""
    for conversation in {row.conversation for row in change.answers} - {moved}:
        rolling.thaw_one(connection, conversation)


ANSWER = (
    "INSERT OR REPLACE INTO answers (id, conversation, flow, flow_version, flow_hash, step, kind, value, raw,"
    " language, bearer, channel, answered_at, day, free) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
"""A later answer of the same conversation and step takes the earlier one's place."""


def answer_row(row: AnswerRow) -> tuple[object, ...]:
    """Return what `ANSWER` inserts."""
    return (
        row.id,
        row.conversation,
        row.flow,
        row.flow_version,
        row.flow_hash,
        row.step,
        *to_columns(row.value),
        row.raw,
        row.language,
        row.bearer,
        row.channel,
        row.answered_at,
        row.day,
        row.free,
    )


FALLBACK = (
    "INSERT INTO fallbacks (pair, served) VALUES (?, ?)"
    " ON CONFLICT (pair) DO UPDATE SET served = served + excluded.served"
)
EVENT = "INSERT INTO events (at, kind, detail, citizen) VALUES (?, ?, ?, ?)"


def _note(connection: sqlite3.Connection, change: Change, citizen: str) -> None:
    """Count the fallbacks and keep the events."""
    if change.fallbacks:
        connection.executemany(FALLBACK, change.fallbacks.items())
    if change.events:
        connection.executemany(EVENT, event_rows(change, citizen))


def event_rows(change: Change, citizen: str) -> list[tuple[object, ...]]:
    """Return what `EVENT` inserts."""
    return [(change.inbound.received_at, kind, detail, citizen) for kind, detail in change.events]


def _completed_at(state: Conversation) -> int:
    return milliseconds(state.updated_at) if state.status == "done" else 0
