"""Campaigns: who was drawn, asked and reached; each asking is one transaction with its message and conversation."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from storage.campaigns import Asking, AskOutcome, CampaignRow, Member, MemberState, Progress, Reached, Segments
from storage.moments import milliseconds
from storage.outgoing import LATE
from storage.sqlite import lane, outbox, rolling
from storage.sqlite.writer import Undone

REACHED = """
SELECT r.citizen, r.number, r.channel, c.language, c.place, c.consented_at
FROM reached r JOIN citizens c ON c.pseudonym = r.citizen AND c.stopped_at = 0
WHERE r.citizen > ? ORDER BY r.citizen LIMIT ?
"""
ROW = "SELECT name, state, data, revision, changed_at FROM campaigns"
MEMBERS = """
SELECT citizen, rank, state, wave, reason, asked_at FROM campaign_members
WHERE campaign = :name AND round = :round AND (:state IS NULL OR state = :state) ORDER BY rank LIMIT :limit
"""
BEGIN = """
INSERT INTO conversations (id, citizen, flow, version, flow_hash, language, bearer, channel, place, status, revision,
    state, day, started_at, completed_at, updated_at, recipient, due_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, 0, ?, ?, ?)
"""
CLOSE = """
UPDATE conversations SET status = 'expired', state = json_set(state, '$.status', 'expired'), revision = revision + 1,
    updated_at = ?, recipient = x'', due_at = 0 WHERE id = ? AND citizen = ? AND status = 'active'
"""
# Taken back is what no provider can have had, and what no citizen has spoken in by another way.
TO_TAKE_BACK = """
SELECT m.round, m.citizen, m.message, m.conversation FROM campaign_members m
JOIN outbox o ON o.id = m.message AND o.lost = 0
    AND (o.state = 'queued' AND NOT :late OR o.state = 'dead' AND o.last_error = :cause)
WHERE m.campaign = :name AND m.state = 'asked' AND NOT EXISTS (
    SELECT 1 FROM inbound i WHERE i.citizen = m.citizen AND i.conversation = m.conversation)
"""
PROGRESS = """
SELECT m.round, m.wave, SUM(m.state = 'drawn'), SUM(m.state = 'skipped'), SUM(m.state = 'asked'),
    SUM(m.state = 'asked' AND IFNULL(o.state IN ('queued', 'sending'), 0)),
    SUM(m.state = 'asked' AND IFNULL(o.state IN ('accepted', 'delivered'), 0)),
    SUM(m.state = 'asked' AND IFNULL(o.state = 'delivered', 0)),
    SUM(m.state = 'asked' AND IFNULL(o.state IN ('failed', 'dead'), 0)),
    SUM(m.state = 'asked' AND EXISTS (
        SELECT 1 FROM inbound i WHERE i.citizen = m.citizen AND i.conversation = m.conversation)),
    SUM(m.state = 'asked' AND IFNULL(v.status = 'done', 0)),
    SUM(m.state = 'asked' AND IFNULL(v.status IN ('stopped', 'refused'), 0)),
    SUM(m.state = 'asked' AND EXISTS (
        SELECT 1 FROM events e WHERE e.citizen = m.citizen AND e.citizen <> '' AND e.kind = 'unclear'
        AND e.at >= m.asked_at)),
    SUM(m.state = 'asked' AND m.asked_at >= :since AND IFNULL(v.status = 'active', 0)
        AND IFNULL(o.state NOT IN ('failed', 'dead'), 1))
FROM campaign_members m
LEFT JOIN outbox o ON o.id = m.message
LEFT JOIN conversations v ON v.id = m.conversation
WHERE m.campaign = :name GROUP BY m.round, m.wave ORDER BY m.round, m.wave
"""
SENT = """
SELECT o.channel, SUM(o.segments * (o.state <> 'queued' AND o.attempts > 0)), SUM(o.segments * (o.state = 'queued'))
FROM campaign_members m JOIN outbox o INDEXED BY outbox_citizen
    ON o.citizen = m.citizen AND o.conversation = m.conversation
