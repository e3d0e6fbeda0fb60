"""What leaves as figures: counts are always made from the rows themselves, never kept beside them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from storage.store import AnswerRow, Tally, Walks
from storage.values import from_columns

ANSWERS = """
SELECT a.id, a.conversation, c.citizen, a.flow, a.flow_version, a.flow_hash, a.step, a.kind, a.value, a.raw,
    a.language, a.bearer, a.channel, a.answered_at, a.day, c.place
FROM answers a JOIN conversations c ON c.id = a.conversation
WHERE (:flow = '' OR a.flow = :flow) AND a.answered_at >= :since
ORDER BY a.seq
"""

TALLIES = """
SELECT a.flow, a.flow_hash, a.step, {value}, c.place, COUNT({distinct} a.seq)
FROM answers a JOIN conversations c ON c.id = a.conversation {keys}
WHERE a.day BETWEEN :first AND :last AND (:flow = '' OR a.flow = :flow) AND a.kind {list} 'list' {steps}
GROUP BY 1, 2, 3, 4, 5
"""

WALKS = """
SELECT flow, flow_hash, place, COUNT(*), SUM(completed_at > 0) FROM conversations
WHERE day BETWEEN :first AND :last AND flow <> '' AND (:flow = '' OR flow = :flow)
GROUP BY flow, flow_hash, place ORDER BY flow, flow_hash, place
"""

COUNTS = """
SELECT (SELECT COUNT(*) FROM citizens), (SELECT COUNT(*) FROM conversations WHERE flow <> ''),
    (SELECT COUNT(*) FROM conversations WHERE flow <> '' AND status = 'active'),
    (SELECT COUNT(*) FROM inbound WHERE citizen <> ''), (SELECT COUNT(*) FROM answers),
    (SELECT COUNT(*) FROM inbound WHERE citizen <> '' AND conversation <> '')
"""


def answers(connection: sqlite3.Connection, flow: str, since: int) -> Iterator[AnswerRow]:
    """Stream answers in the order they were kept."""
    for row in connection.execute(ANSWERS, {"flow": flow, "since": since}):
        yield AnswerRow(*(*row[:7], from_columns(row[7], row[8]), *row[9:]))


def tallies(
    connection: sqlite3.Connection, first_day: str, last_day: str, flow: str, steps: Sequence[str]
) -> list[Tally]:
    """Count answers by flow version, step, value and place; each key of a list counts once."""
    names = {f"step{at}": step for at, step in enumerate(steps)}
    only = f"AND a.step IN ({', '.join(f':{name}' for name in names)})" if names else ""
    given = {"first": first_day, "last": last_day, "flow": flow, **names}
    plain = TALLIES.format(value="a.value", distinct="", keys="", list="<>", steps=only)
    lists = TALLIES.format(value="k.value", distinct="DISTINCT", keys="JOIN json_each(a.value) k", list="=", steps=only)
    rows = connection.execute(plain, given).fetchall() + connection.execute(lists, given).fetchall()
    return [Tally(*row) for row in sorted(rows)]


def walks(connection: sqlite3.Connection, first_day: str, last_day: str, flow: str) -> list[Walks]:
    """Count conversations begun, and those of them completed."""
    given = {"first": first_day, "last": last_day, "flow": flow}
    return [Walks(*row) for row in connection.execute(WALKS, given)]


def spread(connection: sqlite3.Connection, first_day: str, last_day: str) -> Mapping[str, Mapping[str, int]]:
    """Count the conversations that reached a flow, by language, by bearer and by flow."""
    return {name: dict(connection.execute(SPREAD[name], (first_day, last_day)).fetchall()) for name in SPREAD}


SPREAD = {
    name: f"SELECT {name}, COUNT(*) FROM conversations WHERE day BETWEEN ? AND ? AND flow <> '' GROUP BY 1 ORDER BY 1"  # noqa: S608
    for name in ("language", "bearer", "flow")
}


def answer_days(connection: sqlite3.Connection) -> list[str]:
    """Return the civil days that hold answers or conversations."""
    sql = "SELECT day FROM answers UNION SELECT day FROM conversations ORDER BY day"
    return [day for (day,) in connection.execute(sql)]


def fallbacks(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Return how many texts each fallback served."""
    return dict(connection.execute("SELECT pair, served FROM fallbacks ORDER BY pair").fetchall())


def counts(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Return totals; `steps` are the inbounds that moved a conversation."""
    names = ("citizens", "conversations", "open", "inbound", "answers", "steps")
    return dict(zip(names, connection.execute(COUNTS).fetchone(), strict=True))
