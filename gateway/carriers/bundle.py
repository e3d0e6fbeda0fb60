"""The USB stick: take the receipts found on it, then write the bundles of what is not acknowledged."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.errors import AwalError
from gateway.carriers import Options
from gateway.carriers.files import keep, told
from reports.periods import today_of

if TYPE_CHECKING:
    from gateway.project import Project

RECEIPT = ".receipt"
MOST_RECEIPT = 1024 * 1024
NEXT = "Take it to the platform: awal-national import FILE, and bring the stick back with the receipt."


def run(project: Project, options: Options) -> None:
    """Write the bundles due into a folder, after the receipts that lie there; raises AwalError."""
    folder = (options.to or Path()).resolve()
    if not folder.is_dir():
        raise AwalError(f"{folder} is no folder. Give the mounted stick: awal sync --carrier bundle --to FOLDER")
    for found in sorted(folder.glob(f"awal-{project.settings.gateway.id}-*{RECEIPT}")):
        try:
            take(project, found, noticed=True)
        except AwalError as fault:  # half a receipt on the stick is no reason to keep the counts from it
            click.echo(f"Passed over: {fault}", err=True)
    if not write(project, folder, options.everything):
        click.echo("Nothing to send: the platform holds everything. (--all writes it again.)")


def write(project: Project, folder: Path, everything: bool) -> int:
    """Write every bundle due, and return how many."""
    from gateway.control import perform

    count, after = 0, -1
    made = perform(project, "bundle", everything, after)
    while made:
        path = folder / made["name"]
        with told(f"{path} cannot be written"):
            keep(path, base64.b64decode(made["data"]))
        click.echo(f"Written: {path} ({made['snapshots']} snapshots, sealed for {made['platform']}).")
        count, after = count + 1, made["last"]
        made = perform(project, "bundle", everything, after) if made["left"] else None
    if count:
        click.echo(NEXT)
    return count


def take(project: Project, path: Path, noticed: bool = False) -> None:
    """Have the gateway take what a receipt acknowledges; one only `noticed` is passed over when it is no news."""
    from gateway.control import perform

    with told(f"{path} cannot be read"), path.open("rb") as opened:
        text = opened.read(MOST_RECEIPT + 1).decode(errors="replace")
    try:
        outcome = perform(project, "receipt", text, noticed)
    except AwalError as fault:
        raise AwalError(f"{path}: {fault}") from fault
    if outcome is None:
        return
    if not outcome["ok"] and not noticed:
        raise AwalError(outcome["detail"])
    click.echo(f"Receipt {path.name}: {outcome['detail']}")


# in the gateway's process --------------------------------------------------------------------------------------
def made(project: Project, everything: bool, after: int) -> dict[str, Any] | None:
    """Make the next bundle, as the control socket carries it; None when nothing is due after number `after`."""
    from reports.carriers.bundle import due, make, platform_id
    from reports.snapshots import Sender, snapshots

    gateway, platform, now = project.settings.gateway, project.settings.national.platform(), project.clock()
    sender = Sender(gateway.id, gateway.region)
    newest = snapshots(project.store, sender, today_of(now, gateway.timezone), now, project.texts)
    wanted = due(newest, everything=everything, after=after)
    if not wanted:
        return None
    one = make(wanted, sender, project.settings.keys.signing, platform, now)
    project.note("bundle", f"{one.name}: {one.snapshots} snapshots, not acknowledged yet.")
    return {
        "name": one.name,
        "snapshots": one.snapshots,
        "last": one.last,
        "left": len(wanted) - one.snapshots,
        "platform": platform_id(platform),
        "data": base64.b64encode(one.data).decode(),
    }


def acknowledged(project: Project, text: str, noticed: bool) -> dict[str, Any] | None:
    """Take what a receipt says is held; None for one that was only noticed and is no news."""
    from reports.carriers.receipt import apply, is_news, read

    receipt = read(text.encode(), project.settings.gateway.id, project.settings.national.platform())
    if noticed and not is_news(project.store, receipt):
        return None
    outcome = apply(project.store, receipt, project.clock())
    return {"ok": outcome.ok, "detail": outcome.detail}
