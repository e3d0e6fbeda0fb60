"""What a rule of the checker is, and what it looks at. A new rule is one decorated function in any file here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Literal, NamedTuple, Protocol

from msgspec import Struct

from flows.link import LinkError, link
from flows.load.problem import Code, Level, Problem, code, sentence
from flows.model import Ask, Bearer, End, Flow, Menu, Option, Run, Say, Set, Step, Text
from flows.paths import MOST_TURNS, Explored, Graph, Node, Shown, explore
from flows.texts import Place, Texts, Words
from flows.types import Limits
from locales.phrases import PHRASES
from locales.slots import fill
from locales.tags import native

State = Literal["ok", "fuzzy", "missing"]


class Translations(Texts, Protocol):
    """What the checker asks of the catalogues; `locales.catalogue.Catalogues` fulfils it."""

    def state(self, text: Text, language: str, source: str) -> State:
        """Tell whether a text is reviewed in `language`, unreviewed, or missing."""


class Nowhere:
    """A gazetteer without places."""

    def get(self, code: str) -> Place | None:  # noqa: ARG002
        """Know no code."""
        return None

    def children(self, code: str) -> Sequence[Place]:  # noqa: ARG002
        """Know nothing below it."""
        return ()

    def find(self, text: str, level: str, within: str = "") -> Sequence[Place]:  # noqa: ARG002
        """Know no name."""
        return ()


class Inline:
    """The translations written in the flow itself: what is known without any catalogue."""

    places = Nowhere()

    def native(self, tag: str) -> str:
        """Return a language's own name."""
        return native(tag)

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
    beside: Mapping[str, Flow] | None = None
    """The flows that it can run, by their id; None when they are not known."""

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

    @cached_property
    def givers(self) -> dict[str, list[int]]:
        """The steps that give each answer: its question, what sets it, the flow that is run."""
        found: dict[str, list[int]] = defaultdict(list)
        for at, step in enumerate(self.flow.steps):
            for name in self._given(step):
                found[name].append(at)
        return found

    def _given(self, step: Step) -> Iterator[str]:
        if isinstance(step, Ask):
            yield step.id
        elif isinstance(step, Set):
            yield from step.values
        elif isinstance(step, Run) and self.beside is not None and step.flow in self.beside:
            inner = Subject(self.beside[step.flow], {}, self.texts, self.limits)
            yield from (f"{step.id}-{name}" for name in inner.givers)

    @property
    def foreign(self) -> tuple[str, ...]:
        """How the answers of sub-flows begin whose questions are not known here."""
        known = self.beside or {}
        runs = [step for step in self.flow.steps if isinstance(step, Run)]
        unseen = [step for step in runs if step.flow not in known or _runs(known[step.flow])]
        return tuple(f"{step.id}-" for step in unseen)

    @cached_property
    def linked(self) -> Flow | LinkError:
        """The flow with its sub-flows put in, or why that cannot be."""
        try:
            return link(self.flow, self.beside or {})
        except LinkError as error:
            return error

    @cached_property
    def walks(self) -> tuple[Explored, ...]:
        """Every path, in each language and over each bearer, also where it goes on from one to the other.

        After a walk that is too long, others are cut short.
        """
        if isinstance(self.linked, LinkError):
            return ()
        ways: list[tuple[Bearer, bool]] = [("ussd", False), ("sms", False)]
        if self.linked.crosses:
            ways.insert(1, ("ussd", True))
        found: list[Explored] = []
        for language, (bearer, sms) in product(self.flow.languages, ways):
            most = MOST_TURNS if all(walk.complete for walk in found) else MOST_TURNS // 10
            found.append(explore(self.linked, self.texts, language, bearer, self.limits, most=most, sms=sms))
        return tuple(found)

    def spotted(self, node: Node) -> int:
        """Return the line of what a state shows: its question, or the last words said."""
        if node.step:
            return self.place(node.step)
        said = [spot for spot in self.spots() if self.shown.holds(node, spot.text)]
        return self.line(said[-1].at) if said else 1

    @cached_property
    def shown(self) -> Shown:
        """Tells which texts a state shows."""
        return Shown(self.flow, self.texts)

    def place(self, step: str) -> int:
        """Return the line of a step that a walk came to; one of a sub-flow is at the line of its run."""
        while step and step not in self.lines:
            step = step.rpartition("-")[0]
        return self.lines.get(step, 1)

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


def _runs(flow: Flow) -> bool:
    return any(isinstance(step, Run) for step in flow.steps)


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


SLOT_FORM = "Write {name}, or {name|one word for each plural form} without a slot inside"
"""What to do about braces that make no slot."""
Find = Callable[[Subject], Iterable[Finding]]


class Rule(Struct, frozen=True):
    """One rule: its code, the function that finds every breach of it, and what it needs.

    It can judge a flow by its `parts`, or needs one without any other error; a `deep` one walks every path.
    """

    code: Code
    find: Find
    parts: bool = True
    deep: bool = False


RULES: list[Rule] = []
"""Every rule on a single flow, in the order of their files."""


def rule(
    number: str, name: str, doc: str, level: Level = "error", *, parts: bool = True, deep: bool = False
) -> Callable[[Find], Find]:
    """Register a function as a rule under a new code; `parts` and `deep` are as in `Rule`."""
    found = code(number, name, doc, level)

    def register(find: Find) -> Find:
        RULES.append(Rule(found, find, parts and not deep, deep))
        return find

    return register


def problem(code: Code, file: str, finding: Finding) -> Problem:
    """Return a finding as the problem it is."""
    message, remedy = sentence(finding.message), sentence(finding.remedy)
    return Problem(file, finding.line, code.code, code.level, message, remedy)
