"""From the `store` setting to an open store."""

from __future__ import annotations

from pathlib import Path

from storage.errors import StoreError
from storage.store import Store

RESERVE = 32 << 20
"""Bytes kept free for a full disk."""
BACKUP = "pg_dump --format=custom --schema=awal --file=FILE URL, or pg_basebackup for the whole server"
RESTORE = (
    "stop every gateway, note the number that awal store epoch tells, set the tables aside with "
    'psql --command="ALTER SCHEMA awal RENAME TO awal_replaced" URL, '
    "pg_restore --single-transaction --no-owner --dbname=URL FILE, then awal store epoch --above NUMBER"
)
UNFINISHED = "store-copy"
"""The setting that the target of `awal store copy` holds while it is not whole. It is never copied itself."""


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
    store: Store
    if is_postgres(url):
        from storage.postgres import PostgresStore

        store = PostgresStore(url, timezone=timezone, readonly=readonly, threads=threads)
    else:
        from storage.sqlite import SqliteStore

        store = SqliteStore(store_path(url, base), readonly=readonly, timezone=timezone, reserve=reserve)
    return _whole(store, url)


def _whole(store: Store, url: str) -> Store:
    """Refuse a store that holds a part of another: who wrote to it could not be copied over any more."""
    try:
        if store.get(UNFINISHED) is not None:
            raise StoreError(f"{shown(url)} is not copied whole: run awal store copy again, it goes on where it was")
    except BaseException:
        store.close()
        raise
    return store


def restore_store(url: str, base: Path, backup: Path, keys: Path | None = None) -> int:
    """Put a backup in the store's place and return the new sync epoch. The gateway must be stopped.

    `keys`: those of a sealed backup, where they are not beside the database.
    """
    from storage.sqlite.backup import restore

    if is_postgres(url):
        raise StoreError(f"{shown(url)}: restore it with PostgreSQL's own tools: {RESTORE}")
    return restore(backup, store_path(url, base), keys)


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
