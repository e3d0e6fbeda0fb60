"""Reading a map by a table of its keys: the one way in which headers, steps and options are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from flows.load import codes
from flows.load.nodes import Map, Scalar
from flows.load.problem import Refused
from flows.load.values import Reader, Sheet, unknown_key
from flows.nearest import nearest


class Key(Struct, frozen=True):
    """One key of the language: its name, how its value is read, its line of documentation.

    `types` names the question types it belongs to; empty means all.
    """

    name: str
    read: Reader
    doc: str
    types: tuple[str, ...] = ()


def table(*keys: Key) -> dict[str, Key]:
    """Return keys by their name."""
    return {key.name: key for key in keys}


def read_keys(
    node: Map, keys: Mapping[str, Key], sheet: Sheet, where: str, whose: str, skip: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the values of a map by key; what cannot be read is noted and left out.

    `whose` names the map in a message (`an ask step`), `skip` the keys that the caller reads itself.
    """
    found: dict[str, Any] = {}
    for name, (key, value) in node.pairs.items():
        sheet.notes.lines[f"{where}#{name}"] = key.line
        if name in skip or sheet.notes.full:
            continue
        try:
            if name not in keys:
                raise unknown_key(key, dict.fromkeys((*keys, *skip)), whose)
            found[name] = keys[name].read(value, sheet, where)
        except Refused as refused:
            sheet.notes.refuse(refused)
    return found


def lacks(node: Map, name: str, known: Iterable[str]) -> bool:
    """Tell whether a map lacks a key; one that is there with a slip is reported as such, once."""
    known = list(known)
    return name not in node.pairs and all(key in known or nearest(key, known) != name for key in islice(node.pairs, 50))


def missing(name: str, line: int, whose: str, remedy: str) -> Refused:
    """Return the refusal of a map that lacks a key it needs."""
    return Refused(codes.MISSING_KEY, line, f"{whose} has no key '{name}'", remedy)


def misplaced(key: Scalar, message: str, remedy: str = "Remove it") -> Refused:
    """Return the refusal of a key that is known, but not here."""
    return Refused(codes.MISPLACED_KEY, key.line, message, remedy)
