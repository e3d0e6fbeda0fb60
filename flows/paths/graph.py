"""Where each step of a flow can lead, whatever the answers: the ground for every rule about paths."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from flows.model import END, Ask, End, Flow, Go, Menu, Option, Step


class Graph:
    """Steps by index; the index past the last step is the end of the conversation.

    A jump to a step that does not exist counts as no jump: another rule reports it.
    """

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.end = len(flow.steps)
        self.next = [frozenset(self._leads(at, step)) for at, step in enumerate(flow.steps)]
        self.reachable = self.spread([0])
        self._after: dict[int, int] = {}

    def _leads(self, at: int, step: Step) -> Iterable[int]:
        if step.when:
            yield at + 1
        if isinstance(step, Go):
            yield self._target(step.to, at)
        elif isinstance(step, End):
            yield self.end
        elif isinstance(step, Ask | Menu):
            yield from self._answers(at, step)
        else:
            yield at + 1

    def _answers(self, at: int, step: Ask | Menu) -> Iterable[int]:
        jumps = [self._target(option.go, at) if option.go else at + 1 for option in leaves(step.options)]
        yield from jumps
        passes = isinstance(step, Ask) and (step.optional or (step.retries is not None and step.on_fail == "skip"))
        if passes or not jumps:
            yield at + 1

    def _target(self, name: str, at: int) -> int:
        return self.end if name == END else self.flow.index.get(name, at + 1)

    def follows(self, at: int, other: int) -> bool:
        """Tell whether step `other` can come after step `at`; each step's followers are kept as one number's bits."""
        if at not in self._after:
            self._after[at] = sum(1 << one for one in self.spread(self.next[at]))
        return bool(self._after[at] >> other & 1)

    def spread(self, starts: Iterable[int], among: frozenset[int] | None = None) -> frozenset[int]:
        """Return every index reachable from `starts`, through indexes of `among` only where it is given."""
        seen: set[int] = set()
        waiting = list(starts)
        while waiting:
            at = waiting.pop()
            if at in seen or (among is not None and at not in among):
                continue
            seen.add(at)
            if at != self.end:
                waiting.extend(self.next[at])
        return frozenset(seen)

    @cached_property
    def silent(self) -> frozenset[int]:
        """The steps that wait for nobody."""
        return frozenset(at for at, step in enumerate(self.flow.steps) if not isinstance(step, Ask | Menu))

    @cached_property
    def ending(self) -> frozenset[int]:
        """Every index from which the end can be reached."""
        before: dict[int, list[int]] = {}
        for at, nexts in enumerate(self.next):
            for other in nexts:
                before.setdefault(other, []).append(at)
        seen: set[int] = set()
        waiting = [self.end]
        while waiting:
            at = waiting.pop()
            if at not in seen:
                seen.add(at)
                waiting.extend(before.get(at, ()))
        return frozenset(seen)


def leaves(options: Iterable[Option]) -> Iterable[Option]:
    """Yield the options that open no deeper menu."""
    for option in options:
        if option.options:
            yield from leaves(option.options)
        else:
            yield option
