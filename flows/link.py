"""Sub-flows: a `run` step replaced by the steps of the flow it names, so that the engine walks one flow only.

The steps of a sub-flow run as the step `home` are called `home-…` here, and so are their answers, in its conditions
and slots alike. Its texts keep their own contexts, so that they are translated once. Its `end` goes on after the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from flows.conditions import renamed
from flows.errors import AwalError
from flows.model import END, Ask, End, Flow, Go, Menu, Option, Run, Say, Set, Step, Text

MAX_DEPTH = 5
MAX_STEPS = 2_000


class LinkError(AwalError):
    """A sub-flow cannot be run: it does not exist, or it runs itself."""


def link(flow: Flow, flows: Mapping[str, Flow]) -> Flow:
    """Return `flow` with every `run` replaced by the steps it stands for; raises LinkError.

    A flow without `run` is returned as it is.
    """
    if not any(isinstance(step, Run) for step in flow.steps):
        return flow
    return replace(flow, steps=tuple(_linked(flow, flows, (flow.id,))))


def _linked(flow: Flow, flows: Mapping[str, Flow], above: tuple[str, ...]) -> list[Step]:
    steps: list[Step] = []
    after = [*(step.id for step in flow.steps[1:]), END]
    for step, onward in zip(flow.steps, after, strict=True):
        steps += _run(step, flows, above, onward) if isinstance(step, Run) else [step]
    if len(steps) > MAX_STEPS:
        raise LinkError(f"flow '{flow.id}' has over {MAX_STEPS} steps with its sub-flows. Run fewer of them.")
    return steps


def _run(run: Run, flows: Mapping[str, Flow], above: tuple[str, ...], onward: str) -> Iterable[Step]:
    """Return the steps of a sub-flow as they stand in the flow that runs it; `onward` is the step after it."""
    if run.flow not in flows:
        raise LinkError(f"the flow '{run.flow}' that '{above[-1]}' runs does not exist. Put it into the same folder.")
    if run.flow in above or len(above) > MAX_DEPTH:
        raise LinkError(f"'{' → '.join((*above, run.flow))}' runs in a circle, or too deep. Remove one of the runs.")
    inner = flows[run.flow]
    moved = _Moved(inner, f"{run.id}-", run.when, onward)
    steps = [moved.step(step) for step in _linked(inner, flows, (*above, run.flow))]
    # The run keeps its own name as the first of its steps, so that a jump to it still arrives.
    return [Set(run.id, {}, line=run.line), *(part for step in steps for part in step)]


class _Moved:
    """Gives the steps of a sub-flow their names, conditions and words in the flow that runs it."""

    def __init__(self, flow: Flow, prefix: str, when: str, onward: str) -> None:
        self.flow = flow
        self.prefix = prefix
        self.when = when
        self.onward = onward

    def step(self, step: Step) -> list[Step]:
        """Return what stands for one step; an end becomes words and a jump past the run."""
        name, when = self.prefix + step.id, self._condition(step.when)
        if isinstance(step, Go):
            return [replace(step, id=name, when=when, to=self._target(step.to))]
        if isinstance(step, Set):
            return [replace(step, id=name, when=when, values={self.prefix + k: v for k, v in step.values.items()})]
        if isinstance(step, End):
            words = Say(name, self._text(step.text), when, step.line, step.audio)
            return [words, Go(f"{name}-go", self.onward, when, step.line)]
        if isinstance(step, Say):
            return [replace(step, id=name, when=when, text=self._text(step.text))]
        if isinstance(step, Ask | Menu):
            return [replace(step, id=name, when=when, text=self._text(step.text), options=self._options(step.options))]
        return [step]

    def _condition(self, when: str) -> str:
        own = renamed(when, self.prefix) if when else ""
        return f"({self.when}) and ({own})" if self.when and own else self.when or own

    def _target(self, to: str) -> str:
        return self.onward if to == END else self.prefix + to

    def _text(self, text: Text) -> Text:
        inline = {self.flow.language: text.source, **text.inline}
        return replace(text, inline=inline, scope=self.prefix + text.scope)

    def _options(self, options: tuple[Option, ...]) -> tuple[Option, ...]:
        return tuple(
            replace(
                option,
                label=self._text(option.label),
                say=self._text(option.say) if option.say else None,
                go=self._target(option.go) if option.go else "",
                when=renamed(option.when, self.prefix) if option.when else "",
                options=self._options(option.options),
            )
            for option in options
        )
