"""`awal export`: the answers, as a stream."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import click

from gateway.cli.common import project, write_line
from storage.store import AnswerRow

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


@click.group()
def export() -> None:
    """Write data out for other programs.

    \b
    Example:
        awal export answers --flow water > water.csv
    """


@export.command()
@click.option("--flow", default="", help="Only this flow.")
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True, help="Form of a row."
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only answers of this day and later.")
def answers(flow: str, form: str, since: datetime | None) -> None:
    """Stream the answers: a pseudonym instead of the number, values as understood, and the words as written.

    \b
    Example:
        awal export answers --format jsonl --since 2026-11-01
    """
    found = project(readonly=True)
    first = 0 if since is None else int(datetime.combine(since, time(), found.timezone).timestamp() * 1000)
    rows = (record(answer, found.timezone) for answer in found.store.answers(flow, first))
    if form == "csv":
        write_csv(rows)
    else:
        for row in rows:
            write_line(row)


def record(answer: AnswerRow, timezone: ZoneInfo) -> dict[str, Any]:
    """Return one answer under the export's column names, in their order."""
    at = datetime.fromtimestamp(answer.answered_at / 1000, UTC).astimezone(timezone)
    named = {
        "answer_id": answer.id,
        "conversation_id": answer.conversation,
        "answered_at": at.isoformat(timespec="milliseconds"),
    }
    return {name: named[name] if name in named else getattr(answer, name) for name in COLUMNS}


def write_csv(rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as CSV; a cell that a spreadsheet would run as a formula is written as text."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(COLUMNS)
    out.writerows(map(_cells, rows))


def _cells(row: dict[str, Any]) -> Iterator[object]:
    for name in COLUMNS:
        value = row[name]
        yield harmless(json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value)


def harmless(value: object) -> object:
    """Return `value`, with an apostrophe before a text that Excel or LibreOffice would take for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
