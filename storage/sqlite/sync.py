"""What the national sync remembers: the epoch, the newest snapshot of each flow and period, and past attempts."""

from __future__ import annotations

import sqlite3

from storage.store import Held, SyncRow

KEEP_SYNCS = 1_000


def epoch(connection: sqlite3.Connection) -> int:
    """Return the epoch, which only a restore raises."""
    number: int = connection.execute("SELECT value FROM counters WHERE name = 'epoch'").fetchone()[0]
    return number


def held(connection: sqlite3.Connection) -> list[Held]:
    """Return the newest snapshot of each flow and period."""
    sql = "SELECT flow_hash, period, epoch, seq, digest, acked FROM snapshots ORDER BY flow_hash, period"
    return [_held(row) for row in connection.execute(sql)]


def hold(connection: sqlite3.Connection, flow_hash: str, period: str, digest: str) -> Held:
    """Number a snapshot. The numbers are shared by all flows, so that (epoch, seq) names one snapshot alone."""
    row = find(connection, flow_hash, period)
    now = epoch(connection)
    if row is not None and row.digest == digest and row.epoch == now:
        return row
    (seq,) = connection.execute(
        "UPDATE counters SET value = value + 1 WHERE name = 'snapshots' RETURNING value"
    ).fetchall()[0]
    connection.execute(
        "INSERT OR REPLACE INTO snapshots (flow_hash, period, epoch, seq, digest, acked) VALUES (?, ?, ?, ?, ?, 0)",
        (flow_hash, period, now, seq, digest),
    )
    return Held(flow_hash, period, now, seq, digest, acked=False)


def find(connection: sqlite3.Connection, flow_hash: str, period: str) -> Held | None:
    """Return the newest snapshot of one flow and period."""
    row = connection.execute(
        "SELECT flow_hash, period, epoch, seq, digest, acked FROM snapshots WHERE flow_hash = ? AND period = ?",
        (flow_hash, period),
    ).fetchone()
    return _held(row) if row is not None else None


def acknowledge(connection: sqlite3.Connection, flow_hash: str, period: str, epoch: int, seq: int) -> None:
    """Mark this very snapshot; an acknowledgement of an older one changes nothing."""
    connection.execute(
        "UPDATE snapshots SET acked = 1 WHERE flow_hash = ? AND period = ? AND epoch = ? AND seq = ?",
        (flow_hash, period, epoch, seq),
    )


def log(connection: sqlite3.Connection, row: SyncRow) -> None:
    """Keep an attempt, and the last thousand of them."""
    cursor = connection.execute(
        "INSERT INTO syncs (at, carrier, ok, detail) VALUES (?, ?, ?, ?)", (row.at, row.carrier, row.ok, row.detail)
    )
    connection.execute("DELETE FROM syncs WHERE seq <= ?", ((cursor.lastrowid or 0) - KEEP_SYNCS,))


def syncs(connection: sqlite3.Connection, limit: int) -> list[SyncRow]:
    """Return the last attempts, newest first."""
    rows = connection.execute("SELECT at, carrier, ok, detail FROM syncs ORDER BY seq DESC LIMIT ?", (limit,))
    return [SyncRow(at, carrier, bool(ok), detail) for at, carrier, ok, detail in rows]


def _held(row: tuple[str, str, int, int, str, int]) -> Held:
    return Held(*row[:5], acked=bool(row[5]))
