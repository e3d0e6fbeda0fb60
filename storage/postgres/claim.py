"""Claiming from the outbox: what is due, in which order, under which limits, and what a dead sender left behind.

Budgets are a channel's, so one claim of a channel runs at a time (lock 4); rows that somebody else is just writing are
passed over (SKIP LOCKED), not waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from storage.outgoing import ANSWERED, LATE, LOST, ONCE, STOPPED, OutboxRow, Spent, Terms
from storage.postgres.connection import Connection

DAY = 86_400_000
KEEP_NUMBER = 7 * DAY
"""How long an operator can still retry a failed or dead message; after that, its recipient is wiped too."""

COLUMNS = (
    "id, citizen, channel, recipient, text, encoding, segments, state, attempts, created_at, next_at, fence,"
    " provider_id, last_error, not_after, kind, lost"
)
DUE = f"""
SELECT {COLUMNS} FROM outbox AS o
WHERE channel = %(channel)s AND state IN ('queued', 'sending') AND next_at <= %(now)s
AND (%(largest)s = 0 OR segments <= %(largest)s)
AND (NOT unasked OR (NOT %(quiet)s AND (%(cap)s = 0 OR citizen = '' OR %(cap)s > (
    SELECT count(*) FROM outbox AS told
    WHERE told.citizen = o.citizen AND told.unasked AND told.claimed_at >= %(today)s AND told.state <> 'queued'))))
AND (unasked OR NOT %(quiet)s OR created_at >= %(fresh)s OR (citizen <> '' AND EXISTS (
    SELECT 1 FROM outbox AS later
    WHERE later.citizen = o.citizen AND later.channel = o.channel AND NOT later.unasked
    AND later.created_at >= %(fresh)s AND later.state IN ('queued', 'sending'))))
AND (citizen = '' OR NOT EXISTS (
    SELECT 1 FROM outbox AS earlier
    WHERE earlier.citizen = o.citizen AND earlier.channel = o.channel AND earlier.seq < o.seq
    AND earlier.unasked <= o.unasked AND earlier.state IN ('queued', 'sending')))
ORDER BY unasked, seq LIMIT %(limit)s
"""  # noqa: S608 - constants only
TO_SETTLE = b"""
SELECT EXISTS (SELECT 1 FROM outbox WHERE channel = %(channel)s AND state = 'sending' AND next_at <= %(now)s)
OR EXISTS (SELECT 1 FROM outbox WHERE channel = %(channel)s AND not_after < %(now)s AND state = 'queued')
"""
ABANDONED = b"""
SELECT citizen, id, kind, lost, hour, segments, batch = '' OR rank = (
    SELECT min(rank) FROM outbox AS other WHERE other.batch = o.batch AND other.state = 'sending')
FROM outbox AS o WHERE channel = %(channel)s AND state = 'sending' AND next_at <= %(now)s ORDER BY seq
FOR UPDATE SKIP LOCKED
"""
TAKE = b"""
UPDATE outbox SET state = 'sending', attempts = attempts + 1, fence = fence + 1, next_at = %(until)s,
    changed_at = %(now)s, claimed_at = %(now)s, hour = %(hour)s, batch = %(batch)s, rank = %(rank)s
