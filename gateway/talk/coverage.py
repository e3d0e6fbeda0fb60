"""Which steps, options and branches of a flow its conversation tests walk, and which none does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from flows.check.rule import below
from flows.conditions import compile_condition
from flows.engine import take
from flows.model import Ask, Flow, Menu, Run, Step, Value
from flows.texts import Texts
from flows.types import Conversation, Inbound, Turn
from flows.walk import Walk

Mark = tuple[str, str, str]
"""Flow, step, and what happened there: an `Item.what`."""

REACHED, PASSED, SKIPPED, UNCLEAR, FAILED = "reached", "passed over", "skipped", "unclear", "on_fail"


class Item(Struct, frozen=True):
    """One thing that tests should walk. `at` are the keys its line is found at, the best first."""

    step: str
    what: str
    missing: str
    at: tuple[str, ...]


class Coverage(Struct, frozen=True):
    """How much of one flow the tests walk; `gaps` are what none does."""

    flow: str
    total: int
    gaps: tuple[Item, ...]

    @property
    def percent(self) -> int:
        """Return the share that is walked; 100 only where nothing is left out."""
        return 100 * (self.total - len(self.gaps)) // self.total if self.total else 100


class Watch:
    """Remembers what conversations go through; its `step` stands in for the engine's and does the same."""

    def __init__(self) -> None:
        self.seen: set[Mark] = set()

    def step(self, flow: Flow, conversation: Conversation, inbound: Inbound, now: datetime, texts: Texts) -> Turn:
        """Take one inbound as `flows.engine.step` does."""
        walk = _Watched(flow, conversation, inbound, now, texts)
        walk.seen = self.seen
        turn = take(walk)
        walk.look_back()
        return turn

    def coverage(self, flow: Flow, flows: Mapping[str, Flow]) -> Coverage:
        """Return what of a flow was walked, alone or as a part of the flows that run it."""
        seen = {(step, what) for one, step, what in self._at_home(flows) if one == flow.id}
        items = list(_items(flow))
        return Coverage(flow.id, len(items), tuple(one for one in items if (one.step, one.what) not in seen))

    def _at_home(self, flows: Mapping[str, Flow]) -> Iterator[Mark]:
        for flow, step, what in self.seen:
            if flow in flows:
                yield (*_home(flows[flow], step, flows), what)


def _home(flow: Flow, step: str, flows: Mapping[str, Flow]) -> tuple[str, str]:
    """Return the flow that a step is written in, and its name there: `home-mark` may be the `mark` of a sub-flow."""
    if step in flow.index:
        return flow.id, step
    for one in flow.steps:
        if isinstance(one, Run) and step.startswith(f"{one.id}-") and one.flow in flows:
            return _home(flows[one.flow], step.removeprefix(f"{one.id}-"), flows)
    return flow.id, step


class _Watched(Walk):
    """A walk that notes what it comes through."""

    seen: set[Mark]
    failed = False

    def enters(self, step: Step) -> bool:
        held = super().enters(step)
        self._mark(step.id, REACHED if held else PASSED)
        if held and isinstance(step, Ask | Menu):
            for path, option in below("", step.options):
                if option.when:
                    shown = compile_condition(option.when)(self.state.answers)
                    self._mark(step.id, _shown(path, shown=shown))
        return held

    def keep(self, step: Ask, value: Value, raw: str) -> None:
        super().keep(step, value, raw)
        for one in value if isinstance(value, list) else [value]:
            self._mark(step.id, f"/{one:g}" if isinstance(one, float) else f"/{one}")

    def note(self, kind: str, detail: str = "") -> None:
        super().note(kind, detail)
        if kind == "unclear":
            self._mark(detail, UNCLEAR)
        elif kind == "failed":
            self.failed = True
            self._mark(detail, FAILED)
        elif kind == "look-up":
            step, _, path = detail.partition("/")
            self._mark(step, f"/{path}")

    def move(self, **changes: object) -> None:
        trail = changes.get("trail")
        longer = isinstance(trail, tuple) and len(trail) > len(self.state.trail)
        if longer and "answers" not in changes and not self.failed:
            self._mark(self.current.id, SKIPPED)
        super().move(**changes)

    def look_back(self) -> None:
        """Note a menu that asks again: it keeps no count of unclear replies."""
        asks = self.state.phase == "steps" and isinstance(self.current, Menu)
        if asks and self.voice.phrase("unclear") in self.said:
            self._mark(self.current.id, UNCLEAR)

    def _mark(self, step: str, what: str) -> None:
        self.seen.add((self.flow.id, step, what))


def _items(flow: Flow) -> Iterator[Item]:
    """Yield everything of a flow that a test should walk."""
    for step in flow.steps:
        name = f"step {step.id!r}"
        yield Item(step.id, REACHED, f"{name} is never reached", (step.id,))
        if step.when:
            missing = f"{name} is never passed over (when: {step.when})"
            yield Item(step.id, PASSED, missing, (f"{step.id}#when", step.id))
        if isinstance(step, Ask):
            yield from _asked(step, flow)
        if isinstance(step, Ask | Menu):
            yield from _options(step)
            if not (isinstance(step, Ask) and step.type == "text"):  # any words are a text
                yield Item(step.id, UNCLEAR, f"no reply to {step.id!r} is unclear", (step.id,))


def _asked(ask: Ask, flow: Flow) -> Iterator[Item]:
    own = {"yes_no": ("yes", "no"), "language": flow.languages}.get(ask.type, ())
    for value in own:
        yield Item(ask.id, f"/{value}", f"{value!r} is never the answer to {ask.id!r}", (ask.id,))
    if ask.optional:
        yield Item(ask.id, SKIPPED, f"nobody skips {ask.id!r}", (f"{ask.id}#optional", ask.id))
    if ask.retries is not None:
        missing = f"{ask.id!r} never comes to its on_fail: {ask.on_fail}"
        yield Item(ask.id, FAILED, missing, (f"{ask.id}#on_fail", f"{ask.id}#retries", ask.id))


def _options(step: Ask | Menu) -> Iterator[Item]:
    for path, option in below("", step.options):
        at = (f"{step.id}{path}", step.id)
        leads = f", which goes to {option.go!r}" if option.go else ""
        yield Item(step.id, path, f"option {path[1:]!r} of {step.id!r} is never chosen{leads}", at)
        if option.when:
            when = f"of {step.id!r} (when: {option.when})"
            yield Item(step.id, _shown(path, shown=True), f"option {path[1:]!r} {when} is never shown", at)
            yield Item(step.id, _shown(path, shown=False), f"option {path[1:]!r} {when} is never left out", at)


def _shown(path: str, *, shown: bool) -> str:
    return f"{path} {'shown' if shown else 'left out'}"
