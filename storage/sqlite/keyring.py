"""One key a citizen, in a file beside the database: who destroys it has destroyed that citizen in every sealed backup.

`awal.db.keys` is a row of records of 64 bytes: pseudonym, the name of the citizen's packets, their key. A record lies
within one sector of the disk, so that it is written or not, and is overwritten where it stands when its citizen is
forgotten. Nothing else has these keys: not the database, not a backup.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from storage.errors import StoreError

RECORD = 64
PSEUDONYM, NAME, KEY = 26, 16, 16
MARK = b"AWKEY1"
"""Ends a record that was written whole."""


class Lock(Struct, frozen=True):
    """What opens a citizen's packets; `name` stands on them in place of the pseudonym."""

    name: bytes
    key: bytes

    def __repr__(self) -> str:
        return "<Lock, key hidden>"


def beside(database: Path) -> Path:
    """Return the file that goes with a database."""
    return database.with_name(database.name + ".keys")


def locks(path: Path) -> Mapping[str, Lock]:
    """Return the keys by pseudonym; a destroyed or torn record is nobody's."""
    return dict(_records(path.read_bytes())) if path.exists() else {}


def _records(whole: bytes) -> Iterator[tuple[str, Lock]]:
    for at in range(0, len(whole) - RECORD + 1, RECORD):
        record = whole[at : at + RECORD]
        if record.endswith(MARK):
            who, name = record[:PSEUDONYM], record[PSEUDONYM : PSEUDONYM + NAME]
            yield who.rstrip(b"\0").decode(), Lock(name, record[PSEUDONYM + NAME :][:KEY])


def destroyed(path: Path) -> int:
    """Return how many keys were destroyed here."""
    whole = path.read_bytes() if path.exists() else b""
    return sum(not any(whole[at : at + RECORD]) for at in range(0, len(whole) - RECORD + 1, RECORD))


def add(path: Path, citizens: Iterable[str]) -> Mapping[str, Lock]:
    """Give a key to each citizen who has none; when it returns, they are on disk. Returns all."""
    return add_all(path, {who: Lock(os.urandom(NAME), os.urandom(KEY)) for who in citizens})


def add_all(path: Path, others: Mapping[str, Lock]) -> Mapping[str, Lock]:
    """Take over the keys of citizens who have none here; one process after the other. Returns all."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        known = locks(path)
        new = {who: lock for who, lock in others.items() if who not in known}
        end = os.lseek(descriptor, 0, os.SEEK_END)
        records = b"".join(_record(who, lock) for who, lock in new.items())
        os.pwrite(descriptor, records, end - end % RECORD)  # over a record that a power cut tore
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _sync(path.parent)
    return {**known, **new}


def _record(who: str, lock: Lock) -> bytes:
    named = who.encode()
    if len(named) > PSEUDONYM:
        raise StoreError(f"{who[:40]!r} is no pseudonym: this database was not written by Awal")
    return named.ljust(PSEUDONYM, b"\0") + lock.name + lock.key + MARK


def destroy(path: Path, citizen: str) -> bool:
    """Overwrite a citizen's key where it stands; when it returns, that is on disk. False when there was none."""
    if not path.exists() or not citizen:
        return False
    named, whole = citizen.encode().ljust(PSEUDONYM, b"\0"), path.read_bytes()
    places = [at for at in range(0, len(whole), RECORD) if whole.startswith(named, at)]
    if places:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            for at in places:
                os.pwrite(descriptor, bytes(RECORD), at)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return bool(places)


def carry(path: Path, target: Path) -> int:
    """Write the keys to another medium, over the copy that is there; return how many citizens they are of.

    The old copy is overwritten, not left beside: it may have keys that were destroyed since.
    """
    kept = locks(path)
    whole = b"".join(_record(who, lock) for who, lock in kept.items())
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        old = os.lseek(descriptor, 0, os.SEEK_END)
        os.pwrite(descriptor, whole.ljust(old, b"\0"), 0)
        os.fsync(descriptor)
        os.ftruncate(descriptor, len(whole))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return len(kept)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
