"""The outbox: queued → sending → accepted → delivered | failed | dead, and never backwards but by a retry.

A claim leases a message and draws its fence; only the holder of the newest fence may say what became of it. Order is
kept per citizen and channel: a message is not claimed while an earlier one of the same citizen still waits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import get_args

from storage.errors import StoreError
from storage.store import OutboundRow, OutboxRow, OutboxState

STATES: tuple[OutboxState, ...] = get_args(OutboxState)
SETTLED = ("delivered", "failed", "dead")
RANK = {"queued": 0, "sending": 1, "accepted": 2, "delivered": 3, "failed": 3, "dead": 3}

DAY = 86_400_000
KEEP_NUMBER = 7 * DAY
"""How long an operator can still retry a failed or dead message; after that, its recipient is wiped too."""
KEEP_EARLY_RECEIPT = DAY

COLUMNS = (
    "id, citizen, channel, recipient, text, encoding, segments, state, attempts, created_at, next_at, fence,"
    " provider_id, last_error, not_after"
)
DUE = f"""
SELECT {COLUMNS} FROM outbox AS o
WHERE channel = :channel AND state IN ('queued', 'sending') AND next_at <= :now
AND (citizen = '' OR NOT EXISTS (
    SELECT 1 FROM outbox AS earlier
    WHERE earlier.citizen = o.citizen AND earlier.channel = o.channel AND earlier.seq < o.seq
    AND earlier.state IN ('queued', 'sending')))
ORDER BY seq LIMIT :limit
"""  # noqa: S608 - constants only
TO_CLAIM = """
SELECT 1 FROM outbox WHERE channel = :channel AND state IN ('queued', 'sending')
AND (next_at <= :now OR not_after < :now)
"""


def enqueue(connection: sqlite3.Connection, messages: Sequence[OutboundRow]) -> int:
    """Queue messages; return how many were not there before by their `dedupe_key`."""
    new = 0
    for row in messages:
        cursor = connection.execute(
            "INSERT INTO outbox (id, citizen, channel, recipient, text, encoding, segments, state, created_at,"
            " changed_at, in_reply_to, dedupe_key, not_after)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?)"
            " ON CONFLICT (dedupe_key) WHERE dedupe_key <> '' DO NOTHING",
            (
                row.id,
                row.citizen,
                row.channel,
                row.recipient,
                row.text,
                row.encoding,
                row.segments,
                row.created_at,
                row.created_at,
                row.in_reply_to,
                row.dedupe_key,
                row.not_after,
            ),
        )
        new += cursor.rowcount
    return new


def anything_to_claim(connection: sqlite3.Connection, channel: str, now: int) -> bool:
    """Tell by reading only whether a claim would change anything: an idle sender must not wear the disk."""
    return connection.execute(f"{TO_CLAIM} LIMIT 1", {"channel": channel, "now": now}).fetchone() is not None


def claim(connection: sqlite3.Connection, channel: str, now: int, lease: int, limit: int) -> list[OutboxRow]:
    """Lease up to `limit` due messages of a channel, oldest first."""
    _expire(connection, channel, now)
    _wipe_old(connection, now)
    rows = connection.execute(DUE, {"channel": channel, "now": now, "limit": limit}).fetchall()
    connection.executemany(
        "UPDATE outbox SET state = 'sending', attempts = attempts + 1, fence = fence + 1, next_at = ?,"
        " changed_at = ? WHERE id = ?",
        [(now + lease, now, row[0]) for row in rows],
    )
    return [_leased(OutboxRow(*row), now + lease) for row in rows]


def _leased(row: OutboxRow, until: int) -> OutboxRow:
    """Return the row as the claim left it."""
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    fields.update(state="sending", attempts=row.attempts + 1, fence=row.fence + 1, next_at=until)
    return OutboxRow(**fields)


def _expire(connection: sqlite3.Connection, channel: str, now: int) -> None:
    """Give up what is no longer worth sending, unless a sender may be at it right now."""
    connection.execute(
        "UPDATE outbox SET state = 'dead', last_error = 'not sent in time', recipient = x'', changed_at = :now"
        " WHERE channel = :channel AND not_after < :now"
        " AND (state = 'queued' OR (state = 'sending' AND next_at <= :now))",
        {"channel": channel, "now": now},
    )


def _wipe_old(connection: sqlite3.Connection, now: int) -> None:
    """Wipe the numbers that no operator asked for again, and those no delivery report ever settled."""
    connection.execute(
        "UPDATE outbox SET recipient = x'' WHERE state IN ('accepted', 'failed', 'dead') AND recipient <> x''"
        " AND changed_at < ?",
        (now - KEEP_NUMBER,),
    )


def finish(
    connection: sqlite3.Connection,
    id: str,
    fence: int,
    state: OutboxState,
    now: int,
    provider_id: str,
    error: str,
    retry_at: int,
) -> bool:
    """Record what became of a claimed message; False when another claim or an operator came in between."""
    if state not in STATES or state == "sending":
        raise StoreError(f"a claimed message cannot become {state!r}: use one of {', '.join(STATES)} but sending")
    cursor = connection.execute(
        "UPDATE outbox SET state = :state, provider_id = CASE :state WHEN 'queued' THEN '' ELSE :provider_id END,"
        " last_error = :error, next_at = :retry_at, changed_at = :now,"
        " recipient = CASE :state WHEN 'delivered' THEN x'' ELSE recipient END"
        " WHERE id = :id AND fence = :fence AND state = 'sending'",
        {
            "id": id,
            "fence": fence,
            "state": state,
            "now": now,
            "provider_id": provider_id,
            "error": error,
            "retry_at": retry_at,
        },
    )
    if cursor.rowcount and state == "accepted" and provider_id:
        _take_early_receipt(connection, id, provider_id, now)
    return cursor.rowcount == 1


def receipt(
    connection: sqlite3.Connection, channel: str, provider_id: str, state: OutboxState, detail: str, now: int
) -> bool:
    """Move a message forward by a delivery report; one that overtakes our own record of the sending is kept for it."""
    if not provider_id or state not in RANK:
        return False
    row = connection.execute(
        "SELECT id, state FROM outbox WHERE channel = ? AND provider_id = ?", (channel, provider_id)
    ).fetchone()
    if row is None:
        _keep_early_receipt(connection, channel, provider_id, state, detail, now)
        return False
    if RANK[state] <= RANK[row[1]]:
        return False
    _settle(connection, row[0], state, detail, now)
    return True


def _settle(connection: sqlite3.Connection, id: str, state: str, detail: str, now: int) -> None:
    """Write the state a report told. Only a delivered message loses its number now: others may be retried."""
    connection.execute(
        "UPDATE outbox SET state = :state, changed_at = :now,"
        " last_error = CASE :state WHEN 'failed' THEN :detail WHEN 'dead' THEN :detail ELSE last_error END,"
        " recipient = CASE :state WHEN 'delivered' THEN x'' ELSE recipient END WHERE id = :id",
        {"id": id, "state": state, "detail": detail, "now": now},
    )


def _keep_early_receipt(
    connection: sqlite3.Connection, channel: str, provider_id: str, state: str, detail: str, now: int
) -> None:
    """Remember a final report of a message we do not know yet, for a day."""
    if state not in SETTLED:
        return
    connection.execute("DELETE FROM early_receipts WHERE at < ?", (now - KEEP_EARLY_RECEIPT,))
    connection.execute(
        "INSERT OR IGNORE INTO early_receipts (channel, provider_id, state, detail, at) VALUES (?, ?, ?, ?, ?)",
        (channel, provider_id, state, detail, now),
    )


def _take_early_receipt(connection: sqlite3.Connection, id: str, provider_id: str, now: int) -> None:
    """Apply the report that came before we knew the provider's id, if one did."""
    row = connection.execute(
        "DELETE FROM early_receipts WHERE provider_id = ? AND channel = (SELECT channel FROM outbox WHERE id = ?)"
        " RETURNING state, detail",
        (provider_id, id),
    ).fetchall()
    for state, detail in row:
        _settle(connection, id, state, detail, now)


