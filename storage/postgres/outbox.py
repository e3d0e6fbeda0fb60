"""The outbox: queued → sending → accepted → delivered | failed | dead, and never backwards but by a retry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

from storage.consents import Consent
from storage.errors import StoreError
from storage.outgoing import RESENDS, STOPPED, OutboundRow, OutboxRow, OutboxState, Waiting
from storage.postgres import consents
from storage.postgres.claim import COLUMNS, DAY, spend
from storage.postgres.connection import Connection
from storage.postgres.lane import messages
from storage.postgres.words import document

STATES: tuple[OutboxState, ...] = get_args(OutboxState)
SETTLED = ("delivered", "failed", "dead")
RANK = {"queued": 0, "sending": 1, "accepted": 2, "delivered": 3, "failed": 3, "dead": 3}
KEEP_EARLY_RECEIPT = DAY


def enqueue(connection: Connection, rows: Sequence[OutboundRow]) -> int:
    """Queue messages; return how many were: known keys and citizens who want none are left out."""
    given = document(messages(rows))
    row: Any = connection.execute("SELECT queue(convert_from(%s, 'UTF8')::jsonb)", (given,)).fetchone()
    return int(row[0])


def stop(connection: Connection, citizen: str, now: int, channel: str = "") -> bool:
    """Note that a citizen wants no more; one who never wrote is remembered for it."""
    connection.execute("SELECT pg_advisory_xact_lock(1, hashtext(%s))", (citizen,))
    cursor = connection.execute(
        "INSERT INTO citizens AS t VALUES (%s, '', 0, '', %s)"
        " ON CONFLICT (pseudonym) DO UPDATE SET stopped_at = excluded.stopped_at WHERE t.stopped_at = 0",
        (citizen, now),
    )
    if cursor.rowcount == 1:
        consents.keep(connection, Consent(citizen, now, "stopped", channel))
    connection.execute(
        "UPDATE outbox SET state = 'dead', last_error = %s, recipient = '', changed_at = %s"
        " WHERE citizen = %s AND kind <> 'reply' AND state = 'queued'",
        (STOPPED, now, citizen),
    )
    return cursor.rowcount == 1


FINISH = b"""
UPDATE outbox SET state = %(state)s, provider_id = CASE %(state)s WHEN 'queued' THEN '' ELSE %(provider_id)s END,
    last_error = %(error)s, next_at = %(retry_at)s, changed_at = %(now)s, attempts = attempts - %(unheard)s, batch = '',
    channel = CASE %(channel)s WHEN '' THEN channel ELSE %(channel)s END,
    recipient = CASE %(state)s WHEN 'delivered' THEN ''::bytea ELSE recipient END
