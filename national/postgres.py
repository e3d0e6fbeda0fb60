"""PostgreSQL behind the same door as SQLite, for a platform that one file no longer serves. Needs `awal[postgres]`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from national.database import Row, Run
from national.errors import NationalError, Refused

try:
    import psycopg
except ImportError as fault:
    raise NationalError(
        "PostgreSQL needs the package psycopg: pip install 'awal[postgres]', or use --store sqlite:PATH."
    ) from fault


class Postgres:
    """One database, one connection a thread; a connection that broke is opened again by the next request."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._local = threading.local()
        self._all: list[psycopg.Connection[Any]] = []
        try:
            self._connection()
        except psycopg.Error as fault:
            reason = " ".join(str(fault).split())
            raise NationalError(f"PostgreSQL cannot be reached ({reason}). Check --store and the server.") from fault

    @contextmanager
    def transaction(self) -> Iterator[Run]:
        """Commit durably at the end, undo on any error."""
        with self._unavailable():
            connection = self._connection()
            with connection.transaction():
                yield lambda sql, params=(): _run(connection, sql, params)

    def read(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of one query."""
        with self._unavailable():
            return _run(self._connection(), sql, params)

    def keep_private(self) -> None:
        """Do nothing: who may read the database is its server's to say."""

    def close(self) -> None:
        """Close every connection."""
        for connection in self._all:
            connection.close()

    def _connection(self) -> psycopg.Connection[Any]:
        found: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        if found is None or found.closed:
            found = psycopg.connect(self._url, autocommit=True, connect_timeout=10)
            self._local.connection = found
            self._all.append(found)
        return found

    @contextmanager
    def _unavailable(self) -> Iterator[None]:
        """Turn a lost server or a lock into an answer that makes the gateway try again later."""
        try:
            yield
        except psycopg.OperationalError as fault:
            reason = " ".join(str(fault).split())
            raise Refused(503, "unavailable", f"The database cannot be used now ({reason}).") from fault


def _run(connection: psycopg.Connection[Any], sql: str, params: Sequence[Any]) -> list[Row]:
    cursor = connection.execute(sql.replace("?", "%s").encode(), tuple(params) or None)
    return cursor.fetchall() if cursor.description else []
