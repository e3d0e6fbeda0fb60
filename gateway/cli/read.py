"""`awal read`: how a reply would be understood."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from flows.model import QUESTION_TYPES
from gateway.cli.common import lines, outside, write_line
from locales.tags import TAGS

if TYPE_CHECKING:
    from flows.reading.spec import Reading, Spec

LABELLED = ("choice", "choices", "rating", "language")
BOUNDED = ("rating", "nps", "integer", "decimal")
BOUNDS: dict[str, tuple[int, int]] = {"rating": (1, 5), "nps": (0, 10)}
KNOWN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(BOUNDED, ("min", "max")),
    "place": ("level", "within"),
    "date": ("today", "max"),
}


@click.command()
@click.argument("type", metavar="TYPE", type=click.Choice(QUESTION_TYPES))
@click.option("--options", default="{}", metavar="JSON", help="What the question accepts, as a JSON object.")
@click.option("--language", metavar="L", type=click.Choice(sorted(TAGS)), help="The citizen's language.")
def read(type: str, options: str, language: str | None) -> None:
    """Read replies from stdin, one JSON string a line; write one JSON object a line.

    It holds one of `value`, `command` and `invalid`. The options are value to label for a choice (a label may be a
    list of labels), {"min", "max"} for numbers, {"level"} for a place, {"today", "max"} for a date.

    \b
    Example:
        echo '"oui"' | awal read yes_no
        echo '"prix"' | awal read choice --options '{"cuts": "Coupures", "price": "Prix"}'
    """
    from flows.reading import read as understand

    spec = make_spec(type, _object(options), language or "")
    places = outside().texts.places
    for reply in lines():
        write_line(shown(understand(reply, spec, places)))


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise click.UsageError("--options is no JSON object.")
    return found


def make_spec(type: str, options: dict[str, Any], language: str) -> Spec:
    """Return what a question accepts, from the options of the command line."""
    from flows.reading import Spec

    given = {name: options.pop(name) for name in KNOWN.get(type, ()) if name in options}
    if options and type not in LABELLED:
        raise click.UsageError(f"--options: {', '.join(options)} means nothing for {type}.")
    least, most = BOUNDS.get(type, (None, None))
    return Spec(
        type=type,  # type: ignore[arg-type]  # click.Choice has checked it
        options={key: _labels(key, label) for key, label in options.items()},
        min=_number(given.get("min", least)),
        max=_number(given.get("max", most)) if type != "date" else None,
        level=_level(given.get("level", "commune")),
        today=_date(given.get("today")) or date.today(),  # noqa: DTZ011 - the operator's own day
        max_date=_date(given.get("max")) if type == "date" else None,
        language=language,
        within=given.get("within", ""),
    )


def _labels(key: str, label: object) -> tuple[str, ...]:
    found = label if isinstance(label, list) else [label]
    if not all(isinstance(one, str) for one in found):
        raise click.UsageError(f"--options: the label of {key} is no text and no list of texts.")
    return tuple(found)


def _number(value: object) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise click.UsageError(f"--options: {value!r} is no number.")


def _level(value: object) -> Any:
    if value not in ("region", "province", "commune"):
        raise click.UsageError(f"--options: {value!r} is no level. Use region, province or commune.")
    return value


def _date(value: object) -> date | None:
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError:
        raise click.UsageError(f"--options: {value!r} is no date. Write it as 2026-11-23.") from None


def shown(reading: Reading) -> dict[str, object]:
    """Return a reading as outsiders see it: `{value}`, `{command}` or `{invalid}`."""
    if reading.command is not None:
        return {"command": reading.command}
    if reading.invalid is not None:
        return {"invalid": reading.invalid}
    return {"value": reading.value}
