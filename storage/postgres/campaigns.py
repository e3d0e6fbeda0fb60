"""Campaigns: who was drawn, asked and reached; each asking is one transaction with its message and conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from storage.campaigns import Asking, AskOutcome, CampaignRow, Member, MemberState, Progress, Reached, Segments
from storage.moments import milliseconds
from storage.outgoing import LATE
from storage.postgres import lane, outbox
from storage.postgres.connection import Connection
from storage.postgres.words import document, hexadecimal

REACHED = b"""
SELECT r.citizen, r.number, r.channel, c.language, c.place, c.consented_at
FROM reached r JOIN citizens c ON c.pseudonym = r.citizen AND c.stopped_at = 0
WHERE r.citizen > %s ORDER BY r.citizen LIMIT %s
"""
ROW = "SELECT name, state, data, revision, changed_at FROM campaigns"
MEMBERS = b"""
SELECT citizen, rank, state, wave, reason, asked_at FROM campaign_members
WHERE campaign = %(name)s AND round = %(round)s AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY rank LIMIT %(limit)s
"""
# The row is locked: a pause that has begun is waited for, and one that comes waits for this asking.
MAY_ASK = b"""
SELECT 1 FROM campaign_members m JOIN campaigns c ON c.name = m.campaign AND c.state = 'running'
WHERE m.campaign = %s AND m.round = %s AND m.citizen = %s AND m.state = 'drawn' FOR UPDATE OF m FOR SHARE OF c
"""
CLOSE = b"""
UPDATE conversations SET status = 'expired', revision = revision + 1, updated_at = %(now)s,
    recipient = '', due_at = 0, state = jsonb_set(state::jsonb, '{status}', '"expired"')::text
WHERE citizen = %(citizen)s AND id = %(id)s AND status = 'active'
"""
BEGIN = b"""
INSERT INTO conversations SELECT (jsonb_populate_record(NULL::conversations, convert_from(%s, 'UTF8')::jsonb
    || jsonb_build_object('seq', nextval('conversations_seq')))).*
"""
MARK = b"""
UPDATE campaign_members SET state = %s, reason = %s, wave = %s, message = %s, conversation = %s, asked_at = %s
WHERE campaign = %s AND round = %s AND citizen = %s
"""
# Taken back is what no provider can have had, and what no citizen has spoken in by another way.
TO_TAKE_BACK = b"""
SELECT m.round, m.citizen, m.message, m.conversation FROM campaign_members m
JOIN outbox o ON o.citizen = m.citizen AND o.id = m.message AND o.lost = 0
    AND (o.state = 'queued' AND NOT %(late)s OR o.state = 'dead' AND o.last_error = %(cause)s)
WHERE m.campaign = %(name)s AND m.state = 'asked' AND NOT EXISTS (
    SELECT 1 FROM messages i WHERE i.citizen = m.citizen AND i.conversation = m.conversation)
AND (%(citizen)s::text IS NULL OR m.citizen = %(citizen)s)
"""
PROGRESS = b"""
SELECT m.round, m.wave, count(*) FILTER (WHERE m.state = 'drawn'), count(*) FILTER (WHERE m.state = 'skipped'),
    count(*) FILTER (WHERE m.state = 'asked'),
    count(*) FILTER (WHERE m.state = 'asked' AND o.state IN ('queued', 'sending')),
    count(*) FILTER (WHERE m.state = 'asked' AND o.state IN ('accepted', 'delivered')),
    count(*) FILTER (WHERE m.state = 'asked' AND o.state = 'delivered'),
    count(*) FILTER (WHERE m.state = 'asked' AND o.state IN ('failed', 'dead')),
    count(*) FILTER (WHERE m.state = 'asked' AND EXISTS (
        SELECT 1 FROM messages i WHERE i.citizen = m.citizen AND i.conversation = m.conversation)),
    count(*) FILTER (WHERE m.state = 'asked' AND v.status = 'done'),
    count(*) FILTER (WHERE m.state = 'asked' AND v.status IN ('stopped', 'refused')),
    count(*) FILTER (WHERE m.state = 'asked' AND EXISTS (
        SELECT 1 FROM events e WHERE e.citizen = m.citizen AND e.citizen <> '' AND e.kind = 'unclear'
        AND e.at >= m.asked_at)),
    count(*) FILTER (WHERE m.state = 'asked' AND m.asked_at >= %(since)s AND v.status = 'active'
        AND coalesce(o.state NOT IN ('failed', 'dead'), true))
