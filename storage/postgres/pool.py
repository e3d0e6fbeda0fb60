"""A few connections, lent to one caller at a time; one that broke is replaced by the next caller."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from psycopg import errors as pg
from psycopg.pq import TransactionStatus

from storage.errors import StoreBusy, StoreError
from storage.postgres.connection import PATIENT, Connection, alive, connect, errors, redacted

Result = TypeVar("Result")
Operation = Callable[[Connection], Result]

ATTEMPTS = 4
"""How often a transaction that PostgreSQL gave up for another's sake is tried."""


class Pool:
    """At most `size` connections at once; who waits longer than `deadline` seconds for one hears StoreBusy."""

    def __init__(self, url: str, size: int, deadline: float, *, shared: bool) -> None:
        self.url = url
        self._shared = shared
        self._deadline = deadline
        self._idle: deque[Connection] = deque()
        self._free = threading.BoundedSemaphore(size)
        self._closed = False

    def run(self, operation: Operation[Result]) -> Result:
        """Run single statements: each is its own transaction."""
        with self.lend() as connection:
            return operation(connection)

    def write(self, operation: Operation[Result]) -> Result:
        """Run an operation in one transaction; again from the start when it met another one head-on."""
        with self.lend() as connection:
            for _ in range(ATTEMPTS - 1):
                try:
                    with connection.transaction():
                        return operation(connection)
                except pg.TransactionRollback:
                    continue
            with connection.transaction():
                return operation(connection)

    def report(self, operation: Operation[Result]) -> Result:
        """Run a reading operation that may take minutes, in one snapshot."""
        with self.snapshot() as connection:
            return operation(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Lend a connection that sees the database as it is now, for minutes if need be."""
        with self.lend() as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            connection.execute(f"SET LOCAL statement_timeout = {PATIENT:d}".encode())
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield connection

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """Lend a connection; errors inside become the store's own."""
        if not self._free.acquire(timeout=self._deadline):
            raise StoreBusy(f"all connections to {redacted(self.url)} are in use: raise threads in awal.toml")
        try:
            with errors(self.url):
                connection = self._take()
                try:
                    yield connection
                finally:
                    self._give_back(connection)
        finally:
            self._free.release()

    def _take(self) -> Connection:
        while not self._closed:
            try:
                connection = self._idle.pop()
            except IndexError:
                return connect(self.url, shared=self._shared)
            if alive(connection):
                return connection
            connection.close()
        raise StoreError(f"{redacted(self.url)} is closed: open the store again")

    def _give_back(self, connection: Connection) -> None:
        if self._closed or connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close what is idle now, and the rest as it comes back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
