"""The small things: flow versions, job slots, events, settings, and the proof that a write works."""

from __future__ import annotations

from typing import Any

from storage.postgres.connection import Connection

KEEP_EVENTS = 10_000
"""Refused requests are events too: an attacker must not be able to fill the disk with them."""


def keep_flow(connection: Connection, flow_hash: str, flow: str, version: int, data: bytes, now: int) -> None:
    """Keep a flow version once."""
    connection.execute(
        "INSERT INTO flows VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING", (flow_hash, flow, version, data, now)
    )


def flow_data(connection: Connection, flow_hash: str) -> bytes | None:
    """Return a flow version."""
    row: Any = connection.execute("SELECT data FROM flows WHERE hash = %s", (flow_hash,)).fetchone()
    return row[0] if row else None


def claim_slot(connection: Connection, job: str, slot: str, now: int) -> bool:
    """Take a slot; the first caller gets it."""
    sql = "INSERT INTO slots VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
    return connection.execute(sql, (job, slot, now)).rowcount == 1


def log_event(connection: Connection, kind: str, detail: str, now: int) -> None:
    """Keep an event, and the last ten thousand of them."""
    made: Any = connection.execute(
        "INSERT INTO events (at, kind, detail, citizen) VALUES (%s, %s, %s, '') RETURNING seq", (now, kind, detail)
    ).fetchone()
    connection.execute("DELETE FROM events WHERE seq <= %s", (made[0] - KEEP_EVENTS,))


def events(connection: Connection, limit: int) -> list[tuple[int, str, str]]:
    """Return the last events, newest first."""
    return connection.execute("SELECT at, kind, detail FROM events ORDER BY seq DESC LIMIT %s", (limit,)).fetchall()


def get(connection: Connection, key: str) -> str | None:
    """Return a setting."""
    row: Any = connection.execute("SELECT value FROM settings WHERE key = %s", (key,)).fetchone()
    return row[0] if row else None


def put(connection: Connection, key: str, value: str) -> None:
    """Keep a setting."""
    connection.execute(
        "INSERT INTO settings VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
    )


def check(connection: Connection) -> None:
    """Write something, so that the commit has to reach the disk."""
    connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'checks'")
