"""`awal receipt`: the conversation behind a receipt number that a citizen quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flows.errors import AwalError
from gateway.cli.common import as_json, project, write_json

if TYPE_CHECKING:
    from gateway.project import Project
    from storage.store import AnswerRow


@click.command()
@click.argument("number", nargs=-1, required=True)
@as_json
def receipt(number: tuple[str, ...], as_json: bool) -> None:
    """Show the answers behind the receipt number that a citizen quotes; their phone number is not shown.

    NUMBER may be spaced and in small letters. One that was misread or mistyped is told from one that is unknown.

    \b
    Example:
        awal receipt CK47M2X9
    """
    from flows.receipt import LENGTH, read_receipt
    from gateway.receipts import behind

    written = " ".join(number)
    wanted = read_receipt(written)
    if not wanted:
        raise AwalError(f"{written!r} is no receipt number: one of its {LENGTH} signs is wrong. Ask for it again.")
    found = project(readonly=True)
    conversations = behind(found.store, wanted)
    if not conversations:
        raise AwalError(f"No answers have the receipt number {wanted}: erased, or kept by another gateway.")
    shown = [_shown(wanted, rows, found) for rows in conversations]
    if as_json:
        write_json(shown)
    else:
        click.echo("\n\n".join(_lines(one) for one in shown))


def _shown(number: str, rows: list[AnswerRow], found: Project) -> dict[str, object]:
    from datetime import datetime

    first, last = rows[0], rows[-1]
    place = found.texts.places.get(last.place) if last.place else None
    return {
        "receipt": number,
        "conversation": first.conversation,
        "flow": first.flow,
        "flow_version": first.flow_version,
        "language": last.language,
        "channel": last.channel,
        "place": f"{place.code} {place.name('fr')}" if place else "",
        "answered_at": datetime.fromtimestamp(last.answered_at / 1000, found.timezone).isoformat(timespec="seconds"),
        "answers": {row.step: row.value for row in rows},
    }


def _lines(one: dict[str, object]) -> str:
    answers = one["answers"]
    head = [f"{name}: {value}" for name, value in one.items() if name != "answers"]
    told = [f"  {step}: {_word(value)}" for step, value in answers.items()] if isinstance(answers, dict) else []
    return "\n".join([*head, "answers:", *told])


def _word(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
