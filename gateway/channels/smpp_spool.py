"""What must outlive a crash between our disk and the SMSC's: names of messages not yet acknowledged, waiting parts.

SMPP gives a citizen's SMS no id. A message that comes again before we acknowledged it is the same one and keeps its
name; after that, the same words are a new message. Nothing stays here once it is acknowledged.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from gateway.ids import uuid7

TABLES = """
CREATE TABLE IF NOT EXISTS unacknowledged (digest BLOB PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS part (sender TEXT, recipient TEXT, reference INTEGER, total INTEGER, number INTEGER,
    coding INTEGER, body BLOB, at INTEGER NOT NULL, PRIMARY KEY (sender, recipient, reference, total, number));
"""
DAY = 86_400
Key = tuple[str, str, int, int]
"""Sender, recipient, reference and total: what the parts of one message share."""


class Spool:
    """A small SQLite file of its own; in memory where no path is given."""

    def __init__(self, path: str = "") -> None:
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path or ":memory:", 5.0, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(TABLES)
        self._do("DELETE FROM unacknowledged WHERE at < ?", int(time.time()) - DAY)

    def _do(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def name(self, *what: str | bytes) -> tuple[bytes, str]:
        """Return a digest and the name of a message: the former one, where it comes again unacknowledged."""
        whole = hashlib.sha256()
        for one in what:
            raw = one.encode() if isinstance(one, str) else one
            whole.update(len(raw).to_bytes(4, "big") + raw)
        digest, now = whole.digest(), time.time()
        self._do(
            "INSERT INTO unacknowledged VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING",
            digest,
            uuid7(int(now * 1000)),
            int(now),
        )
        return digest, str(self._do("SELECT name FROM unacknowledged WHERE digest = ?", digest)[0][0])

    def acknowledged(self, digest: bytes) -> None:
        """Forget a message that the SMSC will not send again."""
        self._do("DELETE FROM unacknowledged WHERE digest = ?", digest)

    def add(self, key: Key, number: int, coding: int, body: bytes) -> int:
        """Keep one part; return how many of its message are there."""
        now = int(time.time())
        self._do("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *key, number, coding, body, now)
        return len(self.parts(key))

    def parts(self, key: Key) -> Sequence[tuple[int, bytes]]:
        """Return coding and bytes of the parts that are there, in their order."""
        rows = self._do(
            "SELECT coding, body FROM part WHERE sender = ? AND recipient = ? AND reference = ? AND total = ?"
            " ORDER BY number",
            *key,
        )
        return [(int(str(coding)), body if isinstance(body, bytes) else b"") for coding, body in rows]

    def taken(self, key: Key) -> None:
        """Forget the parts of a message."""
        self._do("DELETE FROM part WHERE sender = ? AND recipient = ? AND reference = ? AND total = ?", *key)

    def overdue(self, seconds: float) -> list[Key]:
        """Return the messages whose last part came that long ago."""
        rows = self._do(
            "SELECT sender, recipient, reference, total FROM part GROUP BY 1, 2, 3, 4 HAVING max(at) <= ?",
            int(time.time() - seconds),
        )
        return [(str(row[0]), str(row[1]), int(str(row[2])), int(str(row[3]))) for row in rows]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
