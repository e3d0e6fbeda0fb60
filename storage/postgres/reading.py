"""What leaves as figures: the counts kept ahead and the rows not counted yet, in one snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from storage.postgres.connection import Connection
from storage.store import AnswerRow, Tally, Walks
from storage.values import from_columns

QUIET = 10 * 60 * 1000
"""Milliseconds without a word after which an open conversation is counted ahead; one that ended is at once."""
INBOUNDS = 100
"""How many inbounds are counted for each conversation that a step may take: they are cheaper."""
FETCH = 2_000
"""Answers that an export holds in memory at once."""

ANSWERS = b"""
SELECT a.id, a.conversation, c.citizen, a.flow, a.flow_version, a.flow_hash, a.step, a.kind, a.value, a.raw,
    a.language, a.bearer, a.channel, a.answered_at, a.day, c.place, a.free
FROM answers a JOIN conversations c ON c.citizen = a.citizen AND c.id = a.conversation
WHERE (%(flow)s = '' OR a.flow = %(flow)s) AND a.answered_at >= %(since)s
ORDER BY a.seq
"""
IDS = b"SELECT DISTINCT conversation FROM answers"
ANSWERS_OF = b"""
SELECT a.id, a.conversation, c.citizen, a.flow, a.flow_version, a.flow_hash, a.step, a.kind, a.value, a.raw,
    a.language, a.bearer, a.channel, a.answered_at, a.day, c.place, a.free
FROM answers a JOIN conversations c ON c.citizen = a.citizen AND c.id = a.conversation
WHERE a.conversation = ANY (%s::text[])
ORDER BY a.seq
"""
WORDS = b"""
SELECT a.id, a.conversation, c.citizen, a.flow, a.flow_version, a.flow_hash, a.step, a.kind, a.value, a.raw,
    a.language, a.bearer, a.channel, a.answered_at, a.day, c.place, a.free
FROM answers a JOIN conversations c ON c.citizen = a.citizen AND c.id = a.conversation
WHERE a.free AND a.flow = %(flow)s AND a.answered_at >= %(since)s AND a.step = ANY (%(steps)s::text[])
ORDER BY a.answered_at DESC, a.seq DESC LIMIT %(limit)s
"""
SPANS = " OR ".join(f"period BETWEEN %({edge}_first)s AND %({edge}_last)s" for edge in ("head", "months", "tail"))
NOTHING = ("1", "0")
# The answers of one conversation. OFFSET 0 keeps the planner from reading all answers there are, to join them at once.
OF_ONE = "SELECT * FROM answers WHERE citizen = c.citizen AND conversation = c.id OFFSET 0"

TALLIES = f"""
SELECT flow, flow_hash, step, value, place, sum(count)::bigint FROM (
    SELECT flow, flow_hash, step, value, place, count FROM rolled_answers WHERE {SPANS}
    UNION ALL
    SELECT a.flow, a.flow_hash, a.step,
        CASE WHEN a.free THEN '' WHEN a.kind = 'list' THEN k.key ELSE a.value END, c.place, count(DISTINCT a.seq)
    FROM conversations c CROSS JOIN LATERAL ({OF_ONE}) AS a
    CROSS JOIN LATERAL json_array_elements_text(
        CASE WHEN a.kind = 'list' AND NOT a.free THEN a.value::json ELSE '[0]'::json END) AS k (key)
    WHERE NOT c.rolled AND a.day BETWEEN %(first)s AND %(last)s
    GROUP BY 1, 2, 3, 4, 5
) AS both_of
WHERE (%(flow)s = '' OR flow = %(flow)s) AND (%(all)s OR step = ANY (%(steps)s::text[]))
GROUP BY 1, 2, 3, 4, 5 HAVING sum(count) <> 0
"""  # noqa: S608 - constants only

BEGUN = f"""
SELECT flow, flow_hash, place, language, bearer, sum(begun)::bigint, sum(completed)::bigint, sum(partial)::bigint,
    sum(open)::bigint FROM (
    SELECT flow, flow_hash, place, language, bearer, begun, completed, partial, open FROM rolled_walks WHERE {SPANS}
    UNION ALL
    SELECT flow, flow_hash, place, language, bearer, 1, (completed_at > 0)::int,
        (status <> 'active' AND completed_at = 0 AND EXISTS (
            SELECT 1 FROM answers a WHERE a.citizen = c.citizen AND a.conversation = c.id))::int,
        (status = 'active')::int
    FROM conversations c WHERE NOT rolled AND flow <> '' AND day BETWEEN %(first)s AND %(last)s
) AS both_of
WHERE %(flow)s = '' OR flow = %(flow)s
GROUP BY 1, 2, 3, 4, 5 HAVING sum(begun) <> 0
"""  # noqa: S608 - constants only

ANSWER_DAYS = f"""
SELECT day FROM rolled_days
UNION SELECT day FROM conversations WHERE NOT rolled
UNION SELECT a.day FROM conversations c CROSS JOIN LATERAL ({OF_ONE}) AS a WHERE NOT c.rolled
ORDER BY day
""".encode()  # noqa: S608 - constants only

KEPT = b"SELECT value FROM counters WHERE name IN ('citizens', 'inbound', 'inbound-upto', 'steps') ORDER BY name"
# Where the counted messages end is given, not read here: else the planner takes a third of them to be beyond it.
COUNTS = f"""
SELECT (SELECT count(*) FROM citizens WHERE rolled IS NOT TRUE), coalesce(r.walks, 0) + f.walks,
    coalesce(r.open, 0) + f.open, m.inbound, coalesce(r.answers, 0) + t.answers, m.steps
