"""The report for a terminal or a plain mail: bars of block characters, at most 78 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from reports.questions import Question, Satisfaction
from reports.render_words import Row, Wording, at_least, at_most
from reports.report import FlowReport, Report

WIDTH = 78
LABEL = 26
BAR = 30
EIGHTHS = " ▏▎▍▌▋▊▉█"


def text(report: Report, say: Wording) -> str:
    """Return the report as lines of plain text."""
    return "\n".join(line.rstrip() for line in _lines(report, say)) + "\n"


def bar(share: float, width: int = BAR) -> str:
    """Return a bar for a share of 0 to 1, exact to an eighth of a column."""
    full, eighth = divmod(round(max(0.0, min(1.0, share)) * width * 8), 8)
    return ("█" * full + EIGHTHS[eighth]).rstrip().ljust(width)


def satisfaction_words(found: Satisfaction, say: Wording) -> str:
    """Return the satisfaction in words, with what is known of it."""
    if found.estimate:
        low, high = say.percent(found.estimate.low), say.percent(found.estimate.high)
        return f"{say.percent(found.estimate.share)} ({say('interval', low=low, high=high)})"
    if found.at_least is not None:
        return say("at_least", share=say.percent(at_least(found.at_least) / 100))
    if found.at_most is not None:
        return say("at_most", share=say.percent(at_most(found.at_most) / 100))
    return say("hidden")


def _lines(report: Report, say: Wording) -> Iterator[str]:
    yield f"AWAL · {say('title')}"
    yield say.where(report)
    yield say.period(report.period)
    if report.provisional:
        yield f"{say('provisional')} · {say('provisional_note')}"
    yield "═" * WIDTH
    yield from _figures(report, say)
    for flow in report.flows:
        yield ""
        yield from _flow(flow, report, say)
    yield ""
    yield "─" * WIDTH
    yield say("sample_note")
    if report.k > 1:
        yield say("hidden_note", last=report.k - 1)
    yield say("made", date=say.date(report.made))


def _figures(report: Report, say: Wording) -> Iterator[str]:
    if report.begun == 0:
        yield say("empty")
        return
    if report.satisfaction:
        yield _pair(say("satisfaction"), satisfaction_words(report.satisfaction, say))
        if change := say.change(report.satisfaction.change):
            yield _pair("", change)
    yield _pair(say("begun"), say.count(report.begun))
    yield _pair(say("completed"), say.count(report.completed))
    yield _pair(say("partial"), say.count(report.partial))
    yield _pair(say("open"), say.count(report.open))
    for name, cells, words in (
        ("languages", report.languages, say.native),
        ("bearers", report.bearers, say.bearer),
    ):
        if cells:
            yield _pair(say(name), " · ".join(f"{words(cell.key)} {say.count(cell.count)}" for cell in cells))
    if report.alerts is not None:
        yield _pair(say("alerts"), str(report.alerts))
    named = next((flow for flow in report.flows if flow.flow == report.worst), None)
    if named:
        yield ""
        yield f"! {say('worst', flow=say.title(named).text)}"
        yield f"  {say('worst_note')}"


def _flow(flow: FlowReport, report: Report, say: Wording) -> Iterator[str]:
    title = say.title(flow).text
    yield f"── {title} " + "─" * max(0, WIDTH - len(title) - 4)
    done = "" if flow.completion is None else f" · {say.pair(say('completed'), say.percent(flow.completion))}"
    yield f"{say.pair(say('begun'), say.count(flow.begun))}{done}"
    if found := flow.problem:
        yield say("problem", label=say.label(found[1], found[0], flow).text)
    for question in flow.questions:
        yield ""
        yield from _question(question, flow, report, say)


def _question(question: Question, flow: FlowReport, report: Report, say: Wording) -> Iterator[str]:
    yield say.question(question, flow).text
    if question.n is None:
        yield f"  {say('few', k=report.k)}"
        return
    if question.n == 0:
        yield f"  {say('none')}"
        return
    if question.satisfaction:
        yield f"  {say.pair(say('satisfaction'), satisfaction_words(question.satisfaction, say))}"
        if change := say.change(question.satisfaction.change):
            yield f"  {change}"
    rows = list(say.rows(question, flow))
    for row in rows:
        yield from _bar(row, say)
    if question.numbers:
        found = question.numbers
        ends = ((say("median"), found.median), (say("low"), found.low), (say("high"), found.high))
        yield "  " + " · ".join(f"{name} {say.number(value)}" for name, value in ends)
    yield f"  {say.pair(count_name(question, say), say.count(question.n))}"
    if question.n < 30 and rows:
        yield f"  {say('indication')}"
    if question.approximate:
        yield f"  {say('approximate')}"


def count_name(question: Question, say: Wording) -> str:
    """Return what the number of a question counts."""
    names = {"choices": "mentions", "text": "texts", "date": "texts", "phone": "texts"}
    return say(names.get(question.type, "answers"))


def _bar(row: Row, say: Wording) -> Iterator[str]:
    """Draw one row; labels too long for their column come before it, on lines of their own."""
    *before, label = textwrap.wrap(" + ".join(one.text for one in row.labels), LABEL) or [""]
    yield from (f"  {part}" for part in before)
    if row.count is None or row.share is None:
        yield f"  {label}"
    else:
        yield f"  {label:<{LABEL}}  {bar(row.share)} {say.percent(row.share):>5}  {say.count(row.count):>6}"


def _pair(name: str, value: str) -> str:
    return f"{name:<18}{value}"
