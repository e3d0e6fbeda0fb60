"""From the `store` setting to an open store."""

from __future__ import annotations

from pathlib import Path

from storage.errors import StoreError
from storage.store import Store

RESERVE = 32 << 20
"""Bytes kept free for a full disk."""


def open_store(
    url: str, base: Path, readonly: bool = False, timezone: str = "Africa/Casablanca", *, reserve: int = RESERVE
) -> Store:
    """Open the store of `awal.toml`: `sqlite:PATH`, relative to the project directory `base`.

    `readonly` opens it beside a running gateway: reading works, writing raises StoreLocked. `reserve` are the bytes
    that `Store.room` keeps on the disk for when it is full.
    """
    from storage.sqlite import SqliteStore

    return SqliteStore(store_path(url, base), readonly=readonly, timezone=timezone, reserve=reserve)


def restore_store(url: str, base: Path, backup: Path) -> int:
    """Put a backup in the store's place and return the new sync epoch. The gateway must be stopped."""
    from storage.sqlite.backup import restore

    return restore(backup, store_path(url, base))


def store_path(url: str, base: Path) -> Path:
    """Return the file a `sqlite:PATH` setting names; raise StoreError for anything else."""
    scheme, _, path = url.partition(":")
    if scheme != "sqlite" or not path:
        raise StoreError(f"store = {url!r} is no store Awal knows: write sqlite:PATH, for example sqlite:data/awal.db")
    return base / path
