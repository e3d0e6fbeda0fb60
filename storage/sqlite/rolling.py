"""Counts kept ahead: what settled conversations add to each day and month, so that a report costs by its cells.

A conversation is *fresh* until it settled; its rows are counted when a figure is read. `roll` adds the settled ones to
the kept counts and marks them. Before anything changes in a rolled conversation, `thaw` takes exactly that away
again: a rolled conversation's rows never differ from what was added for them. Nothing is ever counted up by itself:
both directions are one and the same SELECT over the rows, with its sign.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from storage.sqlite.own import INBOUNDS as OWN

QUIET = 10 * 60 * 1000
"""Milliseconds without a word after which an open conversation is counted ahead; one that ended is at once."""
INBOUNDS = 100
"""How many inbounds are counted for each conversation that a step may take: they are cheaper."""

# An answer in the citizen's own words has one cell without the words. A list has a cell for each of its keys.
VALUES = """
FROM conversations c CROSS JOIN answers a ON a.conversation = c.id
CROSS JOIN json_each(CASE WHEN a.kind = 'list' AND NOT a.free THEN a.value ELSE '[0]' END) k
"""
VALUE = "CASE WHEN a.free THEN '' WHEN a.kind = 'list' THEN k.value ELSE a.value END"
SPANS = "CROSS JOIN (SELECT 10 AS wide UNION ALL SELECT 7) span"
"""Each count is kept under its day and under its month, so that a month is read at once."""
DAY_OR_MONTH = "CASE span.wide WHEN 10 THEN {day} ELSE '~' || substr({day}, 1, 7) END"

PARTIAL = """
c.status <> 'active' AND c.completed_at = 0 AND EXISTS (SELECT 1 FROM answers a WHERE a.conversation = c.id)
"""
"""A conversation that ended before its last question, and holds answers."""

ROLL_ANSWERS = f"""
INSERT INTO rolled_answers (period, flow, flow_hash, step, value, place, count)
SELECT {DAY_OR_MONTH.format(day="a.day")}, a.flow, a.flow_hash, a.step, {VALUE}, c.place, :sign * COUNT(DISTINCT a.seq)
{VALUES} {SPANS}
WHERE c.seq IN (SELECT value FROM json_each(:seqs))
GROUP BY 1, 2, 3, 4, 5, 6
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""  # noqa: S608 - constants only

ROLL_WALKS = f"""
INSERT INTO rolled_walks (period, flow, flow_hash, place, language, bearer, begun, completed, partial, open)
SELECT {DAY_OR_MONTH.format(day="c.day")}, c.flow, c.flow_hash, c.place, c.language, c.bearer, :sign * COUNT(*),
    :sign * SUM(c.completed_at > 0), :sign * SUM({PARTIAL}), :sign * SUM(c.status = 'active')
FROM conversations c {SPANS}
WHERE c.seq IN (SELECT value FROM json_each(:seqs)) AND c.flow <> ''
GROUP BY 1, 2, 3, 4, 5, 6
ON CONFLICT DO UPDATE SET begun = begun + excluded.begun, completed = completed + excluded.completed,
    partial = partial + excluded.partial, open = open + excluded.open
"""  # noqa: S608 - constants only

ROLL_DAYS = """
INSERT INTO rolled_days (day, conversations, walks, open, answers)
SELECT day, :sign * SUM(conversation), :sign * SUM(walk), :sign * SUM(open), :sign * SUM(answer) FROM (
    SELECT day, 1 AS conversation, flow <> '' AS walk, flow <> '' AND status = 'active' AS open, 0 AS answer
    FROM conversations WHERE seq IN (SELECT value FROM json_each(:seqs))
    UNION ALL
    SELECT a.day, 0, 0, 0, 1 FROM conversations c CROSS JOIN answers a ON a.conversation = c.id
    WHERE c.seq IN (SELECT value FROM json_each(:seqs))
)
GROUP BY day
ON CONFLICT DO UPDATE SET conversations = conversations + excluded.conversations, walks = walks + excluded.walks,
    open = open + excluded.open, answers = answers + excluded.answers
"""

SWEEP = (
    "DELETE FROM rolled_answers WHERE count = 0",
    "DELETE FROM rolled_walks WHERE begun = 0",
    "DELETE FROM rolled_days WHERE conversations = 0 AND answers = 0",
)

