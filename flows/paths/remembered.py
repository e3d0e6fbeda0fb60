"""The citizen's place in a walk: remembered from an earlier conversation, or answered earlier in this one.

Which place it is shows only on the screen that asks to confirm it. So any place stands for all of its level, and at
that screen those with the longest names do.
"""

from __future__ import annotations

from msgspec.structs import replace

from flows.model import Ask, Flow
from flows.paths.atlas import LEVELS, Atlas
from flows.paths.graph import Graph
from flows.places import ELSEWHERE, LIST
from flows.types import Conversation


class Remembered:
    """Knows which places a walk has to try in each state of one flow."""

    def __init__(self, flow: Flow, graph: Graph, atlas: Atlas) -> None:
        self.graph = graph
        self.atlas = atlas
        questions = ((at, step) for at, step in enumerate(flow.steps) if isinstance(step, Ask))
        self.asks = {at: step for at, step in questions if step.type == "place"}

    def stand(self, state: Conversation, before: int) -> list[Conversation]:
        """Return the states to walk for one that was reached from step `before`; the first is what it comes to itself.

        At a place question the others are those of citizens whose place is known from an earlier conversation.
        """
        if state.status != "active" or not self.asks:
            return [replace(state, place="")]
        ask = self.asks.get(state.at) if state.phase == "steps" else None
        if ask is not None and not state.path:
            return self._asked(ask, state, before)
        if ask is not None and state.path[0] == LIST:
            return [state]
        return [self._else_asked(state) if ask is not None else self._any(state)]

    def _asked(self, ask: Ask, state: Conversation, before: int) -> list[Conversation]:
        """Return the states at a place question: the place is known, or not, or may be."""
        if state.place:
            longest = self.atlas.longest(ask.level, self._level(state.place))
            alike = [replace(state, place=code) for code in longest] or [self._any(state)]
            return [state] if state.place in longest else alike
        levels = self._levels(state.at) if state.at != before else ()
        codes = dict.fromkeys(code for level in levels for code in self.atlas.longest(ask.level, level))
        return [state, *(replace(state, place=code) for code in codes)]

    def _else_asked(self, state: Conversation) -> Conversation:
        """Return a state inside the menus; who declined the known place is as if none were known."""
        if state.path[0] == ELSEWHERE and not self._later(state.at):
            return replace(state, place="", path=state.path[1:])
        return self._any(state)

    def _any(self, state: Conversation) -> Conversation:
        """Return a state with one place in the stead of all of its level; with none where none is asked for later."""
        known = self.atlas.level(self._level(state.place)) if state.place and self._later(state.at) else []
        return replace(state, place=known[0].code if known else "")

    def _level(self, code: str) -> str:
        place = self.atlas.places.get(code)
        return place.level if place else ""

    def _levels(self, at: int) -> list[str]:
        """Return the levels of the place questions from step `at` on: a place of each may be known."""
        levels = {ask.level for other, ask in self.asks.items() if other == at or self.graph.follows(at, other)}
        return [level for level in LEVELS if level in levels]

    def _later(self, at: int) -> bool:
        return at < 0 or any(self.graph.follows(at, other) for other in self.asks)
