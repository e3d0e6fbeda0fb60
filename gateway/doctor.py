"""What `awal doctor` looks at: each part of a project, what is wrong with it, and the remedy."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from flows.errors import AwalError
from flows.nearest import did_you_mean
from gateway.settings import FILE, Channel, describe
from gateway.settings_page import unused
from storage.open import is_postgres, shown
from storage.store import Room

if TYPE_CHECKING:
    from gateway.project import Project

Level = Literal["ok", "warning", "error"]
MEGABYTE = 1 << 20
NO_DISK = 50 * MEGABYTE
OLD_SYNC = 24 * 3600 * 1000
HTTPS = "https"
"""The carrier that needs no key of the platform."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")
REMOTE_TYPES = ("africastalking", "twilio")
"""Types of channel whose provider must reach this gateway from outside."""


class Finding(Struct, frozen=True):
    """What one look found: `remedy` is empty when all is well."""

    check: str
    level: Level
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.level:7}  {self.check:9} {self.message} {self.remedy}".rstrip()


Found = Iterator[tuple[Level, str, str]]
Check = Callable[["Project"], Found]


def examine(project: Project) -> Iterator[Finding]:
    """Yield the findings of every check; one that cannot be made is a finding too."""
    for name, check in CHECKS.items():
        try:
            yield from (Finding(name, *found) for found in check(project))
        except (AwalError, OSError) as error:
            yield Finding(name, "error", str(error))


def _settings(project: Project) -> Found:
    settings = project.settings
    yield "ok", f"gateway {settings.gateway.id!r}, store {shown(settings.gateway.store)}.", ""
    if not settings.gateway.region:
        yield (
            "warning",
            "the gateway has no region.",
            f"Write its HCP code (01 to 12) under [gateway] region in {FILE}.",
        )
    mode = stat.S_IMODE((project.directory / FILE).stat().st_mode)
    if mode & 0o077:
        path = project.directory / FILE
        yield "error", f"{path} can be read by others (mode {mode:o}).", f"chmod 600 {path}"


def _keys(project: Project) -> Found:
    for row in describe(type(project.settings.keys)):
        project.settings.keys.raw(row.name)
    yield "ok", "all four are there.", ""
    if not project.settings.console.password:
        yield "warning", "the console has no password.", "Make one with `awal password`."


def _clock(project: Project) -> Found:
    from gateway.control import perform

    state = perform(project, "clock")
    if state["known"]:
        service = "kept by a time service" if state["synchronised"] else "no time service keeps it"
        yield "ok", f"{state['shows']}, {service}.", ""
    else:
        yield (
            "error",
            f"it shows {state['shows']}, which cannot be: {state['answers']} answers wait for the clock.",
            "Set it (timedatectl set-time), or connect once for NTP; then `awal clock confirm`.",
        )
    for one in state["times"]:
        if one["state"] == "waits":
            told = f"{one['answers']} answers of an earlier start wait for their date."
            yield "warning", told, f"`awal clock` says which; `awal clock date {one['time']} WHEN` dates them."


def _disk(project: Project) -> Found:
    room = project.store.room() or project_disk(project.directory)
    level: Level = "error" if room.full or room.free < NO_DISK else "warning" if room.low else "ok"
    remedy = "" if level == "ok" else "Make room: when the disk is full nobody new is taken."
    kept = f", and {room.reserve // MEGABYTE} MB kept for a full disk" if room.reserve else ""
    yield level, f"{room.free // MEGABYTE} of {room.total // MEGABYTE} MB free{kept}.", remedy


def project_disk(directory: Path) -> Room:
    """Return the room where the project is, for a store that is elsewhere."""
    used = shutil.disk_usage(directory)
    return Room(used.free, used.total)


