"""Rules about paths: every jump arrives, every step is reached, every path asks something and ends."""

from __future__ import annotations

from collections.abc import Iterator

from flows.check.rule import Finding, Subject, rule
from flows.load.problem import did_you_mean, quoted
from flows.model import END, Ask, Go


@rule("F321", "unknown-target", "A `go` names no step.")
def unknown_target(subject: Subject) -> Iterator[Finding]:
    """Find the jumps into nowhere."""
    known = (*subject.flow.index, *subject.named, END)
    jumps = [(step.to, subject.line(f"{step.id}#go")) for step in subject.flow.steps if isinstance(step, Go)]
    jumps += [(option.go, subject.line(f"{path}#go", path)) for _, path, option in subject.options() if option.go]
    for target, line in jumps:
        if target not in known:
            advice = did_you_mean(target, known, f"Write the id of a step, or {END}")
            yield Finding(line, f"there is no step {quoted(target)} to go to", advice)


@rule("F322", "unreachable", "No path leads to a step.", parts=False)
def unreachable(subject: Subject) -> Iterator[Finding]:
    """Find the steps nobody comes to; of several in a row only the first."""
    reached = subject.graph.reachable
    for at, step in enumerate(subject.flow.steps):
        if at not in reached and at - 1 in reached:
            message = f"no path leads to the step '{step.id}'"
            yield Finding(step.line or 1, message, "Give the jump or end before it a when, or remove the step")


@rule("F323", "endless-loop", "A loop passes no question: the conversation would turn for ever.", parts=False)
def endless_loop(subject: Subject) -> Iterator[Finding]:
    """Find the jumps that come back to themselves without a question on the way."""
    graph = subject.graph
    for at, step in enumerate(subject.flow.steps):
        if isinstance(step, Go) and at in graph.reachable and at in graph.spread(graph.next[at], among=graph.silent):
            message = f"the jump to {quoted(step.to)} comes back here without a question"
            yield Finding(subject.line(f"{step.id}#go"), message, "Jump to a question, or forward")


@rule("F324", "never-ends", "A path turns in circles: from a step on, the end cannot be reached.", parts=False)
def never_ends(subject: Subject) -> Iterator[Finding]:
    """Find the first step from which there is no way out."""
    graph = subject.graph
    lost = sorted(graph.reachable - graph.ending)
    if lost and any(isinstance(subject.flow.steps[at], Ask) for at in lost):
        step = subject.flow.steps[lost[0]]
        message = f"from the step '{step.id}' on the conversation never ends"
        yield Finding(step.line or 1, message, f"Let one option go to {END}, or give the jump back a when")


@rule("F325", "idle-on-fail", "`on_fail` without `retries` never applies.", "warning")
def idle_on_fail(subject: Subject) -> Iterator[Finding]:
    """Find the questions that say what to do after retries they do not count."""
    for ask in subject.flow.questions:
        if f"{ask.id}#on_fail" in subject.lines and ask.retries is None:
            message = f"the question '{ask.id}' has on_fail but asks for ever"
            yield Finding(subject.line(f"{ask.id}#on_fail"), message, "Add retries: 2, or remove on_fail")
