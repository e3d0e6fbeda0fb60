"""The report as one SMS: what an official can read on any phone, where nothing else arrives.

French fits one segment of 160 GSM-7 characters. Arabic takes UCS-2, 70 units to a segment, at most three; there each
figure has a line of its own, because a phone turns `62%` and `55-69` round inside an Arabic line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from flows.encoding import Encoding, costly, measure, sms_safe
from reports.periods import Period
from reports.render_words import Wording, at_least, at_most, percent, week
from reports.report import FlowReport, Report
from reports.statistics import Estimate

MOST: dict[Encoding, int] = {"GSM-7": 1, "UCS-2": 3}
"""Segments a digest may take."""
NAME = 26
"""Letters of a name: of a longer one the last words are cut."""


def sms(report: Report, say: Wording) -> str:
    """Return the digest: the facts that matter most first, as many as fit."""
    separator = "\n" if say.direction == "rtl" else " "
    facts = _facts(report, say)
    for kept in range(len(facts), 0, -1):
        text = _digest(report, say, separator.join(facts[:kept]))
        if _fits(text):
            return text
    return _digest(report, say, facts[0])


def _digest(report: Report, say: Wording, facts: str) -> str:
    place = say.where(report) if report.place or report.region else say("digest_everywhere")
    period = _period(report.period, say)
    if report.provisional:
        period = say("digest_running", period=period)
    return _plain(sms_safe(say("digest", period=period, place=_short(place), facts=facts)))


def _fits(text: str) -> bool:
    cost = measure(text)
    return cost.segments <= MOST[cost.encoding]


def _facts(report: Report, say: Wording) -> list[str]:
    """Return the facts, most important first; a fact that is not known is left out."""
    named = next((one for one in report.flows if one.flow == report.worst), None)
    facts = [_headline(report, say)]
    if report.alerts is not None:
        facts.append(say("digest_alerts", alerts=report.alerts))
    if named:
        facts.append(say("digest_worst", flow=_short(say.title(named).text)))
    facts.append(_problem([named] if named else report.flows, say))
    if report.satisfaction:
        facts.append(say.change(report.satisfaction.change, "digest_"))
    return [fact for fact in facts if fact]


def _problem(flows: Iterable[FlowReport], say: Wording) -> str:
    """Return the problem named most in these flows."""
    found = [(flow, *flow.problem) for flow in flows if flow.problem]
    if not found:
        return ""
    flow, question, cell = max(found, key=lambda one: one[2].count or 0)
    return say("digest_problem", label=_short(say.label(cell, question, flow).text))


def _headline(report: Report, say: Wording) -> str:
    """Return the satisfaction, or how many conversations there were where none may be told."""
    found = report.satisfaction
    n = next((flow.indicator.n for flow in report.flows if flow.indicator), None)
    if found and found.estimate:
        return _share(found.estimate, say)
    if found and found.at_least is not None:
        return say("digest_at_least", share=at_least(found.at_least), n=n)
    if found and found.at_most is not None:
        return say("digest_at_most", share=at_most(found.at_most), n=n)
    if report.begun is None:
        return say("digest_few", k=report.k)
    if not report.begun:
        return say("digest_none")
    if report.completed is None:
        return say("digest_begun", begun=report.begun)
    return say("digest_conversations", begun=report.begun, completed=report.completed)


def _share(found: Estimate, say: Wording) -> str:
    name = "digest_satisfaction" if found.strength == "solid" else "digest_indication"
    return say(name, share=percent(found.share), low=percent(found.low), high=percent(found.high), n=found.n)


def _period(period: Period, say: Wording) -> str:
    if "W" in period.label:
        return say("digest_week", week=week(period))
    slots = {"day": period.first.day, "month": period.first.month, "year": period.first.year}
    kind = "day" if period.first == period.last else "month"
    return say(f"digest_{kind}", **slots, called=say.month(period))


def _short(text: str) -> str:
    """Return a name that fits, cut between words where it has some."""
    cut = text[:NAME] if len(text) <= NAME or text[NAME] == " " else text[:NAME].rpartition(" ")[0] or text[:NAME]
    return cut.rstrip(" -.,'(")


def _plain(text: str) -> str:
    """Return a text whose Latin letters are all in GSM-7: `Drâa` would make a digest three segments instead of one."""
    for letter in costly(text):
        bare = _LIGATURES.get(letter) or unicodedata.normalize("NFD", letter)[0]
        text = text.replace(letter, bare) if bare.isascii() else text
    return text


_LIGATURES = {"œ": "oe", "Œ": "Oe"}
