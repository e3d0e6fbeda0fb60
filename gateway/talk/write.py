"""Conversation tests written by the program: a talk recorded from `awal play`, and what is expected brought up to date.

Only the words that change are replaced in a file: its comments, quotes and order stay as their author has them.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from msgspec import Struct
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from flows.errors import AwalError
from flows.model import Value
from gateway.talk.run import Run
from gateway.talk.script import ScriptError, read

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = re.compile(r"[^\W\d_][^:#?\[\]{},&*!|>'\"%@`\n]*")
_WORDS = ("yes", "no", "true", "false", "on", "off", "null", "y", "n")


class Recording:
    """A talk as it is held: what the citizen does and what the phone shows, ready to be a test."""

    def __init__(self, flow: str, name: str, language: str, bearer: str) -> None:
        self.flow, self.name, self.language, self.bearer = flow, name, language, bearer
        self.lines: list[str] = []

    def did(self, action: str, words: str | None = None) -> None:
        """Note something the citizen or the network did."""
        self.lines.append(f"- {action}" if words is None else f"- {action}: {quoted(words, always=action == 'reply')}")

    def saw(self, screen: str, *, ended: bool) -> None:
        """Note a screen, each of its lines, and whether it was the last."""
        shown = [line.strip() for line in screen.split("\n") if line.strip()]
        if shown:
            self.lines.append(f"- see: {_listed(shown)}")
        if ended:
            self.lines.append("- end")

    def received(self, message: str) -> None:
        """Note an SMS that came while the citizen was dialling."""
        self.lines.append(f"- sms: {_listed([line for line in message.split(chr(10)) if line.strip()])}")

    def test(self, answers: Mapping[str, Value]) -> str:
        """Return the recorded talk as one item of `tests`."""
        head = [f"- name: {quoted(self.name)}"]
        head.append(f"  language: {self.language}" if self.language else "  citizen: new\n  language: fr")
        head.append(f"  bearer: {self.bearer}")
        kept = [f"    {step}: {_value(value)}" for step, value in answers.items()]
        return "\n".join(
            [*head, "  talk:", *(f"  {line}" for line in self.lines), *(["  answers:", *kept] if kept else [])]
        )


def added(text: str, recording: Recording, answers: Mapping[str, Value], file: str) -> str:
    """Return a test file's text (empty for a new one) with a recorded talk as its last test; raises AwalError."""
    test = recording.test(answers)
    if not text.strip():
        whole = f"flow: {recording.flow}\ntests:\n{test}\n"
    else:
        if any(script.flow != recording.flow for script in read(text, file)):
            raise AwalError(f"{file}: tests another flow than '{recording.flow}'. Name another file.")
        margin = " " * _margin(text)
        whole = text.rstrip() + "\n" + "".join(f"{margin}{line}\n" for line in test.split("\n"))
    try:
        read(whole, file)
    except ScriptError:
        raise AwalError(f"{file}: its tests are not the last thing in the file. Name another file.") from None
    return whole


def _margin(text: str) -> int:
    root = yaml.compose(text, Loader=_LOADER)
    tests = dict(_pairs(root)).get("tests")
    column: int = tests.start_mark.column if isinstance(tests, SequenceNode) and not tests.flow_style else 0
    return column


class Refresh(Struct, frozen=True):
    """What became of lines that no longer match: the new text, and what a person has to decide."""

    text: str
    changed: int
    left: tuple[str, ...] = ()


def refreshed(text: str, runs: Sequence[Run], file: str) -> Refresh:
    """Return the text of a test file whose `see`, `sms` and `segments` lines expect what the runs showed there.

    Where the languages of a test show different words, the line becomes a map from language to words; where the
    bearers do, nobody but the author can say what is meant.
    """
    edits: list[tuple[Node, str]] = []
    left: list[str] = []
    for line, value in _lines(text, "segments"):
        try:
            edits += _recounted(line, value, runs)
        except _Differs as differs:
            left.append(f"{file}:{line}: TEST: {differs}. Write a test for each bearer.")
    for line, value in (*_lines(text, "see"), *_lines(text, "sms")):
        seen = _Seen(line, runs)
        if not seen.missed:
            continue
        try:
            edits += _edits(value, seen)
        except _Differs as differs:
            left.append(f"{file}:{line}: TEST: {differs}. Write a test for each bearer.")
    for node, words in sorted(edits, key=lambda edit: -edit[0].start_mark.index):
        start, end = node.start_mark.index, node.end_mark.index  # a block ends where the next line begins
        text = text[:start] + words + text[start + len(text[start:end].rstrip()) :]
    return Refresh(text, len(edits), tuple(left))


class _Differs(Exception):
    """The bearers of one language show different words."""


