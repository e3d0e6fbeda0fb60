"""Conversations that wait for their citizen, on SQLite."""

from __future__ import annotations

import sqlite3

import msgspec

from flows.types import Conversation
from storage.following import CALLED, Awaited, Follow
from storage.sqlite import outbox, rolling
from storage.sqlite.own import INBOUNDS

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Conversation).decode

COLUMNS = """
c.state, c.revision, c.citizen, c.recipient,
COALESCE((SELECT channel FROM inbound i WHERE i.citizen = c.citizen AND i.conversation = c.id
    ORDER BY i.seq DESC LIMIT 1), c.channel),
COALESCE((SELECT service FROM sessions s WHERE s.citizen = c.citizen AND s.conversation = c.id
    ORDER BY s.opened_at DESC, s.session DESC LIMIT 1), ''),
c.due_at, c.lost_at, c.asked_at, c.asked
"""
AWAITED = f"SELECT {COLUMNS} FROM conversations c WHERE due_at > 0 AND due_at <= ? ORDER BY due_at, seq LIMIT ?"  # noqa: S608
LATE = f"""
SELECT {COLUMNS} FROM conversations c
WHERE seq = (SELECT MAX(seq) FROM conversations WHERE citizen = ?) AND status = 'partial'
"""  # noqa: S608 - constants only
POSTPONE = """
UPDATE conversations SET due_at = :due_at, asked = :asked, asked_at = CASE :asks WHEN 1 THEN :now ELSE asked_at END
WHERE id = :id AND revision = :revision AND due_at = :before AND status = 'active'
"""
END = """
UPDATE conversations SET status = :status, state = :state, revision = revision + 1, recipient = x'', due_at = 0
WHERE id = :id AND revision = :revision AND due_at = :before AND status = 'active'
"""
# A session that we ended ourselves was not lost, nor is a citizen who has dialled again.
LOST = """
UPDATE conversations AS c SET lost_at = :now, due_at = :due_at
WHERE c.status = 'active' AND c.due_at > 0 AND c.asked_at <= c.updated_at AND (c.id, c.citizen) = (
    SELECT s.conversation, CASE s.person WHEN '' THEN s.citizen ELSE s.person END FROM sessions s
    WHERE s.channel = :channel AND s.session = :session AND s.closed = 0
    AND NOT EXISTS (SELECT 1 FROM sessions n INDEXED BY sessions_citizen
        WHERE n.citizen = s.citizen AND n.conversation = s.conversation AND n.opened_at > s.opened_at))
"""


def awaited(connection: sqlite3.Connection, now: int, limit: int) -> list[Awaited]:
    """Return the open conversations whose moment has come."""
    return [_awaited(row) for row in connection.execute(AWAITED, (now, limit))]


def late(connection: sqlite3.Connection, citizen: str) -> Awaited | None:
    """Return a citizen's newest conversation, where it was closed as partial."""
    row = connection.execute(LATE, (citizen,)).fetchone()
    return _awaited(row) if row else None


def _awaited(row: tuple[object, ...]) -> Awaited:
    names = Awaited.__struct_fields__[1:]
    return Awaited(state=decode(str(row[0])), **dict(zip(names, row[1:], strict=True)))  # type: ignore[arg-type]


def follow(connection: sqlite3.Connection, step: Follow) -> bool:
    """Do something about an awaited conversation, unless it moved or was looked after."""
    before = step.before
    given = {"id": before.state.id, "revision": before.revision, "before": before.due_at}
    if step.ends is not None:
        return _end(connection, step.ends, given)
    planned = {"due_at": step.due_at, "asked": step.asked, "asks": step.outbound is not None, "now": step.now}
    if connection.execute(POSTPONE, {**given, **planned}).rowcount != 1:
        return False
    if step.outbound is not None:
        outbox.enqueue(connection, [step.outbound])
    return True


def _end(connection: sqlite3.Connection, state: Conversation, given: dict[str, object]) -> bool:
    """Close a conversation; what it added to the counts kept ahead goes first."""
    found = "SELECT 1 FROM conversations WHERE id = :id AND revision = :revision AND due_at = :before"
    if connection.execute(f"{found} AND status = 'active'", given).fetchone() is None:
        return False
    rolling.thaw_one(connection, state.id)
    connection.execute(END, {**given, "status": state.status, "state": encode(state).decode()})
    return True


def lost(connection: sqlite3.Connection, channel: str, session: str, now: int, due_at: int) -> bool:
    """Note that a session was lost, where its citizen has neither dialled again nor been told."""
    given = {"channel": channel, "session": session, "now": now, "due_at": due_at}
    return connection.execute(LOST, given).rowcount == 1


def newer(connection: sqlite3.Connection, conversation: str) -> bool:
    """Tell whether the citizen of a conversation has begun another since."""
    found = connection.execute(
        "SELECT 1 FROM conversations c JOIN conversations n ON n.citizen = c.citizen AND n.seq > c.seq WHERE c.id = ?",
        (conversation,),
    )
    return found.fetchone() is not None


def wishes(connection: sqlite3.Connection, citizen: str, since: int) -> int:
    """Count a citizen's calls since a moment."""
    found = connection.execute(
        f"SELECT COUNT(*) FROM inbound WHERE seq IN ({INBOUNDS}) AND received_at >= :since"  # noqa: S608 - a constant
        " AND substr(external_id, 1, :length) = :called",
        {"citizen": citizen, "since": since, "length": len(CALLED), "called": CALLED},
    )
    return int(found.fetchone()[0])
