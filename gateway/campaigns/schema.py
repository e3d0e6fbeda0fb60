"""The format of campaign files as a JSON Schema (draft 2020-12), for editors: made from the tables of the loader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flows.load.keys import Key
from flows.load.values import SHAPES, Reader
from flows.schema import DIALECT, READERS
from gateway.campaigns import keys

Shape = dict[str, Any]

CODES: Shape = {"type": ["string", "number"], "pattern": f"^{keys.CODE}$"}


def schema() -> Shape:
    """Return the schema of a campaign file, ready for JSON."""
    return {
        "$schema": DIALECT,
        "title": "A campaign of Awal",
        "description": "Who is asked a flow, when, in which waves, and when to stop.",
        **_map(keys.CAMPAIGN, keys.NEEDED),
    }


def _map(table: Mapping[str, Key], required: Iterable[str] = ()) -> Shape:
    shape: Shape = {
        "type": "object",
        "properties": {key.name: {"description": key.doc, **_read(key.read)} for key in table.values()},
        "additionalProperties": False,
    }
    return {**shape, "required": list(required)} if required else shape


def _read(read: Reader) -> Shape:
    if read in PARTS:
        return _map(*PARTS[read])
    if read is keys.waves:
        return {"type": "array", "minItems": 1, "maxItems": keys.MAX_WAVES, "items": _map(keys.WAVE)}
    return OWN.get(read) or READERS.get(read) or SHAPES[read]


PARTS: dict[Reader, tuple[Mapping[str, Key], Iterable[str]]] = {
    keys.audience: (keys.AUDIENCE, ()),
    keys.stop: (keys.STOP, ()),
    keys.rounds_of: (keys.PANEL, ("every", "rounds")),
}
"""The maps inside of a campaign, and what they need."""
OWN: dict[Reader, Shape] = {
    keys.moment: {"type": "string", "pattern": f"^{keys.MOMENT}$"},
    keys.hours: {"type": "string", "pattern": f"^{keys.HOURS}$"},
    keys.share: {"type": "string", "pattern": f"^{keys.SHARE}$"},
    keys.places: {"anyOf": [CODES, {"type": "array", "items": CODES, "uniqueItems": True, "minItems": 1}]},
    keys.quota: {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"anyOf": [{"enum": list(keys.LEVELS)}, {"pattern": f"^{keys.CODE}$"}]},
        "additionalProperties": SHAPES[keys.AMOUNT],
    },
}
"""What the other readers of campaigns accept."""
