from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.periods import (
    UNKNOWN_DAY,
    Period,
    PeriodError,
    before,
    day_of,
    is_open,
    last_week,
    month_of,
    parse,
    single,
    today_of,
    week_of,
)

MONDAY = date(2026, 11, 23)


def ms(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "label", "first", "last"),
    [
        ("2026-W47", "2026-W47", "2026-11-16", "2026-11-22"),
        ("2026w7", "2026-W07", "2026-02-09", "2026-02-15"),
        ("2026-11", "2026-11", "2026-11-01", "2026-11-30"),
        ("2026-12", "2026-12", "2026-12-01", "2026-12-31"),
        ("2028-02", "2028-02", "2028-02-01", "2028-02-29"),
        ("2026-11-23", "2026-11-23", "2026-11-23", "2026-11-23"),
        ("today", "2026-11-23", "2026-11-23", "2026-11-23"),
        ("this-week", "2026-W48", "2026-11-23", "2026-11-29"),
        ("This-Month", "2026-11", "2026-11-01", "2026-11-30"),
        ("", "2026-W47", "2026-11-16", "2026-11-22"),
        (None, "2026-W47", "2026-11-16", "2026-11-22"),
        ("2026-W53", "2026-W53", "2026-12-28", "2027-01-03"),
    ],
)
def test_each_form_names_its_days(text: str | None, label: str, first: str, last: str) -> None:
    assert parse(text, MONDAY) == Period(label, date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "text",
    ["yesterday", "2026-W54", "2025-W53", "2026-13", "2026-02-30", "2026", "W47", "2026-W47-1", "٢٠٢٦-11", "2026-W00"],
)
def test_what_is_no_period_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(PeriodError, match=r"2026-W47, 2026-11") as refused:
        parse(text, MONDAY)
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_every_label_reads_back_as_its_own_days(day: date) -> None:
    for period in (week_of(day), month_of(day), single(day)):
        assert parse(period.label, MONDAY) == period
        assert period.first <= day <= period.last
        assert day in list(period.days())
        assert before(period).last == period.first - timedelta(days=1)
        assert parse(before(period).label, MONDAY) == before(period)


def test_a_period_closes_when_its_last_day_is_over() -> None:
    week = week_of(MONDAY)
    assert is_open(week, MONDAY)
    assert is_open(week, date(2026, 11, 29))
    assert not is_open(week, date(2026, 11, 30))
    assert last_week(date(2026, 11, 30)) == week


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ((2026, 7, 1, 22, 59), "2026-07-01"),
        ((2026, 7, 1, 23, 0), "2026-07-02"),  # UTC+1
        ((2026, 3, 1, 23, 30), "2026-03-01"),  # Ramadan: UTC+0
        ((2027, 2, 20, 23, 59), "2027-02-20"),  # Ramadan: UTC+0
    ],
)
def test_the_day_is_that_of_casablanca_ramadan_included(moment: tuple[int, ...], day: str) -> None:
    assert day_of(ms(*moment)) == day
    assert today_of(ms(*moment)).isoformat() == day


def test_a_clock_that_has_never_been_set_gives_no_day() -> None:
    assert day_of(ms(1970, 1, 1, 0, 5)) == UNKNOWN_DAY
    assert day_of(ms(2023, 12, 31, 23, 59)) == UNKNOWN_DAY
    assert day_of(ms(2024, 1, 1)) == "2024-01-01"


def test_another_timezone_has_its_own_days() -> None:
    assert day_of(ms(2026, 11, 23, 23, 30), "UTC") == "2026-11-23"
    assert day_of(ms(2026, 11, 23, 23, 30)) == "2026-11-24"