SETTLED = """
SELECT seq FROM conversations WHERE rolled = 0 AND (status <> 'active' OR updated_at < :quiet) ORDER BY seq LIMIT :limit
"""
NEW_CITIZENS = "SELECT pseudonym FROM citizens WHERE rolled = 0 LIMIT :limit"
NEW_INBOUND = "SELECT 1 FROM inbound WHERE seq > (SELECT value FROM counters WHERE name = 'inbound-upto') LIMIT 1"


def anything(connection: sqlite3.Connection, now: int) -> bool:
    """Tell by reading only whether `roll` would change anything: an idle gateway must not wear the disk."""
    given = {"quiet": now - QUIET, "limit": 1}
    return any(connection.execute(sql, given).fetchone() for sql in (SETTLED, NEW_CITIZENS, NEW_INBOUND))


def roll(connection: sqlite3.Connection, now: int, limit: int) -> int:
    """Count up to `limit` settled conversations ahead, with new citizens and inbounds; return how many rows were."""
    settled = connection.execute(SETTLED, {"quiet": now - QUIET, "limit": limit})
    seqs = [seq for (seq,) in settled]
    if seqs:
        _add(connection, seqs, 1)
    return len(seqs) + _roll_citizens(connection, limit) + _roll_inbound(connection, limit * INBOUNDS)


def thaw(connection: sqlite3.Connection, seqs: Sequence[int]) -> None:
    """Take what these rolled conversations added away again, as they are about to change."""
    if seqs:
        _add(connection, seqs, -1)
        for sql in SWEEP:
            connection.execute(sql)


def thaw_one(connection: sqlite3.Connection, conversation: str) -> bool:
    """Thaw a conversation by its id; False when it was fresh or is not there."""
    row = connection.execute("SELECT seq FROM conversations WHERE id = ? AND rolled = 1", (conversation,)).fetchone()
    thaw(connection, row or ())
    return row is not None


def thaw_citizen(connection: sqlite3.Connection, citizen: str) -> None:
    """Take everything of a citizen out of the kept counts, before all of it is forgotten."""
    rolled = connection.execute("SELECT seq FROM conversations WHERE citizen = ? AND rolled = 1", (citizen,))
    thaw(connection, [seq for (seq,) in rolled])
    (known,) = connection.execute(
        "SELECT COUNT(*) FROM citizens WHERE pseudonym = ? AND rolled = 1", (citizen,)
    ).fetchone()
    inbound, steps = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(conversation <> ''), 0) FROM inbound"  # noqa: S608 - a constant
        f" WHERE seq IN ({OWN}) AND seq <= (SELECT value FROM counters WHERE name = 'inbound-upto')",
        {"citizen": citizen},
    ).fetchone()
    _count(connection, citizens=-known, inbound=-inbound, steps=-steps)


def _add(connection: sqlite3.Connection, seqs: Sequence[int], sign: int) -> None:
    given = {"seqs": json.dumps(seqs), "sign": sign}
    for sql in (ROLL_ANSWERS, ROLL_WALKS, ROLL_DAYS):
        connection.execute(sql, given)
    connection.execute(
        "UPDATE conversations SET rolled = ? WHERE seq IN (SELECT value FROM json_each(?))",
        (int(sign > 0), given["seqs"]),
    )


def _roll_citizens(connection: sqlite3.Connection, limit: int) -> int:
    cursor = connection.execute(
        f"UPDATE citizens SET rolled = 1 WHERE pseudonym IN ({NEW_CITIZENS})",  # noqa: S608 - a constant
        {"limit": limit},
    )
    _count(connection, citizens=cursor.rowcount)
    return cursor.rowcount


def _roll_inbound(connection: sqlite3.Connection, limit: int) -> int:
    """Count the next inbounds; they are told apart from the later ones by their number alone."""
    (done,) = connection.execute("SELECT value FROM counters WHERE name = 'inbound-upto'").fetchone()
    last, inbound, steps = connection.execute(
        "SELECT COALESCE(MAX(seq), 0), COALESCE(SUM(citizen <> ''), 0),"
        " COALESCE(SUM(citizen <> '' AND conversation <> ''), 0)"
        " FROM (SELECT seq, citizen, conversation FROM inbound WHERE seq > ? ORDER BY seq LIMIT ?)",
        (done, limit),
    ).fetchone()
    if not last:
        return 0
    connection.execute("UPDATE counters SET value = ? WHERE name = 'inbound-upto'", (last,))
    _count(connection, inbound=inbound, steps=steps)
    return int(last - done)


def _count(connection: sqlite3.Connection, **moves: int) -> None:
    """Move some totals."""
    connection.executemany(
        "UPDATE counters SET value = value + ? WHERE name = ?", [(by, name) for name, by in moves.items() if by]
    )
