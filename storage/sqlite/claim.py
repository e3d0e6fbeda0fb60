"""Claiming from the outbox: what is due, in which order, under which limits, and what a dead sender left behind.

A claim takes messages for a lease and labels them as one batch, ranked in the order they will be sent. Of a batch whose
lease ran out, the lowest rank not finished may have left; the others were never begun.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from storage.outgoing import ANSWERED, LATE, LOST, ONCE, STOPPED, OutboxRow, Spent, Terms

DAY = 86_400_000
KEEP_NUMBER = 7 * DAY
"""How long an operator can still retry a failed or dead message; after that, its recipient is wiped too."""

COLUMNS = (
    "id, citizen, channel, recipient, text, encoding, segments, state, attempts, created_at, next_at, fence,"
    " provider_id, last_error, not_after, kind, lost"
)
# The hints matter: by themselves these subqueries walk the whole queue once for each message of it.
DUE = f"""
SELECT {COLUMNS} FROM outbox AS o
WHERE channel = :channel AND state IN ('queued', 'sending') AND next_at <= :now
AND (:largest = 0 OR segments <= :largest)
AND (unasked = 0 OR (:quiet = 0 AND (:cap = 0 OR citizen = '' OR :cap > (
    SELECT COUNT(*) FROM outbox AS told INDEXED BY outbox_citizen
    WHERE told.citizen = o.citizen AND told.unasked = 1 AND told.claimed_at >= :today AND told.state <> 'queued'))))
AND (unasked = 1 OR :quiet = 0 OR created_at >= :fresh OR (citizen <> '' AND EXISTS (
    SELECT 1 FROM outbox AS later INDEXED BY outbox_turn
    WHERE later.citizen = o.citizen AND later.channel = o.channel AND later.unasked = 0
    AND later.created_at >= :fresh AND later.state IN ('queued', 'sending'))))
AND (citizen = '' OR NOT EXISTS (
    SELECT 1 FROM outbox AS earlier INDEXED BY outbox_turn
    WHERE earlier.citizen = o.citizen AND earlier.channel = o.channel AND earlier.seq < o.seq
    AND earlier.unasked <= o.unasked AND earlier.state IN ('queued', 'sending')))
ORDER BY unasked, seq LIMIT :limit
"""  # noqa: S608 - constants only
TO_SETTLE = """
SELECT EXISTS (SELECT 1 FROM outbox WHERE channel = :channel AND state = 'sending' AND next_at <= :now)
OR EXISTS (SELECT 1 FROM outbox WHERE channel = :channel AND not_after < :now AND state IN ('queued', 'sending')
    AND state = 'queued')
"""
ABANDONED = """
SELECT id, kind, lost, hour, segments, batch = '' OR rank = (
    SELECT MIN(rank) FROM outbox AS other WHERE other.batch = o.batch AND other.state = 'sending')
FROM outbox AS o WHERE channel = :channel AND state = 'sending' AND next_at <= :now ORDER BY seq
"""
TAKE = """
UPDATE outbox SET state = 'sending', attempts = attempts + 1, fence = fence + 1, next_at = :until, changed_at = :now,
    claimed_at = :now, hour = :hour, batch = :batch, rank = :rank WHERE id = :id
