"""The outbox: queued → sending → accepted → delivered | failed | dead, and never backwards but by a retry.

A claim (`claim.py`) leases a message and draws its fence; only the holder of the newest fence may say what became of
it. Order is kept per citizen and channel: a message is not claimed while an earlier one of the same citizen waits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple, get_args

from storage.consents import Consent
from storage.errors import StoreError
from storage.outgoing import (
    RESENDS,
    STOPPED,
    UNASKED,
    WROTE,
    OutboundRow,
    OutboxRow,
    OutboxState,
    Waiting,
    refused,
)
from storage.sqlite import consents
from storage.sqlite.claim import COLUMNS, DAY, spend

STATES: tuple[OutboxState, ...] = get_args(OutboxState)
SETTLED = ("delivered", "failed", "dead")
RANK = {"queued": 0, "sending": 1, "accepted": 2, "delivered": 3, "failed": 3, "dead": 3}
ANSWERS = ("question", "reply")
"""What answers the inbound it is kept with: it goes to whoever wrote, also after a stop."""

KEEP_EARLY_RECEIPT = DAY

INSERT = """
INSERT INTO outbox (id, citizen, channel, recipient, text, encoding, segments, state, created_at, changed_at,
    in_reply_to, dedupe_key, not_after, kind, unasked, ground, conversation)
VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (dedupe_key) WHERE dedupe_key <> '' DO NOTHING
"""


def enqueue(connection: sqlite3.Connection, messages: Sequence[OutboundRow]) -> int:
    """Queue messages; return how many were: known keys and citizens who want none are left out."""
    for row in messages:
        if wrong := refused(row):
            raise StoreError(wrong)
    return sum(_insert(connection, row) for row in messages if row.kind in ANSWERS or _welcome(connection, row))


def _welcome(connection: sqlite3.Connection, row: OutboundRow) -> bool:
    """Tell whether a citizen may be written to unasked: they said no stop, and wrote first where that is the ground."""
    found = connection.execute("SELECT stopped_at FROM citizens WHERE pseudonym = ?", (row.citizen,)).fetchone()
    if found or row.ground == WROTE:
        return bool(found) and not found[0]
    return row.kind not in UNASKED or not consents.erased(connection, row.citizen)


def _insert(connection: sqlite3.Connection, row: OutboundRow) -> int:
    cursor = connection.execute(
        INSERT,
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
            row.kind,
            row.kind in UNASKED,
            row.ground,
            row.conversation,
        ),
    )
    return cursor.rowcount


def end_questions(connection: sqlite3.Connection, citizen: str, conversations: Sequence[str], until: int) -> None:
    """Let the questions of conversations that have ended be sent until a moment, and no later."""
    connection.executemany(
        "UPDATE outbox SET not_after = MIN(IFNULL(not_after, :until), :until) WHERE citizen = :citizen"
        " AND conversation = :conversation AND kind = 'question' AND state IN ('queued', 'sending')",
        [{"until": until, "citizen": citizen, "conversation": conversation} for conversation in conversations],
    )


def drop(connection: sqlite3.Connection, citizen: str, now: int) -> None:
    """Give up what waits for a citizen, now that they said stop: all but replies."""
    connection.execute(
        "UPDATE outbox SET state = 'dead', last_error = ?, recipient = x'', changed_at = ? WHERE citizen = ?"
        " AND kind <> 'reply' AND state IN ('queued', 'sending') AND state = 'queued'",
        (STOPPED, now, citizen),
    )


def stop(connection: sqlite3.Connection, citizen: str, now: int, channel: str = "") -> bool:
    """Note that a citizen wants no more; one who never wrote is remembered for it."""
    cursor = connection.execute(
        "INSERT INTO citizens (pseudonym, language, consented_at, place, stopped_at) VALUES (?, '', 0, '', ?)"
        " ON CONFLICT (pseudonym) DO UPDATE SET stopped_at = excluded.stopped_at WHERE stopped_at = 0",
        (citizen, now),
    )
    if cursor.rowcount == 1:
        consents.keep(connection, [Consent(citizen, now, "stopped", channel)])
    drop(connection, citizen, now)
    return cursor.rowcount == 1


FINISH = """
UPDATE outbox SET state = :state, provider_id = CASE :state WHEN 'queued' THEN '' ELSE :provider_id END,
    last_error = :error, next_at = :retry_at, changed_at = :now, attempts = attempts - NOT :tried, batch = '',
    channel = CASE :channel WHEN '' THEN channel ELSE :channel END,
    recipient = CASE :state WHEN 'delivered' THEN x'' ELSE recipient END