WHERE m.campaign = ? AND m.state = 'asked' GROUP BY o.channel
"""
RECEIVED = """
SELECT i.channel, COUNT(*) FROM campaign_members m
JOIN inbound i ON i.citizen = m.citizen AND i.conversation = m.conversation AND i.bearer = 'sms'
WHERE m.campaign = ? AND m.state = 'asked' GROUP BY i.channel
"""


def reached(connection: sqlite3.Connection, after: str, limit: int) -> list[Reached]:
    """Return who wrote and can be written to."""
    return [Reached(*row) for row in connection.execute(REACHED, (after, limit))]


def forget_numbers(connection: sqlite3.Connection, before: int) -> int:
    """Forget the numbers of who last began before a moment."""
    return connection.execute("DELETE FROM reached WHERE at < ?", (before,)).rowcount


def listing(connection: sqlite3.Connection) -> list[CampaignRow]:
    """Return every campaign."""
    return [CampaignRow(*row) for row in connection.execute(f"{ROW} ORDER BY name")]


def one(connection: sqlite3.Connection, name: str) -> CampaignRow | None:
    """Return one campaign."""
    row = connection.execute(f"{ROW} WHERE name = ?", (name,)).fetchone()
    return CampaignRow(*row) if row else None


def keep(connection: sqlite3.Connection, row: CampaignRow) -> bool:
    """Keep a campaign over the revision it was read at."""
    if row.revision:
        sql = (
            "UPDATE campaigns SET state = ?, data = ?, changed_at = ?, revision = revision + 1"
            " WHERE name = ? AND revision = ?"
        )
        given: tuple[object, ...] = (row.state, row.data, row.changed_at, row.name, row.revision)
    else:
        sql = (
            "INSERT INTO campaigns (name, state, data, revision, changed_at) VALUES (?, ?, ?, 1, ?)"
            " ON CONFLICT DO NOTHING"
        )
        given = (row.name, row.state, row.data, row.changed_at)
    return connection.execute(sql, given).rowcount == 1


def draw(connection: sqlite3.Connection, name: str, round: int, citizens: Sequence[str]) -> int:
    """Keep who was drawn into a round, unless it has members already."""
    if one(connection, name) is None:
        connection.execute("DELETE FROM campaign_members WHERE campaign = ?", (name,))
    there = connection.execute("SELECT 1 FROM campaign_members WHERE campaign = ? AND round = ?", (name, round))
    if there.fetchone():
        return 0
    connection.executemany(
        "INSERT INTO campaign_members (campaign, round, citizen, rank) VALUES (?, ?, ?, ?)",
        [(name, round, citizen, rank) for rank, citizen in enumerate(citizens)],
    )
    return len(citizens)


def members(
    connection: sqlite3.Connection, name: str, round: int, state: MemberState | None, limit: int
) -> list[Member]:
    """Return the members of a round in the order of the draw."""
    given = {"name": name, "round": round, "state": state, "limit": limit}
    return [Member(*row) for row in connection.execute(MEMBERS, given)]


def ask(connection: sqlite3.Connection, asking: Asking, zone: ZoneInfo) -> AskOutcome:
    """Ask a member: the message, the conversation, the mark; or nothing of it."""
    citizen, now = asking.message.citizen, asking.message.created_at
    if not _may_ask(connection, asking):
        return "gone"
    if asking.closes and not _close(connection, citizen, asking.closes, now):
        return "busy"
    open_ = connection.execute("SELECT 1 FROM conversations WHERE citizen = ? AND status = 'active'", (citizen,))
    if open_.fetchone():
        raise Undone("busy")
    if not outbox.enqueue(connection, [asking.message]):
        _mark(connection, asking, "skipped", "stopped")
        return "skipped"
    _begin(connection, asking, zone)
    _mark(connection, asking, "asked", "")
    return "asked"


def _may_ask(connection: sqlite3.Connection, asking: Asking) -> bool:
    found = connection.execute(
        "SELECT 1 FROM campaign_members m JOIN campaigns c ON c.name = m.campaign AND c.state = 'running'"
        " WHERE m.campaign = ? AND m.round = ? AND m.citizen = ? AND m.state = 'drawn'",
        (asking.campaign, asking.round, asking.message.citizen),
    )
    return found.fetchone() is not None


def _close(connection: sqlite3.Connection, citizen: str, conversation: str, now: int) -> bool:
    """Close a conversation that nobody goes on with; False when it is no longer open."""
    rolling.thaw_one(connection, conversation)
    return connection.execute(CLOSE, (now, conversation, citizen)).rowcount == 1


def _begin(connection: sqlite3.Connection, asking: Asking, zone: ZoneInfo) -> None:
    state, row = asking.conversation, asking.message
    started = milliseconds(state.started_at)
    connection.execute(
        BEGIN,
        (
            state.id,
            row.citizen,
            state.flow,
            state.version,
            state.flow_hash,
            state.language,
            state.bearer,
            row.channel,
            state.place,
            state.status,
            lane.encode(state).decode(),
            datetime.fromtimestamp(started / 1000, UTC).astimezone(zone).date().isoformat(),
            started,
            milliseconds(state.updated_at),
            row.recipient if asking.reminds else b"",
            asking.due_at,
        ),
    )


def _mark(connection: sqlite3.Connection, asking: Asking, state: MemberState, reason: str) -> None:
    asked = state == "asked"
    connection.execute(
        "UPDATE campaign_members SET state = ?, reason = ?, wave = ?, message = ?, conversation = ?, asked_at = ?"
        " WHERE campaign = ? AND round = ? AND citizen = ?",
        (
            state,
            reason,
            asking.wave if asked else -1,
            asking.message.id if asked else "",
            asking.conversation.id if asked else "",
            asking.message.created_at if asked else 0,
            asking.campaign,
            asking.round,
            asking.message.citizen,
        ),
    )


def skip(connection: sqlite3.Connection, name: str, round: int, citizens: Sequence[str], reason: str) -> int:
    """Leave drawn members out for good."""
    sql = (
        "UPDATE campaign_members SET state = 'skipped', reason = ?"
        " WHERE campaign = ? AND round = ? AND citizen = ? AND state = 'drawn'"
    )
    return connection.executemany(sql, [(reason, name, round, citizen) for citizen in citizens]).rowcount


def to_take_back(connection: sqlite3.Connection, name: str, late: bool) -> bool:
    """Tell whether there is anything to take back."""
    given = {"name": name, "late": int(late), "cause": LATE}
    return connection.execute(TO_TAKE_BACK, given).fetchone() is not None


def take_back(connection: sqlite3.Connection, name: str, late: bool) -> int:
    """Take back what never left."""
    found = connection.execute(TO_TAKE_BACK, {"name": name, "late": int(late), "cause": LATE}).fetchall()
    for round, citizen, message, conversation in found:
        rolling.thaw_one(connection, conversation)
        connection.execute("DELETE FROM outbox WHERE id = ?", (message,))
        connection.execute("DELETE FROM conversations WHERE id = ?", (conversation,))
        connection.execute(
            "UPDATE campaign_members SET state = 'drawn', wave = -1, message = '', conversation = '', asked_at = 0"
            " WHERE campaign = ? AND round = ? AND citizen = ?",
            (name, round, citizen),
        )
    return len(found)


def progress(connection: sqlite3.Connection, name: str, since: int) -> list[Progress]:
    """Return how a campaign goes."""
    return [Progress.of(row) for row in connection.execute(PROGRESS, {"name": name, "since": since})]


def segments(connection: sqlite3.Connection, name: str) -> Mapping[str, Segments]:
    """Return the segments of a campaign's conversations, by channel."""
    sent = {channel: (sent, waiting) for channel, sent, waiting in connection.execute(SENT, (name,))}
    received = dict(connection.execute(RECEIVED, (name,)).fetchall())
    return {one: Segments(*sent.get(one, (0, 0)), received.get(one, 0)) for one in sorted(sent.keys() | received)}


def last_asked(connection: sqlite3.Connection, since: int) -> Mapping[str, int]:
    """Return when each citizen was asked last."""
    sql = "SELECT citizen, MAX(asked_at) FROM campaign_members WHERE state = 'asked' AND asked_at >= ? GROUP BY citizen"
    return dict(connection.execute(sql, (since,)).fetchall())
