"""Dates for what was kept while the clock was not known (`storage.undated`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from flows.types import Conversation
from storage.moments import civil_day, milliseconds
from storage.postgres.connection import Connection
from storage.postgres.lane import decode, encode, make_month, month_of
from storage.undated import UNKNOWN, Undated

HAS_MONTH = "SELECT to_regclass(%s) IS NOT NULL"
LOCK = "SELECT pg_advisory_xact_lock(6, 1)"
NEWEST = b"""
SELECT greatest(
    (SELECT received_at FROM messages ORDER BY seq DESC LIMIT 1),
    (SELECT started_at FROM conversations ORDER BY seq DESC LIMIT 1),
    (SELECT created_at FROM outbox ORDER BY seq DESC LIMIT 1),
    (SELECT at FROM events ORDER BY seq DESC LIMIT 1),
    (SELECT at FROM syncs ORDER BY seq DESC LIMIT 1))
"""
# `day > 'u'` is in every look at undated rows: the indexes hold no others.
SPANS = f"""
SELECT number, boot, base, since, until, shift,
    (SELECT count(*) FROM answers a WHERE a.day = '{UNKNOWN} ' || number AND a.day > 'u'),
    (SELECT count(*) FROM conversations c WHERE c.day = '{UNKNOWN} ' || number AND c.day > 'u' AND c.flow <> '')
FROM undated
"""  # noqa: S608 - a constant
ROW = "c.id, c.citizen, c.state, c.day, c.started_at, c.completed_at, c.updated_at"
WHOSE = """
SELECT citizen, id FROM (
    SELECT citizen, id, seq FROM conversations WHERE day = %(day)s AND day > 'u'
    UNION SELECT c.citizen, c.id, c.seq FROM answers a
    JOIN conversations c ON c.citizen = a.citizen AND c.id = a.conversation WHERE a.day = %(day)s AND a.day > 'u'
) AS found ORDER BY seq LIMIT %(limit)s
"""
OPEN = """
SELECT citizen, id FROM conversations WHERE status = 'active' AND updated_at BETWEEN %(since)s AND %(until)s
"""
ROWS = f"""
SELECT {ROW} FROM unnest(%s::text[], %s::text[]) AS w (citizen, id)
JOIN conversations c ON c.citizen = w.citizen AND c.id = w.id ORDER BY c.seq
"""  # noqa: S608 - constants
SENDING = """
UPDATE outbox SET
    next_at = next_at + CASE WHEN next_at > 0 AND changed_at BETWEEN %(since)s AND %(until)s THEN %(shift)s ELSE 0 END,
    not_after = not_after + CASE WHEN created_at BETWEEN %(since)s AND %(until)s THEN %(shift)s ELSE 0 END,
    claimed_at = claimed_at + CASE WHEN claimed_at BETWEEN %(since)s AND %(until)s THEN %(shift)s ELSE 0 END,
    created_at = created_at + CASE WHEN created_at BETWEEN %(since)s AND %(until)s THEN %(shift)s ELSE 0 END,
    changed_at = changed_at + CASE WHEN changed_at BETWEEN %(since)s AND %(until)s THEN %(shift)s ELSE 0 END
WHERE (created_at BETWEEN %(since)s AND %(until)s OR changed_at BETWEEN %(since)s AND %(until)s)
    AND (state IN ('queued', 'sending') OR state IN ('accepted', 'failed', 'dead') AND recipient <> ''::bytea)
"""
WORDS = tuple(
    f"UPDATE {table} SET {column} = {column} + %(shift)s WHERE {column} BETWEEN %(since)s AND %(until)s"  # noqa: S608 - constants
    for table, column in (
        ("citizens", "consented_at"),
        ("citizens", "stopped_at"),
        ("consents", "at"),
        ("events", "at"),
    )
)
"""What citizens agreed to and what happened: moments that no conversation holds."""
INBOUND = (
    "UPDATE messages SET received_at = received_at + %(shift)s"
    " WHERE citizen = %(citizen)s AND conversation = %(id)s AND received_at BETWEEN %(since)s AND %(until)s"
)
Whose = Sequence[tuple[str, str]]


def newest(connection: Connection) -> int:
    """Return the newest moment kept."""
    row: Any = connection.execute(NEWEST).fetchone()
    return int(row[0] or 0)


def spans(connection: Connection) -> list[Undated]:
    """Return every time without a clock, with what waits for its day."""
    return [Undated(*row) for row in connection.execute(f"{SPANS} ORDER BY number".encode())]


def lose(connection: Connection, boot: str, base: int, since: int) -> Undated:
    """Begin a time without a clock, or go on in this boot's."""
    connection.execute(LOCK)
    going: Any = connection.execute(f"{SPANS} WHERE boot = %s AND shift IS NULL".encode(), (boot,)).fetchone()
    if going is not None:
        connection.execute("UPDATE undated SET until = 0 WHERE number = %s", (going[0],))
        return replace(Undated(*going), until=0)
    row: Any = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM undated").fetchone()
    connection.execute("INSERT INTO undated VALUES (%s, %s, %s, %s, 0, NULL)", (row[0], boot, base, since))
    return Undated(row[0], boot, base, since)


