"""Rules about paths: every jump arrives, every step is reached, every path asks something and ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from flows.check.rule import Finding, Subject, rule
from flows.link import LinkError
from flows.load.problem import quoted
from flows.model import END, Ask, Go, Run
from flows.nearest import did_you_mean
from flows.paths.reads import texts as texts_of
from flows.paths.routes import trapped


@rule("F312", "unknown-flow", "A `run` names no flow of the folder, or flows run each other in a circle.")
def unknown_flow(subject: Subject) -> Iterator[Finding]:
    """Find the sub-flows that cannot be put in."""
    if subject.beside is None or not isinstance(subject.linked, LinkError):
        return
    runs = [step for step in subject.flow.steps if isinstance(step, Run)]
    lost = [step for step in runs if step.flow not in subject.beside] or runs[:1]
    for step in lost:
        wrong, _, remedy = str(subject.linked).partition(". ")
        if step.flow not in subject.beside:
            wrong = f"there is no flow {quoted(step.flow)} to run"
            remedy = did_you_mean(step.flow, subject.beside, "Put its file into the same folder")
        yield Finding(subject.line(f"{step.id}#run", step.id), wrong, remedy)


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


# what only a walk shows ----------------------------------------------------------------------------------------
@rule("F326", "trapped", "On some path the conversation cannot end any more, whatever is answered.", deep=True)
def no_way_out(subject: Subject) -> Iterator[Finding]:
    """Find the first step that a walk comes to and never leaves."""
    for walk in subject.walks:
        lost = [node for node in trapped(walk) if node.step] if walk.complete else []
        if lost:
            node = min(lost, key=lambda one: subject.place(one.step))
            message = f"once a citizen is asked '{node.step}'{_after(node.state.answers)}, no answer leads to the end"
            yield Finding(subject.place(node.step), message, f"Let one answer go to {END}, or change the when")
            return


def _after(answers: Mapping[str, object]) -> str:
    told = ", ".join(f"{name} = {value}" for name, value in answers.items())
    return f" with {told}" if told else ""


@rule("F327", "never-shown", "No answers lead to a step: the conditions before it contradict it.", "warning", deep=True)
def never_shown(subject: Subject) -> Iterator[Finding]:
    """Find the texts that no walk shows although the steps lead there; behind a trap nothing is shown."""
    if not all(walk.complete for walk in subject.walks) or any(trapped(walk) for walk in subject.walks):
        return
    hidden = _hidden(subject) if subject.walks else set()
    for at, step in enumerate(subject.flow.steps):
        if at in subject.graph.reachable and any(text.context in hidden for text in islice(texts_of(step), 1)):
            message = f"no answers lead to the step '{step.id}'"
            yield Finding(subject.place(step.id), message, "Look at its when, and at those before it")
    for step, path, option in subject.options():
        if option.label.context in hidden and next(texts_of(step)).context not in hidden:
            message = f"no answers show the option '{option.key}' of '{step.id}'"
            yield Finding(subject.line(path), message, "Look at its when")


def _hidden(subject: Subject) -> set[str]:
    """Return the contexts of the texts that no state shows."""
    hidden = {text.context: text for step in subject.flow.steps for text in texts_of(step)}
    for node in (node for walk in subject.walks for node in walk.nodes):
        hidden = {context: text for context, text in hidden.items() if not subject.shown.holds(node, text)}
    return set(hidden)


@rule("F328", "too-many-paths", "The flow has more paths than are walked: some are not checked.", "warning", deep=True)
def too_many_paths(subject: Subject) -> Iterator[Finding]:
    """Say that the walk was not complete."""
    lost = next((walk for walk in subject.walks if not walk.complete), None)
    if lost is not None:
        message = f"after {len(lost.nodes)} states in '{lost.language}' by {lost.bearer} some paths are not walked"
        yield Finding(1, message, "Ask less of the answers in when and slots, or split the flow")
