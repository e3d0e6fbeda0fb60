"""`awal erase` and `awal mydata`: a citizen's rights, exercised at a counter."""

from __future__ import annotations

import click

from gateway.cli.common import project, write_json


@click.command()
@click.argument("phone")
def erase(phone: str) -> None:
    """Forget a citizen: answers, conversations and messages of that number.

    \b
    Example:
        awal erase +212600000000
    """
    from gateway.control import perform

    gone = perform(project(), "erase", phone)
    click.echo(f"Forgotten: {gone} row{'s'[: gone != 1]}.")


@click.command()
@click.argument("phone")
def mydata(phone: str) -> None:
    """Show everything kept of a citizen, as JSON.

    \b
    Example:
        awal mydata +212600000000
    """
    from gateway.control import perform

    write_json(perform(project(), "mydata", phone))
