"""`awal check`: what loading cannot see. Each rule is a small function with a stable code; see `flows.check.rule`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flows.check import answers, between, legal, paths, screens, words
from flows.check.between import clashes
from flows.check.rule import RULES, Inline, Rule, Subject, Translations, problem
from flows.load import Loaded, Problem
from flows.model import Flow
from flows.types import Limits

__all__ = ["RULES", "Inline", "Rule", "Translations", "check", "check_all", "clashes"]

MODULES = (paths, answers, words, screens, between, legal)
"""The files of rules; importing them fills `RULES`."""


def check(
    flow: Flow,
    lines: Mapping[str, int],
    texts: Translations | None = None,
    *,
    file: str = "",
    limits: Limits | None = None,
    unread: frozenset[str] | None = None,
    beside: Mapping[str, Flow] | None = None,
    deep: bool = False,
) -> tuple[Problem, ...]:
    """Return every problem of one flow, by line. Without `texts` only translations written in place count.

    `unread` marks the flow as a sketch that lacks these steps: rules that need all of it are passed over. `beside`
    holds the flows it can run. `deep` walks every path, which needs `texts`, and steps and conditions without an error.
    """
    subject = Subject(flow, lines, texts or Inline(), limits or Limits(), unread, beside)
    quick = [rule for rule in RULES if not rule.deep and (rule.parts or unread is None)]
    found = _found(quick, subject, file)
    if deep and texts is not None and unread is None and not any(map(_unwalkable, found)):
        found += _found([rule for rule in RULES if rule.deep], subject, file)
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.line, one.code)))


def _found(rules: Iterable[Rule], subject: Subject, file: str) -> list[Problem]:
    return [problem(rule.code, file, finding) for rule in rules for finding in rule.find(subject)]


def _unwalkable(problem: Problem) -> bool:
    """Tell whether a problem is one of steps or conditions: its paths say nothing."""
    return problem.level == "error" and problem.code[:2] in ("F3", "F4")


def check_all(
    several: Sequence[Loaded],
    texts: Translations | None = None,
    limits: Limits | None = None,
    *,
    beside: Sequence[Loaded] = (),
    deep: bool = False,
) -> tuple[Problem, ...]:
    """Return every problem of several files: of loading, of each flow, and between flows; by file and line.

    `beside` are other files of their folders, for the flows they run; `deep` is as in `check`.
    """
    found = [problem for loaded in several for problem in loaded.problems]
    known = {flow.id: flow for one in (*beside, *several) if (flow := one.flow or one.sketch) is not None}
    for loaded in several:
        flow = loaded.flow or loaded.sketch
        if flow is not None:
            unread = loaded.unread if loaded.flow is None else None
            more = check(
                flow, loaded.lines, texts, file=loaded.file, limits=limits, unread=unread, beside=known, deep=deep
            )
            found.extend(more)
    found.extend(clashes(several))
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.file, one.line, one.code)))
