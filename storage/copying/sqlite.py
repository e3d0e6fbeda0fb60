"""A SQLite file as one end of a copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storage.copying.tables import COUNTERS, TABLES, Row, Table
from storage.errors import StoreError
from storage.open import UNFINISHED as MARK
from storage.sqlite import erasures, rolling, schema
from storage.sqlite.connection import errors, open_writer
from storage.sqlite.lock import FileLock

READ = "SELECT {columns} FROM {table} WHERE {after} ORDER BY {key} LIMIT {limit:d}"
DERIVED = ("rolled_answers", "rolled_walks", "rolled_days")
ROLL = 500

# What differs from a plain table. Of an erased citizen's inbound only what makes it unique and its reply are kept.
FROM = {
    "answers": "(SELECT a.*, c.citizen FROM answers a CROSS JOIN conversations c ON c.id = a.conversation)",
    "settings": f"(SELECT * FROM settings WHERE key <> '{MARK}')",  # noqa: S608 - constants only
    "counters": f"(SELECT * FROM counters WHERE name IN {COUNTERS})",  # noqa: S608 - constants only
    "inbound": "(SELECT *, CASE citizen WHEN '' THEN '' ELSE bearer END AS bearer_kept FROM inbound)",
}
READ_AS = {("inbound", "bearer"): "bearer_kept"}
NOT_KEPT = {("answers", "citizen")}


class SqliteSide:
    """Holds the file's lock; `new`: a file that is not there is made."""

    def __init__(self, path: Path, *, new: bool) -> None:
        self.where = f"sqlite:{path.resolve()}"
        self._path = path
        if not new and not path.is_file():
            raise StoreError(f"there is no database {path}: name the store that the gateway ran on until now")
        with errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(path)
        try:
            self._connection = open_writer(path)
            with errors(path):
                schema.upgrade(self._connection, path)
        except BaseException:
            self._lock.release()
            raise

    def key(self, table: Table) -> tuple[str, ...]:
        """Return the row's number where there is one: it is the table's own order."""
        return ("seq",) if table.numbered else table.key

    def rows(self, table: Table, after: Row | None, limit: int) -> list[Row]:
        """Return the next rows after a key."""
        key = ", ".join(self.key(table))
        sql = READ.format(
            columns=", ".join(READ_AS.get((table.name, column), column) for column in table.columns),
            table=FROM.get(table.name, table.name),
            after="1" if after is None else f"({key}) > ({', '.join('?' * len(after))})",
            key=key,
            limit=limit,
        )
        with errors(self._path):
            return [table.row(row) for row in self._connection.execute(sql, after or ())]

    def count(self, table: Table) -> int:
        """Count a table's rows."""
        return int(self._one(f"SELECT COUNT(*) FROM {FROM.get(table.name, table.name)}"))  # noqa: S608 - constants

    def keep(self, table: Table, rows: Sequence[Row], mark: str) -> None:
        """Keep rows and the mark, in one durable transaction."""
        kept = [at for at, name in enumerate(table.columns) if (table.name, name) not in NOT_KEPT]
        names = ", ".join(table.columns[at] for at in kept)
        verb = "REPLACE" if table.name == "counters" else "INSERT"
        sql = f"{verb} INTO {table.name} ({names}) VALUES ({', '.join('?' * len(kept))})"
        with self._transaction() as connection:
            connection.executemany(sql, [[row[at] for at in kept] for row in rows])
            connection.execute("REPLACE INTO settings VALUES (?, ?)", (MARK, mark))

    def mark(self) -> str | None:
        """Return the mark of a copy that has not ended."""
        found = self._one(f"SELECT MAX(value) FROM settings WHERE key = '{MARK}'")  # noqa: S608 - a constant
        return None if found is None else str(found)

    def clear(self, mark: str) -> None:
        """Delete all rows, and begin at `mark`."""
        with self._transaction() as connection:
            for name in (*DERIVED, *(table.name for table in reversed(TABLES) if table.name != "counters")):
                connection.execute(f"DELETE FROM {name}")  # noqa: S608 - constants
            connection.execute("UPDATE counters SET value = name = 'epoch'")
            connection.execute("REPLACE INTO settings VALUES (?, ?)", (MARK, mark))

    def settle(self, now: int) -> None:
        """Count ahead what was copied."""
        more = 1
        while more:
            with self._transaction() as connection:
                more = rolling.roll(connection, now, ROLL)

    def unmark(self) -> None:
        """Take the mark away."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM settings WHERE key = ?", (MARK,))

    def erasures(self) -> list[tuple[int, str]]:
        """Return who was forgotten and when."""
        return list(erasures.noted(self._path))

    def note_erasures(self, erased: Sequence[tuple[int, str]]) -> None:
        """Take over those that are not in the list beside this file yet."""
        known = set(self.erasures())
        with errors(self._path):
            for at, citizen in erased:
                if (at, citizen) not in known:
                    erasures.note(self._path, citizen, at)

    def epoch(self) -> int:
        """Return the sync epoch."""
        return int(self._one("SELECT value FROM counters WHERE name = 'epoch'"))

    def raise_epoch(self, above: int) -> int:
        """Raise the sync epoch over itself and `above`."""
        with self._transaction() as connection:
            connection.execute("UPDATE counters SET value = MAX(value, ?) + 1 WHERE name = 'epoch'", (above,))
        return self.epoch()

    def close(self) -> None:
        """Let the file go."""
        with errors(self._path):
            self._connection.close()
        self._lock.release()

    def _one(self, sql: str) -> Any:
        with errors(self._path):
            return self._connection.execute(sql).fetchone()[0]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with errors(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
