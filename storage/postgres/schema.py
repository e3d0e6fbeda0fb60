"""Is the database as this release needs it? One gateway applies what is missing; the others wait for it."""

from __future__ import annotations

from storage.errors import StoreError
from storage.postgres.connection import SCHEMA, Connection, redacted
from storage.postgres.migrations import MIGRATIONS

LOCK = 0x6177_6D69
VERSION = len(MIGRATIONS)


def upgrade(connection: Connection, url: str) -> None:
    """Apply the migrations that are missing, all or none; raise StoreError for a database of a newer release."""
    if version(connection) == VERSION:
        return
    with connection.transaction():
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("SET LOCAL lock_timeout = 0")
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        found = version(connection)
        if found > VERSION:
            raise StoreError(
                f"{redacted(url)} was written by a newer Awal (schema {found}, this one knows {VERSION}): upgrade Awal"
            )
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}".encode())
        connection.execute("CREATE TABLE IF NOT EXISTS migrations (number int PRIMARY KEY, name text NOT NULL)")
        for number, migration in enumerate(MIGRATIONS[found:], found + 1):
            connection.execute(migration().encode())
            connection.execute("INSERT INTO migrations VALUES (%s, %s)", (number, migration.__name__))


def require(connection: Connection, url: str) -> None:
    """Raise StoreError unless the database can be read as it is."""
    found = version(connection)
    if not found:
        raise StoreError(f"there is nothing in {redacted(url)} yet: run awal serve once, it makes the tables")
    if found != VERSION:
        raise StoreError(
            f"{redacted(url)} has schema {found}, this Awal reads {VERSION}: start this Awal's gateway on it once"
        )


def version(connection: Connection) -> int:
    """Return how many migrations were applied."""
    there = connection.execute("SELECT to_regclass('migrations') IS NOT NULL").fetchone()
    if not there or not there[0]:
        return 0
    row = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()
    return int(row[0]) if row else 0
