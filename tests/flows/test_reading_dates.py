"""Dates: day first, months and weekdays by name, days named from today."""

from datetime import date

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from flows.reading import Spec, read
from flows.reading.dates import MONTHS, WEEKDAYS
from locales.folding import fold

TODAY = date(2026, 11, 23)


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_a_date_is_read_back_day_first_or_iso(day):
    spec = Spec(type="date", today=TODAY)
    months = MONTHS[day.month - 1].split()
    written = [f"{day:%d/%m/%Y}", f"{day.day}-{day.month}-{day.year}", day.isoformat()]
    written += [f"{day.day} {month} {day.year}" for month in months]
    written += [f"{weekday} {day:%d/%m/%Y}" for weekday in WEEKDAYS[day.weekday()].split()]
    assert {read(text, spec).value for text in written} == {day.isoformat()}
    assert read(f"{WEEKDAYS[(day.weekday() + 1) % 7].split()[0]} {day:%d/%m/%Y}", spec).invalid


@pytest.mark.parametrize(("tag", "width"), [("fr", "wide"), ("ar_MA", "wide"), ("zgh", "wide"), ("shi_Latn", "wide")])
def test_months_and_weekdays_are_those_of_cldr(tag, width):
    months = Locale.parse(tag).months["format"][width]
    days = Locale.parse(tag).days["format"][width]
    for month in range(1, 13):
        assert fold(months[month]) in map(fold, MONTHS[month - 1].split())
    for day in range(7):
        assert fold(days[day]) in map(fold, WEEKDAYS[day].split())


def test_a_day_named_by_today_needs_todays_date():
    assert read("hier", Spec(type="date")).invalid == "not-a-date"
    assert read("hier", Spec(type="date", today=date(2026, 1, 1))).value == "2025-12-31"