class _Seen:
    """What the runs of one test showed in place of the words of one `see` line."""

    def __init__(self, line: int, runs: Sequence[Run]) -> None:
        self.runs = [run for run in runs if any(one.number == line for one in run.script.talk)]
        self.misses = [{miss.word: miss.screen for miss in run.misses if miss.line == line} for run in self.runs]
        self.missed = any(self.misses)
        self.languages = list(dict.fromkeys(run.language for run in self.runs))

    def instead(self, word: str, language: str) -> str:
        """Return what is shown in place of a word: the word itself where it is seen; raises _Differs."""
        told = [missed for run, missed in zip(self.runs, self.misses, strict=True) if run.language == language]
        shown = {_nearest(word, missed[word]) if word in missed else word for missed in told}
        if len(shown) > 1:
            raise _Differs(f"in {language!r} {word!r} is shown otherwise by USSD and by SMS")
        return shown.pop() if shown else word


def _edits(value: Node, seen: _Seen) -> Iterator[tuple[Node, str]]:
    """Yield the nodes of a `see` to write anew, each with its new words."""
    if isinstance(value, MappingNode):
        for tag, words in _pairs(value):
            yield from _replaced(_scalars(words), seen, tag)
        return
    scalars = _scalars(value)
    new = {tag: [seen.instead(one.value, tag) for one in scalars] for tag in seen.languages}
    if len({tuple(words) for words in new.values()}) == 1:
        yield from _replaced(scalars, seen, seen.languages[0])
    else:
        yield value, "{" + ", ".join(f"{tag}: {_listed(words)}" for tag, words in new.items()) + "}"


def _replaced(scalars: Sequence[ScalarNode], seen: _Seen, language: str) -> Iterator[tuple[Node, str]]:
    for scalar in scalars:
        words = seen.instead(scalar.value, language)
        if words != scalar.value:
            yield scalar, quoted(words)


def _recounted(line: int, value: Node, runs: Sequence[Run]) -> Iterator[tuple[Node, str]]:
    """Yield the numbers of segments to write anew; one for all languages becomes a map where they differ."""
    found: dict[str, set[int]] = {}
    for run in runs:
        for one in run.counts:
            if one.line == line:
                found.setdefault(run.language, set()).add(one.found)
    for tag, counts in found.items():
        if len(counts) > 1:
            raise _Differs(f"in {tag!r} USSD and SMS take {' and '.join(map(str, sorted(counts)))} segments")
    now = {tag: str(count) for tag, (count,) in found.items()}
    if isinstance(value, MappingNode):
        yield from ((node, now[tag]) for tag, node in _pairs(value) if now.get(tag, node.value) != node.value)
    elif len(set(now.values())) > 1:
        yield value, "{" + ", ".join(f"{tag}: {count}" for tag, count in now.items()) + "}"
    else:
        yield from ((value, count) for count in [*now.values()][:1] if count != value.value)


def _nearest(word: str, screen: str) -> str:
    """Return the line of a screen that is most like a word that is not on it; the first when none is."""
    lines = [line.strip() for line in screen.split("\n") if line.strip()] or [""]
    return next(iter(difflib.get_close_matches(word, lines, 1, cutoff=0.4)), lines[0])


def _lines(text: str, action: str) -> Iterator[tuple[int, Node]]:
    """Yield each line of a file that does `action`: where it stands, and its value with its place in the text."""
    root = yaml.compose(text, Loader=_LOADER)
    for test in _items(dict(_pairs(root)).get("tests")):
        keys = dict(_pairs(test))
        for line in (*_items(keys.get("talk")), test):
            for name, value in _pairs(line):
                if name == action:
                    place = value if action == "segments" else line  # as `script.read` numbers them
                    yield place.start_mark.line + 1, value


def _pairs(node: Node | None) -> list[tuple[str, Node]]:
    return [(str(key.value), value) for key, value in node.value] if isinstance(node, MappingNode) else []


def _items(node: Node | None) -> Sequence[Node]:
    return node.value if isinstance(node, SequenceNode) else ()


def _scalars(node: Node) -> list[ScalarNode]:
    found = node.value if isinstance(node, SequenceNode) else [node]
    return [one for one in found if isinstance(one, ScalarNode)]


def quoted(words: str, *, always: bool = False) -> str:
    """Return words as YAML writes them, in quotes where they need it or are better read so."""
    plain = _PLAIN.fullmatch(words) and words == words.strip() and words.casefold() not in _WORDS
    return words if plain and not always else json.dumps(words, ensure_ascii=False)


def _listed(words: Sequence[str]) -> str:
    return quoted(words[0]) if len(words) == 1 else "[" + ", ".join(map(quoted, words)) + "]"


def _value(value: Value) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(quoted, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else quoted(str(value))
