"""A copy that is known to be good, and the way back from it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

from storage.errors import StoreError
from storage.sqlite import erasures, keyring, reading, schema, sealed, sync
from storage.sqlite.connection import errors, open_reader
from storage.sqlite.lock import FileLock


def back_up(source: sqlite3.Connection, target: Path) -> Mapping[str, int]:
    """Copy the database while it is in use; verify the copy, then name it `target`. Returns the copy's counts."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    source.execute("BEGIN")
    try:
        expected = reading.counts(source)
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            found = verify(copy, part)
    finally:
        source.execute("ROLLBACK")
    if found != expected:
        raise StoreError(f"the copy {part} holds {found}, the database {expected}: try again, and check that disk")
    _publish(part, target)
    return found


def back_up_sealed(source: sqlite3.Connection, path: Path, target: Path) -> Mapping[str, int]:
    """Do the same for a copy that nobody can read without the keys beside `path`; returns its counts.

    The plain copy that is sealed lies beside the database meanwhile, never on the other medium.
    """
    plain, keys = path.with_name(path.name + ".sealing"), keyring.beside(path)
    before = len(list(erasures.noted(path)))
    found = back_up(source, plain)
    sealed.write(plain, target, keys)
    # Who was forgotten meanwhile was in the copy still, and has just been given a key anew.
    for _, citizen in list(erasures.noted(path))[before:]:
        keyring.destroy(keys, citizen)
    _publish_whole(target)
    return found


def restore(backup: Path, path: Path, keys: Path | None = None) -> int:
    """Put a verified copy in the database's place; return the new epoch, higher than the one before.

    A sealed one is opened with the keys beside the database, or with those of `keys`, which are then put there.

    Who was forgotten since the copy was made is forgotten again. What was there stays beside it as
    `awal.db.replaced`, until the next restore.
    """
    if not backup.is_file():
        raise StoreError(f"there is no backup {backup}: give the file that awal backup wrote")
    path.parent.mkdir(parents=True, exist_ok=True)
    with errors(path):
        lock = FileLock(path)
        try:
            return _replace(backup, path, keys)
        finally:
            lock.release()


def verify(connection: sqlite3.Connection, path: Path) -> Mapping[str, int]:
    """Return the counts of a sound database; raise StoreError when it is damaged."""
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise StoreError(f"{path} is damaged ({verdict}): use an older backup")
    return reading.counts(connection)


def _opened(backup: Path) -> sqlite3.Connection:
    """Open a backup; what SQLite says of it is told of this file, not of the database it was to replace."""
    try:
        source = open_reader(backup)
        schema.require(source, backup)
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{backup} is no backup ({error}): give the file that awal backup wrote") from error
    return source


def _replace(backup: Path, path: Path, keys: Path | None) -> int:
    if keys is not None and not keyring.locks(keys):
        raise StoreError(f"{keys} holds no keys: give the copy that awal backup --sealed --keys wrote")
    part = path.with_name(path.name + ".restored")
    part.unlink(missing_ok=True)
    with closing(_opened(backup)) as source, closing(sqlite3.connect(part, isolation_level=None)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        if sealed.is_sealed(copy):
            sealed.unseal(copy, keys or keyring.beside(path))
        verify(copy, backup)
        erasures.replay(copy, path)
        epoch = max(sync.epoch(copy), _epoch_now(path)) + 1
        copy.execute("UPDATE counters SET value = ? WHERE name = 'epoch'", (epoch,))
    os.chmod(part, 0o600)
    if keys is not None:
        keyring.add_all(keyring.beside(path), keyring.locks(keys))
    _set_aside(path)
    _publish(part, path)
    return epoch


def _set_aside(path: Path) -> None:
    """Rename the old database with its log: a new database beside an old log would be read as one, and be ruined."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as old:
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for end in ("-wal", "-shm", ""):
        present = path.with_name(path.name + end)
        aside = path.with_name(f"{path.name}.replaced{end}")
        aside.unlink(missing_ok=True)
        if present.exists():
            present.rename(aside)


def _epoch_now(path: Path) -> int:
    """Return the epoch of the database that is being replaced, 0 when it cannot be read any more."""
    try:
        with closing(open_reader(path)) as connection:
            return sync.epoch(connection)
    except sqlite3.Error:
        return 0


def _publish(part: Path, target: Path) -> None:
    """Give the finished file its name, durably."""
    _sync(part)
    os.replace(part, target)
    _sync(target.parent)


def _publish_whole(target: Path) -> None:
    """Make a file that has its name already durable."""
    _sync(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