"""


def anything_to_claim(connection: sqlite3.Connection, channel: str, now: int, limit: int, terms: Terms) -> bool:
    """Tell by reading only whether a claim would change anything: an idle sender must not wear the disk."""
    given = {"channel": channel, "now": now}
    if connection.execute(TO_SETTLE, given).fetchone()[0]:
        return True
    return bool(_due(connection, channel, now, min(limit, 1), terms))


def claim(
    connection: sqlite3.Connection, channel: str, now: int, lease: int, limit: int, terms: Terms
) -> list[OutboxRow]:
    """Lease up to `limit` due messages of a channel: what citizens asked for first, then oldest first."""
    _settle_abandoned(connection, channel, now)
    _expire(connection, channel, now)
    _wipe_old(connection, now)
    due = _spare_stopped(connection, _due(connection, channel, now, limit, terms), now)
    due = _spare_answered(connection, due, now)
    rows = _fitting(connection, channel, due, terms)
    if not rows:
        return []
    spend(connection, channel, terms.hour, sum(row.segments for row in rows))
    shared = {"until": now + lease, "now": now, "hour": terms.hour, "batch": f"{rows[0].id}/{rows[0].fence + 1}"}
    connection.executemany(TAKE, [{**shared, "id": row.id, "rank": rank} for rank, row in enumerate(rows)])
    return [_leased(row, now + lease) for row in rows]


def _due(connection: sqlite3.Connection, channel: str, now: int, limit: int, terms: Terms) -> list[OutboxRow]:
    given = {
        "channel": channel,
        "now": now,
        "limit": limit,
        "quiet": int(terms.quiet),
        "fresh": terms.fresh,
        "cap": terms.cap,
        "today": terms.today,
        "largest": min([one for one in (terms.most_hour, terms.most_day) if one], default=0),
    }
    return [OutboxRow(*row) for row in connection.execute(DUE, given)]


def _leased(row: OutboxRow, until: int) -> OutboxRow:
    """Return the row as the claim left it."""
    return replace(row, state="sending", attempts=row.attempts + 1, fence=row.fence + 1, next_at=until)


def _spare_stopped(connection: sqlite3.Connection, rows: Sequence[OutboxRow], now: int) -> list[OutboxRow]:
    """Give up what a citizen who said stop would get, though it was on its way then; return the rest."""
    stops = "SELECT 1 FROM citizens WHERE pseudonym = ? AND stopped_at > 0"
    unwanted = {row.id for row in rows if row.kind != "reply" and connection.execute(stops, (row.citizen,)).fetchone()}
    _give_up(connection, unwanted, STOPPED, now)
    return [row for row in rows if row.id not in unwanted]


def _spare_answered(connection: sqlite3.Connection, rows: Sequence[OutboxRow], now: int) -> list[OutboxRow]:
    """Give up the reminders of conversations that have moved or ended since; return the rest."""
    moved = (
        "SELECT 1 FROM outbox o JOIN conversations c ON c.id = o.conversation AND c.citizen = o.citizen"
        " WHERE o.id = ? AND (c.status <> 'active' OR c.updated_at > o.created_at)"
    )
    unwanted = {row.id for row in rows if row.kind == "reminder" and connection.execute(moved, (row.id,)).fetchone()}
    _give_up(connection, unwanted, ANSWERED, now)
    return [row for row in rows if row.id not in unwanted]


def _give_up(connection: sqlite3.Connection, unwanted: Iterable[str], cause: str, now: int) -> None:
    connection.executemany(
        "UPDATE outbox SET state = 'dead', last_error = ?, recipient = x'', changed_at = ? WHERE id = ?",
        [(cause, now, id) for id in unwanted],
    )


def _fitting(connection: sqlite3.Connection, channel: str, rows: Sequence[OutboxRow], terms: Terms) -> list[OutboxRow]:
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


def spent(connection: sqlite3.Connection, channel: str, hour: str) -> Spent:
    """Return the segments counted in a civil hour and in its day."""
    if not hour:
        return Spent()
    day = hour[:10]
    row = connection.execute(
        "SELECT TOTAL(segments * (hour = :hour)), TOTAL(segments), MAX(short * (hour = :hour)) FROM spend"
        " WHERE channel = :channel AND hour >= :day AND hour < :end",
        {"channel": channel, "hour": hour, "day": day, "end": f"{day}U"},
    ).fetchone()
    return Spent(int(row[0]), int(row[1]), bool(row[2]))


def spend(connection: sqlite3.Connection, channel: str, hour: str, segments: int) -> None:
    """Count segments in a civil hour, or give them back where they are negative."""
    if hour:
        connection.execute(
            "INSERT INTO spend (channel, hour, segments) VALUES (?, ?, ?)"
            " ON CONFLICT (channel, hour) DO UPDATE SET segments = segments + excluded.segments",
            (channel, hour, segments),
        )


def _note_short(connection: sqlite3.Connection, channel: str, hour: str) -> None:
    """Keep that a message did not fit in this hour's or day's budget; once, or each look would write."""
    connection.execute(
        "INSERT INTO spend (channel, hour, segments, short) VALUES (?, ?, 0, 1)"
        " ON CONFLICT (channel, hour) DO UPDATE SET short = 1 WHERE short = 0",
        (channel, hour),
    )


def _settle_abandoned(connection: sqlite3.Connection, channel: str, now: int) -> None:
    """Decide about the messages of a sender that never came back: begun or not, sent again or left to an operator."""
    found = connection.execute(ABANDONED, {"channel": channel, "now": now}).fetchall()
    for id, kind, lost, hour, segments, begun in found:
        if begun and (kind in ONCE or lost):
            connection.execute(
                "UPDATE outbox SET state = 'dead', last_error = ?, lost = lost + 1, batch = '', changed_at = ?"
                " WHERE id = ?",
                (LOST, now, id),
            )
        else:
            connection.execute(
                "UPDATE outbox SET state = 'queued', attempts = attempts - ?, lost = lost + ?, batch = '' WHERE id = ?",
                (not begun, begun, id),
            )
        if not begun:
            spend(connection, channel, hour, -segments)


def _expire(connection: sqlite3.Connection, channel: str, now: int) -> None:
    """Give up what is no longer worth sending."""
    connection.execute(
        "UPDATE outbox SET state = 'dead', last_error = CASE lost WHEN 0 THEN :late ELSE :lost END, recipient = x'',"
        " changed_at = :now WHERE channel = :channel AND not_after < :now"
        " AND state IN ('queued', 'sending') AND state = 'queued'",
        {"channel": channel, "now": now, "late": LATE, "lost": LOST},
    )


def _wipe_old(connection: sqlite3.Connection, now: int) -> None:
    """Wipe the numbers that no operator asked for again, and those no delivery report ever settled."""
    connection.execute(
        "UPDATE outbox SET recipient = x'' WHERE state IN ('accepted', 'failed', 'dead') AND recipient <> x''"
        " AND changed_at < ?",
        (now - KEEP_NUMBER,),
    )
