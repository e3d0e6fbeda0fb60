"""Connections and their pragmas, the pool of readers, and SQLite's errors in our words."""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import StoreBusy, StoreError, StoreFull

IDLE_READERS = 64
"""As many as threads that read at once, so that none has to open its own each time."""
OLDEST_SQLITE = (3, 37, 0)
"""The first version with STRICT tables."""
SOUND_SQLITE = (3, 51, 3)
"""Before it two connections that write or checkpoint at once can corrupt a log; back-ported to the two below."""
BACKPORTS = ((3, 44, 6), (3, 50, 7))

WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # NORMAL loses acknowledged answers when the power fails; FULL syncs the log at every commit.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # What a citizen had erased is overwritten, not only unlinked.
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA journal_size_limit = 16777216",
)


def resets_log_soundly(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Tell whether this SQLite is free of the fault. It cannot strike here: one connection writes and checkpoints."""
    return version >= SOUND_SQLITE or any(fixed <= version < (*fixed[:2], 1000) for fixed in BACKPORTS)


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the only connection that writes; the caller holds the file lock."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: Awal needs 3.37 or later; upgrade the system")
    with errors(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        for pragma in WRITER_PRAGMAS:
            connection.execute(pragma)
        return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that cannot write, so that it can never run a checkpoint either."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=64)
    connection.execute("PRAGMA query_only = ON")
    # Kibibytes. The system's cache holds the pages; a board of 512 MB has no room for a second one per reader.
    connection.execute("PRAGMA cache_size = -256")
    return connection


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turn what goes wrong inside into StoreError, StoreFull or StoreBusy."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise explain(error, path) from error


def explain(error: Exception, path: Path) -> StoreError:
    """Return the store's error for one of SQLite's or the system's, with its remedy."""
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return StoreFull(f"no room left for {path}: make room on that disk, writing goes on by itself")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(f"{path} is held by another program: close it (an SQLite browser?) and try again")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreError(f"{path} is damaged or no database ({error}): keep the file and run awal restore BACKUP")
    if isinstance(error, (sqlite3.IntegrityError, UnicodeError, OverflowError)):
        return StoreError(f"{path} cannot keep this value ({error}): nothing was kept; report it with what was sent")
    return StoreError(f"{path}: {error}: check that the file and its directory are there and may be written")


class Readers:
    """Read-only connections, lent to one caller at a time and kept for the next."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False

    @contextmanager
    def lend(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection; errors inside become the store's own."""
        if self._closed:
            raise StoreError(f"{self._path} is closed: open the store again")
        with errors(self._path):
            connection = self._take()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return open_reader(self._path)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._closed or connection.in_transaction or len(self._idle) >= IDLE_READERS:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close what is idle now, and the rest as it comes back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
