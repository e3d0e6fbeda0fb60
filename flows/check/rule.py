"""What a rule of the checker is, and what it looks at. A new rule is one decorated function in any file here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

from msgspec import Struct

from flows.load.problem import Code, Level, Problem, code, sentence
from flows.model import Ask, End, Flow, Menu, Option, Say, Step, Text
from flows.paths.graph import Graph
from flows.texts import Words
from flows.types import Limits
from locales.phrases import PHRASES
from locales.slots import fill

State = Literal["ok", "fuzzy", "missing"]


class Translations(Protocol):
    """What the checker asks of the catalogues; `locales.catalogue.Catalogues` fulfils it."""

    def state(self, text: Text, language: str, source: str) -> State:
        """Tell whether a text is reviewed in `language`, unreviewed, or missing."""

    def flow(self, text: Text, language: str, source: str) -> Words:
        """Return a flow's text as it would be served in `language`."""

    def phrase(self, name: str, language: str, **slots: object) -> str:
        """Return one of the gateway's own phrases."""


class Inline:
    """The translations written in the flow itself: what is known without any catalogue."""

    def state(self, text: Text, language: str, source: str) -> State:
        """Tell whether the flow itself has the text in `language`."""
        return "ok" if language == source or language in text.inline else "missing"

    def flow(self, text: Text, language: str, source: str) -> Words:
        """Return the text in `language`, or in the flow's own."""
        if language in text.inline:
            return Words(text.inline[language], language)
        return Words(text.source, source)

    def phrase(self, name: str, language: str, **slots: object) -> str:  # noqa: ARG002
        """Return one of the gateway's own phrases in French, whatever the language."""
        return fill(PHRASES[name], slots)


class Spot(NamedTuple):
    """A text of the flow, and the key it is written at (as in `Loaded.lines`)."""

    text: Text
    at: str


class Subject(Struct, frozen=True, dict=True):
    """One flow under examination."""

    flow: Flow
    lines: Mapping[str, int]
    texts: Translations
    limits: Limits
    unread: frozenset[str] | None = None
    """Where the flow is a sketch: the steps it lacks, since something in them is wrong."""

    @property
    def named(self) -> frozenset[str]:
        """The ids that are written in the file although their steps are not here."""
        return self.unread or frozenset()

    @cached_property
    def graph(self) -> Graph:
        """Where each step can lead."""
        return Graph(self.flow)

    @cached_property
    def asks(self) -> dict[str, Ask]:
        """The questions by their id."""
        return {ask.id: ask for ask in self.flow.questions}

    def line(self, *keys: str) -> int:
        """Return the line of the first key that is written out."""
        return next((self.lines[key] for key in keys if key in self.lines), 1)

    def options(self) -> Iterator[tuple[Step, str, Option]]:
        """Yield every option with its step and its path, those of deeper menus included."""
        for step in self.flow.steps:
            if isinstance(step, Ask | Menu):
                for path, option in below(step.id, step.options):
                    yield step, path, option

    def spots(self) -> Iterator[Spot]:
        """Yield every text a citizen can read."""
        if "#title" in self.lines or not self.lines:
            yield Spot(self.flow.title, "#title")
        for step in self.flow.steps:
            if isinstance(step, Say | Ask | Menu | End):
                yield Spot(step.text, f"{step.id}#{type(step).__name__.lower()}")
        for _, path, option in self.options():
            yield Spot(option.label, f"{path}#label" if f"{path}#label" in self.lines else path)
            if option.say is not None:
                yield Spot(option.say, f"{path}#say")

    def conditions(self) -> Iterator[tuple[int, str, int]]:
        """Yield every `when` with its line and the index of its step."""
        for step in self.flow.steps:
            if step.when:
                yield self.flow.index[step.id], step.when, self.line(f"{step.id}#when", step.id)
        for step, path, option in self.options():
            if option.when:
                yield self.flow.index[step.id], option.when, self.line(f"{path}#when", path)


def below(path: str, options: Iterable[Option]) -> Iterator[tuple[str, Option]]:
    """Yield options and those below them, each with its path."""
    for option in options:
        here = f"{path}/{option.key}"
        yield here, option
        yield from below(here, option.options)


class Finding(NamedTuple):
    """What a rule found: the line, what is wrong, what to do."""

    line: int
    message: str
    remedy: str


Find = Callable[[Subject], Iterable[Finding]]


class Rule(Struct, frozen=True):
    """One rule: its code, the function that finds every breach of it, and whether it can judge a flow by its parts."""

    code: Code
    find: Find
    parts: bool = True


RULES: list[Rule] = []
"""Every rule on a single flow, in the order of their files."""


def rule(number: str, name: str, doc: str, level: Level = "error", *, parts: bool = True) -> Callable[[Find], Find]:
    """Register a function as a rule under a new code; without `parts` it needs a flow without any other error."""
    found = code(number, name, doc, level)

    def register(find: Find) -> Find:
        RULES.append(Rule(found, find, parts))
        return find

    return register


def problem(code: Code, file: str, finding: Finding) -> Problem:
    """Return a finding as the problem it is."""
    message, remedy = sentence(finding.message), sentence(finding.remedy)
    return Problem(file, finding.line, code.code, code.level, message, remedy)
