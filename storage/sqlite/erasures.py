"""Who was forgotten and when, in a file beside the database: a backup from before must not bring them back.

Each line is a time and a pseudonym, on disk before the erasure itself. `restore` forgets them again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from storage.sqlite import rights
from storage.sqlite.own import INBOUNDS

OLDEST = f"""
SELECT MIN(at) FROM (
    SELECT MIN(received_at) AS at FROM inbound WHERE seq IN ({INBOUNDS})
    UNION ALL SELECT MIN(started_at) FROM conversations WHERE citizen = :citizen
    UNION ALL SELECT MIN(opened_at) FROM sessions WHERE citizen = :citizen
    UNION ALL SELECT MIN(created_at) FROM outbox WHERE citizen = :citizen
)
"""  # noqa: S608 - constants only


def beside(database: Path) -> Path:
    """Return the file that goes with a database."""
    return database.with_name(database.name + ".erased")


def note(database: Path, citizen: str, now: int) -> None:
    """Add a citizen who is about to be forgotten; when it returns, that is on disk."""
    path = beside(database)
    new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # A line that a power cut tore is ended first, so that it takes no other with it.
        os.write(descriptor, f"\n{now} {citizen}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def replay(copy: sqlite3.Connection, database: Path) -> int:
    """Forget in a restored copy whoever was forgotten since it was made; return how many citizens that were.

    Who came back after they were forgotten has nothing in it from before, and is kept.
    """
    copy.execute("PRAGMA secure_delete = ON")
    return sum(_forget(copy, citizen, at) for at, citizen in noted(database))


def _forget(copy: sqlite3.Connection, citizen: str, at: int) -> bool:
    (oldest,) = copy.execute(OLDEST, {"citizen": citizen}).fetchone()
    return (oldest is None or oldest <= at) and rights.forget(copy, citizen) > 0


def noted(database: Path) -> Iterator[tuple[int, str]]:
    """Yield what was noted; a torn line is nobody."""
    path = beside(database)
    if path.exists():
        for line in path.read_text("utf-8", "replace").splitlines():
            at, _, citizen = line.partition(" ")
            if at.isdecimal() and citizen:
                yield int(at), citizen
