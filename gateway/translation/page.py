"""The page that shows a translation side by side: for reading and for printing, no script in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gateway.translation.texts import COLUMNS, Count, Row
from locales.tags import direction, native

TEMPLATE = Path(__file__).with_name("side.html")


def page(rows: Sequence[Row], counts: Sequence[Count]) -> str:
    """Return the whole HTML page of these texts."""
    from jinja2 import Environment

    flows: dict[str, list[Row]] = {}
    for row in rows:
        flows.setdefault(row.flow.id, []).append(row)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    return template.render(flows=flows, counts=counts, tags=COLUMNS, native=native, direction=direction)
