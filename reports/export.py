"""The answers as a stream for other programs: CSV or JSON lines, one answer each, under the contract's columns.

Nothing is held in memory but one answer. A citizen is a pseudonym; `raw` is what they wrote. In CSV every text passes
the guard against spreadsheet formulas (`reports.render_csv.guard`); in JSON what cannot be seen is escaped, and
nothing else changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from flows.errors import AwalError
from flows.model import Value
from reports.periods import MOROCCO, UNKNOWN_DAY
from reports.render_csv import line
from storage.store import AnswerRow, Store

COLUMNS = (
    "answer_id",
    "conversation_id",
    "citizen",
    "flow",
    "flow_version",
    "step",
    "value",
    "raw",
    "language",
    "bearer",
    "channel",
    "place",
    "answered_at",
)
FORMATS = ("csv", "jsonl")

_UNSEEN = re.compile("[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def answers(
    store: Store, format: str = "csv", flow: str = "", since: date | None = None, tz: str = MOROCCO
) -> Iterator[str]:
    """Yield the answers of one flow, or of all, as lines that end in a line feed; CSV begins with the column names.

    `since` is a civil day in `tz`: answers from its first moment on. Raises AwalError for an unknown format.
    """
    if format not in FORMATS:
        raise AwalError(f"“{format}” is no format of an export. Use csv or jsonl.")
    zone = ZoneInfo(tz)
    first = 0 if since is None else int(datetime.combine(since, time(), zone).timestamp() * 1000)
    rows = store.answers(flow, first)
    return _csv(rows, zone) if format == "csv" else _jsonl(rows, zone)


def record(row: AnswerRow, zone: ZoneInfo) -> dict[str, Value]:
    """Return one answer under the export's names, in their order; an undated one (`storage.undated`) has no moment."""
    undated = row.day.startswith(UNKNOWN_DAY)
    at = datetime.fromtimestamp(row.answered_at / 1000, UTC).astimezone(zone)
    return {
        "answer_id": row.id,
        "conversation_id": row.conversation,
        "citizen": row.citizen,
        "flow": row.flow,
        "flow_version": row.flow_version,
        "step": row.step,
        "value": row.value,
        "raw": row.raw,
        "language": row.language,
        "bearer": row.bearer,
        "channel": row.channel,
        "place": row.place,
        "answered_at": "" if undated else at.isoformat(timespec="milliseconds"),
    }


def _csv(rows: Iterable[AnswerRow], zone: ZoneInfo) -> Iterator[str]:
    yield line(COLUMNS)
    for row in rows:
        yield line(map(_cell, record(row, zone).values()))


def _cell(value: Value) -> str | int | float:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _jsonl(rows: Iterable[AnswerRow], zone: ZoneInfo) -> Iterator[str]:
    for row in rows:
        text = json.dumps(record(row, zone), ensure_ascii=False)
        yield _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"