WHERE id = :id
"""


class Outcome(NamedTuple):
    """What became of a claimed message."""

    state: OutboxState
    provider_id: str
    error: str
    retry_at: int
    tried: bool
    channel: str


def finish(connection: sqlite3.Connection, id: str, fence: int, found: Outcome, now: int) -> bool:
    """Record what became of a claimed message; False when another claim or an operator came in between."""
    if found.state not in STATES or found.state == "sending":
        known = ", ".join(STATES)
        raise StoreError(f"a claimed message cannot become {found.state!r}: use one of {known} but sending")
    claimed = connection.execute(
        "SELECT channel, hour, segments FROM outbox WHERE id = ? AND fence = ? AND state = 'sending'", (id, fence)
    ).fetchone()
    if claimed is None:
        return False
    connection.execute(FINISH, {**found._asdict(), "id": id, "now": now})
    if not found.tried:
        spend(connection, claimed[0], claimed[1], -claimed[2])
    if found.state == "accepted" and found.provider_id:
        _take_early_receipt(connection, id, found.provider_id, now)
    return True


def receipt(
    connection: sqlite3.Connection,
    channel: str,
    provider_id: str,
    state: OutboxState,
    detail: str,
    now: int,
    again_at: int,
) -> bool:
    """Move a message forward by a delivery report; one that overtakes our own record of the sending is kept for it."""
    if not provider_id or state not in RANK:
        return False
    row = connection.execute(
        "SELECT id, state, attempts FROM outbox WHERE channel = ? AND provider_id = ?", (channel, provider_id)
    ).fetchone()
    if row is None:
        _keep_early_receipt(connection, channel, provider_id, state, detail, now)
        return False
    if RANK[state] <= RANK[row[1]]:
        return False
    if state == "failed" and again_at and row[2] < RESENDS:
        _send_again(connection, row[0], detail, now, again_at)
    else:
        _settle(connection, row[0], state, detail, now)
    return True


def _send_again(connection: sqlite3.Connection, id: str, detail: str, now: int, again_at: int) -> None:
    """Queue a message anew whose delivery failed for a reason that may pass."""
    connection.execute(
        "UPDATE outbox SET state = 'queued', next_at = ?, provider_id = '', last_error = ?, changed_at = ?"
        " WHERE id = ?",
        (again_at, detail, now, id),
    )


def addressee(connection: sqlite3.Connection, channel: str, provider_id: str) -> str:
    """Return the citizen a message went to."""
    row = connection.execute(
        "SELECT citizen FROM outbox WHERE channel = ? AND provider_id = ? AND provider_id <> ''", (channel, provider_id)
    ).fetchone()
    return row[0] if row else ""


def waiting(connection: sqlite3.Connection) -> Mapping[str, Waiting]:
    """Return what waits on each channel, and what it ever sent."""
    rows = connection.execute(
        "SELECT channel, SUM(messages), MAX(oldest), SUM(segments) FROM ("
        " SELECT channel, COUNT(*) AS messages, MIN(created_at) AS oldest, 0 AS segments FROM outbox"
        " WHERE state IN ('queued', 'sending') GROUP BY channel"
        " UNION ALL SELECT channel, 0, 0, SUM(segments) FROM spend GROUP BY channel) GROUP BY channel ORDER BY channel"
    )
    return {row[0]: Waiting(*row[1:]) for row in rows}


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
        "UPDATE outbox SET state = 'queued', attempts = 0, lost = 0, next_at = :now, provider_id = '',"
        " changed_at = :now, not_after = CASE WHEN not_after < :now THEN NULL ELSE not_after END"
        " WHERE id = :id AND state IN ('failed', 'dead') AND recipient <> x''",
        {"id": id, "now": now},
    )
    return cursor.rowcount == 1


def discard(connection: sqlite3.Connection, id: str, now: int) -> bool:
    """Give a message up for good and wipe its number; False when it is with the provider or has none left."""
    cursor = connection.execute(
        "UPDATE outbox SET state = 'dead', recipient = x'', batch = '', changed_at = ?"
        " WHERE id = ? AND state IN ('queued', 'sending', 'failed', 'dead')"
        " AND (state IN ('queued', 'sending') OR recipient <> x'')",
        (now, id),
    )
    return cursor.rowcount == 1
