"""Printed codes: one page to scan at the platform, and each code as a picture, for what it does not hold yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from flows.errors import AwalError
from gateway.carriers import Options
from gateway.carriers.files import keep, told

if TYPE_CHECKING:
    from gateway.project import Project
    from reports.codes import Code

PAGE = "codes.html"
NEXT = "Print the page. At the platform, scan each code into a file, one a line, then: awal-national receive FILE"


def run(project: Project, options: Options) -> None:
    """Write the page to a file that ends in .html, or page and pictures into a folder; raises AwalError."""
    from gateway.control import perform
    from reports.codes import Code, page, png, svg

    found = [msgspec.convert(one, Code) for one in perform(project, "codes")]
    if not found:
        click.echo("Nothing to send: the platform holds everything.")
        return
    target = (options.to or Path()).resolve()
    single = target.suffix == ".html"
    folder = target.parent if single else target
    if not folder.is_dir():
        raise AwalError(f"{folder} is no folder. Make it, or give another: awal sync --carrier qr --to FOLDER")
    gateway = project.settings.gateway
    _write(target if single else folder / PAGE, page(found, gateway.id, gateway.languages[0], project.texts).encode())
    for at, code in enumerate(found if not single else (), 1):
        for kind, draw in (("svg", svg), ("png", png)):
            _write(folder / f"code-{at:02d}-of-{len(found):02d}.{kind}", draw(code))
    click.echo(f"{len(found)} codes. {NEXT}")


def _write(path: Path, data: bytes) -> None:
    with told(f"{path} cannot be written"):
        keep(path, data)
    click.echo(f"Written: {path}")


# in the gateway's process --------------------------------------------------------------------------------------
def made(project: Project, week: str = "") -> list[dict[str, Any]]:
    """Make the codes of what is not acknowledged, or of all of one week, as the control socket carries them."""
    from gateway.platform_sms import open_link
    from reports.codes import codes
    from reports.keys import signing_key
    from reports.periods import today_of
    from reports.sms import known_flows
    from reports.snapshots import Sender, snapshots

    settings, now = project.settings, project.clock()
    link, key = open_link(project), signing_key(settings.keys.signing)
    sender = Sender(settings.gateway.id, settings.gateway.region)
    newest = snapshots(project.store, sender, today_of(now, settings.gateway.timezone), now, project.texts)
    wanted = [one for one in newest if (one.period == week if week else not one.acked)]
    found: list[Code] = codes(wanted, link, key, known_flows(project.store, newest))
    return [msgspec.to_builtins(one) for one in found]
