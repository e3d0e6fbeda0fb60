"""The national platform by SMS: frames go through the outbox as any message, its receipts come in as any SMS.

What leaves is decided in `reports/sms.py`; here are the number, the channel, the day's budget, and the moment from
which a missing link counts.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flows.encoding import measure
from flows.errors import AwalError
from gateway import log
from gateway.channels.base import Received
from gateway.ids import uuid7
from gateway.settings import FILE, SettingsError
from storage.store import OutboundRow, SyncRow

if TYPE_CHECKING:
    from gateway.project import Project
    from reports.frames.acks import Ack
    from reports.frames.envelope import Link
    from reports.sms import Frame

CARRIER, QUEUED = "sms", "sms (sent)"
"""How the two halves are logged: only a receipt says that the platform was reached."""
HOUR = 3600 * 1000
CLOSE_PATIENCE = HOUR
"""Milliseconds that a week which is over waits for the link before it leaves by SMS."""
WORTH = 24 * HOUR
"""Milliseconds after which a frame that has not left is dropped: the next day's plan makes it anew."""
AHEAD = 600_000

_turn = threading.Lock()


def send(project: Project, *, final_only: bool = False, at_once: bool = True) -> dict[str, Any]:
    """Queue the frames that are due; return `{ok, detail, wait}` as every synchronisation does."""
    from reports.periods import today_of
    from reports.sms import keep, plan
    from reports.snapshots import Sender

    settings, now = project.settings, project.clock()
    link, channel = open_link(project), sms_channel(project)
    with _turn:
        made = plan(
            project.store,
            link,
            Sender(settings.gateway.id, settings.gateway.region),
            today_of(now, settings.gateway.timezone),
            now,
            budget=settings.national.sms_budget,
            texts=project.texts,
            final_only=final_only,
            at_once=at_once,
        )
        project.store.enqueue(_rows(project, channel, made.frames, now))
        keep(project.store, made)
    if made.frames or made.refused or at_once:
        project.store.log_sync(SyncRow(now, QUEUED, ok=not made.refused, detail=made.detail))
    project.grown()
    return {"ok": not made.refused, "detail": made.detail, "standing": list(made.standing)}


def fall_back(project: Project) -> None:
    """Send by SMS what the link has not brought for long: weeks that are over after an hour, the rest after a day."""
    national = project.settings.national
    if not (national.phone and national.key):
        return
    silent = project.clock() - last_reached(project)
    long = not national.url or silent >= national.sms_after * HOUR
    if long or silent >= CLOSE_PATIENCE:
        outcome = send(project, final_only=not long, at_once=False)
        log.event("sync", carrier=QUEUED, ok=outcome["ok"], detail=outcome["detail"])


def last_reached(project: Project) -> int:
    """Return when the link last brought something through; when this gateway began, if it never did."""
    from gateway.jobs import first_start

    rows = project.store.syncs(1000)
    began = int(first_start(project).timestamp() * 1000)
    return max((row.at for row in rows if row.ok and row.carrier == "https"), default=began)


def receipt(project: Project, received: Received) -> bool:
    """Take in an SMS that is a receipt of the platform; False for anything else, a forged one included."""
    from gateway.phones import normalise
    from reports.frames.bits import FrameError

    national = project.settings.national
    if received.bearer != "sms" or not (national.phone and national.key):
        return False
    if normalise(received.sender) != national.phone:
        return False
    try:
        take_receipt(project, received.text)
    except FrameError:
        return False
    return True


def take_receipt(project: Project, text: str) -> str:
    """Take in the text of a receipt and tell what it acknowledges; raises FrameError when it is none."""
    from reports.frames.acks import read_ack
    from reports.sms import acknowledge

    ack = read_ack(text, open_link(project))
    with _turn:
        fresh = acknowledge(project.store, ack)
    detail = " ".join([f"The platform acknowledged {fresh} snapshots.", *_warnings(project, ack)])
    project.store.log_sync(SyncRow(project.clock(), CARRIER, ok=True, detail=detail))
    log.event("sync", carrier=CARRIER, ok=True, detail=detail)
    return detail


def open_link(project: Project) -> Link:
    """Return what seals frames for the platform; raises SettingsError when its number or key is missing."""
    from reports.frames.envelope import open_link

    settings = project.settings
    if not settings.gateway.region:
        raise SettingsError(f"{FILE}: [gateway] region is empty. Write the HCP code of the region there.")
    return open_link(settings.gateway.id, settings.keys.signing, settings.national.platform())


def sms_channel(project: Project) -> str:
    """Return the channel that sends to the platform: the one named, or the first that carries SMS."""
    national = project.settings.national
    if not national.phone:
        raise SettingsError(f"{FILE}: [national] phone is empty. Write the number the platform receives SMS on there.")
    able = [channel.name for channel in project.channels.values() if "sms" in channel.bearers]
    if national.channel:
        able = [one for one in able if one == project.channel(national.channel).name]
    if not able:
        raise AwalError(f"{FILE}: no channel can send SMS to the platform. Configure one under [channels.NAME].")
    return able[0]


def _warnings(project: Project, ack: Ack) -> list[str]:
    """Return what a receipt tells beside: another epoch, or a clock behind (SMS are late, never early)."""
    found = []
    if ack.epoch > project.store.epoch():
        found.append(
            f"It holds epoch {ack.epoch}, above this database's {project.store.epoch()}: use `awal restore FILE`."
        )
    if ack.date > project.clock() + AHEAD:
        found.append(f"This clock is behind the platform's by {(ack.date - project.clock()) // 60_000} min: set it.")
    return found


def _rows(project: Project, channel: str, frames: Sequence[Frame], now: int) -> list[OutboundRow]:
    phone = project.settings.national.phone
    return [_row(project, channel, phone, frame, now) for frame in frames]


def _row(project: Project, channel: str, phone: str, frame: Frame, now: int) -> OutboundRow:
    cost = measure(frame.text)
    return OutboundRow(
        id=uuid7(now),
        citizen=project.phones.pseudonym(phone),
        channel=channel,
        recipient=project.phones.seal(phone),
        text=frame.text,
        encoding=cost.encoding,
        segments=cost.segments,
        created_at=now,
        dedupe_key=frame.key,
        not_after=now + WORTH,
        kind="digest",
    )
