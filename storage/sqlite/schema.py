"""Is the database as this release needs it? Tell without importing sqlite-utils, which only migrations need."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from storage.errors import StoreError

VERSION = 9
"""How many migrations there are; kept in `PRAGMA user_version` once all are applied."""


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Apply the migrations that are missing; raise StoreError when the file is from a newer release."""
    found = _version(connection)
    if found > VERSION:
        raise StoreError(f"{path} was written by a newer Awal (schema {found}, this one knows {VERSION}): upgrade Awal")
    if found == VERSION:
        return
    from sqlite_utils import Database

    from storage.sqlite.migrations import migrations

    migrations.apply(Database(connection, execute_plugins=False))
    connection.execute(f"PRAGMA user_version = {VERSION:d}")


def require(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoreError unless the database can be read as it is."""
    if (found := _version(connection)) != VERSION:
        raise StoreError(f"{path} has schema {found}, this Awal reads {VERSION}: start this Awal's gateway on it once")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
