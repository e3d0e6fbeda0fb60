"""What a gateway does by the clock: synchronise with the national platform, and send the officials' digests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from gateway import control, log
from gateway.scheduler import Job, Schedule, every, on

if TYPE_CHECKING:
    from gateway.project import Project

SINCE = "scheduled-since"
"""The store's note of the moment from which schedules count: nothing is owed from before the gateway was there."""


def jobs(project: Project) -> list[Job]:
    """Return the jobs that a project's settings ask for."""
    settings = project.settings
    since = first_start(project)
    wanted = [sync_job(project)] if settings.national.url and settings.gateway.region else []
    for name, official in settings.officials.items():
        due = on(Schedule.parse(official.schedule), project.timezone, since)
        wanted.append(Job(f"digest {name}", due, partial(send_digest, project, name)))
    return wanted


def first_start(project: Project) -> datetime:
    """Return when this gateway first ran its schedules, and remember it."""
    kept = project.store.get(SINCE)
    if kept is None:
        kept = str(project.clock())
        project.store.put(SINCE, kept)
    return datetime.fromtimestamp(int(kept) / 1000, UTC)


def sync_job(project: Project) -> Job:
    """Return the job that brings the national platform up to date, and tries again with jitter when it failed."""
    again = Retries(project.settings.national.every)

    def run(slot: str) -> None:
        outcome = control.sync(project)
        again.after(bool(outcome["ok"]), float(outcome["wait"]), datetime.fromtimestamp(project.clock() / 1000, UTC))
        log.event("sync", slot=slot, ok=outcome["ok"], detail=outcome["detail"])

    return Job("sync", again.due, run)


class Retries:
    """The slots of a job that runs every so often, and sooner after a failure."""

    def __init__(self, minutes: int) -> None:
        self.regular = every(minutes)
        self.at: datetime | None = None
        self.count = 0

    def due(self, now: datetime) -> str | None:
        """Return the regular slot, or a slot of its own for a retry whose moment has come."""
        if self.at is not None and now >= self.at:
            self.at = None
            return f"{now:%Y-%m-%dT%H:%M:%SZ} retry {self.count}"
        return self.regular(now)

    def after(self, ok: bool, delay: float, now: datetime) -> None:
        """Plan the retry that a failed attempt asks for."""
        self.count = 0 if ok else self.count + 1
        self.at = None if ok else now + timedelta(seconds=delay)