def _database(project: Project) -> Found:
    if is_postgres(project.settings.gateway.store):
        yield from _server(project.settings.gateway.store)
    counts = project.store.counts()
    told = ", ".join(f"{counts.get(name, 0)} {name}" for name in ("citizens", "conversations", "answers"))
    yield "ok", f"{told}.", ""
    if not is_postgres(project.settings.gateway.store):
        yield "ok", sqlite_told(), ""
    if not project.running:
        project.store.check()
        yield "ok", "an answer could be kept now (written and removed).", ""


def _server(url: str) -> Found:
    """Say whether a PostgreSQL server keeps what it acknowledged; one that does not is refused by the store too."""
    from storage.postgres.durability import REFUSED, look

    server = look(url)
    off = list(server.off())
    for name, loses in off:
        level: Level = "error" if name in REFUSED else "warning"
        yield level, f"the server has {name} = off: {loses}.", f"ALTER SYSTEM SET {name} = on, and reload it."
    kept = "" if off else ", which keeps on disk what it acknowledged"
    told = f"PostgreSQL {server.version}{kept}; {server.connections} of {server.most} connections taken."
    if server.crowded:
        yield "warning", told, "Raise max_connections, or lower threads of the gateways."
    else:
        yield "ok", told, ""


def sqlite_told() -> str:
    """Name the SQLite that is loaded; what an old one needs is kept here anyway."""
    from sqlite3 import sqlite_version

    from storage.sqlite.connection import resets_log_soundly

    if resets_log_soundly():
        return f"SQLite {sqlite_version}."
    return (
        f"SQLite {sqlite_version}, below 3.51.3: safe as Awal uses it, one process writes and its writer checkpoints."
    )


def _gateway(project: Project) -> Found:
    from gateway.server import healthy

    if not project.running:
        yield "warning", "not running.", f"Start it with: awal -C {project.directory} serve"
        return
    from gateway.control import perform

    address = urlsplit(str(perform(project, "where")))
    if healthy(address.hostname or "", address.port or 80):
        yield "ok", f"running on {address.geturl()}.", ""
    else:
        yield "error", f"{address.geturl()}/health does not say ok.", "Open that page: it names the reason."


def _flows(project: Project) -> Found:
    project.files.walk()
    served = project.files.sound()
    errors = [problem for problem in project.files.problems if problem.level == "error"]
    if errors:
        yield "error", f"{len(errors)} errors keep flows from being served.", "See them with `awal check`."
    ids = [flow.id for flow in served]
    for name, given in project.settings.channels.items():
        for setting, wanted in (("flow", given.flow), ("bip", given.bip)):
            if wanted and wanted not in ids:
                yield "error", f"{name}: {setting} names {wanted!r}, which is not served.", did_you_mean(wanted, ids)
    if served:
        yield "ok", f"served: {', '.join(flow.id for flow in served)}.", ""
    else:
        yield "warning", "no flow is served.", f"Put a flow in {project.directory / 'flows'}, and run `awal check`."


def _channels(project: Project) -> Found:
    if not project.settings.channels:
        yield "warning", "there is none.", f"Write one under [channels.NAME] in {FILE}."
    for name, channel in project.channels.items():
        yield "ok", f"{name}: {channel.type}, {' and '.join(channel.bearers)}.", ""
        for setting in without_effect(project, name):
            yield "warning", f"{name}: {setting} is set, but has no effect for now.", f"Take it out of {FILE}."
    loopback = urlsplit(project.settings.gateway.public_url).hostname in LOOPBACK
    remote = [name for name, channel in project.channels.items() if channel.type in REMOTE_TYPES]
    if loopback and remote and not project.settings.console.demo:
        told = f"{', '.join(remote)}: the provider cannot reach {project.settings.gateway.public_url}."
        yield "warning", told, "Write the public address under [gateway] public_url."


def without_effect(project: Project, name: str) -> list[str]:
    """Return what is set on a channel but not used yet by any adapter."""
    given, later = project.settings.channels[name], unused()
    return [row.name for row in describe(Channel) if row.name in later and getattr(given, row.name) != row.default]


