"""`*.test.yaml` files: conversations written down, read with their line numbers."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from flows.errors import AwalError
from flows.load.nodes import List, Map, Node, Scalar, compose
from flows.load.problem import Notes
from flows.load.values import seconds
from flows.model import Bearer
from flows.nearest import did_you_mean
from locales.tags import NATIVE, TAGS

Takes = Literal["nothing", "words", "perhaps"]
ACTIONS: dict[str, Takes] = {
    "start": "nothing",
    "see": "words",
    "unseen": "words",
    "sms": "words",
    "reply": "words",
    "drop": "nothing",
    "repeat": "nothing",
    "late": "perhaps",
    "wait": "words",
    "bearer": "words",
    "segments": "words",
    "end": "nothing",
}
"""What a line of a talk may do, and whether words follow it."""
KEYS = ("name", "language", "bearer", "citizen", "talk", "answers", "segments")


class ScriptError(AwalError):
    """A conversation test cannot be read."""


class Line(Struct, frozen=True):
    """One line of a talk: what the citizen does, or what must be seen. `words` may depend on the language."""

    number: int
    action: str
    words: tuple[str, ...] = ()
    by_language: dict[str, tuple[str, ...]] = {}

    def expected(self, language: str) -> tuple[str, ...]:
        """Return the words for a language; those without a language hold for all."""
        return self.by_language.get(language, ()) if self.by_language else self.words


class Script(Struct, frozen=True):
    """One conversation: for which languages and bearers it holds, what is said, what is kept."""

    name: str
    flow: str
    line: int
    talk: tuple[Line, ...]
    languages: tuple[str, ...] = ()
    bearers: tuple[Bearer, ...] = ()
    new_citizen: bool = False
    answers: dict[str, str | tuple[str, ...]] | None = None
    segments: Line | None = None
    """How many SMS segments are sent in all."""


def read(text: str, file: str) -> list[Script]:
    """Return the conversations of one file; raises ScriptError with file, line and remedy."""
    notes = Notes(file)
    root = compose(text, notes)
    if notes.problems:
        raise ScriptError(str(notes.in_order[0]))
    reader = _Reader(file)
    top = reader.map(root, ("flow", "tests"))
    flow = reader.word(top.get("flow"), "flow")
    tests = top.get("tests")
    if not isinstance(tests, List):
        raise reader.error(tests, "there are no tests", "Write `tests:` and a list of conversations")
    return [reader.script(item, flow) for item in tests.items]


class _Reader:
    """Turns nodes into scripts; every complaint names the line and the remedy."""

    def __init__(self, file: str) -> None:
        self.file = file

    def error(self, node: Node | None, wrong: str, remedy: str) -> ScriptError:
        return ScriptError(f"{self.file}:{node.line if node else 1}: TEST: {wrong}. {remedy}.")

    def map(self, node: Node | None, keys: tuple[str, ...]) -> dict[str, Node]:
        if not isinstance(node, Map):
            raise self.error(node, "a map is expected", f"Write {', '.join(keys)}")
        for name, (key, _) in node.pairs.items():
            if keys and name not in keys:
                raise self.error(key, f"unknown key '{name}'", did_you_mean(name, keys, f"Use {', '.join(keys)}"))
        return {name: value for name, (_, value) in node.pairs.items()}

    def word(self, node: Node | None, key: str) -> str:
        if not isinstance(node, Scalar):
            raise self.error(node, f"'{key}' needs one word or text", f"Write `{key}: …`")
        return node.text

    def words(self, node: Node | None, key: str) -> tuple[str, ...]:
        if isinstance(node, List):
            return tuple(self.word(item, key) for item in node.items)
        return (self.word(node, key),)

    def script(self, node: Node, flow: str) -> Script:
        keys = self.map(node, KEYS)
        talk = keys.get("talk")
        if not isinstance(talk, List):
            raise self.error(node, "a conversation without `talk`", "Write what is said, line by line")
        return Script(
            name=self.word(keys.get("name"), "name"),
            flow=flow,
            line=node.line,
            talk=tuple(self.line(item) for item in talk.items),
            languages=self.words(keys["language"], "language") if "language" in keys else (),
            bearers=self.bearers(keys.get("bearer")),
            new_citizen="citizen" in keys and self.word(keys["citizen"], "citizen") == "new",
            answers=self.answers(keys["answers"]) if "answers" in keys else None,
            segments=self.counts(keys["segments"]) if "segments" in keys else None,
        )

    def bearers(self, node: Node | None) -> tuple[Bearer, ...]:
        if node is None:
            return ()
        found = self.words(node, "bearer")
        return tuple(self.bearer(node, one) for one in found)

    def bearer(self, node: Node, word: str) -> Bearer:
        for known in get_args(Bearer):
            if word == known:
                return known  # type: ignore[no-any-return]
        raise self.error(node, f"unknown bearer '{word}'", "Use ussd or sms")

    def line(self, node: Node) -> Line:
        if isinstance(node, Scalar):
            if self.action(node, node.text) == "words":
                raise self.error(node, f"'{node.text}' says nothing", f"Write `- {node.text}: …`")
            return Line(node.line, node.text)
        pairs = self.map(node, ())
        if len(pairs) != 1:
            raise self.error(node, "one line of a talk does one thing", f"Use one of {', '.join(ACTIONS)}")
        name, value = next(iter(pairs.items()))
        if self.action(node, name) == "nothing":
            raise self.error(node, f"'{name}' takes no words", f"Write `- {name}`")
        if name == "segments":
            return self.counts(value)
        if name == "wait":
            self.duration(value)
        if name == "bearer":
            self.bearer(value, self.word(value, name))
        return self.spoken(node.line, name, value)

    def spoken(self, line: int, name: str, value: Node) -> Line:
        """Read words that hold for all languages, or a map from language to words."""
        if not isinstance(value, Map):
            return Line(line, name, self.words(value, name))
        by_language = {}
        for tag, (key, words) in value.pairs.items():
            if tag not in TAGS:
                raise self.error(key, f"'{tag}' is no language", did_you_mean(tag, NATIVE, f"Use {', '.join(NATIVE)}"))
            by_language[tag] = self.words(words, name)
        return Line(line, name, (), by_language)

    def counts(self, node: Node) -> Line:
        """Read a number of segments, or one for each language."""
        line = self.spoken(node.line, "segments", node)
        for words in (line.words, *line.by_language.values()):
            if words and not (len(words) == 1 and words[0].isascii() and words[0].isdigit()):
                raise self.error(node, f"'{' '.join(words)}' is no number of segments", "Write a whole number")
        return line

    def duration(self, node: Node) -> None:
        try:
            seconds(self.word(node, "wait"))
        except ValueError:
            raise self.error(node, f"'{self.word(node, 'wait')}' is no duration", "Write it like 30m or 24h") from None

    def action(self, node: Node, name: str) -> Takes:
        if name not in ACTIONS:
            raise self.error(node, f"unknown line '{name}'", did_you_mean(name, ACTIONS, f"Use {', '.join(ACTIONS)}"))
        return ACTIONS[name]

    def answers(self, node: Node) -> dict[str, str | tuple[str, ...]]:
        found: dict[str, str | tuple[str, ...]] = {}
        for name, value in self.map(node, ()).items():
            found[name] = self.words(value, name) if isinstance(value, List) else self.word(value, name)
        return found
