"""The tables of `gateway/campaigns/README.md`, made from the tables of the loader (`make docs`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flows.load.keys import Key
from gateway.campaigns.codes import CODES
from gateway.campaigns.keys import AUDIENCE, CAMPAIGN, PANEL, STOP, WAVE


def _keys(table: Mapping[str, Key]) -> str:
    rows = "\n".join(f"| `{key.name}` | {key.doc} |" for key in table.values())
    return f"| key | what it says |\n|---|---|\n{rows}\n"


def _codes() -> str:
    rows = "\n".join(f"| `{one.code}` | {one.name} | {one.doc} |" for one in CODES)
    return f"| code | name | what is wrong |\n|---|---|---|\n{rows}\n"


TABLES: dict[str, Callable[[], str]] = {
    "campaign": lambda: _keys(CAMPAIGN),
    "audience": lambda: _keys(AUDIENCE),
    "wave": lambda: _keys(WAVE),
    "stop": lambda: _keys(STOP),
    "panel": lambda: _keys(PANEL),
    "campaign codes": _codes,
}


def filled(text: str) -> str:
    """Return the page with each of its tables made anew."""
    for name, table in TABLES.items():
        start, stop = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = text.partition(start)
        text = f"{before}{start}{table()}{stop}{rest.partition(stop)[2]}"
    return text
