"""What a gateway does by the clock: synchronise with the national platform, and send the officials' digests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from flows.encoding import measure
from flows.errors import AwalError
from gateway import control, log, platform_sms
from gateway.ids import uuid7
from gateway.scheduler import Job, Schedule, every, on
from gateway.settings import FILE
from reports.periods import Period, before, month_of, single, today_of, week_of
from storage.store import OutboundRow

if TYPE_CHECKING:
    from gateway.project import Project

WORTH = 3 * 86_400_000
"""Milliseconds after which a digest is old news."""
DAY = 86_400_000
FORGETTING = "daily 03:30"
"""When the numbers that are kept for too long go."""
ROLLS = 1_000
"""Steps of counting ahead at one wake: a hundred thousand conversations."""
SINCE = "scheduled-since"
"""The store's note of the moment from which schedules count: nothing is owed from before the gateway was there."""


def jobs(project: Project) -> list[Job]:
    """Return the jobs that a project's settings ask for."""
    settings = project.settings
    reached = settings.national.url or settings.national.phone
    wanted = [sync_job(project)] if reached and settings.gateway.region else []
    nightly = partial(digest_due, project, Schedule.parse(FORGETTING))
    wanted.append(Job("forget numbers", nightly, partial(forget_numbers, project)))
    for name, official in settings.officials.items():
        due = partial(digest_due, project, Schedule.parse(official.schedule))
        wanted.append(Job(f"digest {name}", due, partial(send_digest, project, name)))
    return wanted


def digest_due(project: Project, schedule: Schedule, now: datetime) -> str | None:
    """Return the slot that is due: nothing is owed from before the clock was first known."""
    return on(schedule, project.timezone, first_start(project))(now)


def count_ahead(project: Project) -> None:
    """Roll what settled into the kept counts, in small steps between which the citizens are served."""
    for _ in range(ROLLS):
        if project.closed or not project.store.roll(project.clock()):
            return


def watch_disk(project: Project) -> None:
    """Renew the reserve on the store's disk, and say at each look that there is little room left."""
    room = None if project.closed else project.store.room()
    if room is not None and room.low:
        log.event("little room on the disk", level=40, free=room.free, total=room.total, full=room.full)


def ask_campaigns(project: Project) -> None:
    """Ask the next citizens of each campaign that runs, on the gateway that leads and knows the time."""
    if project.closed or not project.watch.known or not project.store.lead():
        return
    if any(row.state == "running" for row in project.store.campaigns()):
        from gateway.campaigns.tick import tick

        tick(project)


def follow_up(project: Project) -> None:
    """Look after the conversations that wait, on the gateway that leads and knows the time."""
    if project.closed or not project.watch.known or not project.store.lead():
        return
    if project.follower.look(project.clock()):
        project.grown()


def forget_numbers(project: Project, slot: str) -> None:
    """Forget the numbers of who wrote that are kept for longer than the settings say."""
    gone = project.store.forget_numbers(project.clock() - project.settings.campaigns.keep_numbers * DAY)
    log.event("numbers forgotten", slot=slot, citizens=gone)


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
        ok = False
        if project.settings.national.url:
            outcome = control.sync(project)
            ok = bool(outcome["ok"])
            again.after(ok, float(outcome["wait"]), datetime.fromtimestamp(project.clock() / 1000, UTC))
            log.event("sync", slot=slot, ok=ok, detail=outcome["detail"])
        if not ok:
            platform_sms.fall_back(project)

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


def send_digest(project: Project, name: str, slot: str) -> None:
    """Queue an official's SMS about the last closed period; the store drops a second one for the same period."""
    from reports.render import render
    from reports.report import build

    official = project.settings.officials[name]
    today = today_of(project.clock(), project.settings.gateway.timezone)
    period = closed_period(official.schedule, today)
    region = project.settings.gateway.region
    made = build(project.store, period, official.place, project.texts, today, region=region)
    text = str(render(made, "sms", official.language, project.texts))
    queued = project.store.enqueue([digest_row(project, name, text, f"digest {name} {period.label}")])
    project.grown()
    log.event("digest", official=name, slot=slot, period=period.label, queued=queued)


def closed_period(schedule: str, today: date) -> Period:
    """Return what a digest of this schedule tells about: yesterday, the last week or the last month."""
    running = {"daily": single, "monthly": month_of}.get(Schedule.parse(schedule).kind, week_of)
    return before(running(today))


def digest_row(project: Project, name: str, text: str, dedupe_key: str) -> OutboundRow:
    """Return the SMS for an official, given up when it has not left within three days."""
    phone, now, cost = project.settings.officials[name].phone, project.clock(), measure(text)
    return OutboundRow(
        id=uuid7(now),
        citizen=project.phones.pseudonym(phone),
        channel=digest_channel(project, name),
        recipient=project.phones.seal(phone),
        text=text,
        encoding=cost.encoding,
        segments=cost.segments,
        created_at=now,
        dedupe_key=dedupe_key,
        not_after=now + WORTH,
        kind="digest",
    )


def digest_channel(project: Project, name: str) -> str:
    """Return the channel that sends an official's SMS: the one named, or the first that carries SMS."""
    named = project.settings.officials[name].channel
    able = [channel.name for channel in project.channels.values() if "sms" in channel.bearers]
    if named:
        able = [one for one in able if one == project.channel(named).name]
    if not able:
        raise AwalError(f"{FILE}: no channel can send SMS to [officials.{name}]. Configure one under [channels.NAME].")
    return able[0]
