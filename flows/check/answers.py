"""Rules about what a `when` and a slot say of the answers: known, given by then, of the right type, possible."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from flows.check.rule import SLOT_FORM, Finding, Subject, rule
from flows.conditions import Comparison, Name, parse
from flows.load.problem import listed, quoted
from flows.model import Ask
from flows.nearest import did_you_mean
from flows.voice import RECEIPT
from locales.slots import slots, stray_braces
from locales.tags import TAGS

Kind = Literal["word", "list", "number", "text"]


class Answer(Struct, frozen=True):
    """What the answers to a question look like: their kind, the words or the bounds they stay in."""

    kind: Kind
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    ordered: bool = False


def answer(ask: Ask) -> Answer:
    """Return what a question's answers look like."""
    keys = tuple(option.key for option in ask.options)
    match ask.type:
        case "yes_no":
            return Answer("word", ("yes", "no"))
        case "choice":
            return Answer("word", keys)
        case "choices":
            return Answer("list", keys)
        case "language":
            return Answer("word", tuple(sorted(TAGS)))
        case "rating":
            return Answer("number", low=1, high=ask.max or 5)
        case "nps":
            return Answer("number", low=0, high=10)
        case "integer" | "decimal":
            return Answer("number", low=ask.min, high=ask.max)
    return Answer("text", ordered=ask.type == "date")


@rule("F402", "unknown-answer", "A `when` names an answer that no question keeps.")
def unknown_answer(subject: Subject) -> Iterator[Finding]:
    """Find the names that are no question; a bare option key is one of them."""
    keys = {option.key for _, _, option in subject.options()} | {"yes", "no"}
    for _, source, line in subject.conditions():
        for name in sorted(parse(source).names - subject.givers.keys() - subject.named):
            if name.startswith(subject.foreign):
                continue
            quotes = f'Put the word in quotes: "{name}"'
            advice = quotes if name in keys else did_you_mean(name, subject.givers, "Write the id of a question before")
            yield Finding(line, f"{quoted(name)} in {quoted(source)} is not the id of a question", advice)


@rule("F403", "later-answer", "A `when` names an answer that is only given later.", parts=False)
def later_answer(subject: Subject) -> Iterator[Finding]:
    """Find the names of questions that no path asks before."""
    for at, source, line in subject.conditions():
        for name in sorted(parse(source).names & subject.givers.keys()):
            if not any(subject.graph.follows(giver, at) for giver in subject.givers[name]):
                message = f"the question '{name}' in {quoted(source)} is not asked before this step"
                yield Finding(line, message, "Move the question up, or this step down")


@rule("F407", "early-condition", "On some path a `when` looks at an answer before it is given.", "warning", deep=True)
def early_condition(subject: Subject) -> Iterator[Finding]:
    """Find the conditions that a path comes to first, and to their question afterwards."""
    for at, source, line in subject.conditions():
        for name in sorted(parse(source).names & subject.givers.keys()):
            givers = subject.givers[name]
            others = frozenset(range(subject.graph.end)) - frozenset(givers)
            first = at in subject.graph.spread([0], among=others)
            if first and f"answered({name})" not in source.replace(" ", "") and subject.graph.follows(at, givers[0]):
                message = f"a path comes to {quoted(source)} before '{name}' is asked; it does not hold then"
                yield Finding(
                    line, message, f"If that is meant, write answered({name}) and …; else move the question up"
                )


@rule("F404", "wrong-type", "A `when` compares an answer with something of another type.")
def wrong_type(subject: Subject) -> Iterator[Finding]:
    """Find the comparisons that are always false because their sides never meet."""
    for line, comparison in _comparisons(subject):
        for name, side, other in _sides(comparison):
            advice = _mismatch(name, answer(subject.asks[name]), comparison.sign, side, other)
            if advice:
                shown = f"{_shown(comparison.left)} {comparison.sign} {_shown(comparison.right)}"
                yield Finding(line, f"{shown} is never true: {advice[0]}", advice[1])
        left, right = comparison.left, comparison.right
        if isinstance(left, Name) and isinstance(right, Name) and comparison.sign not in ("in", "not in", "contains"):
            kinds = [_meeting(answer(subject.asks[side.name]).kind) for side in (left, right)]
            if kinds[0] != kinds[1]:
                message = f"the answers '{left.name}' and '{right.name}' are of different types"
                yield Finding(line, message, "Compare each with a number or a word in quotes")


@rule("F405", "impossible-value", "A `when` waits for an answer that the question cannot get.")
def impossible_value(subject: Subject) -> Iterator[Finding]:
    """Find the words that are no option and the numbers out of reach."""
    for line, comparison in _comparisons(subject):
        for name, _, other in _sides(comparison):
            seen = answer(subject.asks[name])
            for value in other if isinstance(other, tuple) else (other,):
                if isinstance(value, str) and seen.words and value not in seen.words:
                    advice = did_you_mean(value, seen.words, f"Write one of: {listed(seen.words)}")
                    yield Finding(line, f"{quoted(value)} is never the answer to '{name}'", advice)
        if _beyond(subject, comparison):
            shown = f"{_shown(comparison.left)} {comparison.sign} {_shown(comparison.right)}"
            yield Finding(line, f"{shown} is never true: the answer stays in its range", "Look at min and max")


def _comparisons(subject: Subject) -> Iterator[tuple[int, Comparison]]:
    """Yield the comparisons whose names are all questions, with their lines."""
    for _, source, line in subject.conditions():
        for comparison in parse(source).comparisons:
            sides = (comparison.left, comparison.right)
            if all(side.name in subject.asks for side in sides if isinstance(side, Name)):
                yield line, comparison


