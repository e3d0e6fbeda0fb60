"""Civil hours and quiet hours, where clocks change: in Morocco around Ramadan, in Europe in spring and autumn."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sending.civil import Civil, Quiet

MOROCCO = Civil("Africa/Casablanca")
HOUR = 3_600_000
moments = st.integers(
    int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2030, 1, 1, tzinfo=UTC).timestamp())
)


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "quiet", "why"),
    [
        ("2026-11-23 19:59", False, "20:59 at UTC+1"),
        ("2026-11-23 20:00", True, "21:00 at UTC+1"),
        ("2026-11-24 06:59", True, "07:59 at UTC+1"),
        ("2026-11-24 07:00", False, "08:00 at UTC+1"),
        ("2027-02-10 20:00", False, "in Ramadan Morocco keeps UTC: 20:00"),
        ("2027-02-10 20:59", False, "20:59 in Ramadan"),
        ("2027-02-10 21:00", True, "21:00 in Ramadan"),
        ("2027-02-11 07:30", True, "07:30 in Ramadan, 08:30 a week before"),
        ("2027-02-11 08:00", False, "08:00 in Ramadan"),
        ("2027-03-15 20:30", True, "after Ramadan 21:30 again"),
        ("2027-02-07 01:30", True, "the night the clocks go back, first time"),
        ("2027-02-07 02:30", True, "the same civil hour again"),
        ("2027-03-14 02:30", True, "the night the clocks go on"),
    ],
)
def test_quiet_hours_follow_the_peoples_clocks(moment: str, quiet: bool, why: str) -> None:
    assert Quiet("21:00-08:00", MOROCCO).now(utc(moment)) is quiet, why


def test_quiet_hours_of_one_day_and_none() -> None:
    noon = Quiet("12:00-14:30", MOROCCO)
    assert [noon.now(utc(f"2026-11-23 {at}")) for at in ("10:59", "11:00", "13:29", "13:30")] == [
        False,
        True,
        True,
        False,
    ]
    assert not any(Quiet("", MOROCCO).now(utc("2026-11-23 00:00") + hour * HOUR) for hour in range(24))


@given(seconds=moments)
def test_the_next_hour_and_day_are_ahead_and_new(seconds: int) -> None:
    now = seconds * 1000
    for zone in (MOROCCO, Civil("Europe/Paris"), Civil("Asia/Kathmandu")):
        assert 0 < zone.next_hour(now) - now <= HOUR
        assert zone.at(zone.next_hour(now)).minute == 0
        assert zone.today(now) <= now < zone.tomorrow(now)
        assert zone.today(zone.tomorrow(now)) == zone.tomorrow(now)
        assert zone.tomorrow(now) - zone.today(now) in (23 * HOUR, 24 * HOUR, 25 * HOUR)


def test_an_hour_that_comes_twice_is_one_hour() -> None:
    first, second = utc("2027-02-07 01:30"), utc("2027-02-07 02:30")
    assert MOROCCO.hour(first) == MOROCCO.hour(second) == "2027-02-07T02"
