"""Dates for what was kept while the clock was not known (`storage.undated`)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from flows.types import Conversation
from storage.moments import civil_day, milliseconds
from storage.sqlite import rolling
from storage.sqlite.lane import decode, encode
from storage.undated import UNKNOWN, Undated

# What was kept last in each table: by its number, so that it costs the same however much there is.
NEWEST = """
SELECT MAX(at) FROM (
    SELECT * FROM (SELECT received_at AS at FROM inbound WHERE received_at > 0 ORDER BY seq DESC LIMIT 1)
    UNION ALL SELECT * FROM (SELECT started_at FROM conversations ORDER BY seq DESC LIMIT 1)
    UNION ALL SELECT * FROM (SELECT created_at FROM outbox ORDER BY seq DESC LIMIT 1)
    UNION ALL SELECT * FROM (SELECT at FROM events ORDER BY seq DESC LIMIT 1)
    UNION ALL SELECT * FROM (SELECT at FROM syncs ORDER BY seq DESC LIMIT 1)
)
"""
# `day > 'u'` is in every look at undated rows: the indexes hold no others.
SPANS = f"""
SELECT number, boot, base, since, until, shift,
    (SELECT COUNT(*) FROM answers a WHERE a.day = '{UNKNOWN} ' || number AND a.day > 'u'),
    (SELECT COUNT(*) FROM conversations c WHERE c.day = '{UNKNOWN} ' || number AND c.day > 'u' AND c.flow <> '')
FROM undated
"""  # noqa: S608 - a constant
PENDING = """
SELECT c.seq, c.id, c.citizen, c.state, c.day, c.started_at, c.completed_at, c.updated_at, c.rolled
FROM conversations c WHERE c.seq IN (
    SELECT seq FROM conversations WHERE day = :day AND day > 'u'
    UNION SELECT c.seq FROM answers a CROSS JOIN conversations c ON c.id = a.conversation
    WHERE a.day = :day AND a.day > 'u'
    ORDER BY seq LIMIT :limit
) ORDER BY c.seq
"""
OPEN = """
SELECT c.seq, c.id, c.citizen, c.state, c.day, c.started_at, c.completed_at, c.updated_at, c.rolled
FROM conversations c WHERE c.status = 'active' AND c.updated_at BETWEEN :since AND :until ORDER BY c.seq
"""
SENDING = """
UPDATE outbox SET
    next_at = next_at + CASE WHEN next_at > 0 AND changed_at BETWEEN :since AND :until THEN :shift ELSE 0 END,
    not_after = not_after + CASE WHEN created_at BETWEEN :since AND :until THEN :shift ELSE 0 END,
    claimed_at = claimed_at + CASE WHEN claimed_at BETWEEN :since AND :until THEN :shift ELSE 0 END,
    created_at = created_at + CASE WHEN created_at BETWEEN :since AND :until THEN :shift ELSE 0 END,
    changed_at = changed_at + CASE WHEN changed_at BETWEEN :since AND :until THEN :shift ELSE 0 END
WHERE (created_at BETWEEN :since AND :until OR changed_at BETWEEN :since AND :until)
"""
WAITING = " AND state IN ('queued', 'sending')"
SEALED = " AND state IN ('accepted', 'failed', 'dead') AND recipient <> x''"
"""Of those the number is still there, and goes when it is old."""
WORDS = tuple(
    f"UPDATE {table} SET {column} = {column} + :shift WHERE {column} BETWEEN :since AND :until"  # noqa: S608 - constants
    for table, column in (
        ("citizens", "consented_at"),
        ("citizens", "stopped_at"),
        ("consents", "at"),
        ("events", "at"),
    )
)
"""What citizens agreed to and what happened: moments that no conversation holds."""
INBOUND = (
    "UPDATE inbound SET received_at = received_at + :shift"
    " WHERE citizen = :citizen AND conversation = :id AND received_at BETWEEN :since AND :until"
)


def newest(connection: sqlite3.Connection) -> int:
    """Return the newest moment kept."""
    (at,) = connection.execute(NEWEST).fetchone()
    return int(at or 0)


def spans(connection: sqlite3.Connection) -> list[Undated]:
    """Return every time without a clock, with what waits for its day."""
    return [Undated(*row) for row in connection.execute(f"{SPANS} ORDER BY number")]


def lose(connection: sqlite3.Connection, boot: str, base: int, since: int) -> Undated:
    """Begin a time without a clock, or go on in this boot's."""
    going = connection.execute(f"{SPANS} WHERE boot = ? AND shift IS NULL", (boot,)).fetchone()
    if going is not None:
        connection.execute("UPDATE undated SET until = 0 WHERE number = ?", (going[0],))
        return replace(Undated(*going), until=0)
    (number,) = connection.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM undated").fetchone()
    connection.execute("INSERT INTO undated VALUES (?, ?, ?, ?, 0, NULL)", (number, boot, base, since))
    return Undated(number, boot, base, since)


