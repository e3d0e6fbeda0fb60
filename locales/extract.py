"""Babel extractors: the texts of flow files and the gateway's own phrases, with their contexts and notes.

Run by `pybabel extract` (see `README.md`). The contexts are those that `flows.load` gives a text: `flow` for the
title, `flow/step`, `flow/step/option`, `flow/step/option/say`; a step without an id is the n-th of its verb (`say-1`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from locales.slots import PLURAL_NOTE, plurals, slots
from locales.tags import TAGS

Message = tuple[int, str, tuple[str, str], list[str]]
"""Line, gettext function, (context, text), notes for the translator."""

VERBS = ("say", "ask", "menu", "end")
SPEAKING = (*VERBS, "go")
TEST_SUFFIX = ".test.yaml"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def flows(fileobj: BinaryIO, keywords: object, comment_tags: object, options: object) -> Iterator[Message]:  # noqa: ARG001
    """Yield the texts of one flow file; a conversation test, or a file that is no flow, has none."""
    if str(getattr(fileobj, "name", "")).endswith(TEST_SUFFIX):
        return
    head = _map(yaml.compose(fileobj, Loader=_LOADER))
    if "flow" not in head or "steps" not in head:
        return
    language = _scalar(head.get("language")) or "fr"
    flow = _scalar(head["flow"])
    if "title" in head:
        yield from _text(head["title"], flow, language, "title of the flow")
    counts: Counter[str] = Counter()
    for step in _items(head["steps"]):
        yield from _step(_map(step), flow, language, counts)


def _step(step: Mapping[str, Node], flow: str, language: str, counts: Counter[str]) -> Iterator[Message]:
    verb = next((name for name in SPEAKING if name in step), "")
    name = _scalar(step.get("id"))
    if not name:
        counts[verb] += 1
        name = f"{verb}-{counts[verb]}"
    if verb not in VERBS:
        return
    context = f"{flow}/{name}"
    kind = _scalar(step.get("type"))
    yield from _text(step[verb], context, language, f"{verb}, {kind}" if kind else verb)
    for mark, label in _labels(step.get("labels")):
        yield from _text(label, f"{context}/{mark}", language, "label of a mark")
    yield from _options(step.get("options"), context, language)


def _labels(node: Node | None) -> Iterator[tuple[str, Node]]:
    """Yield the labels of a rating, written as a list or as a map from 1 up."""
    yield from ((str(mark), label) for mark, label in enumerate(_items(node), 1))
    yield from _map(node).items()


def _options(node: Node | None, context: str, language: str) -> Iterator[Message]:
    for key, option in _map(node).items():
        where = f"{context}/{key}"
        parts = _map(option)
        if "label" not in parts:
            yield from _text(option, where, language, "option")
            continue
        yield from _text(parts["label"], where, language, "option")
        if "say" in parts:
            yield from _text(parts["say"], f"{where}/say", language, "information of a menu")
        yield from _options(parts.get("options"), where, language)


def _text(node: Node, context: str, language: str, kind: str) -> Iterator[Message]:
    """Yield one text; of a text written in several languages, its words in the flow's own."""
    by_language = _map(node)
    source = by_language.get(language, node)
    words = _scalar(source)
    if not words:
        return
    notes = [kind]
    if names := sorted(slots(words)):
        notes.append("slots to keep: " + ", ".join(f"{{{name}}}" for name in names))
    if plurals(words):
        notes.append(PLURAL_NOTE)
    if inline := [tag for tag in by_language if tag in TAGS and tag != language]:
        notes.append(f"already written in the flow: {', '.join(inline)}")
    yield source.start_mark.line + 1, "pgettext", (context, words), ["; ".join(notes)]


def _map(node: Node | None) -> dict[str, Node]:
    if not isinstance(node, MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, ScalarNode)}


def _items(node: Node | None) -> Sequence[Node]:
    return node.value if isinstance(node, SequenceNode) else ()


def _scalar(node: Node | None) -> str:
    return str(node.value).strip() if isinstance(node, ScalarNode) else ""


_PHRASE = re.compile(r'\s+"(\w+)":')
_NOTE = re.compile(r"\s+# (.+)")


def phrases(fileobj: BinaryIO, keywords: object, comment_tags: object, options: object) -> Iterator[Message]:  # noqa: ARG001
    """Yield the phrases of `phrases.py` or `report_phrases.py`; the comment above a group is its note."""
    from locales.phrases import PHRASES  # its words are what Python made of the lines read here

    note: list[str] = []
    for number, line in enumerate(fileobj.read().decode().splitlines(), 1):
        if found := _NOTE.match(line):
            note = [found[1]]
        elif (found := _PHRASE.match(line)) and found[1] in PHRASES:
            yield number, "pgettext", (found[1], PHRASES[found[1]]), note
