"""What leaves as figures: the counts kept ahead (`rolling`) and the rows not counted yet, in one snapshot."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from storage.sqlite.rolling import PARTIAL, VALUE, VALUES
from storage.store import AnswerRow, Tally, Walks
from storage.values import from_columns

ANSWER = """
SELECT a.id, a.conversation, c.citizen, a.flow, a.flow_version, a.flow_hash, a.step, a.kind, a.value, a.raw,
    a.language, a.bearer, a.channel, a.answered_at, a.day, c.place, a.free
FROM answers a JOIN conversations c ON c.id = a.conversation
"""
ANSWERS = f"""
{ANSWER}
WHERE (:flow = '' OR a.flow = :flow) AND a.answered_at >= :since
ORDER BY a.seq
"""
IDS = "SELECT DISTINCT conversation FROM answers"
ANSWERS_OF = f"{ANSWER} WHERE a.conversation IN (SELECT value FROM json_each(?)) ORDER BY a.seq"  # noqa: S608 - constants only
WORDS = f"""
{ANSWER}
WHERE a.free = 1 AND a.flow = :flow AND a.answered_at >= :since AND a.step IN (SELECT value FROM json_each(:steps))
ORDER BY a.answered_at DESC, a.seq DESC LIMIT :limit
"""  # noqa: S608 - constants only

TALLIES = f"""
SELECT flow, flow_hash, step, value, place, SUM(count) FROM (
    SELECT flow, flow_hash, step, value, place, count FROM rolled_answers WHERE {{spans}}
    UNION ALL
    SELECT a.flow, a.flow_hash, a.step, {VALUE}, c.place, COUNT(DISTINCT a.seq) {VALUES}
    WHERE c.rolled = 0 AND a.day BETWEEN :first AND :last
    GROUP BY 1, 2, 3, 4, 5
)
WHERE (:flow = '' OR flow = :flow) {{steps}}
GROUP BY 1, 2, 3, 4, 5 HAVING SUM(count) <> 0 ORDER BY 1, 2, 3, 4, 5
"""  # noqa: S608 - constants only

BEGUN = f"""
SELECT {{names}}, SUM(begun), SUM(completed), SUM(partial), SUM(open) FROM (
    SELECT flow, flow_hash, place, language, bearer, begun, completed, partial, open FROM rolled_walks WHERE {{spans}}
    UNION ALL
    SELECT flow, flow_hash, place, language, bearer, 1, completed_at > 0, {PARTIAL}, status = 'active'
    FROM conversations c WHERE rolled = 0 AND flow <> '' AND day BETWEEN :first AND :last
)
WHERE :flow = '' OR flow = :flow
GROUP BY {{names}} HAVING SUM(begun) <> 0 ORDER BY {{names}}
"""  # noqa: S608 - constants only

# Three ranges of keys: the days before the first whole month, the whole months, the days after them.
SPANS = " OR ".join(f"period BETWEEN :{edge}_first AND :{edge}_last" for edge in ("head", "months", "tail"))
NOTHING = ("1", "0")

ANSWER_DAYS = """
SELECT day FROM rolled_days
UNION SELECT day FROM conversations WHERE rolled = 0
UNION SELECT a.day FROM conversations c CROSS JOIN answers a ON a.conversation = c.id WHERE c.rolled = 0
ORDER BY day
"""

COUNTS = """
WITH kept AS (SELECT name, value FROM counters),
rolled AS (SELECT SUM(walks) AS walks, SUM(open) AS open, SUM(answers) AS answers FROM rolled_days),
fresh AS (
    SELECT COUNT(*) AS walks, SUM(status = 'active') AS open FROM conversations WHERE rolled = 0 AND flow <> ''
),
told AS (
    SELECT COUNT(*) AS answers FROM conversations c CROSS JOIN answers a ON a.conversation = c.id WHERE c.rolled = 0
),
late AS (
    SELECT SUM(citizen <> '') AS inbound, SUM(citizen <> '' AND conversation <> '') AS steps FROM inbound
    WHERE seq > (SELECT value FROM kept WHERE name = 'inbound-upto')
)
SELECT (SELECT value FROM kept WHERE name = 'citizens') + (SELECT COUNT(*) FROM citizens WHERE rolled = 0),
    COALESCE(rolled.walks, 0) + fresh.walks, COALESCE(rolled.open, 0) + COALESCE(fresh.open, 0),
    (SELECT value FROM kept WHERE name = 'inbound') + COALESCE(late.inbound, 0),
    COALESCE(rolled.answers, 0) + told.answers,
    (SELECT value FROM kept WHERE name = 'steps') + COALESCE(late.steps, 0)
