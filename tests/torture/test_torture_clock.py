"""A clock that jumps by an hour or a day, both ways, also over the nights in which Morocco changes its offset."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from board import Board
from sending_bench import Phones, Scripted
from walks import a_script, made

from gateway.scheduler import Job, Schedule, Scheduler, every, on
from gateway.sender import Sender
from reports.periods import day_of, today_of
from storage.outgoing import OutboundRow
from storage.sqlite import SqliteStore

JUMPS = int(os.environ.get("AWAL_TORTURE_CLOCK", "60"))
PROGRAM = Path(__file__).with_name("clock_walker.py")
ZONE = "Africa/Casablanca"
HOUR, DAY = 3_600_000, 86_400_000
NIGHTS = (
    datetime(2026, 11, 22, 12, tzinfo=UTC),
    datetime(2027, 2, 6, 12, tzinfo=UTC),
    datetime(2027, 3, 13, 12, tzinfo=UTC),
)
"""An ordinary day; the eve of Ramadan, when clocks go back to UTC; the eve of the day they come forward again."""
RAMADAN = (datetime(2027, 2, 7, 2, tzinfo=UTC), datetime(2027, 3, 14, 2, tzinfo=UTC))
"""Between these moments Morocco is at UTC; otherwise at UTC+1 (decree 2.18.855; IANA tzdata)."""


class Clock:
    """Milliseconds that go on by themselves a little, and jump."""

    def __init__(self, start: datetime, seed: int) -> None:
        self.now = int(start.timestamp() * 1000)
        self.chance = random.Random(seed)

    def __call__(self) -> int:
        return self.now

    def jump(self) -> None:
        """Go on by some minutes, or jump by an hour or a day, forward or back."""
        self.now += self.chance.choice([self.chance.randrange(20) * 60_000] * 4 + [HOUR, -HOUR, DAY, -DAY])


@pytest.mark.parametrize("start", NIGHTS, ids=["ordinary", "ramadan-begins", "ramadan-ends"])
def test_no_job_runs_twice_however_the_clock_jumps(swift: Path, start: datetime, figures: Callable[..., None]) -> None:
    clock, ran = Clock(start, 20261123), Counter[tuple[str, str]]()
    digest = on(Schedule.parse("daily 02:30"), ZoneInfo(ZONE), since=start - timedelta(days=9999))
    jobs = [
        Job("sync", every(15), lambda slot: ran.update([("sync", slot)])),
        Job("digest", digest, lambda slot: ran.update([("digest", slot)])),
    ]
    with SqliteStore(swift / "awal.db") as store:
        two = [Scheduler(store, jobs, clock) for _ in range(2)]
        due = set()
        for _ in range(JUMPS):
            clock.jump()
            moment = datetime.fromtimestamp(clock.now / 1000, UTC)
            due |= {(job.name, slot) for job in jobs if (slot := job.due(moment))}
            for scheduler in two:
                for job in jobs:
                    scheduler.wake(job)
    figures(jumps=JUMPS, slots=len(ran), twice=sum(count > 1 for count in ran.values()))
    assert set(ran) == due, "a slot that was due was never run"
    assert set(ran.values()) == {1}


def test_no_message_leaves_twice_when_the_clock_jumps_while_it_is_sent(
    swift: Path, figures: Callable[..., None]
) -> None:
    clock = Clock(NIGHTS[1], 20261123)
    channel = Scripted("sms")
    channel.during = lambda message: clock.jump()
    with SqliteStore(swift / "awal.db") as store:
        sender = Sender(store, {"sms": channel}, Phones(), clock)
        for number in range(JUMPS):
            row = OutboundRow(f"m{number}", f"c{number}", "sms", b"+212661234567", f"t{number}", "gsm7", 1, clock.now)
            store.enqueue([row])
            while sender.run_once(clock.now):
                pass
        clock.now += 3 * DAY  # what waits behind a clock that went back comes when its moment comes
        while sender.run_once(clock.now):
            pass
        states = store.outbox_counts()
    sent = Counter(message.text for message in channel.sent)
    figures(messages=JUMPS, sent=len(sent), twice=sum(count > 1 for count in sent.values()), **states)
    assert set(sent.values()) == {1}
    assert len(sent) == states["accepted"] == JUMPS


def test_every_answer_is_counted_on_its_civil_day_when_the_offset_changes() -> None:
    for start in NIGHTS:
        for minutes in range(0, 3 * 1440, 5):
            moment = start + timedelta(minutes=minutes)
            ahead = timedelta(hours=0 if RAMADAN[0] <= moment < RAMADAN[1] else 1)
            civil: date = (moment + ahead).date()
            assert day_of(int(moment.timestamp() * 1000), ZONE) == civil.isoformat(), moment


def test_the_real_scheduler_under_a_false_clock(
    swift: Path, need: Callable[..., None], root: Path, figures: Callable[..., None]
) -> None:
    need("faketime")
    clock, ran = Clock(NIGHTS[1], 7), Counter[str]()
    runs = max(3, JUMPS // 20)
    for _ in range(runs):
        clock.jump()
        start = datetime.fromtimestamp(clock.now / 1000, UTC)
        command = ["faketime", f"{start:%Y-%m-%d %H:%M:%S}", sys.executable, str(PROGRAM), str(swift / "awal.db")]
        environment = {**os.environ, "PYTHONPATH": str(root), "TZ": "UTC", "DONT_FAKE_MONOTONIC": "1"}
        environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"  # the other name of the same, in later versions
        told = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=20).stdout
        ran.update(told.split())
    figures(starts=runs, slots=len(ran), twice=sum(count > 1 for count in ran.values()))
    assert ran
    assert set(ran.values()) == {1}


OFFICIAL = """
[officials.wali]
phone = "+212661000001"
language = "fr"
schedule = "daily {hour}:00"
"""
"""A digest that is due every day at this hour."""


SLOTS = "SELECT slot FROM slots WHERE job = 'sync' OR job LIKE 'digest%'"
"""What the scheduler claimed; the sender claims some of its own."""


@pytest.fixture
def board(swift: Path, root: Path, need: Callable[..., None]) -> Iterator[Board]:
    need("faketime")
    hour = datetime.now(ZoneInfo(ZONE)) - timedelta(hours=1)
    official = OFFICIAL.format(hour=f"{hour:%H}")
    nowhere = 'url = "http://127.0.0.1:9"'  # a platform that nobody can reach
    project = made(swift / "board", lambda text: re.sub(r'url = "http://127.0.0.1:8001"', nowhere, text) + official)
    one = Board(project, root, swift / "log")
    try:
        yield one
    finally:
        one.kill()  # as boards end


def rows(board: Board, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{board.project}/data/awal.db?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def test_a_board_that_boots_in_1970_dates_what_it_heard(board: Board, figures: Callable[..., None]) -> None:
    board.ready()
    begun = int(time.time() * 1000)
    chance = random.Random(20261123)
    citizens = [(f"+21266110000{number}", a_script(chance)) for number in range(6)]
    for phone, script in citizens[1:]:
        board.dial(phone, f"s{phone}", script)
    late, way = citizens[0]
    board.dial(late, "s-late", way, upto=3)
    for number, words in enumerate(("Eau", "1", "1")):
        board.text("+212661000020", f"sms-{number}", words)
    held = board.awal("clock")
    waiting = held["answers"]
    assert (held["known"], board.metric("awal_clock_known")) == (False, 0)
    assert waiting == board.metric("awal_undated_answers") == board.metric("awal_answers_total") > 10
    assert rows(board, SLOTS) == rows(board, "SELECT * FROM syncs") == []

    board.kill()  # and the board goes on, in the same boot
    board.start()
    board.ready()
    board.dial("+212661000030", "s-after", way)
    board.set(0)
    board.until(lambda: board.metric("awal_clock_known") == 1 and board.metric("awal_undated_answers") == 0)
    ended = int(time.time() * 1000)
    total = board.metric("awal_answers_total")
    back = board.dial(late, "s-back", (), upto=0)

    board.until(lambda: rows(board, "SELECT * FROM syncs") != [])
    figures(answers=total, waited=waiting, slots=len(rows(board, SLOTS)))
    assert back != board.dial("+212661000099", "s-new", (), upto=0), "the conversation was not taken up again"
    kept = rows(board, "SELECT answered_at, day FROM answers")
    assert len(kept) == total > waiting
    for at, day in kept:
        assert begun - 2_000 <= at <= ended + 2_000
        assert day == today_of(at, ZONE).isoformat()
    days = rows(board, "SELECT day, started_at FROM conversations")
    assert all(day == today_of(at, ZONE).isoformat() for day, at in days)
    assert rows(board, "SELECT COUNT(*), COUNT(DISTINCT id) FROM outbox WHERE state = 'dead'") == [(0, 0)]
    assert rows(board, "SELECT 1 FROM outbox WHERE kind = 'digest'") == [], "nothing is owed from before"
    earliest = datetime.fromtimestamp(begun / 1000 - 60, UTC)
    assert all(slot >= f"{earliest:%Y-%m-%dT%H:%M}" for (slot,) in rows(board, SLOTS))
    assert rows(board, "SELECT job, slot, COUNT(*) FROM slots GROUP BY 1, 2 HAVING COUNT(*) > 1") == []

    board.set(25 * 3600)
    board.until(lambda: rows(board, "SELECT 1 FROM outbox WHERE kind = 'digest'") == [(1,)])
    board.set(24 * 3600)
    board.until(lambda: board.metric("awal_clock_known") == 0)
    board.awal("clock", "confirm")
    assert board.metric("awal_clock_known") == 1
    assert rows(board, "SELECT COUNT(*) FROM outbox WHERE kind = 'digest'") == [(1,)]
