"""`awal modem`: a SIM modem, driven by gammu-smsd."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.common import project

if TYPE_CHECKING:
    from gateway.settings import Channel


@click.group()
def modem() -> None:
    """Connect a SIM modem: SMS without internet.

    \b
    Example:
        awal modem setup --device /dev/ttyUSB0
    """


@modem.command()
@click.option("--device", default="/dev/ttyUSB0", show_default=True, metavar="PATH", help="The modem's serial port.")
@click.option("--pin", default="", help="PIN of the SIM card, where it asks for one.")
@click.option("--dummy", is_flag=True, help="Set up a phone without a device, to try.")
@click.option(
    "--schema", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="gammu-smsd's sqlite.sql, if moved."
)
def setup(device: str, pin: str, dummy: bool, schema: Path | None) -> None:
    """Write gammu-smsd's configuration and database, and say how to start it.

    Writes beside the database of the project's channel of type gammu, or in data/modem. Nothing there is overwritten.

    \b
    Example:
        awal modem setup --device /dev/ttyUSB0 --pin 1234
        awal modem setup --dummy
    """
    from gateway import modem as files

    found = project()
    name, database = _channel(found.settings.channels)
    plan = files.Plan(
        name=name, database=(found.directory / database).absolute(), device=device, dummy=dummy, pin=pin, schema=schema
    )
    files.setup(plan)
    click.echo(f"Wrote {plan.config}, {plan.unit.name} and {plan.database.name}.")
    if name not in found.settings.channels:
        click.echo("\nAdd to awal.toml:\n")
        click.echo(f'[channels.{name}]\ntype = "gammu"\ndatabase = "{database}"\nnumber = "+212..."')
    click.echo(f"\nTry it:\n\n  TZ=UTC gammu-smsd -c {plan.config}")
    click.echo("\nRun it for good:\n")
    click.echo("  sudo systemctl disable --now gammu-smsd")
    click.echo(f"  sudo cp {plan.unit} /etc/systemd/system/\n  sudo systemctl enable --now {plan.unit.stem}")
    click.echo("\n`awal doctor` says whether the modem is alive, and its signal.")


def _channel(channels: Mapping[str, Channel]) -> tuple[str, Path]:
    """Return the name and the database of the project's modem, or of the one to be."""
    from gateway.modem import DATABASE, FOLDER

    for name, channel in channels.items():
        if channel.type == "gammu":
            return name, Path(channel.database or FOLDER / DATABASE)
    return "modem", FOLDER / DATABASE