WHERE citizen = %(citizen)s AND id = %(id)s
"""


class Outcome(NamedTuple):
    """What became of a claimed message."""

    state: OutboxState
    provider_id: str
    error: str
    retry_at: int
    tried: bool
    channel: str


def finish(connection: Connection, id: str, fence: int, found: Outcome, now: int) -> bool:
    """Record what became of a claimed message; False when another claim or an operator came in between."""
    if found.state not in STATES or found.state == "sending":
        known = ", ".join(STATES)
        raise StoreError(f"a claimed message cannot become {found.state!r}: use one of {known} but sending")
    claimed: Any = connection.execute(
        "SELECT citizen, channel, hour, segments FROM outbox WHERE id = %s AND fence = %s AND state = 'sending'"
        " FOR UPDATE",
        (id, fence),
    ).fetchone()
    if claimed is None:
        return False
    citizen, channel, hour, segments = claimed
    given = {**found._asdict(), "citizen": citizen, "id": id, "now": now, "unheard": int(not found.tried)}
    connection.execute(FINISH, given)
    if not found.tried:
        spend(connection, channel, hour, -segments)
    if found.state == "accepted" and found.provider_id:
        _take_early_receipt(connection, citizen, id, found.channel or channel, found.provider_id, now)
    return True


def receipt(
    connection: Connection, channel: str, provider_id: str, state: OutboxState, detail: str, now: int, again_at: int
) -> bool:
    """Move a message forward by a delivery report; one that overtakes our own record of the sending is kept for it."""
    if not provider_id or state not in RANK:
        return False
    _alone_with(connection, channel, provider_id)
    row: Any = connection.execute(
        "SELECT citizen, id, state, attempts FROM outbox"
        " WHERE channel = %s AND provider_id = %s AND provider_id <> '' FOR UPDATE",
        (channel, provider_id),
    ).fetchone()
    if row is None:
        _keep_early_receipt(connection, channel, provider_id, state, detail, now)
        return False
    citizen, id, before, attempts = row
    if RANK[state] <= RANK[before]:
        return False
    if state == "failed" and again_at and attempts < RESENDS:
        _send_again(connection, citizen, id, detail, now, again_at)
    else:
        _settle(connection, citizen, id, state, detail, now)
    return True


def _alone_with(connection: Connection, channel: str, provider_id: str) -> None:
    """A report and the record of the sending may come at once through two gateways: one of them sees the other."""
    connection.execute("SELECT pg_advisory_xact_lock(3, hashtext(%s))", (f"{channel} {provider_id}",))


def _send_again(connection: Connection, citizen: str, id: str, detail: str, now: int, again_at: int) -> None:
    """Queue a message anew whose delivery failed for a reason that may pass."""
    connection.execute(
        "UPDATE outbox SET state = 'queued', next_at = %s, provider_id = '', last_error = %s, changed_at = %s"
        " WHERE citizen = %s AND id = %s",
        (again_at, detail, now, citizen, id),
    )


def addressee(connection: Connection, channel: str, provider_id: str) -> str:
    """Return the citizen a message went to."""
    row: Any = connection.execute(
        "SELECT citizen FROM outbox WHERE channel = %s AND provider_id = %s AND provider_id <> ''",
        (channel, provider_id),
    ).fetchone()
    return str(row[0]) if row else ""


def waiting(connection: Connection) -> Mapping[str, Waiting]:
    """Return what waits on each channel, and what it ever sent."""
    rows = connection.execute(
        "SELECT channel, sum(messages)::bigint, max(oldest), sum(segments)::bigint FROM ("
        " SELECT channel, count(*) AS messages, min(created_at) AS oldest, 0 AS segments FROM outbox"
        " WHERE state IN ('queued', 'sending') GROUP BY channel"
        " UNION ALL SELECT channel, 0, 0, sum(segments) FROM spend GROUP BY channel) AS both_of"
        " GROUP BY channel ORDER BY channel"
    )
    return {row[0]: Waiting(*row[1:]) for row in rows}


def _settle(connection: Connection, citizen: str, id: str, state: str, detail: str, now: int) -> None:
    """Write the state a report told. Only a delivered message loses its number now: others may be retried."""
    connection.execute(
        "UPDATE outbox SET state = %(state)s, changed_at = %(now)s,"
        " last_error = CASE WHEN %(state)s IN ('failed', 'dead') THEN %(detail)s ELSE last_error END,"
        " recipient = CASE %(state)s WHEN 'delivered' THEN ''::bytea ELSE recipient END"
        " WHERE citizen = %(citizen)s AND id = %(id)s",
        {"citizen": citizen, "id": id, "state": state, "detail": detail, "now": now},
    )


def _keep_early_receipt(
    connection: Connection, channel: str, provider_id: str, state: str, detail: str, now: int
) -> None:
    """Remember a final report of a message we do not know yet, for a day."""
    if state not in SETTLED:
        return
    connection.execute("DELETE FROM early_receipts WHERE at < %s", (now - KEEP_EARLY_RECEIPT,))
    connection.execute(
        "INSERT INTO early_receipts (channel, provider_id, state, detail, at) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (channel, provider_id, state, detail, now),
    )


def _take_early_receipt(
    connection: Connection, citizen: str, id: str, channel: str, provider_id: str, now: int
) -> None:
    """Apply the report that came before we knew the provider's id, if one did."""
    _alone_with(connection, channel, provider_id)
    rows = connection.execute(
        "DELETE FROM early_receipts WHERE provider_id = %s AND channel = %s RETURNING state, detail",
        (provider_id, channel),
    ).fetchall()
    for state, detail in rows:
        _settle(connection, citizen, id, state, detail, now)


def listing(connection: Connection, states: Sequence[str], limit: int, citizen: str) -> list[OutboxRow]:
    """Return messages, newest first."""
    sql = f"""
    SELECT {COLUMNS} FROM outbox WHERE (%(all)s OR state = ANY (%(states)s::text[]))
    AND (%(citizen)s = '' OR citizen = %(citizen)s) ORDER BY seq DESC LIMIT %(limit)s
    """  # noqa: S608 - constants only
    given = {"all": not states, "states": list(states), "citizen": citizen, "limit": limit}
    return [OutboxRow(*row) for row in connection.execute(sql.encode(), given)]


def counts(connection: Connection) -> Mapping[str, int]:
    """Return the number of messages in each state, zeros included."""
    found = dict(connection.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())
    return {state: found.get(state, 0) for state in STATES}


def retry(connection: Connection, id: str, now: int) -> bool:
    """Queue a failed or dead message again, as long as its number is still there."""
    cursor = connection.execute(
        "UPDATE outbox SET state = 'queued', attempts = 0, lost = 0, next_at = %(now)s, provider_id = '',"
        " changed_at = %(now)s, not_after = CASE WHEN not_after < %(now)s THEN NULL ELSE not_after END"
        " WHERE id = %(id)s AND state IN ('failed', 'dead') AND recipient <> ''",
        {"id": id, "now": now},
    )
    return cursor.rowcount == 1


def discard(connection: Connection, id: str, now: int) -> bool:
    """Give a message up for good and wipe its number; False when it is with the provider or has none left."""
    cursor = connection.execute(
        "UPDATE outbox SET state = 'dead', recipient = '', batch = '', changed_at = %s"
        " WHERE id = %s AND (state IN ('queued', 'sending') OR (state IN ('failed', 'dead') AND recipient <> ''))",
        (now, id),
    )
    return cursor.rowcount == 1
