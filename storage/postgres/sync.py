"""What the national sync remembers: the epoch, the newest snapshot of each flow and period, and past attempts."""

from __future__ import annotations

from typing import Any

from storage.postgres.connection import Connection
from storage.store import Held, SyncRow

KEEP_SYNCS = 1_000


def epoch(connection: Connection) -> int:
    """Return the epoch, which only a restore raises."""
    row: Any = connection.execute("SELECT value FROM counters WHERE name = 'epoch'").fetchone()
    return int(row[0])


def held(connection: Connection) -> list[Held]:
    """Return the newest snapshot of each flow and period."""
    sql = "SELECT flow_hash, period, epoch, seq, digest, acked FROM snapshots ORDER BY flow_hash, period"
    return [Held(*row) for row in connection.execute(sql)]


def hold(connection: Connection, flow_hash: str, period: str, digest: str) -> Held:
    """Number a snapshot. The numbers are shared by all flows, so that (epoch, seq) names one snapshot alone."""
    row: Any = connection.execute("SELECT value FROM counters WHERE name = 'snapshots' FOR UPDATE").fetchone()
    now = epoch(connection)
    found: Any = connection.execute(
        "SELECT flow_hash, period, epoch, seq, digest, acked FROM snapshots WHERE flow_hash = %s AND period = %s",
        (flow_hash, period),
    ).fetchone()
    if found is not None and (found[4], found[2]) == (digest, now):
        return Held(*found)
    seq = int(row[0]) + 1
    connection.execute("UPDATE counters SET value = %s WHERE name = 'snapshots'", (seq,))
    connection.execute(
        "INSERT INTO snapshots VALUES (%s, %s, %s, %s, %s, false) ON CONFLICT (flow_hash, period) DO UPDATE"
        " SET epoch = excluded.epoch, seq = excluded.seq, digest = excluded.digest, acked = false",
        (flow_hash, period, now, seq, digest),
    )
    return Held(flow_hash, period, now, seq, digest, acked=False)


def acknowledge(connection: Connection, flow_hash: str, period: str, epoch: int, seq: int) -> None:
    """Mark this very snapshot; an acknowledgement of an older one changes nothing."""
    connection.execute(
        "UPDATE snapshots SET acked = true WHERE flow_hash = %s AND period = %s AND epoch = %s AND seq = %s",
        (flow_hash, period, epoch, seq),
    )


def log(connection: Connection, row: SyncRow) -> None:
    """Keep an attempt, and the last thousand of them."""
    made: Any = connection.execute(
        "INSERT INTO syncs (at, carrier, ok, detail) VALUES (%s, %s, %s, %s) RETURNING seq",
        (row.at, row.carrier, row.ok, row.detail),
    ).fetchone()
    connection.execute("DELETE FROM syncs WHERE seq <= %s", (made[0] - KEEP_SYNCS,))


def syncs(connection: Connection, limit: int) -> list[SyncRow]:
    """Return the last attempts, newest first."""
    rows = connection.execute("SELECT at, carrier, ok, detail FROM syncs ORDER BY seq DESC LIMIT %s", (limit,))
    return [SyncRow(*row) for row in rows]
