"""Conversations that wait for their citizen, on PostgreSQL.

Whoever changes one takes its citizen's lock first, as `accept` does: what was checked then holds when it is written.
"""

from __future__ import annotations

from typing import Any

import msgspec

from flows.types import Conversation
from storage.following import CALLED, Awaited, Follow
from storage.postgres import outbox
from storage.postgres.connection import Connection

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Conversation).decode

COLUMNS = """
c.state, c.revision, c.citizen, c.recipient,
coalesce((SELECT m.channel FROM messages m WHERE m.citizen = c.citizen AND m.conversation = c.id
    ORDER BY m.seq DESC LIMIT 1), c.channel),
coalesce((SELECT s.service FROM sessions s WHERE s.citizen = c.citizen AND s.conversation = c.id
    ORDER BY s.opened_at DESC, s.session DESC LIMIT 1), ''),
c.due_at, c.lost_at, c.asked_at, c.asked
"""
AWAITED = f"""
SELECT {COLUMNS} FROM conversations c WHERE due_at > 0 AND due_at <= %s ORDER BY due_at, seq LIMIT %s
"""  # noqa: S608 - constants only
LATE = f"""
SELECT {COLUMNS} FROM conversations c WHERE c.citizen = %(citizen)s AND c.status = 'partial'
AND c.seq = (SELECT max(seq) FROM conversations WHERE citizen = %(citizen)s)
"""  # noqa: S608 - constants only
FOUND = b"""
SELECT 1 FROM conversations WHERE citizen = %(citizen)s AND id = %(id)s AND revision = %(revision)s
AND due_at = %(before)s AND status = 'active'
"""
POSTPONE = b"""
UPDATE conversations SET due_at = %(due_at)s, asked = %(asked)s,
    asked_at = CASE WHEN %(asks)s THEN %(now)s ELSE asked_at END
WHERE citizen = %(citizen)s AND id = %(id)s
"""
END = b"""
UPDATE conversations SET status = %(status)s, state = %(state)s, revision = revision + 1, recipient = '', due_at = 0
WHERE citizen = %(citizen)s AND id = %(id)s
"""
# A session that we ended ourselves was not lost, nor is a citizen who has dialled again.
SESSION = b"""
SELECT CASE s.person WHEN '' THEN s.citizen ELSE s.person END, s.conversation FROM sessions s
WHERE s.channel = %(channel)s AND s.session = %(session)s AND NOT s.closed AND NOT EXISTS (
    SELECT 1 FROM sessions n
    WHERE n.citizen = s.citizen AND n.conversation = s.conversation AND n.opened_at > s.opened_at)
"""
LOST = b"""
UPDATE conversations SET lost_at = %(now)s, due_at = %(due_at)s
WHERE citizen = %(citizen)s AND id = %(id)s AND status = 'active' AND due_at > 0 AND asked_at <= updated_at
"""


def awaited(connection: Connection, now: int, limit: int) -> list[Awaited]:
    """Return the open conversations whose moment has come."""
    return [_awaited(row) for row in connection.execute(AWAITED.encode(), (now, limit))]


def late(connection: Connection, citizen: str) -> Awaited | None:
    """Return a citizen's newest conversation, where it was closed as partial."""
    row = connection.execute(LATE.encode(), {"citizen": citizen}).fetchone()
    return _awaited(row) if row else None


def _awaited(row: Any) -> Awaited:
    names = Awaited.__struct_fields__[1:]
    return Awaited(state=decode(row[0]), **dict(zip(names, row[1:], strict=True)))


def follow(connection: Connection, step: Follow) -> bool:
    """Do something about an awaited conversation, unless it moved or was looked after."""
    before = step.before
    given = {"citizen": before.citizen, "id": before.state.id, "revision": before.revision, "before": before.due_at}
    _alone_with(connection, before.citizen)
    if connection.execute(FOUND, given).fetchone() is None:
        return False
    if step.ends is not None:
        connection.execute("SELECT thaw(%s, ARRAY[%s])", (before.citizen, before.state.id))
        connection.execute(END, {**given, "status": step.ends.status, "state": encode(step.ends).decode()})
        return True
    planned = {"due_at": step.due_at, "asked": step.asked, "asks": step.outbound is not None, "now": step.now}
    connection.execute(POSTPONE, {**given, **planned})
    if step.outbound is not None:
        outbox.enqueue(connection, [step.outbound])
    return True


def lost(connection: Connection, channel: str, session: str, now: int, due_at: int) -> bool:
    """Note that a session was lost, where its citizen has neither dialled again nor been told."""
    given = {"channel": channel, "session": session, "now": now, "due_at": due_at}
    row: Any = connection.execute(SESSION, given).fetchone()
    if row is None:
        return False
    _alone_with(connection, row[0])
    if connection.execute(SESSION, given).fetchone() is None:
        return False
    return connection.execute(LOST, {**given, "citizen": row[0], "id": row[1]}).rowcount == 1


def _alone_with(connection: Connection, citizen: str) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(1, hashtext(%s))", (citizen,))


def wishes(connection: Connection, citizen: str, since: int) -> int:
    """Count a citizen's calls since a moment."""
    row: Any = connection.execute(
        "SELECT count(*) FROM messages WHERE citizen = %s AND received_at >= %s AND starts_with(external_id, %s)",
        (citizen, since, CALLED),
    ).fetchone()
    return int(row[0])