FROM campaign_members m
LEFT JOIN outbox o ON o.citizen = m.citizen AND o.id = m.message
LEFT JOIN conversations v ON v.citizen = m.citizen AND v.id = m.conversation
WHERE m.campaign = %(name)s GROUP BY m.round, m.wave ORDER BY m.round, m.wave
"""
SENT = b"""
SELECT o.channel, coalesce(sum(o.segments) FILTER (WHERE o.state <> 'queued' AND o.attempts > 0), 0)::bigint,
    coalesce(sum(o.segments) FILTER (WHERE o.state = 'queued'), 0)::bigint
FROM campaign_members m JOIN outbox o ON o.citizen = m.citizen AND o.conversation = m.conversation
WHERE m.campaign = %s AND m.state = 'asked' GROUP BY o.channel
"""
RECEIVED = b"""
SELECT i.channel, count(*) FROM campaign_members m
JOIN messages i ON i.citizen = m.citizen AND i.conversation = m.conversation AND i.bearer = 'sms'
WHERE m.campaign = %s AND m.state = 'asked' GROUP BY i.channel
"""


def reached(connection: Connection, after: str, limit: int) -> list[Reached]:
    """Return who wrote and can be written to."""
    return [Reached(*row) for row in connection.execute(REACHED, (after, limit))]


def forget_numbers(connection: Connection, before: int) -> int:
    """Forget the numbers of who last began before a moment."""
    return connection.execute("DELETE FROM reached WHERE at < %s", (before,)).rowcount


def listing(connection: Connection) -> list[CampaignRow]:
    """Return every campaign."""
    return [CampaignRow(*row) for row in connection.execute(f"{ROW} ORDER BY name".encode())]


def one(connection: Connection, name: str) -> CampaignRow | None:
    """Return one campaign."""
    row = connection.execute(f"{ROW} WHERE name = %s".encode(), (name,)).fetchone()
    return CampaignRow(*row) if row else None


def keep(connection: Connection, row: CampaignRow) -> bool:
    """Keep a campaign over the revision it was read at."""
    if row.revision:
        sql = (
            "UPDATE campaigns SET state = %s, data = %s, changed_at = %s, revision = revision + 1"
            " WHERE name = %s AND revision = %s"
        )
        given: tuple[object, ...] = (row.state, row.data, row.changed_at, row.name, row.revision)
    else:
        sql = (
            "INSERT INTO campaigns (name, state, data, revision, changed_at) VALUES (%s, %s, %s, 1, %s)"
            " ON CONFLICT DO NOTHING"
        )
        given = (row.name, row.state, row.data, row.changed_at)
    return connection.execute(sql.encode(), given).rowcount == 1


def draw(connection: Connection, name: str, round: int, citizens: Sequence[str]) -> int:
    """Keep who was drawn into a round, unless it has members already."""
    connection.execute("SELECT pg_advisory_xact_lock(8, hashtext(%s))", (name,))
    if one(connection, name) is None:
        connection.execute("DELETE FROM campaign_members WHERE campaign = %s", (name,))
    there = connection.execute(
        "SELECT 1 FROM campaign_members WHERE campaign = %s AND round = %s LIMIT 1", (name, round)
    )
    if there.fetchone():
        return 0
    connection.execute(
        "INSERT INTO campaign_members (campaign, round, citizen, rank)"
        " SELECT %s, %s, who, at - 1 FROM unnest(%s::text[]) WITH ORDINALITY AS drawn (who, at)",
        (name, round, list(citizens)),
    )
    return len(citizens)


def members(connection: Connection, name: str, round: int, state: MemberState | None, limit: int) -> list[Member]:
    """Return the members of a round in the order of the draw."""
    given = {"name": name, "round": round, "state": state, "limit": None if limit < 0 else limit}
    return [Member(*row) for row in connection.execute(MEMBERS, given)]


def ask(connection: Connection, asking: Asking, zone: ZoneInfo) -> AskOutcome:
    """Ask a member: the message, the conversation, the mark; or nothing of it."""
    citizen, now = asking.message.citizen, asking.message.created_at
    connection.execute("SELECT pg_advisory_xact_lock(1, hashtext(%s))", (citizen,))
    key = (asking.campaign, asking.round, citizen)
    if connection.execute(MAY_ASK, key).fetchone() is None:
        return "gone"
    open_ = connection.execute(
        "SELECT id FROM conversations WHERE citizen = %s AND status = 'active'", (citizen,)
    ).fetchall()
    if open_ != ([(asking.closes,)] if asking.closes else []):
        return "busy"
    if not outbox.enqueue(connection, [asking.message]):
        connection.execute(MARK, ("skipped", "stopped", -1, "", "", 0, *key))
        return "skipped"
    if asking.closes:
        connection.execute("SELECT thaw(%s, ARRAY[%s])", (citizen, asking.closes))
        connection.execute(CLOSE, {"now": now, "citizen": citizen, "id": asking.closes})
    connection.execute(BEGIN, (document(_walk(asking, zone)),))
    connection.execute(MARK, ("asked", "", asking.wave, asking.message.id, asking.conversation.id, now, *key))
    return "asked"


def _walk(asking: Asking, zone: ZoneInfo) -> dict[str, object]:
    state, row = asking.conversation, asking.message
    return {
        "id": state.id,
        "citizen": row.citizen,
        "flow": state.flow,
        "version": state.version,
        "flow_hash": state.flow_hash,
        "language": state.language,
        "bearer": state.bearer,
        "channel": row.channel,
        "place": state.place,
        "status": state.status,
        "revision": 1,
        "state": lane.encode(state).decode(),
        "day": state.started_at.astimezone(zone).date().isoformat(),
        "started_at": milliseconds(state.started_at),
        "completed_at": 0,
        "updated_at": milliseconds(state.updated_at),
        "rolled": False,
        "recipient": hexadecimal(row.recipient if asking.reminds else b""),
        "due_at": asking.due_at,
        "lost_at": 0,
        "asked_at": 0,
        "asked": 0,
    }


def skip(connection: Connection, name: str, round: int, citizens: Sequence[str], reason: str) -> int:
    """Leave drawn members out for good."""
    sql = (
        "UPDATE campaign_members SET state = 'skipped', reason = %s"
        " WHERE campaign = %s AND round = %s AND citizen = ANY (%s) AND state = 'drawn'"
    )
    return connection.execute(sql, (reason, name, round, list(citizens))).rowcount


def to_take_back(connection: Connection, name: str, late: bool) -> list[str]:
    """Return the members whose message never left."""
    given = {"name": name, "late": late, "cause": LATE, "citizen": None}
    return [row[1] for row in connection.execute(TO_TAKE_BACK, given)]


def take_back(connection: Connection, name: str, late: bool, citizen: str) -> int:
    """Take back a member whose message never left; 0 when it has left meanwhile."""
    connection.execute("SELECT pg_advisory_xact_lock(1, hashtext(%s))", (citizen,))
    given = {"name": name, "late": late, "cause": LATE, "citizen": citizen}
    found = connection.execute(TO_TAKE_BACK + b" FOR UPDATE OF m, o", given).fetchall()
    for round, _, message, conversation in found:
        connection.execute("SELECT thaw(%s, ARRAY[%s])", (citizen, conversation))
        connection.execute(
            "DELETE FROM outbox_keys WHERE dedupe_key = (SELECT dedupe_key FROM outbox WHERE citizen = %s AND id = %s)",
            (citizen, message),
        )
        connection.execute("DELETE FROM outbox WHERE citizen = %s AND id = %s", (citizen, message))
        connection.execute("DELETE FROM conversations WHERE citizen = %s AND id = %s", (citizen, conversation))
        connection.execute(MARK, ("drawn", "", -1, "", "", 0, name, round, citizen))
    return len(found)


def progress(connection: Connection, name: str, since: int) -> list[Progress]:
    """Return how a campaign goes."""
    return [Progress.of(row) for row in connection.execute(PROGRESS, {"name": name, "since": since})]


def segments(connection: Connection, name: str) -> Mapping[str, Segments]:
    """Return the segments of a campaign's conversations, by channel."""
    sent: dict[str, tuple[int, int]] = {row[0]: (row[1], row[2]) for row in connection.execute(SENT, (name,))}
    received: dict[str, Any] = dict(connection.execute(RECEIVED, (name,)).fetchall())
    return {one: Segments(*sent.get(one, (0, 0)), received.get(one, 0)) for one in sorted(sent.keys() | received)}


def last_asked(connection: Connection, since: int) -> Mapping[str, int]:
    """Return when each citizen was asked last."""
    sql = (
        "SELECT citizen, max(asked_at) FROM campaign_members WHERE state = 'asked' AND asked_at >= %s GROUP BY citizen"
    )
    return dict(connection.execute(sql, (since,)).fetchall())
