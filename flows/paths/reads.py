"""What a flow looks at in the answers: in conditions, in slots. Two answers it cannot tell apart are one to a walk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from flows.conditions import Comparison, Name, Test, parse, test_of
from flows.model import Ask, End, Flow, Menu, Option, Say, Set, Step, Text, Value
from flows.paths.graph import Graph
from locales.slots import slots


class Reads:
    """The answers that matter: `spoken` in slots, `tests` and `literals` by name, `live` from each step on."""

    def __init__(self, flow: Flow, graph: Graph) -> None:
        self.tests: dict[str, list[Test]] = defaultdict(list)
        self.literals: dict[str, list[str | int | float]] = defaultdict(list)
        self.paired: set[str] = set()
        """Answers that are compared with another answer: no class of values can be told beforehand."""
        for source in dict.fromkeys(one for step in flow.steps for one in conditions(step)):
            for comparison in parse(source).comparisons:
                self._compare(comparison)
        self.spoken = frozenset(name for step in flow.steps for text in texts(step) for name in _slots(text))
        self.live = _live(flow, graph)

    def _compare(self, comparison: Comparison) -> None:
        sides = [side for side in (comparison.left, comparison.right) if isinstance(side, Name)]
        if len(sides) > 1:
            self.paired.update(side.name for side in sides)
            return
        name = sides[0].name
        self.tests[name].append(test_of(comparison))
        other = comparison.right if isinstance(comparison.left, Name) else comparison.left
        self.literals[name] += other if isinstance(other, tuple) else () if isinstance(other, Name) else (other,)

    def likeness(self, name: str, value: Value) -> tuple[object, ...]:
        """Return what the conditions can tell of an answer; equal for answers that always lead the same way."""
        if name in self.paired:
            return (repr(value),)
        return tuple(test({name: value}) for test in self.tests[name])


def conditions(step: Step) -> Iterator[str]:
    """Yield every condition of a step and of its options."""
    if step.when:
        yield step.when
    if isinstance(step, Ask | Menu):
        yield from (option.when for option in _all(step.options) if option.when)


def texts(step: Step) -> Iterator[Text]:
    """Yield every text of a step and of its options."""
    if isinstance(step, Say | Ask | Menu | End):
        yield step.text
    if isinstance(step, Ask | Menu):
        for option in _all(step.options):
            yield option.label
            if option.say is not None:
                yield option.say


def _all(options: tuple[Option, ...]) -> Iterator[Option]:
    for option in options:
        yield option
        yield from _all(option.options)


def _names(step: Step) -> frozenset[str]:
    read = [parse(source).names for source in conditions(step)]
    return frozenset().union(*read, *(_slots(text) for text in texts(step)))


def _slots(text: Text) -> frozenset[str]:
    named = slots(text.source).union(*(slots(words) for words in text.inline.values()))
    return named | {text.scope + name for name in named}


def _live(flow: Flow, graph: Graph) -> list[frozenset[str]]:
    """Return, for each step and the end, the answers that it or a later step looks at before they are given anew."""
    own = [_names(step) for step in flow.steps]
    live: list[frozenset[str]] = [*own, frozenset()]
    before: dict[int, set[int]] = defaultdict(set)
    for at, nexts in enumerate(graph.next):
        for later in nexts:
            before[later].add(at)
    waiting = set(range(len(own)))
    while waiting:
        at = waiting.pop()
        found = own[at].union(*(live[later] for later in graph.next[at])) - (_given(flow.steps[at]) - own[at])
        if found != live[at]:
            live[at] = found
            waiting |= before[at]
    return live


def _given(step: Step) -> frozenset[str]:
    """Return the answers that are always given anew by a step."""
    if isinstance(step, Set) and not step.when:
        return frozenset(step.values)
    if not isinstance(step, Ask) or step.when or step.optional or step.on_fail == "skip":
        return frozenset()
    return frozenset((step.id,))
