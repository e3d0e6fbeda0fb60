"""A PostgreSQL database as one end of a copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from storage.copying.tables import COUNTERS, TABLES, Row, Table
from storage.errors import StoreLocked
from storage.open import UNFINISHED as MARK
from storage.postgres import lane, reading, schema
from storage.postgres.connection import IN_USE, Connection, connect, errors, redacted

READ = "SELECT {columns} FROM {table} WHERE {after} ORDER BY {key} LIMIT {limit:d}"
ROLL = 500

# What differs from a plain table. The words of an inbound are in `messages`, and only while they are not erased.
INBOUND = """
SELECT i.seq, coalesce(m.id, ''), i.channel, i.external_id, i.citizen, coalesce(m.bearer, ''), coalesce(m.text, ''),
    coalesce(m.received_at, 0), coalesce(m.session, ''), m.sent_at, coalesce(m.conversation, ''), i.reply
FROM (SELECT * FROM inbound WHERE {after} ORDER BY {key} LIMIT {limit:d}) AS i
LEFT JOIN messages m ON m.citizen = i.citizen AND m.seq = i.seq
ORDER BY i.channel, i.external_id
"""
READS = {"inbound": INBOUND}
FROM = {
    "settings": f"(SELECT * FROM settings WHERE key <> '{MARK}') AS t",  # noqa: S608 - constants only
    "counters": f"(SELECT * FROM counters WHERE name IN {COUNTERS}) AS t",  # noqa: S608 - constants only
    "fallbacks": "(SELECT pair, sum(served)::bigint AS served FROM fallbacks GROUP BY pair) AS t",
}
OWN = ("seq", "channel", "external_id", "citizen", "reply")
"""The columns of an inbound that are in `inbound` itself."""
ALL = (*(table.name for table in TABLES if table.name != "counters"), "messages", "outbox_keys")
DERIVED = ("rolled_answers", "rolled_walks", "rolled_days")


class PostgresSide:
    """Holds, alone, the lock that each gateway's connections share."""

    def __init__(self, url: str) -> None:
        self.where = redacted(url)
        self._url = url
        with errors(url):
            self._connection = connect(url, shared=False)
        try:
            with errors(url):
                self._alone()
                schema.upgrade(self._connection, url)
        except BaseException:
            self._connection.close()
            raise

    def _alone(self) -> None:
        free = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (IN_USE,)).fetchone()
        if not free or not free[0]:
            raise StoreLocked(f"{self.where} is in use: stop every gateway that runs on it, then try again")
        for setting in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            self._connection.execute(f"SET {setting} = 0".encode())

    def key(self, table: Table) -> tuple[str, ...]:
        """Return the primary key: there is no index by number."""
        return table.key

    def rows(self, table: Table, after: Row | None, limit: int) -> list[Row]:
        """Return the next rows after a key."""
        key = ", ".join(table.key)
        sql = READS.get(table.name, READ).format(
            columns=", ".join(table.columns),
            table=FROM.get(table.name, table.name),
            after="true" if after is None else f"({key}) > ({', '.join(['%s'] * len(after))})",
            key=key,
            limit=limit,
        )
        with errors(self._url):
            return [table.row(row) for row in self._connection.execute(sql.encode(), after or ())]

    def count(self, table: Table) -> int:
        """Count a table's rows."""
        return int(self._one(f"SELECT count(*) FROM {FROM.get(table.name, table.name)}"))  # noqa: S608 - constants

    def keep(self, table: Table, rows: Sequence[Row], mark: str) -> None:
        """Keep rows and the mark, in one durable transaction."""
        with self._transaction() as connection, connection.cursor() as cursor:
            if table.name == "counters":
                cursor.executemany(b"UPDATE counters SET value = %s WHERE name = %s", [row[::-1] for row in rows])
            elif table.name == "inbound":
                self._keep_inbound(cursor, table, rows)
            else:
                _insert(cursor, table.name, table.columns, rows)
            if table.name == "outbox":
                keys = [table.at(row, ("dedupe_key", "citizen")) for row in rows]
                _insert(cursor, "outbox_keys", ("dedupe_key", "citizen"), [key for key in keys if key[0]])
            self._put(mark)

    def _keep_inbound(self, cursor: psycopg.Cursor[Any], table: Table, rows: Sequence[Row]) -> None:
        _insert(cursor, "inbound", OWN, [table.at(row, OWN) for row in rows])
        words = tuple(name for name in table.columns if name != "reply")
        whose, when = table.columns.index("citizen"), table.columns.index("received_at")
        told = [row for row in rows if row[whose]]
        for at in {lane.month_of(int(str(row[when]))): int(str(row[when])) for row in told}.values():
            lane.make_month(self._connection, at)
        _insert(cursor, "messages", words, [table.at(row, words) for row in told])

    def mark(self) -> str | None:
        """Return the mark of a copy that has not ended."""
        found = self._one("SELECT max(value) FROM settings WHERE key = %s", MARK)
        return None if found is None else str(found)

    def clear(self, mark: str) -> None:
        """Delete all rows, and begin at `mark`."""
        with self._transaction() as connection:
            connection.execute(f"TRUNCATE {', '.join((*ALL, *DERIVED))}".encode())
            connection.execute("UPDATE counters SET value = (name = 'epoch')::int")
            self._put(mark)

    def settle(self, now: int) -> None:
        """Count ahead what was copied, and let the next row have the next number."""
        with self._transaction() as connection:
            for table in TABLES:
                if table.numbered:
                    sql = f"SELECT setval('{table.name}_seq', max(seq)) FROM {table.name}"  # noqa: S608 - constants
                    connection.execute(sql.encode())
        with errors(self._url):
            self._connection.execute("ANALYZE")
        while self._roll(now) or self._roll(now):
            continue

    def _roll(self, now: int) -> int:
        with self._transaction() as connection:
            return reading.roll(connection, now, ROLL)

    def unmark(self) -> None:
        """Take the mark away."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM settings WHERE key = %s", (MARK,))

    def erasures(self) -> list[tuple[int, str]]:
        """Return nothing: backups are the server's, and no list is kept for them."""
        return []

    def note_erasures(self, erased: Sequence[tuple[int, str]]) -> None:
        """Keep no list."""

    def epoch(self) -> int:
        """Return the sync epoch."""
        return int(self._one("SELECT value FROM counters WHERE name = 'epoch'"))

    def raise_epoch(self, above: int) -> int:
        """Raise the sync epoch over itself and `above`."""
        with self._transaction() as connection:
            sql = "UPDATE counters SET value = greatest(value, %s) + 1 WHERE name = 'epoch'"
            connection.execute(sql, (above,))
        return self.epoch()

    def close(self) -> None:
        """Let the database go."""
        self._connection.close()

    def _one(self, sql: str, *given: object) -> Any:
        with errors(self._url):
            row: Any = self._connection.execute(sql.encode(), given).fetchone()
        return row[0]

    def _put(self, mark: str) -> None:
        sql = "INSERT INTO settings VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        self._connection.execute(sql, (MARK, mark))

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with errors(self._url), self._connection.transaction():
            yield self._connection


def _insert(cursor: psycopg.Cursor[Any], name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows, the served texts of all citizens as one lot."""
    lot, no = (", lot", ", 0") if name == "fallbacks" else ("", "")
    places = ", ".join(["%s"] * len(columns))
    sql = f"INSERT INTO {name} ({', '.join(columns)}{lot}) VALUES ({places}{no})"  # noqa: S608 - constants only
    if rows:
        cursor.executemany(sql.encode(), rows)
