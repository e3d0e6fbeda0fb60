"""YAML to nodes: every scalar as the text that was written, every node with its line, nothing hostile.

`yaml.safe_load` turns `no` into False and `12:30` into 750, drops the first of two equal keys and expands aliases
without end. Here PyYAML only cuts the file into events (in C where libyaml is present); the rest is ours and stops
at a cap.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from msgspec import Struct
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from flows.load import codes
from flows.load.problem import Notes, Refused, quoted

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_NODES = 10_000
_Parser: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class Scalar(Struct):
    """A word or text, exactly as written between its quotes."""

    line: int
    text: str


class List(Struct):
    """A sequence of nodes."""

    line: int
    items: list[Node]


class Map(Struct):
    """Keys and values in the order of the file; no key twice."""

    line: int
    pairs: dict[str, tuple[Scalar, Node]]


Node = Scalar | List | Map


def compose(text: str, notes: Notes) -> Node | None:
    """Return the one node that `text` holds, or None with the reason in `notes`."""
    try:
        if _size(text) > MAX_BYTES:
            raise Refused(codes.TOO_LARGE, 1, f"the file is over {MAX_BYTES:,} bytes", "Split it into several flows")
        return _Composer(text, notes).document()
    except Refused as refused:
        notes.refuse(refused)
    except yaml.YAMLError as error:
        notes.refuse(_explained(error, text))
    return None


def _size(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise Refused(
            codes.CHARACTER, line, "something stands here that is not UTF-8", "Save the file as UTF-8"
        ) from error


class _Composer:
    """Builds nodes from events, counting as it goes."""

    def __init__(self, text: str, notes: Notes) -> None:
        self.text = text
        self.next = _Parser(text).get_event
        self.notes = notes
        self.count = 0

    def document(self) -> Node | None:
        """Read the stream's one document."""
        self.next()
        if isinstance(self.next(), StreamEndEvent):
            raise Refused(codes.NOT_A_FLOW, 1, "the file is empty", "Write the flow: flow, title, language, steps")
        node = self.node(self.next(), 0)
        self.next()
        after = self.next()
        if isinstance(after, DocumentStartEvent):
            line = _line(after)
            raise Refused(codes.SEVERAL_DOCUMENTS, line, "a second document begins here", "Give it a file of its own")
        return node

    def node(self, event: Event, depth: int) -> Node:
        """Read the node that `event` begins."""
        line = self._counted(event, depth)
        if isinstance(event, ScalarEvent):
            return Scalar(line, event.value)
        if isinstance(event, AliasEvent):
            return Scalar(line, f"*{event.anchor}")
        if isinstance(event, MappingStartEvent):
            return self._map(line, depth + 1, inline=bool(event.flow_style))
        return self._list(line, depth + 1)

    def _list(self, line: int, depth: int) -> List:
        items = []
        while not isinstance(event := self.next(), SequenceEndEvent):
            items.append(self.node(event, depth))
        return List(line, items)

    def _map(self, line: int, depth: int, *, inline: bool) -> Map:
        pairs: dict[str, tuple[Scalar, Node]] = {}
        while not isinstance(event := self.next(), MappingEndEvent):
            key = self.node(event, depth)
            value = self.node(after := self.next(), depth)
            if inline and pairs and self._is_alone(event, after) and self._rejoined(key, pairs):
                continue
            if not isinstance(key, Scalar):
                self.notes.add(codes.WRONG_SHAPE, key.line, "a key is a list or a map", "Write a word before the colon")
            elif key.text in pairs:
                first = pairs[key.text][0].line
                message = f"the key {quoted(key.text)} stands here and on line {first}"
                self.notes.add(codes.DUPLICATE_KEY, key.line, message, "Keep one of the two")
            else:
                pairs[key.text] = (key, value)
        return Map(line, pairs)

    def _is_alone(self, key: Event, value: Event) -> bool:
        """Tell whether a key has neither a value nor a colon; `{name: }` has one, and means nothing."""
        if not isinstance(value, ScalarEvent) or value.value:
            return False
        end, start = _index(key.end_mark), _index(value.start_mark)
        return start == _index(value.end_mark) and ":" not in self.text[end:start]

    def _rejoined(self, key: Node, pairs: dict[str, tuple[Scalar, Node]]) -> bool:
        """Give a text that a comma has cut its end back, and say so: in `{a: Un, deux}` the `deux` is no key."""
        name, (_, before) = next(reversed(pairs.items()))
        if not isinstance(before, Scalar) or not isinstance(key, Scalar):
            return False
        before.text = f"{before.text}, {key.text}"
        message = f"a comma cuts the text in two: {quoted(key.text)} stands alone, as a key without a value"
        self.notes.add(codes.COMMA, key.line, message, f'Put the text in quotes: {{{name}: "{before.text[:80]}"}}')
        return True

    def _counted(self, event: Event, depth: int) -> int:
        """Count a node and refuse what no flow needs; return its line."""
        line = _line(event)
        self.count += 1
        if self.count > MAX_NODES:
            raise Refused(codes.TOO_LARGE, line, f"the file has over {MAX_NODES:,} values", "Split it into flows")
        if self.notes.full:
            raise Refused(codes.TOO_LARGE, line, "the file is full of problems", "Begin with the first")
        if depth > MAX_DEPTH:
            raise Refused(codes.TOO_LARGE, line, f"the file is over {MAX_DEPTH} levels deep", "Make it flatter")
        if isinstance(event, NodeEvent) and event.anchor is not None:
            sign = "*" if isinstance(event, AliasEvent) else "&"
            message = f"the alias {quoted(sign + event.anchor)} is not allowed"
            self.notes.add(codes.ALIAS, line, message, "Write the value out, or put a text that begins so in quotes")
        tag = getattr(event, "tag", None)
        if tag is not None:
            message = f"the tag {quoted(tag)} is not allowed"
            self.notes.add(codes.TAG, line, message, "Remove it, or put a text that begins with ! in quotes")
        return line