def end_boots(connection: sqlite3.Connection, boot: str) -> None:
    """Note where the times of other boots ended."""
    connection.execute(
        "UPDATE undated SET until = MAX(since, ?) WHERE until = 0 AND boot <> ?", (newest(connection), boot)
    )


def unended(connection: sqlite3.Connection, boot: str) -> bool:
    """Tell by reading only whether `end_boots` would change anything."""
    return connection.execute("SELECT 1 FROM undated WHERE until = 0 AND boot <> ?", (boot,)).fetchone() is not None


def find(connection: sqlite3.Connection, number: int, shift: int, until: int, zone: ZoneInfo) -> bool:
    """Decide what is added, and add it where nobody can wait."""
    row = connection.execute(f"{SPANS} WHERE number = ? AND shift IS NULL", (number,)).fetchone()
    if row is None:
        return False
    span = replace(Undated(*row), shift=shift)
    span = replace(span, until=until or span.until or max(span.since, newest(connection)))
    connection.execute("UPDATE undated SET shift = ?, until = ? WHERE number = ?", (shift, span.until, number))
    given = {"shift": shift, "since": span.since, "until": span.until}
    for sql in (SENDING + WAITING, SENDING + SEALED, *WORDS) if shift else ():
        connection.execute(sql, given)
    _settle(connection, span, connection.execute(OPEN, given).fetchall(), zone)
    return True


def anything(connection: sqlite3.Connection) -> bool:
    """Tell by reading only whether `date` would change anything."""
    return any(_pending(connection, span, 1) for span in _decided(connection))


def date(connection: sqlite3.Connection, limit: int, zone: ZoneInfo) -> int:
    """Give the next conversations their day."""
    done = 0
    for span in _decided(connection):
        rows = _pending(connection, span, limit - done)
        _settle(connection, span, rows, zone)
        done += len(rows)
    return done


def _decided(connection: sqlite3.Connection) -> list[Undated]:
    sql = "SELECT number, boot, base, since, until, shift FROM undated WHERE shift IS NOT NULL ORDER BY number"
    return [Undated(*row) for row in connection.execute(sql)]


def _pending(connection: sqlite3.Connection, span: Undated, limit: int) -> list[tuple[Any, ...]]:
    return connection.execute(PENDING, {"day": span.day, "limit": limit}).fetchall()


def _settle(connection: sqlite3.Connection, span: Undated, rows: Sequence[tuple[Any, ...]], zone: ZoneInfo) -> None:
    """Date these conversations with their answers; what they added to the counts kept ahead goes before."""
    rolling.thaw(connection, [row[0] for row in rows if row[8]])
    for row in rows:
        _conversation(connection, span, row, zone)
        _answers(connection, span, row[1], zone)
        _inbound(connection, span, row)


def _conversation(connection: sqlite3.Connection, span: Undated, row: tuple[Any, ...], zone: ZoneInfo) -> None:
    seq, _, _, state, day, started, completed, updated, _ = row
    began_here = day == span.day
    if began_here:
        started += span.shift
        day = civil_day(started, zone)
    connection.execute(
        "UPDATE conversations SET state = ?, day = ?, started_at = ?, completed_at = ?, updated_at = ?,"
        " revision = revision + 1 WHERE seq = ?",
        (
            encode(moved(decode(state), span, began_here)).decode(),
            day,
            started,
            span.true(completed),
            span.true(updated),
            seq,
        ),
    )


def _answers(connection: sqlite3.Connection, span: Undated, conversation: str, zone: ZoneInfo) -> None:
    shift = span.shift or 0
    found = connection.execute(
        "SELECT seq, answered_at FROM answers WHERE conversation = ? AND day = ?", (conversation, span.day)
    ).fetchall()
    connection.executemany(
        "UPDATE answers SET answered_at = ?, day = ? WHERE seq = ?",
        [(at + shift, civil_day(at + shift, zone), seq) for seq, at in found],
    )


def _inbound(connection: sqlite3.Connection, span: Undated, row: tuple[Any, ...]) -> None:
    given = {"id": row[1], "citizen": row[2], "shift": span.shift, "since": span.since, "until": span.until}
    if span.shift:
        connection.execute(INBOUND, given)


def moved(state: Conversation, span: Undated, began_here: bool) -> Conversation:
    """Return a conversation with its moments as the clock showed them."""
    shift = timedelta(milliseconds=span.shift or 0)
    covered = span.covers(milliseconds(state.updated_at))
    return replace(
        state,
        started_at=state.started_at + shift if began_here else state.started_at,
        updated_at=state.updated_at + shift if covered else state.updated_at,
    )
