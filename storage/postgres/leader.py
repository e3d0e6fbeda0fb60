"""Who runs the scheduled jobs: whoever holds a lock that the server gives to one connection and takes back with it."""

from __future__ import annotations

import threading
from contextlib import suppress

import psycopg

from storage.errors import StoreError
from storage.postgres.connection import Connection, connect

LOCK = 0x6177_6C65


class Lead:
    """The lock and the connection it lives on; a connection that is lost takes the lead with it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turn = threading.Lock()
        self._connection: Connection | None = None
        self._closed = False

    def held(self) -> bool:
        """Take the lead if it is free; tell whether it is ours at this moment."""
        with self._turn:
            if self._closed:
                return False
            try:
                return self._ask()
            except (psycopg.Error, StoreError):
                self._drop()
                return False

    def _ask(self) -> bool:
        if self._connection is not None:
            self._connection.execute("SELECT 1")
            return True
        self._connection = connect(self._url)
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        if not row or not row[0]:
            self._drop()
        return self._connection is not None

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def close(self) -> None:
        """Give the lead up, for good."""
        with self._turn:
            self._closed = True
            self._drop()
