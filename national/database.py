"""A thin door to the database: the same short SQL for SQLite (default) and PostgreSQL, one transaction at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from national.errors import NationalError, Refused

Row = Sequence[Any]


class Run(Protocol):
    """Runs one statement inside a transaction and returns its rows, if it gives any. `?` marks a parameter."""

    def __call__(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:  # noqa: D102 - the class says it
        ...


class Database(Protocol):
    """What the store needs of a database. What cannot be done now raises Refused (503)."""

    def transaction(self) -> AbstractContextManager[Run]:
        """Return a context that commits durably at its end, or undoes everything."""

    def read(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of one query."""

    def keep_private(self) -> None:
        """Let nobody but the platform's own user read it: it is about to hold a private key."""

    def close(self) -> None:
        """Let the database go."""


class Sqlite:
    """One SQLite file: WAL, every commit on disk before it returns."""

    def __init__(self, path: str) -> None:
        parent = Path(path).absolute().parent
        if not parent.is_dir():
            raise NationalError(f"The folder {parent} does not exist. Make it, or give another --store sqlite:PATH.")
        self._lock = threading.Lock()
        self._path = Path(path)
        try:
            self._connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error as fault:
            raise NationalError(
                f"{path} cannot be opened ({fault}). Check the file, or give another --store."
            ) from fault

    @contextmanager
    def transaction(self) -> Iterator[Run]:
        """Hold the writer's lock, commit at the end, undo on any error."""
        with self._lock, _unavailable():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._run
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def read(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of one query."""
        with self._lock, _unavailable():
            return self._run(sql, params)

    def keep_private(self) -> None:
        """Take the file from others: mode 600, which SQLite gives its companion files too."""
        try:
            for path in (self._path, *self._path.parent.glob(f"{self._path.name}-*")):
                path.chmod(0o600)
        except OSError as fault:
            raise Refused(503, "unavailable", f"{self._path} cannot be made private ({fault.strerror}).") from fault

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _run(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(sql, params).fetchall()


@contextmanager
def _unavailable() -> Iterator[None]:
    """Turn a locked, full or missing database into an answer that makes the gateway try again later."""
    try:
        yield
    except sqlite3.OperationalError as fault:
        raise Refused(503, "unavailable", f"The database cannot be used now ({fault}).") from fault
