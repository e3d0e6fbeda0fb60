"""`awal check`: what loading cannot see. Each rule is a small function with a stable code; see `flows.check.rule`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flows.check import answers, between, paths, screens, words
from flows.check.between import clashes
from flows.check.rule import RULES, Inline, Rule, Subject, Translations, problem
from flows.load import Loaded, Problem
from flows.model import Flow
from flows.types import Limits

__all__ = ["RULES", "Inline", "Rule", "Translations", "check", "check_all", "clashes"]

MODULES = (paths, answers, words, screens, between)
"""The files of rules; importing them fills `RULES`."""


def check(
    flow: Flow,
    lines: Mapping[str, int],
    texts: Translations | None = None,
    *,
    file: str = "",
    limits: Limits | None = None,
    unread: frozenset[str] | None = None,
) -> tuple[Problem, ...]:
    """Return every problem of one flow, by line. Without `texts` only translations written in place count.

    `unread` marks the flow as a sketch that lacks these steps: rules that need all of it are passed over.
    """
    subject = Subject(flow, lines, texts or Inline(), limits or Limits(), unread)
    rules = [rule for rule in RULES if rule.parts or unread is None]
    found = (problem(rule.code, file, finding) for rule in rules for finding in rule.find(subject))
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.line, one.code)))


def check_all(
    several: Sequence[Loaded], texts: Translations | None = None, limits: Limits | None = None
) -> tuple[Problem, ...]:
    """Return every problem of several files: of loading, of each flow, and between flows; by file and line."""
    found = [problem for loaded in several for problem in loaded.problems]
    for loaded in several:
        if loaded.flow is not None:
            found.extend(check(loaded.flow, loaded.lines, texts, file=loaded.file, limits=limits))
        elif loaded.sketch is not None:
            sketch, unread = loaded.sketch, loaded.unread
            found.extend(check(sketch, loaded.lines, texts, file=loaded.file, limits=limits, unread=unread))
    found.extend(clashes(several))
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.file, one.line, one.code)))