Literal_ = str | int | float | tuple[str | int | float, ...]


def _sides(comparison: Comparison) -> Iterator[tuple[str, Literal["left", "right"], Literal_]]:
    """Yield each name that stands against a literal, and the side the name is on."""
    left, right = comparison.left, comparison.right
    if isinstance(left, Name) and not isinstance(right, Name):
        yield left.name, "left", right
    if isinstance(right, Name) and not isinstance(left, Name):
        yield right.name, "right", left


def _meeting(kind: Kind) -> Kind:
    return "text" if kind == "word" else kind


def _mismatch(name: str, seen: Answer, sign: str, side: str, other: Literal_) -> tuple[str, str] | None:
    """Return what does not fit and what to write, or None when the comparison can hold."""
    values = other if isinstance(other, tuple) else (other,)
    example = next((str(value) for value in values), "")
    holds_list = sign == "contains" or (sign in ("in", "not in") and side == "right")
    if holds_list and seen.kind in ("number", "word"):
        return f"the answer '{name}' is one value, not a list", f"Write {name} == …"
    if seen.kind == "list" and not holds_list:
        return f"the answer '{name}' is a list", f'Write {name} contains "{example}"'
    if seen.kind == "number" and any(isinstance(value, str) for value in values):
        return f"the answer '{name}' is a number", "Write the number without quotes"
    if seen.kind != "number" and any(not isinstance(value, str) for value in values):
        return f"the answer '{name}' is a word", f'Put it in quotes: "{example}"'
    if sign in ("<", "<=", ">", ">=") and seen.kind != "number" and not seen.ordered:
        return f"the answer '{name}' has no order", "Write == or in"
    return None


_REACH: Mapping[str, Callable[[float, float, float], bool]] = {
    "==": lambda low, high, value: low <= value <= high,
    "<": lambda low, _, value: low < value,
    "<=": lambda low, _, value: low <= value,
    ">": lambda _, high, value: high > value,
    ">=": lambda _, high, value: high >= value,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _beyond(subject: Subject, comparison: Comparison) -> bool:
    """Tell whether a number lies where the answer never goes."""
    left, sign, right = comparison.left, comparison.sign, comparison.right
    if isinstance(right, Name):
        left, sign, right = right, _MIRRORED.get(sign, sign), left
    if not isinstance(left, Name) or not isinstance(right, int | float) or sign not in _REACH:
        return False
    bounds = answer(subject.asks[left.name])
    low = float("-inf") if bounds.low is None else bounds.low
    high = float("inf") if bounds.high is None else bounds.high
    return bounds.kind == "number" and not _REACH[sign](low, high, right)


def _shown(operand: object) -> str:
    if isinstance(operand, Name):
        return operand.name
    if isinstance(operand, tuple):
        return f"({', '.join(_shown(value) for value in operand)})"
    return f'"{operand}"' if isinstance(operand, str) else str(operand)


# slots ---------------------------------------------------------------------------------------------------------
@rule("F406", "unknown-slot", "A `{name}` in a text is no question asked before it.")
def unknown_slot(subject: Subject) -> Iterator[Finding]:
    """Find the slots that would be shown to the citizen as they are written."""
    for spot in subject.spots():
        step = spot.at.partition("#")[0].partition("/")[0]
        for source in dict.fromkeys((spot.text.source, *spot.text.inline.values())):
            named = _named(source)
            before = _given(subject, step) | {RECEIPT} if named else frozenset()
            if stray_braces(source):
                yield Finding(subject.line(spot.at, step), f"{quoted(source)} has a brace without its pair", SLOT_FORM)
            for name in sorted(named - before):
                if name.startswith(subject.foreign):
                    continue
                advice = did_you_mean(name, before, "Write the id of a question before, or no braces")
                yield Finding(subject.line(spot.at, step), f"the slot {{{name}}} is never filled here", advice)


@rule("F408", "unfilled-slot", "On some path a `{name}` in a text is not answered: citizens see the braces.", deep=True)
def unfilled_slot(subject: Subject) -> Iterator[Finding]:
    """Find the slots that a walk shows as they are written."""
    seen: set[tuple[str, str]] = set()
    for walk in subject.walks:
        for node in walk.nodes:
            open_ = slots(node.words)
            for spot in subject.spots() if open_ else ():
                for name in sorted(slots(spot.text.source) & open_):
                    if (spot.at, name) not in seen and subject.shown.holds(node, spot.text):
                        seen.add((spot.at, name))
                        message = f"a path comes here without an answer to '{name}'; citizens would see {{{name}}}"
                        yield Finding(subject.line(spot.at), message, f"Write a when: answered({name})")


def _named(source: str) -> frozenset[str]:
    """Return what stands in braces, slots or not."""
    if "{" not in source and "}" not in source:
        return frozenset()
    return slots(source) | {found.strip() for found in re.findall(r"\{([^{}|]*)[^{}]*\}", source)}


def _given(subject: Subject, step: str) -> frozenset[str]:
    """Return the questions that some path asks before a step; none for the title, any where the paths are unknown."""
    if step not in subject.flow.index:
        return frozenset()
    if subject.unread is not None:
        return subject.named | subject.givers.keys()
    at, follows = subject.flow.index[step], subject.graph.follows
    return frozenset(name for name, givers in subject.givers.items() if any(follows(giver, at) for giver in givers))