FROM rolled, fresh, told, late
"""


def answers(connection: sqlite3.Connection, flow: str, since: int) -> Iterator[AnswerRow]:
    """Stream answers in the order they were kept."""
    for row in connection.execute(ANSWERS, {"flow": flow, "since": since}):
        yield _answer(row)


def answers_of(connection: sqlite3.Connection, wanted: Callable[[str], bool]) -> list[AnswerRow]:
    """Return the answers of the conversations whose ids are wanted."""
    ids = [id for (id,) in connection.execute(IDS) if wanted(id)]
    return [_answer(row) for row in connection.execute(ANSWERS_OF, (json.dumps(ids),))] if ids else []


def words(connection: sqlite3.Connection, flow: str, steps: Sequence[str], since: int, limit: int) -> list[AnswerRow]:
    """Return the newest answers in the citizens' own words, by an index that holds no others."""
    given = {"flow": flow, "since": since, "steps": json.dumps(list(steps)), "limit": limit}
    return [_answer(row) for row in connection.execute(WORDS, given)]


def _answer(row: tuple[Any, ...]) -> AnswerRow:
    return AnswerRow(*(*row[:7], from_columns(row[7], row[8]), *row[9:16], bool(row[16])))


def tallies(
    connection: sqlite3.Connection, first_day: str, last_day: str, flow: str, steps: Sequence[str]
) -> list[Tally]:
    """Count answers by flow version, step, value and place; each key of a list counts once."""
    names = {f"step{at}": step for at, step in enumerate(steps)}
    only = f"AND step IN ({', '.join(f':{name}' for name in names)})" if names else ""
    given = {"first": first_day, "last": last_day, "flow": flow, **_spans(first_day, last_day), **names}
    return [Tally(*row) for row in connection.execute(TALLIES.format(spans=SPANS, steps=only), given)]


def walks(connection: sqlite3.Connection, first_day: str, last_day: str, flow: str) -> list[Walks]:
    """Count conversations begun, and what became of them."""
    return [Walks(*row) for row in _begun(connection, "flow, flow_hash, place", first_day, last_day, flow)]


def spread(connection: sqlite3.Connection, first_day: str, last_day: str) -> Mapping[str, Mapping[str, int]]:
    """Count the conversations that reached a flow, by language, by bearer and by flow."""
    names = ("language", "bearer", "flow")
    found: dict[str, Counter[str]] = {name: Counter() for name in names}
    for *keys, begun, _, _, _ in _begun(connection, ", ".join(names), first_day, last_day):
        for name, key in zip(names, keys, strict=True):
            found[name][key] += begun
    return {name: dict(counter) for name, counter in found.items()}


def _begun(connection: sqlite3.Connection, names: str, first_day: str, last_day: str, flow: str = "") -> sqlite3.Cursor:
    """Count conversations begun and completed, by the columns named."""
    given = {"first": first_day, "last": last_day, "flow": flow, **_spans(first_day, last_day)}
    return connection.execute(BEGUN.format(names=names, spans=SPANS), given)


def _spans(first_day: str, last_day: str) -> dict[str, str]:
    """Split some civil days into whole months and the days around them, as the kept counts are named."""
    head, months, tail = (first_day, last_day), NOTHING, NOTHING
    with suppress(ValueError):
        first, last = date.fromisoformat(first_day), date.fromisoformat(last_day)
        begin = first if first.day == 1 else _next_month(first)
        end = _next_month(last) if (last + timedelta(days=1)).day == 1 else last.replace(day=1)
        if begin < end:
            head = (first_day, (begin - timedelta(days=1)).isoformat())
            months = (f"~{begin:%Y-%m}", f"~{end - timedelta(days=1):%Y-%m}")
            tail = (end.isoformat(), last_day)
    edges = {"head": head, "months": months, "tail": tail}
    return {
        f"{edge}_{end}": day for edge, pair in edges.items() for end, day in zip(("first", "last"), pair, strict=True)
    }


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def answer_days(connection: sqlite3.Connection) -> list[str]:
    """Return the civil days that hold answers or conversations."""
    return [day for (day,) in connection.execute(ANSWER_DAYS)]


def fallbacks(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Return how many texts each fallback served."""
    return dict(connection.execute("SELECT pair, served FROM fallbacks ORDER BY pair").fetchall())


def counts(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Return totals; `steps` are the inbounds that moved a conversation."""
    names = ("citizens", "conversations", "open", "inbound", "answers", "steps")
    return dict(zip(names, connection.execute(COUNTS).fetchone(), strict=True))
