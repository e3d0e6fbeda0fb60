"""YAML to `flows.model.Flow`: the text of a file in, a flow or every problem of the file out. Reads no file itself."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from flows.load import codes
from flows.load.header import flow
from flows.load.nodes import Map, compose
from flows.load.problem import CODES, Code, Notes, Problem
from flows.load.values import Sheet
from flows.model import Flow

__all__ = ["CODES", "Code", "Loaded", "Problem", "load"]


class Loaded(Struct, frozen=True):
    """What a file came to. `flow` is None when there is an error; warnings leave it usable.

    `sketch` is then what could be read of the flow, for the rules that need no more; `unread` holds the ids of the
    steps it lacks. `lines` maps `step`, `step/option`, `step#key`, `step/option#key` and `#key` (header) to lines.
    """

    file: str
    flow: Flow | None
    problems: tuple[Problem, ...]
    lines: Mapping[str, int]
    sketch: Flow | None = None
    unread: frozenset[str] = frozenset()


def load(text: str, file: str = "") -> Loaded:
    """Read a flow file's text and return the flow, or every problem in one run. Never raises, never executes."""
    notes = Notes(file)
    node = compose(text, notes)
    sheet = Sheet(notes)
    found: Flow | None = None
    if isinstance(node, Map):
        found = flow(node, sheet)
    elif node is not None:
        notes.add(codes.NOT_A_FLOW, node.line, "the file is not a map of keys", "Begin it with flow: and an id")
    if all(problem.level == "warning" for problem in notes.problems):
        return Loaded(file, found, notes.in_order, notes.lines)
    return Loaded(file, None, notes.in_order, notes.lines, found, frozenset(sheet.unread))