def _index(mark: Any) -> int:
    return int(mark.index)


def _line(event: Event) -> int:
    mark: Any = event.start_mark
    return int(mark.line) + 1


# explaining YAML's own errors ----------------------------------------------------------------------------------
_EXPLANATIONS = (
    (
        "mapping values are not allowed",
        "a colon stands inside a text, or the margin is wrong",
        'Put the text in quotes: "Oui : merci"',
    ),
    ("could not find expected ':'", "a key without its colon, or a text that left its margin", "Write `key: value`"),
    ("end of stream", "a quote or bracket is opened and never closed", "Close it"),
    ("document separator", "a quote is opened and never closed", "Close it"),
    ("',' or '", "a comma or a closing bracket is missing", "Close the bracket, or put the text in quotes"),
    ("cannot start any token", "a text begins with a sign that YAML keeps for itself", "Put the text in quotes"),
    ("expected '-' indicator", "a line of the list does not begin in its column", "Align the dashes"),
    ("escape character", "a backslash in double quotes is not understood", "Use single quotes, or write it twice"),
    ("alias", "a text begins with *, which YAML keeps for itself", "Put the text in quotes"),
    ("anchor", "a text begins with &, which YAML keeps for itself", "Put the text in quotes"),
    ("expected key", "the margin changes here, or text follows a closed quote", "Align the keys, or quote all of it"),
    ("block end", "the margin changes here, or text follows a closed quote", "Align the keys, or quote all of it"),
)


_BEGUN = ("quoted scalar", "simple key")
"""What is wrong where it begins, not where YAML notices."""


def _explained(error: yaml.YAMLError, text: str) -> Refused:
    """Say in an operator's words what YAML could not read."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return _unreadable(error, text)
    context, mark = error.context or "", error.problem_mark
    if error.context_mark is not None and (mark is None or any(one in context for one in _BEGUN)):
        mark = error.context_mark
    lines = text.splitlines() or [""]
    at = min(mark.line if mark else 0, len(lines) - 1)
    shown = lines[at].strip()
    if "\t" in lines[at][: len(lines[at]) - len(lines[at].lstrip()) + 1] or _at_tab(lines[at], mark):
        return Refused(codes.TAB, at + 1, f"a tab stands before {quoted(shown)}", "Use spaces for the margin")
    if re.match(r"""(- )?when: *["']""", shown):
        message = f"the condition begins with a quote, which YAML takes for itself: {quoted(shown)}"
        return Refused(codes.SYNTAX, at + 1, message, """Put all of it in single quotes: when: '"cuts" in problems'""")
    said = f"{context} {error.problem or ''}"
    for words, message, remedy in _EXPLANATIONS:
        if words in said:
            return Refused(codes.SYNTAX, at + 1, f"{message}: {quoted(shown)}", remedy)
    return Refused(codes.SYNTAX, at + 1, f"YAML cannot read {quoted(shown)}", "Look at quotes, colons and the margin")


def _at_tab(line: str, mark: Any) -> bool:
    return mark is not None and line[mark.column : mark.column + 1] == "\t"


def _unreadable(error: yaml.YAMLError, text: str) -> Refused:
    at = getattr(error, "position", 0) or 0
    line = text.count("\n", 0, at) + 1
    return Refused(codes.CHARACTER, line, "an unreadable character stands here", "Delete it and type it anew")
