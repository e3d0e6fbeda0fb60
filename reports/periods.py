"""Periods of civil days: naming them, reading what an operator wrote, and the day an instant belongs to.

Pure: today's date arrives as an argument. A day is a civil date of the gateway's timezone. Morocco is at UTC+1, but
at UTC+0 during Ramadan: zoneinfo knows, nobody else should try.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from flows.errors import AwalError
from storage.undated import UNKNOWN

MOROCCO = "Africa/Casablanca"
UNKNOWN_DAY = UNKNOWN
"""What the day of undated rows begins with: they were kept while the clock was not known, and belong to no period."""
FORMS = "2026-W47, 2026-11, 2026-11-23, today, this-week or this-month"

_TRUSTED_FROM = datetime(2024, 1, 1, tzinfo=UTC)
_WEEK = re.compile(r"([0-9]{4})-?[wW]([0-9]{1,2})")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


class PeriodError(AwalError):
    """A period that cannot be read; the message names the forms that can."""


class Period(Struct, frozen=True):
    """A run of civil days, both ends included, with the label that goes on reports and over the wire."""

    label: str
    first: date
    last: date

    def days(self) -> Iterator[date]:
        """Yield each civil day, in order."""
        for offset in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=offset)


def week_of(day: date) -> Period:
    """Return the ISO week (Monday to Sunday) that holds `day`."""
    year, week, weekday = day.isocalendar()
    monday = day - timedelta(days=weekday - 1)
    return Period(f"{year}-W{week:02}", monday, monday + timedelta(days=6))


def month_of(day: date) -> Period:
    """Return the calendar month that holds `day`."""
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return Period(f"{day:%Y-%m}", first, following - timedelta(days=1))


def single(day: date) -> Period:
    """Return the period of one day."""
    return Period(day.isoformat(), day, day)


def last_week(today: date) -> Period:
    """Return the last ISO week that is over."""
    return week_of(today - timedelta(days=7))


def is_open(period: Period, today: date) -> bool:
    """Tell whether the period is still running, or yet to come: its figures are provisional."""
    return today <= period.last


def before(period: Period) -> Period:
    """Return the period of the same kind just before, to compare with."""
    day = period.first - timedelta(days=1)
    if period.first == period.last:
        return single(day)
    return week_of(day) if "W" in period.label else month_of(day)


def parse(text: str | None, today: date) -> Period:
    """Return the period that `text` names; nothing names the last closed week. Raises PeriodError."""
    name = (text or "").strip()
    if not name:
        return last_week(today)
    if name.lower() in _RUNNING:
        return _RUNNING[name.lower()](today)
    for form, make in _DATED:
        if found := form.fullmatch(name):
            try:
                return make(*(int(part) for part in found.groups()))
            except ValueError:
                raise PeriodError(f"“{name}” is not in the calendar. Write a period as {FORMS}.") from None
    raise PeriodError(f"“{name}” is not a period. Write it as {FORMS}.")


def day_of(ms: int, tz: str = MOROCCO) -> str:
    """Return the civil date of an instant (milliseconds UTC), or `UNKNOWN_DAY` when the clock cannot be believed."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return UNKNOWN_DAY if at < _TRUSTED_FROM else at.astimezone(ZoneInfo(tz)).date().isoformat()


def today_of(ms: int, tz: str = MOROCCO) -> date:
    """Return the civil date of an instant (milliseconds UTC), believed as it is."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(tz)).date()


_RUNNING: dict[str, Callable[[date], Period]] = {"today": single, "this-week": week_of, "this-month": month_of}
_DATED: tuple[tuple[re.Pattern[str], Callable[..., Period]], ...] = (
    (_WEEK, lambda year, week: week_of(date.fromisocalendar(year, week, 1))),
    (_MONTH, lambda year, month: month_of(date(year, month, 1))),
    (_DAY, lambda year, month, day: single(date(year, month, day))),
)
