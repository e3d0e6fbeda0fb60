"""From the `store` setting to an open store."""

from __future__ import annotations

from pathlib import Path

from storage.errors import StoreError
from storage.store import Store

RESERVE = 32 << 20
"""Bytes kept free for a full disk."""
BACKUP = "pg_dump --format=custom --file=FILE URL, or pg_basebackup for the whole server"
RESTORE = (
    'stop every gateway, pg_restore --clean --if-exists --dbname=URL FILE, then psql URL -c "UPDATE awal.counters SET '
    "value = EPOCH WHERE name = 'epoch'\" with a number higher than the platform has seen (awal sync tells it)"
)


def open_store(
    url: str,
    base: Path,
    readonly: bool = False,
    timezone: str = "Africa/Casablanca",
    *,
    reserve: int = RESERVE,
    threads: int = 8,
) -> Store:
    """Open the store of `awal.toml`: `sqlite:PATH`, relative to the project directory `base`, or `postgresql://…`.

    `readonly` opens it beside a running gateway: reading works, writing raises StoreLocked. `reserve` are the bytes
    that `Store.room` keeps on the disk for when it is full. `threads` are the requests that may need the store at once.
    """
    if is_postgres(url):
        from storage.postgres import PostgresStore

        return PostgresStore(url, timezone=timezone, readonly=readonly, threads=threads)
    from storage.sqlite import SqliteStore

    return SqliteStore(store_path(url, base), readonly=readonly, timezone=timezone, reserve=reserve)


def restore_store(url: str, base: Path, backup: Path) -> int:
    """Put a backup in the store's place and return the new sync epoch. The gateway must be stopped."""
    from storage.sqlite.backup import restore

    if is_postgres(url):
        raise StoreError(f"{shown(url)}: restore it with PostgreSQL's own tools: {RESTORE}")
    return restore(backup, store_path(url, base))


def store_path(url: str, base: Path) -> Path:
    """Return the file a `sqlite:PATH` setting names; raise StoreError for anything else."""
    if is_postgres(url):
        raise StoreError(f"{shown(url)} is a database, no file: back it up with PostgreSQL's own tools: {BACKUP}")
    scheme, _, path = url.partition(":")
    if scheme != "sqlite" or not path:
        raise StoreError(
            f"store = {shown(url)!r} is no store Awal knows: write sqlite:PATH, for example sqlite:data/awal.db, "
            "or postgresql://USER@HOST/NAME"
        )
    return base / path


def is_postgres(url: str) -> bool:
    """Tell whether the setting names a PostgreSQL database."""
    return url.startswith(("postgresql://", "postgres://"))


def shown(url: str) -> str:
    """Return the setting as it may be shown: a URL without what may be a password."""
    scheme, found, rest = url.partition("://")
    if not found:
        return url
    place = rest.rpartition("@")[2].partition("?")[0]
    return f"{scheme}://{'***@' if '@' in rest else ''}{place}"