FROM (SELECT sum(walks)::bigint AS walks, sum(open)::bigint AS open, sum(answers)::bigint AS answers
        FROM rolled_days) AS r,
    (SELECT count(*) AS walks, count(*) FILTER (WHERE status = 'active') AS open FROM conversations
        WHERE NOT rolled AND flow <> '') AS f,
    (SELECT count(*) AS answers FROM conversations c CROSS JOIN LATERAL ({OF_ONE}) AS a WHERE NOT c.rolled) AS t,
    (SELECT count(*) AS inbound, count(*) FILTER (WHERE conversation <> '') AS steps FROM messages
        WHERE seq > %s) AS m
""".encode()  # noqa: S608 - constants only
SETTLED = b"""
SELECT citizen, id FROM conversations WHERE NOT rolled AND (status <> 'active' OR updated_at < %(quiet)s)
ORDER BY seq LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""


def answers(connection: Connection, flow: str, since: int) -> Iterator[AnswerRow]:
    """Stream answers in the order they were kept; the server holds what was not asked for yet."""
    with connection.cursor(name="answers") as cursor:
        cursor.itersize = FETCH
        for row in cursor.execute(ANSWERS, {"flow": flow, "since": since}):
            yield AnswerRow(*(*row[:7], from_columns(row[7], row[8]), *row[9:]))


def answers_of(connection: Connection, wanted: Callable[[str], bool]) -> list[AnswerRow]:
    """Return the answers of the conversations whose ids are wanted; the server holds the ids not looked at yet."""
    with connection.cursor(name="ids") as cursor:
        cursor.itersize = FETCH
        ids = [id for (id,) in cursor.execute(IDS) if wanted(id)]
    rows = connection.execute(ANSWERS_OF, (ids,)).fetchall() if ids else []
    return [AnswerRow(*(*row[:7], from_columns(row[7], row[8]), *row[9:])) for row in rows]


def words(connection: Connection, flow: str, steps: Sequence[str], since: int, limit: int) -> list[AnswerRow]:
    """Return the newest answers in the citizens' own words, by an index that holds no others."""
    given = {"flow": flow, "since": since, "steps": list(steps), "limit": limit}
    rows = connection.execute(WORDS, given).fetchall()
    return [AnswerRow(*(*row[:7], from_columns(row[7], row[8]), *row[9:])) for row in rows]


def tallies(connection: Connection, first_day: str, last_day: str, flow: str, steps: Sequence[str]) -> list[Tally]:
    """Count answers by flow version, step, value and place; each key of a list counts once."""
    given = {**_spans(first_day, last_day), "flow": flow, "all": not steps, "steps": list(steps)}
    return [Tally(*row) for row in sorted(connection.execute(TALLIES.encode(), given))]


def walks(connection: Connection, first_day: str, last_day: str, flow: str) -> list[Walks]:
    """Count conversations begun, and what became of them."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for row in _begun(connection, first_day, last_day, flow):
        sums = found.setdefault((row[0], row[1], row[2]), [0, 0, 0, 0])
        for at, count in enumerate(row[5:]):
            sums[at] += count
    return [Walks(*key, *found[key]) for key in sorted(found)]


def spread(connection: Connection, first_day: str, last_day: str) -> Mapping[str, Mapping[str, int]]:
    """Count the conversations that reached a flow, by language, by bearer and by flow."""
    found: dict[str, Counter[str]] = {name: Counter() for name in ("language", "bearer", "flow")}
    for flow, _, _, language, bearer, begun, *_ in _begun(connection, first_day, last_day):
        for name, key in (("language", language), ("bearer", bearer), ("flow", flow)):
            found[name][key] += begun
    return {name: dict(counter) for name, counter in found.items()}


def _begun(connection: Connection, first_day: str, last_day: str, flow: str = "") -> list[Any]:
    """Count conversations begun and completed, by all they are told apart by."""
    given = {**_spans(first_day, last_day), "flow": flow}
    return connection.execute(BEGUN.encode(), given).fetchall()


def _spans(first_day: str, last_day: str) -> dict[str, object]:
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
    made: dict[str, object] = {"first": first_day, "last": last_day}
    for edge, (begin_day, end_day) in edges.items():
        made |= {f"{edge}_first": begin_day, f"{edge}_last": end_day}
    return made


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def answer_days(connection: Connection) -> list[str]:
    """Return the civil days that hold answers or conversations."""
    return [day for (day,) in connection.execute(ANSWER_DAYS)]


def fallbacks(connection: Connection) -> Mapping[str, int]:
    """Return how many texts each fallback served."""
    sql = "SELECT pair, sum(served)::bigint FROM fallbacks GROUP BY pair ORDER BY pair"
    return dict(connection.execute(sql).fetchall())


def counts(connection: Connection) -> Mapping[str, int]:
    """Return totals; `steps` are the inbounds that moved a conversation. Takes a transaction of one snapshot."""
    citizens, inbound, upto, steps = (value for (value,) in connection.execute(KEPT))
    row: Any = connection.execute(COUNTS, (upto,)).fetchone()
    return {
        "citizens": citizens + row[0],
        "conversations": row[1],
        "open": row[2],
        "inbound": inbound + row[3],
        "answers": row[4],
        "steps": steps + row[5],
    }


def roll(connection: Connection, now: int, limit: int) -> int:
    """Count up to `limit` settled conversations ahead, with citizens and messages; return how many rows were.

    Conversations that somebody is just writing are left for the next.
    """
    totals: Any = connection.execute("SELECT roll_totals(%s)", (limit * INBOUNDS,)).fetchone()
    settled = connection.execute(SETTLED, {"quiet": now - QUIET, "limit": limit}).fetchall()
    if settled:
        whose, ids = (list(one) for one in zip(*settled, strict=True))
        connection.execute("SELECT count_ahead(%s::text[], %s::text[], 1)", (whose, ids))
    return len(settled) + int(totals[0])
