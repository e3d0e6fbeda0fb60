"""The words and figures of a report in one language; every renderer speaks through it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from math import ceil, floor

from msgspec import Struct

from flows.model import Text
from flows.texts import Texts, Words
from locales.formats import MONTHS, date_long, number
from locales.report_phrases import REPORT_PHRASES
from locales.tags import direction
from reports.periods import Period
from reports.questions import Cell, Question
from reports.report import FlowReport, Report
from reports.statistics import Change

NO_BREAK = "\u00a0"


class Row(Struct, frozen=True):
    """One bar: the answers it counts (several when only their sum is printed), the count, its share."""

    labels: tuple[Words, ...]
    count: int | None
    share: float | None
    good: bool = False
    """The answers mean satisfied."""


class Wording:
    """Speaks one language, for one report.

    The report's own sentences come in one language: the one asked, or where it falls back to (zgh to ar). A flow's
    texts are still asked for in the language wanted; what comes back says which it is.
    """

    def __init__(self, texts: Texts, language: str) -> None:
        self.texts = texts
        self.asked = language
        self.language = texts.flow(Text("report_title", REPORT_PHRASES["report_title"]), language, "fr").language
        self.direction = direction(self.language)

    def __call__(self, name: str, **slots: object) -> str:
        """Return a phrase of `locales.report_phrases`, named without its prefix."""
        return self.texts.phrase(f"report_{name}", self.language, **slots)

    def title(self, flow: FlowReport) -> Words:
        """Return the flow's title."""
        return self.texts.flow(flow.title, self.asked, flow.source)

    def question(self, question: Question, flow: FlowReport) -> Words:
        """Return the question as citizens are asked it."""
        return self.texts.flow(question.text, self.asked, flow.source)

    def label(self, cell: Cell, question: Question, flow: FlowReport) -> Words:
        """Return the name of one possible answer."""
        if cell.label is not None:
            return self.texts.flow(cell.label, self.asked, flow.source)
        if question.type == "place":
            return Words(self.place(cell.key), self.language)
        if question.type == "language":
            return Words(self.native(cell.key), cell.key)
        if question.type == "yes_no":
            return Words(self.texts.phrase(cell.key, self.language), self.language)
        return Words(cell.key, self.language)

    def place(self, code: str) -> str:
        """Return a place's name, or its code when the gazetteer does not know it."""
        found = self.texts.places.get(code)
        return found.name(self.language) if found else code

    def where(self, report: Report) -> str:
        """Return the name of the report's place; what a whole gateway heard bears the name of its region."""
        return self.place(report.place or report.region) or self("everywhere")

    def native(self, tag: str) -> str:
        """Return a language's own name."""
        return self.texts.native(tag) if tag else self("unknown")

    def bearer(self, key: str) -> str:
        """Return the name of a bearer."""
        return self(key) if key in ("ussd", "sms") else key or self("unknown")

    def period(self, period: Period) -> str:
        """Return the period in words."""
        if "W" in period.label:
            return self("week", **self.week(period))
        if period.first == period.last:
            return self.date(period.first)
        return f"{self.month(period)} {period.first.year}"

    def week(self, period: Period) -> dict[str, object]:
        """Return what the phrase on a week needs; its first day names no month or year that the last one repeats."""
        first, last = period.first, period.last
        begins = self.date(first)
        if first.year == last.year:
            begins = str(first.day) if first.month == last.month else begins.removesuffix(f" {first.year}")
        return {"week": week(period), "first": begins, "last": self.date(last)}

    def month(self, period: Period) -> str:
        """Return the name of the month the period begins in."""
        return MONTHS[self.language][period.first.month - 1] if self.language in MONTHS else f"{period.first:%m}"

    def date(self, day: date) -> str:
        """Return a day in words."""
        return date_long(day, self.language)

    def count(self, value: int | None) -> str:
        """Return a count with its thousands apart, or the word for a hidden one."""
        return self("hidden") if value is None else f"{value:,}".replace(",", NO_BREAK)

    def number(self, value: float) -> str:
        """Return a number answered, two decimals at most."""
        return number(round(value, 2), self.language)

    def percent(self, share: float) -> str:
        """Return a share in whole percent, the sign as the language sets it."""
        return f"{percent(share)}{NO_BREAK if self.language == 'fr' else ''}%"

    def pair(self, name: str, value: str) -> str:
        """Return a name, a colon as the language sets it, and a value."""
        return f"{name}{' ' if self.language == 'fr' else ''}: {value}"

    def change(self, change: Change | None, prefix: str = "") -> str:
        """Return the sentence on a change: up, down, or nothing clear; empty where there is nothing to compare."""
        if change is None:
            return ""
        if change.direction == "none":
            return "" if prefix else self("stable")
        return self(f"{prefix}{change.direction}", points=abs(percent(change.difference)))

    def rows(self, question: Question, flow: FlowReport) -> Iterator[Row]:
        """Yield what to draw: each printed count, and in the place of hidden ones their sum.

        Places go by their number, the hidden ones last; any other question keeps its own order.
        """
        if question.cells and all(cell.count is None for cell in question.cells):
            yield Row((Words(self("all_hidden"), self.language),), None, None)
            return
        places = question.type == "place"
        good = question.satisfaction.marks if question.satisfaction else frozenset()
        sums = {cell.key: group for group in question.together for cell in group.cells}
        for cell in sorted(question.cells, key=lambda cell: -(cell.count or 0)) if places else question.cells:
            group = sums.get(cell.key)
            if group is None:
                label = self.label(cell, question, flow)
                yield Row((label,), cell.count, question.share(cell), cell.key in good)
            elif cell is group.cells[0]:
                labels = tuple(self.label(one, question, flow) for one in group.cells)
                others = (Words(self("hidden_places"), self.language),)
                share = group.count / (question.n or 1)
                yield Row(others if places else labels, group.count, share, {one.key for one in group.cells} <= good)


def percent(share: float) -> int:
    """Return a share in whole percent, halves up."""
    return floor(share * 100 + 0.5)


def at_least(share: float) -> int:
    """Return a floor for a share in whole percent: never more than is known."""
    return floor(share * 100 + 1e-9)


def at_most(share: float) -> int:
    """Return a ceiling for a share in whole percent."""
    return ceil(share * 100 - 1e-9)


def week(period: Period) -> int:
    """Return the number of an ISO week."""
    return int(period.label.partition("W")[2])