def end_boots(connection: Connection, boot: str) -> None:
    """Note where the times of other boots ended."""
    sql = "UPDATE undated SET until = greatest(since, %s) WHERE until = 0 AND boot <> %s"
    connection.execute(sql, (newest(connection), boot))


def find(connection: Connection, number: int, shift: int, until: int, zone: ZoneInfo) -> bool:
    """Decide what is added, and add it where nobody can wait."""
    connection.execute(LOCK)
    row: Any = connection.execute(f"{SPANS} WHERE number = %s AND shift IS NULL".encode(), (number,)).fetchone()
    if row is None:
        return False
    span = replace(Undated(*row), shift=shift)
    span = replace(span, until=until or span.until or max(span.since, newest(connection)))
    connection.execute("UPDATE undated SET shift = %s, until = %s WHERE number = %s", (shift, span.until, number))
    given = {"shift": shift, "since": span.since, "until": span.until}
    _settle(connection, span, connection.execute(OPEN, given).fetchall(), zone)
    for sql in (SENDING, *WORDS) if shift else ():
        connection.execute(sql.encode(), given)
    return True


def date(connection: Connection, limit: int, zone: ZoneInfo) -> int:
    """Give the next conversations their day."""
    done = 0
    sql = "SELECT number, boot, base, since, until, shift FROM undated WHERE shift IS NOT NULL ORDER BY number"
    for span in [Undated(*row) for row in connection.execute(sql)]:
        whose = connection.execute(WHOSE, {"day": span.day, "limit": limit - done}).fetchall()
        _settle(connection, span, whose, zone)
        done += len(whose)
    return done


def _settle(connection: Connection, span: Undated, whose: Whose, zone: ZoneInfo) -> None:
    """Date these conversations with their answers; what they added to the counts kept ahead goes before.

    Locks are taken as `accept` takes them: citizens first, all of them, then what `thaw` needs.
    """
    if not whose:
        return
    mine: dict[str, list[str]] = {}
    for citizen, id in sorted(whose):
        mine.setdefault(citizen, []).append(id)
    connection.execute(
        "SELECT pg_advisory_xact_lock(1, key) FROM (SELECT DISTINCT hashtext(w) AS key FROM unnest(%s::text[]) AS w"
        " ORDER BY 1) AS sorted",
        (list(mine),),
    )
    for citizen, ids in mine.items():
        connection.execute("SELECT thaw(%s, %s::text[])", (citizen, ids))
    for row in connection.execute(ROWS.encode(), tuple(list(one) for one in zip(*whose, strict=True))).fetchall():
        _conversation(connection, span, row, zone)
        _answers(connection, span, row, zone)
    if span.shift:
        _inbound(connection, span, whose)


def _conversation(connection: Connection, span: Undated, row: tuple[Any, ...], zone: ZoneInfo) -> None:
    id, citizen, state, day, started, completed, updated = row
    began_here = day == span.day
    if began_here:
        started += span.shift
        day = civil_day(started, zone)
    connection.execute(
        "UPDATE conversations SET state = %s, day = %s, started_at = %s, completed_at = %s, updated_at = %s,"
        " revision = revision + 1 WHERE citizen = %s AND id = %s",
        (
            encode(moved(decode(state), span, began_here)).decode(),
            day,
            started,
            span.true(completed),
            span.true(updated),
            citizen,
            id,
        ),
    )


def _answers(connection: Connection, span: Undated, row: tuple[Any, ...], zone: ZoneInfo) -> None:
    shift = span.shift or 0
    where = (row[1], row[0])
    found = connection.execute(
        "SELECT step, answered_at FROM answers WHERE citizen = %s AND conversation = %s AND day = %s",
        (*where, span.day),
    ).fetchall()
    for step, at in found:
        connection.execute(
            "UPDATE answers SET answered_at = %s, day = %s WHERE citizen = %s AND conversation = %s AND step = %s",
            (at + shift, civil_day(at + shift, zone), *where, step),
        )


def _inbound(connection: Connection, span: Undated, whose: Whose) -> None:
    """Date what was received, in the part of `messages` that its month has."""
    for moment in (span.true(span.since), span.true(span.until)):
        there: Any = connection.execute(HAS_MONTH, (f"messages_{month_of(moment).replace('-', '_')}",)).fetchone()
        if not there[0]:
            make_month(connection, moment)
    for citizen, id in whose:
        given = {"id": id, "citizen": citizen, "shift": span.shift, "since": span.since, "until": span.until}
        connection.execute(INBOUND.encode(), given)


def moved(state: Conversation, span: Undated, began_here: bool) -> Conversation:
    """Return a conversation with its moments as the clock showed them."""
    shift = timedelta(milliseconds=span.shift or 0)
    return replace(
        state,
        started_at=state.started_at + shift if began_here else state.started_at,
        updated_at=state.updated_at + shift if span.covers(milliseconds(state.updated_at)) else state.updated_at,
    )
