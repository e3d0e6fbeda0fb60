"""The clock: each due slot runs once, whatever restarts, overlaps or turns the clock back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import AwalError
from gateway.jobs import Retries, closed_period
from gateway.scheduler import DAYS, GRACE, Job, Schedule, Scheduler, every, on
from storage.memory import MemoryStore

CASABLANCA = ZoneInfo("Africa/Casablanca")
MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
"""08:00 in Casablanca."""


class Hand:
    """A clock that is moved by hand, in milliseconds."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> int:
        return int(self.now.timestamp() * 1000)


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        ("monday 08:00", MONDAY, "2026-11-23 08:00"),
        ("monday 08:00", MONDAY - timedelta(seconds=1), "2026-11-16 08:00"),
        ("daily 18:00", MONDAY, "2026-11-22 18:00"),
        ("monthly 08:00", MONDAY, "2026-11-01 08:00"),
        ("sunday 23:59", MONDAY, "2026-11-22 23:59"),
    ],
)
def test_the_last_due_moment_is_civil_time(schedule: str, now: datetime, expected: str) -> None:
    assert f"{Schedule.parse(schedule).last(now, CASABLANCA):%Y-%m-%d %H:%M}" == expected


def test_ramadan_shifts_the_hour_not_the_schedule() -> None:
    """In Ramadan Casablanca is on UTC: eight o'clock stays eight o'clock there."""
    in_ramadan = datetime(2027, 2, 15, 8, 0, tzinfo=UTC)
    assert Schedule.parse("monday 08:00").last(in_ramadan, CASABLANCA).astimezone(UTC) == in_ramadan


@given(
    st.sampled_from(["daily", "monthly", *DAYS]),
    st.times().map(lambda at: f"{at:%H:%M}"),
    st.integers(-300 * 1440, 400 * 1440).map(lambda minutes: MONDAY + timedelta(minutes=minutes)),
)
def test_what_was_last_due_is_never_in_the_future_nor_forgotten(kind: str, at: str, now: datetime) -> None:
    schedule = Schedule.parse(f"{kind} {at}")
    last = schedule.last(now, CASABLANCA)
    assert last.astimezone(UTC) <= now
    assert now - last.astimezone(UTC) <= timedelta(days={"daily": 1, "monthly": 31}.get(kind, 7), hours=2)
    assert schedule.last(last.astimezone(UTC), CASABLANCA) == last


@pytest.mark.parametrize("wrong", ["", "monday", "monday 8:00", "lundi 08:00", "daily 24:00", "daily 08:00 "])
def test_a_wrong_schedule_names_the_forms(wrong: str) -> None:
    with pytest.raises(AwalError, match="monday 08:00"):
        Schedule.parse(wrong)


def test_slots_of_minutes_are_the_same_after_a_restart() -> None:
    slot = every(15)
    assert slot(MONDAY) == slot(MONDAY + timedelta(minutes=14, seconds=59)) == "2026-11-23T07:00Z"
    assert slot(MONDAY + timedelta(minutes=15)) == "2026-11-23T07:15Z"


def test_a_missed_slot_runs_late_but_not_too_late_and_never_from_before_the_gateway() -> None:
    schedule = Schedule.parse("monday 08:00")
    due = on(schedule, CASABLANCA, since=MONDAY - timedelta(days=30))
    assert due(MONDAY + GRACE) == "2026-11-23"
    assert due(MONDAY + GRACE + timedelta(seconds=1)) is None
    assert on(schedule, CASABLANCA, since=MONDAY + timedelta(hours=1))(MONDAY + timedelta(hours=2)) is None


def test_each_slot_runs_once_across_processes_and_clock_jumps() -> None:
    store, clock, ran = MemoryStore(), Hand(MONDAY), []
    job = Job("sync", every(15), ran.append)
    two = [Scheduler(store, [job], clock), Scheduler(store, [job], clock)]
    for minutes in (0, 1, 15, 0, 3, 30, 15):
        clock.now = MONDAY + timedelta(minutes=minutes)
        for scheduler in two:
            scheduler.wake(job)
    assert ran == ["2026-11-23T07:00Z", "2026-11-23T07:15Z", "2026-11-23T07:30Z"]


def test_a_clock_that_is_not_set_runs_nothing() -> None:
    ran: list[str] = []
    job = Job("sync", every(15), ran.append)
    assert not Scheduler(MemoryStore(), [job], Hand(datetime(1970, 1, 1, tzinfo=UTC))).wake(job)
    assert ran == []


def test_a_failing_job_is_kept_for_the_operator_and_its_slot_stays_taken() -> None:
    def fail(slot: str) -> None:
        raise AwalError(f"no link at {slot}")

    store = MemoryStore()
    job = Job("sync", every(15), fail)
    scheduler = Scheduler(store, [job], Hand(MONDAY))
    assert scheduler.wake(job)
    assert not scheduler.wake(job)
    (_, kind, detail), *_ = store.events()
    assert kind == "job"
    assert "no link" in detail


def test_the_background_wakes_jobs_and_chores_until_it_is_stopped() -> None:
    ran, tidied = threading.Event(), threading.Event()
    job = Job("sync", every(15), lambda slot: ran.set())
    scheduler = Scheduler(MemoryStore(), [job], Hand(MONDAY), chores=[tidied.set], seconds=0.05)
    assert not scheduler.leader
    scheduler.start()
    try:
        assert scheduler.leader
        assert ran.wait(10)
        assert tidied.wait(10)
    finally:
        scheduler.stop()
    assert not scheduler.leader


def test_a_failing_chore_is_tried_again() -> None:
    tries: list[int] = []

    def chore() -> None:
        tries.append(1)
        raise OSError("disk")

    scheduler = Scheduler(MemoryStore(), [], Hand(MONDAY))
    scheduler.tidy(chore)
    scheduler.tidy(chore)
    assert len(tries) == 2


def test_a_failed_attempt_is_made_again_in_a_slot_of_its_own() -> None:
    again = Retries(15)
    regular = again.due(MONDAY)
    again.after(False, 40, MONDAY)
    assert again.due(MONDAY + timedelta(seconds=39)) == regular
    first = again.due(MONDAY + timedelta(seconds=40))
    assert first not in (None, regular)
    again.after(False, 0, MONDAY)
    assert again.due(MONDAY + timedelta(seconds=40)) not in (first, regular)
    again.after(True, 0, MONDAY)
    assert again.due(MONDAY + timedelta(seconds=41)) == regular


@pytest.mark.parametrize(
    ("schedule", "label"), [("daily 18:00", "2026-11-22"), ("monday 08:00", "2026-W47"), ("monthly 08:00", "2026-10")]
)
def test_a_digest_tells_about_the_last_closed_period(schedule: str, label: str) -> None:
    assert closed_period(schedule, MONDAY.date()).label == label