WHERE citizen = %(citizen)s AND id = %(id)s
"""


def anything_to_claim(connection: Connection, channel: str, now: int, limit: int, terms: Terms) -> bool:
    """Tell by reading only whether a claim would change anything: an idle sender must not wear the disk."""
    settles: Any = connection.execute(TO_SETTLE, {"channel": channel, "now": now}).fetchone()
    return settles[0] or bool(_due(connection, channel, now, min(limit, 1), terms, lock=False))


def claim(connection: Connection, channel: str, now: int, lease: int, limit: int, terms: Terms) -> list[OutboxRow]:
    """Lease up to `limit` due messages of a channel: what citizens asked for first, then oldest first."""
    connection.execute("SELECT pg_advisory_xact_lock(4, hashtext(%s))", (channel,))
    _settle_abandoned(connection, channel, now)
    _expire(connection, channel, now)
    _wipe_old(connection, now)
    due = _spare_stopped(connection, _due(connection, channel, now, limit, terms, lock=True), now)
    due = _spare_answered(connection, due, now)
    rows = _fitting(connection, channel, due, terms)
    if not rows:
        return []
    spend(connection, channel, terms.hour, sum(row.segments for row in rows))
    shared = {"until": now + lease, "now": now, "hour": terms.hour, "batch": f"{rows[0].id}/{rows[0].fence + 1}"}
    for rank, row in enumerate(rows):
        connection.execute(TAKE, {**shared, "citizen": row.citizen, "id": row.id, "rank": rank})
    return [_leased(row, now + lease) for row in rows]


def _due(connection: Connection, channel: str, now: int, limit: int, terms: Terms, *, lock: bool) -> list[OutboxRow]:
    given = {
        "channel": channel,
        "now": now,
        "limit": limit,
        "quiet": terms.quiet,
        "fresh": terms.fresh,
        "cap": terms.cap,
        "today": terms.today,
        "largest": min([one for one in (terms.most_hour, terms.most_day) if one], default=0),
    }
    sql = f"{DUE} FOR UPDATE OF o SKIP LOCKED" if lock else DUE
    return [OutboxRow(*row) for row in connection.execute(sql.encode(), given)]


def _leased(row: OutboxRow, until: int) -> OutboxRow:
    """Return the row as the claim left it."""
    return replace(row, state="sending", attempts=row.attempts + 1, fence=row.fence + 1, next_at=until)


def _spare_stopped(connection: Connection, rows: Sequence[OutboxRow], now: int) -> list[OutboxRow]:
    """Give up what a citizen who said stop would get, though it was on its way then; return the rest."""
    asked = [row.citizen for row in rows if row.kind != "reply"]
    stops = "SELECT pseudonym FROM citizens WHERE pseudonym = ANY (%s::text[]) AND stopped_at > 0"
    stopped = {name for (name,) in connection.execute(stops, (asked,))} if asked else set()
    unwanted = [row for row in rows if row.kind != "reply" and row.citizen in stopped]
    _give_up(connection, unwanted, STOPPED, now)
    return [row for row in rows if row not in unwanted]


def _spare_answered(connection: Connection, rows: Sequence[OutboxRow], now: int) -> list[OutboxRow]:
    """Give up the reminders of conversations that have moved or ended since; return the rest."""
    moved = (
        "SELECT 1 FROM outbox o JOIN conversations c ON c.citizen = o.citizen AND c.id = o.conversation"
        " WHERE o.citizen = %s AND o.id = %s AND (c.status <> 'active' OR c.updated_at > o.created_at)"
    )
    reminders = [row for row in rows if row.kind == "reminder"]
    unwanted = [row for row in reminders if connection.execute(moved, (row.citizen, row.id)).fetchone()]
    _give_up(connection, unwanted, ANSWERED, now)
    return [row for row in rows if row not in unwanted]


def _give_up(connection: Connection, unwanted: Sequence[OutboxRow], cause: str, now: int) -> None:
    for row in unwanted:
        connection.execute(
            "UPDATE outbox SET state = 'dead', last_error = %s, recipient = '', changed_at = %s"
            " WHERE citizen = %s AND id = %s",
            (cause, now, row.citizen, row.id),
        )


def _fitting(connection: Connection, channel: str, rows: Sequence[OutboxRow], terms: Terms) -> list[OutboxRow]:
    """Return the rows that the claim's segments and the channel's budgets leave room for; note when one had none."""
    before = spent(connection, channel, terms.hour)
    taken: list[OutboxRow] = []
    total = 0
    for row in rows:
        after = total + row.segments
        if taken and terms.most and after > terms.most:
            break
        if _passes(before.hour + after, terms.most_hour) or _passes(before.day + after, terms.most_day):
            _note_short(connection, channel, terms.hour)
            continue
        taken.append(row)
        total = after
    return taken


def _passes(segments: int, limit: int) -> bool:
    return bool(limit) and segments > limit


def spent(connection: Connection, channel: str, hour: str) -> Spent:
    """Return the segments counted in a civil hour and in its day."""
    if not hour:
        return Spent()
    day = hour[:10]
    row: Any = connection.execute(
        "SELECT coalesce(sum(segments) FILTER (WHERE hour = %(hour)s), 0)::bigint, coalesce(sum(segments), 0)::bigint,"
        " coalesce(bool_or(short) FILTER (WHERE hour = %(hour)s), false) FROM spend"
        " WHERE channel = %(channel)s AND hour >= %(day)s AND hour < %(end)s",
        {"channel": channel, "hour": hour, "day": day, "end": f"{day}U"},
    ).fetchone()
    return Spent(*row)


def spend(connection: Connection, channel: str, hour: str, segments: int) -> None:
    """Count segments in a civil hour, or give them back where they are negative."""
    if hour:
        connection.execute(
            "INSERT INTO spend AS t VALUES (%s, %s, %s, false)"
            " ON CONFLICT (channel, hour) DO UPDATE SET segments = t.segments + excluded.segments",
            (channel, hour, segments),
        )


def _note_short(connection: Connection, channel: str, hour: str) -> None:
    """Keep that a message did not fit in this hour's or day's budget; once, or each look would write."""
    connection.execute(
        "INSERT INTO spend AS t VALUES (%s, %s, 0, true)"
        " ON CONFLICT (channel, hour) DO UPDATE SET short = true WHERE NOT t.short",
        (channel, hour),
    )


def _settle_abandoned(connection: Connection, channel: str, now: int) -> None:
    """Decide about the messages of a sender that never came back: begun or not, sent again or left to an operator."""
    found = connection.execute(ABANDONED, {"channel": channel, "now": now}).fetchall()
    for citizen, id, kind, lost, hour, segments, begun in found:
        if begun and (kind in ONCE or lost):
            connection.execute(
                "UPDATE outbox SET state = 'dead', last_error = %s, lost = lost + 1, batch = '', changed_at = %s"
                " WHERE citizen = %s AND id = %s",
                (LOST, now, citizen, id),
            )
        else:
            connection.execute(
                "UPDATE outbox SET state = 'queued', attempts = attempts - %s, lost = lost + %s, batch = ''"
                " WHERE citizen = %s AND id = %s",
                (int(not begun), int(begun), citizen, id),
            )
        if not begun:
            spend(connection, channel, hour, -segments)


def _expire(connection: Connection, channel: str, now: int) -> None:
    """Give up what is no longer worth sending."""
    connection.execute(
        "UPDATE outbox SET state = 'dead', last_error = CASE lost WHEN 0 THEN %(late)s ELSE %(lost)s END,"
        " recipient = '', changed_at = %(now)s WHERE channel = %(channel)s AND not_after < %(now)s"
        " AND state = 'queued'",
        {"channel": channel, "now": now, "late": LATE, "lost": LOST},
    )


def _wipe_old(connection: Connection, now: int) -> None:
    """Wipe the numbers that no operator asked for again, and those no delivery report ever settled."""
    connection.execute(
        "UPDATE outbox SET recipient = '' WHERE state IN ('accepted', 'failed', 'dead') AND recipient <> ''"
        " AND changed_at < %s",
        (now - KEEP_NUMBER,),
    )