def listing(connection: sqlite3.Connection, states: Sequence[str], limit: int, citizen: str) -> list[OutboxRow]:
    """Return messages, newest first."""
    where, given = ["1"], list[object]()
    if states:
        where.append(f"state IN ({', '.join('?' * len(states))})")
        given += states
    if citizen:
        where.append("citizen = ?")
        given.append(citizen)
    sql = f"SELECT {COLUMNS} FROM outbox WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?"  # noqa: S608
    return [OutboxRow(*row) for row in connection.execute(sql, (*given, limit))]


def counts(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Return the number of messages in each state, zeros included."""
    found = dict(connection.execute("SELECT state, COUNT(*) FROM outbox GROUP BY state").fetchall())
    return {state: found.get(state, 0) for state in STATES}


def retry(connection: sqlite3.Connection, id: str, now: int) -> bool:
    """Queue a failed or dead message again, as long as its number is still there."""
    cursor = connection.execute(
        "UPDATE outbox SET state = 'queued', attempts = 0, next_at = :now, provider_id = '', changed_at = :now,"
        " not_after = CASE WHEN not_after < :now THEN NULL ELSE not_after END"
        " WHERE id = :id AND state IN ('failed', 'dead') AND recipient <> x''",
        {"id": id, "now": now},
    )
    return cursor.rowcount == 1


def discard(connection: sqlite3.Connection, id: str, now: int) -> bool:
    """Give a message up for good and wipe its number; False when it is with the provider or has none left."""
    cursor = connection.execute(
        "UPDATE outbox SET state = 'dead', recipient = x'', changed_at = ?"
        " WHERE id = ? AND state IN ('queued', 'sending', 'failed', 'dead')"
        " AND (state IN ('queued', 'sending') OR recipient <> x'')",
        (now, id),
    )
    return cursor.rowcount == 1
