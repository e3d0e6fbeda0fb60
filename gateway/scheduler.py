"""The clock: APScheduler, in memory, wakes jobs; the store decides, slot by slot, that each runs once.

A job that was due while the gateway was down runs when it is up again, if it is not too late for it. Nothing here
trusts the wall clock for order: a clock set back finds its slots already claimed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from flows.errors import AwalError
from gateway import log
from gateway.clock import BUILT
from storage.store import Store

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SCHEDULE = rf"(daily|monthly|{'|'.join(DAYS)}) (([01]\d|2[0-3]):([0-5]\d))"
GRACE = timedelta(hours=24)
"""How late a missed job may still run."""
ELECTION = 5.0
"""Seconds after which another gateway takes over from one that is gone."""


class Schedule(Struct, frozen=True):
    """When something goes out, in civil time: `daily 18:00`, `monday 08:00`, `monthly 08:00` (the first)."""

    kind: str
    at: time

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Read a schedule; raises AwalError naming the forms there are."""
        match = re.fullmatch(SCHEDULE, text)
        if not match:
            raise AwalError(f"{text!r} is no schedule. Use `daily 18:00`, `monday 08:00` or `monthly 08:00`.")
        return cls(match[1], time(int(match[3]), int(match[4])))

    def last(self, now: datetime, timezone: ZoneInfo) -> datetime:
        """Return the latest moment at or before `now` when this was due."""
        day = now.astimezone(timezone).date()
        while True:
            due = datetime.combine(day, self.at, timezone)
            if self._falls_on(due) and due.astimezone(UTC) <= now:
                return due
            day -= timedelta(days=1)

    def _falls_on(self, due: datetime) -> bool:
        if self.kind == "daily":
            return True
        return due.day == 1 if self.kind == "monthly" else DAYS[due.weekday()] == self.kind


class Job(Struct, frozen=True):
    """Something to do once per slot. `due` returns the slot that is due at a moment, or None."""

    name: str
    due: Callable[[datetime], str | None]
    run: Callable[[str], None]


def every(minutes: int) -> Callable[[datetime], str | None]:
    """Return slots of `minutes`, counted from the epoch, so that a restart finds the same ones."""

    def due(now: datetime) -> str | None:
        seconds = int(now.timestamp()) // (minutes * 60) * minutes * 60
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%MZ")

    return due


def on(schedule: Schedule, timezone: ZoneInfo, since: datetime) -> Callable[[datetime], str | None]:
    """Return the slots of a schedule: none from before `since`, none older than a day."""

    def due(now: datetime) -> str | None:
        last = schedule.last(now, timezone)
        moment = last.astimezone(UTC)
        return last.strftime("%Y-%m-%d") if moment >= since and now - moment <= GRACE else None

    return due


class Scheduler:
    """Runs the jobs of one gateway in background threads, between `start` and `stop`.

    `clock` returns milliseconds UTC. `chores` are small things of this process alone, done at each wake without a slot.
    `known` tells whether the clock can be believed: else no slot is due.
    """

    def __init__(
        self,
        store: Store,
        jobs: Iterable[Job],
        clock: Callable[[], int],
        *,
        chores: Iterable[Callable[[], None]] = (),
        seconds: float = 20,
        known: Callable[[], bool] | None = None,
    ) -> None:
        self.store = store
        self.jobs = tuple(jobs)
        self.clock = clock
        self.chores = tuple(chores)
        self.seconds = seconds
        self.known = known or (lambda: self.clock() >= BUILT.timestamp() * 1000)
        self._background: Any = None
        self._steps: Any = None
        self._leads = False

    @property
    def leader(self) -> bool:
        """True while this process runs the jobs: it is started, and no other gateway on the store leads."""
        return self._background is not None and self._leads

    def start(self) -> None:
        """Start waking the jobs, the first time at once."""
        from apscheduler.schedulers.background import BackgroundScheduler

        from gateway.beat import Beat, Steps

        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._background = BackgroundScheduler(timezone=UTC, job_defaults=defaults)
        self.elect()
        wakes = [(self.wake, [job]) for job in self.jobs] + [(self.tidy, [chore]) for chore in self.chores]
        for call, args in wakes:
            self._background.add_job(call, Beat(self.seconds), args, next_run_time=datetime.now(UTC))
        self._background.add_job(self.elect, Beat(min(self.seconds, ELECTION)))
        self._background.start()
        self._steps = Steps(self._hurry)
        self._steps.start()

    def _hurry(self) -> None:
        """Wake everything now: the clock was set, and the next beat would be the old one's."""
        log.event("the clock was set")
        for job in self._background.get_jobs():
            job.modify(next_run_time=datetime.now(UTC))

    def elect(self) -> bool:
        """Take or keep the lead; the gateway that ran the jobs before may have gone, or the connection to the store."""
        leads = self.store.lead()
        if leads != self._leads:
            log.event("leads the scheduled jobs" if leads else "leads the scheduled jobs no more")
        self._leads = leads
        return leads

    def stop(self) -> None:
        """Stop, after the job under way if any."""
        if self._background is not None:
            self._steps.stop()
            self._background.shutdown(wait=True)
            self._background = None

    def wake(self, job: Job) -> bool:
        """Run the job if a slot of it is due and nobody has it; a failure is logged and kept for the operator."""
        if not self.elect() or not self.known():
            return False
        stamp = self.clock()
        now = datetime.fromtimestamp(stamp / 1000, UTC)
        slot = job.due(now)
        if slot is None or not self.store.claim_slot(job.name, slot, stamp):
            return False
        try:
            job.run(slot)
        except Exception as error:  # a job must not end the clock; whatever it was is kept and shown
            log.event("job failed", level=40, job=job.name, slot=slot, error=f"{type(error).__name__}: {error}")
            self.store.log_event("job", f"{job.name} {slot}: {error}", stamp)
        return True

    def tidy(self, chore: Callable[[], None]) -> None:
        """Do a chore; a failure is logged, and it is tried again at the next wake."""
        try:
            chore()
        except Exception as error:  # as above
            log.event("chore failed", level=40, error=f"{type(error).__name__}: {error}")
