"""The report as a tidy table, one row per figure, and the guard every CSV of the program goes through.

The report's table opens in a spreadsheet (hence a byte-order mark, without which Excel shows `Ã©`); the guard keeps a
cell that a citizen wrote from being run there as a formula.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from reports.questions import Question, Satisfaction, Together
from reports.render_words import Wording, at_least, at_most
from reports.report import FlowReport, Report

COLUMNS = ("period", "place", "flow", "question", "option", "label", "count", "share", "status")
BOM = "\ufeff"

_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
_CONTROLS = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A, 0x0D)} | {0x7F: 0x2421}
_INVISIBLE = [0x061C, 0x200B, *range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF]
_VISIBLE = _CONTROLS | {code: f"[U+{code:04X}]" for code in _INVISIBLE}

Row = tuple[str, str, str, str, float | str, float | str, str]


def guard(cell: str) -> str:
    """Return a text that no spreadsheet runs: an apostrophe goes before what would begin a formula.

    A plain number stays as it is, signed or not, so that programs can read it. Control characters and the marks that
    turn text round become visible.
    """
    shown = cell.translate(_VISIBLE)
    return f"'{shown}" if _FORMULA.match(shown) and not _NUMBER.fullmatch(shown) else shown


def line(cells: Iterable[object]) -> str:
    """Return one line of CSV, its texts guarded, ended by a line feed."""
    out = io.StringIO()
    # the writer quotes a carriage return within a cell only where it is part of its line end
    csv.writer(out, lineterminator="\r\n").writerow([guard(one) if isinstance(one, str) else one for one in cells])
    return out.getvalue().removesuffix("\r\n") + "\n"


def table(report: Report, say: Wording) -> str:
    """Return the report as CSV: totals first, then each flow's questions.

    An `option` that begins with `#` is a figure, not an answer: `#begun`, `#completed`, `#partial`, `#open`,
    `#answers`, `#median`, `#low`, `#high`, `#satisfied`. `count` holds a number answered where the figure is one.
    `status` is `shown`, `hidden`, `approximate` (rounded to 5), `together` (the sum of hidden counts, options joined
    by `+`), `at_least`, `at_most`.
    """
    scope = (report.period.label, report.place or report.region)
    return BOM + line(COLUMNS) + "".join(line((*scope, *row)) for row in _rows(report, say))


def _rows(report: Report, say: Wording) -> Iterator[Row]:
    yield _row("", "", "#begun", say("begun"), report.begun)
    yield _row("", "", "#completed", say("completed"), report.completed)
    yield _row("", "", "#partial", say("partial"), report.partial)
    yield _row("", "", "#open", say("open"), report.open)
    for cell in report.languages:
        yield _row("", "#language", cell.key, say.native(cell.key), cell.count)
    for cell in report.bearers:
        yield _row("", "#bearer", cell.key, say.bearer(cell.key), cell.count)
    for flow in report.flows:
        title = say.title(flow).text
        yield _row(flow.flow, "", "#begun", title, flow.begun)
        yield _row(flow.flow, "", "#completed", title, flow.completed, flow.completion)
        for question in flow.questions:
            yield from _question(flow, question, say)


def _question(flow: FlowReport, question: Question, say: Wording) -> Iterator[Row]:
    status = "approximate" if question.approximate else "shown"
    at = (flow.flow, question.step)
    yield _row(*at, "#answers", say.question(question, flow).text, question.n, status=status)
    for cell in question.cells:
        label = say.label(cell, question, flow).text
        yield _row(*at, cell.key, label, cell.count, question.share(cell), status=status)
    for group in question.together:
        keys, names = ("+".join(one) for one in zip(*_named(group, question, flow, say), strict=True))
        yield (*at, keys, names, group.count, round(group.count / (question.n or 1), 4), "together")
    if found := question.numbers:
        for name, value in (("median", found.median), ("low", found.low), ("high", found.high)):
            yield _row(*at, f"#{name}", say(name), int(value) if value == int(value) else value)
    for name, share, bound in _satisfaction(question.satisfaction):
        yield (*at, f"#{name}", say("satisfaction"), "", round(share, 4), bound or status)


def _named(group: Together, question: Question, flow: FlowReport, say: Wording) -> Iterator[tuple[str, str]]:
    for cell in group.cells:
        yield cell.key, say.label(cell, question, flow).text


def _satisfaction(found: Satisfaction | None) -> Iterator[tuple[str, float, str]]:
    if found and found.estimate:
        yield "satisfied", found.estimate.share, ""
        yield "low", found.estimate.low, ""
        yield "high", found.estimate.high, ""
    elif found and found.at_least is not None:
        yield "satisfied", at_least(found.at_least) / 100, "at_least"
    elif found and found.at_most is not None:
        yield "satisfied", at_most(found.at_most) / 100, "at_most"


def _row(
    flow: str,
    question: str,
    option: str,
    label: str,
    count: float | None,
    share: float | None = None,
    *,
    status: str = "shown",
) -> Row:
    if count is None:
        return flow, question, option, label, "", "", "hidden"
    return flow, question, option, label, count, "" if share is None else round(share, 4), status
