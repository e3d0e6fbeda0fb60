"""Rules about the words outside a flow: keywords against commands, and one flow against another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flows.check.rule import Finding, Subject, problem, rule
from flows.load import Loaded, Problem
from flows.load.problem import code, quoted
from flows.reading.commands import command
from locales.folding import fold, letters


@rule("F701", "repeated-keyword", "Two keywords of a flow are the same word to a citizen.", "warning")
def repeated_keyword(subject: Subject) -> Iterator[Finding]:
    """Find the keywords that differ only in case, accents or the like; they are understood alike anyway."""
    seen: dict[str, str] = {}
    for keyword in subject.flow.keywords:
        first = seen.setdefault(fold(keyword), keyword)
        if first != keyword:
            message = f"the keywords {quoted(first)} and {quoted(keyword)} are understood as one"
            yield Finding(subject.line("#keywords"), message, "Remove one of the two")


@rule("F702", "command-keyword", "A keyword is a command that citizens may send at any time.")
def command_keyword(subject: Subject) -> Iterator[Finding]:
    """Find the keywords that would stop, help or go back instead of starting the flow."""
    for keyword in subject.flow.keywords:
        order = command(keyword)
        if order:
            message = f"the keyword {quoted(keyword)} is the command {order}"
            yield Finding(subject.line("#keywords"), message, "Choose another word")


@rule("F703", "weak-keyword", "A keyword is too short, or no word: an ordinary reply would start the flow.")
def weak_keyword(subject: Subject) -> Iterator[Finding]:
    """Find the keywords of fewer than two letters."""
    for keyword in subject.flow.keywords:
        if letters(fold(keyword)) < 2:
            yield Finding(
                subject.line("#keywords"), f"the keyword {quoted(keyword)} is no word", "Write two letters or more"
            )


@rule("F704", "command-label", "The label of an option is a command: its word cannot choose it.", "warning")
def command_label(subject: Subject) -> Iterator[Finding]:
    """Find the options that a citizen can choose by number only."""
    for _, path, option in subject.options():
        order = command(option.label.source)
        if order:
            message = f"who writes {quoted(option.label.source)} gives the command {order}"
            yield Finding(subject.line(path), message, "Choose another label")


SAME_ID = code("F711", "repeated-flow", "Two files hold the same flow.")
SAME_KEYWORD = code("F712", "shared-keyword", "Two flows have the same keyword.")


def clashes(several: Sequence[Loaded]) -> Iterator[Problem]:
    """Find what is wrong between flows that are each in order."""
    ids: dict[str, Loaded] = {}
    owners: dict[str, Loaded] = {}
    for loaded in several:
        flow = loaded.flow or loaded.sketch
        if flow is None:
            continue
        first = ids.setdefault(flow.id, loaded)
        if first is not loaded:
            message = f"the flow '{flow.id}' is also in {first.file}"
            yield problem(SAME_ID, loaded.file, Finding(loaded.lines.get("#flow", 1), message, "Keep one of the two"))
            continue
        for keyword in flow.keywords:
            owner = owners.setdefault(fold(keyword), loaded)
            if owner is not loaded:
                message = f"the keyword {quoted(keyword)} also starts the flow of {owner.file}"
                finding = Finding(loaded.lines.get("#keywords", 1), message, "Give each flow words of its own")
                yield problem(SAME_KEYWORD, loaded.file, finding)
