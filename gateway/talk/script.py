"""`*.test.yaml` files: conversations written down, read with their line numbers."""

from __future__ import annotations

from typing import get_args

from msgspec import Struct

from flows.errors import AwalError
from flows.load.nodes import List, Map, Node, Scalar, compose
from flows.load.problem import Notes, did_you_mean
from flows.load.values import seconds
from flows.model import Bearer

ACTIONS = ("start", "see", "unseen", "reply", "drop", "repeat", "wait", "bearer", "end")
KEYS = ("name", "language", "bearer", "citizen", "talk", "answers")


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
            return Line(node.line, self.action(node, node.text))
        pairs = self.map(node, ())
        if len(pairs) != 1:
            raise self.error(node, "one line of a talk does one thing", f"Use one of {', '.join(ACTIONS)}")
        name, value = next(iter(pairs.items()))
        self.action(node, name)
        if name == "wait":
            self.duration(value)
        if isinstance(value, Map):
            by_language = {tag: self.words(words, name) for tag, (_, words) in value.pairs.items()}
            return Line(node.line, name, (), by_language)
        return Line(node.line, name, self.words(value, name))

    def duration(self, node: Node) -> None:
        try:
            seconds(self.word(node, "wait"))
        except ValueError:
            raise self.error(node, f"'{self.word(node, 'wait')}' is no duration", "Write it like 30m or 24h") from None

    def action(self, node: Node, name: str) -> str:
        if name not in ACTIONS:
            raise self.error(node, f"unknown line '{name}'", did_you_mean(name, ACTIONS, f"Use {', '.join(ACTIONS)}"))
        return name

    def answers(self, node: Node) -> dict[str, str | tuple[str, ...]]:
        found: dict[str, str | tuple[str, ...]] = {}
        for name, value in self.map(node, ()).items():
            found[name] = self.words(value, name) if isinstance(value, List) else self.word(value, name)
        return found
