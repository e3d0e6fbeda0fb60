"""The small things: flow versions, job slots, events, settings, and the proof that a write works."""

from __future__ import annotations

import sqlite3

KEEP_EVENTS = 10_000
"""Refused requests are events too: an attacker must not be able to fill the disk with them."""


def keep_flow(connection: sqlite3.Connection, flow_hash: str, flow: str, version: int, data: bytes, now: int) -> None:
    """Keep a flow version once."""
    connection.execute(
        "INSERT OR IGNORE INTO flows (hash, flow, version, data, kept_at) VALUES (?, ?, ?, ?, ?)",
        (flow_hash, flow, version, data, now),
    )


def flow_data(connection: sqlite3.Connection, flow_hash: str) -> bytes | None:
    """Return a flow version."""
    row = connection.execute("SELECT data FROM flows WHERE hash = ?", (flow_hash,)).fetchone()
    return row[0] if row is not None else None


def claim_slot(connection: sqlite3.Connection, job: str, slot: str, now: int) -> bool:
    """Take a slot; the first caller gets it."""
    cursor = connection.execute(
        "INSERT OR IGNORE INTO slots (job, slot, claimed_at) VALUES (?, ?, ?)", (job, slot, now)
    )
    return cursor.rowcount == 1


def log_event(connection: sqlite3.Connection, kind: str, detail: str, now: int) -> None:
    """Keep an event, and the last ten thousand of them."""
    cursor = connection.execute(
        "INSERT INTO events (at, kind, detail, citizen) VALUES (?, ?, ?, '')", (now, kind, detail)
    )
    connection.execute("DELETE FROM events WHERE seq <= ?", ((cursor.lastrowid or 0) - KEEP_EVENTS,))


def events(connection: sqlite3.Connection, limit: int) -> list[tuple[int, str, str]]:
    """Return the last events, newest first."""
    return connection.execute("SELECT at, kind, detail FROM events ORDER BY seq DESC LIMIT ?", (limit,)).fetchall()


def get(connection: sqlite3.Connection, key: str) -> str | None:
    """Return a setting."""
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return row[0] if row is not None else None


def put(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a setting."""
    connection.execute("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", (key, value))


def check(connection: sqlite3.Connection) -> None:
    """Write something, so that the commit has to reach the disk."""
    connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'checks'")