def _links(project: Project) -> Found:
    """Ask each channel that holds a link, in the running gateway where there is one."""
    from gateway.control import perform

    live = {name: one for name, one in project.channels.items() if one.has_link}
    for name, state in (perform(project, "links") if live else {}).items():
        told = ", ".join(f"{key} {value}" for key, value in state.items() if value not in (None, "", True))
        if state.get("connected"):
            yield "ok", f"{name}: connected. {told}".strip(), ""
        else:
            yield "error", f"{name}: not connected. {told}".strip(), live[name].remedy
    if not live:
        yield "ok", "no channel holds one.", ""


def _modem(project: Project) -> Found:
    from gateway.modem import WEAK, faults

    modems = {name: one for name, one in project.channels.items() if one.type == "gammu"}
    for name, modem in modems.items():
        for wrong, remedy in faults(Path(modem.settings.database)):
            yield "error", f"{name}: {wrong}", remedy
        signal = modem.state().get("signal")
        if isinstance(signal, int) and signal < WEAK:
            yield "warning", f"{name}: the signal is {signal} %.", "Move the modem or its antenna to a window."
    yield "ok", f"{', '.join(modems) or 'no channel uses one'}.", ""


def _kannel(project: Project) -> Found:
    from gateway.kannel import CONFIG, FOLDER, faults

    config = project.directory / FOLDER / CONFIG
    channels = {name: one for name, one in project.channels.items() if one.type == "kannel"}
    if channels and config.is_file():
        urls = [one.urls()["sms"] for one in channels.values()]
        for wrong, remedy in faults(config, urls):
            yield "error", wrong, remedy
    yield "ok", f"{', '.join(channels) or 'no channel uses it'}.", ""


def _queue(project: Project) -> Found:
    counts = project.store.outbox_counts()
    yield "ok", f"{counts.get('queued', 0)} messages wait, {counts.get('delivered', 0)} arrived.", ""
    for state in ("failed", "dead"):
        if counts.get(state):
            yield "warning", f"{counts[state]} {state}.", f"See them with `awal outbox list --state {state}`."


def _officials(project: Project) -> Found:
    from gateway.scheduler import Schedule

    for name, official in project.settings.officials.items():
        Schedule.parse(official.schedule)
        if official.place and project.texts.places.get(official.place) is None:
            yield "error", f"{name}: there is no place {official.place!r}.", "Use an HCP code, such as 02.411."
        if official.channel:
            project.channel(official.channel)
    yield "ok", f"{len(project.settings.officials)} receive the digest.", ""


def _national(project: Project) -> Found:
    from gateway.platform_sms import QUEUED

    national, rows = project.settings.national, project.store.syncs(50)
    if not national.key and any(row.carrier != HTTPS for row in rows):
        remedy = f"Write what `awal-national keys` prints there under [national] key in {FILE}."
        yield "warning", "the platform's key is not set: only the link can be used.", remedy
    if not national.url and not national.key:
        yield "warning", "no platform is set: nothing is sent.", f"Write its address under [national] url in {FILE}."
        return
    done = [row for row in rows if row.ok and row.carrier != QUEUED]
    if not done:
        how = "awal sync --once" if national.url else "awal sync --carrier bundle"
        yield "warning", "never reached so far.", f"Try `{how}`; enrol the gateway with `awal keys` first."
    elif project.clock() - done[0].at > OLD_SYNC:
        how = "awal sync --once" if national.url else "awal sync --carrier bundle"
        yield "warning", "last reached more than a day ago.", f"Try `{how}`: it says why."
    else:
        yield "ok", f"last reached {project.keep_time().shown(done[0].at)}.", ""


CHECKS: dict[str, Check] = {
    "settings": _settings,
    "keys": _keys,
    "clock": _clock,
    "disk": _disk,
    "database": _database,
    "gateway": _gateway,
    "flows": _flows,
    "channels": _channels,
    "links": _links,
    "modem": _modem,
    "kannel": _kannel,
    "queue": _queue,
    "officials": _officials,
    "national": _national,
}
