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
    found = project()
    gone = found.store.erase(found.phones.pseudonym(found.phone(phone)), found.clock())
    click.echo(f"Forgotten: {gone} row{'s'[: gone != 1]}.")


@click.command()
@click.argument("phone")
def mydata(phone: str) -> None:
    """Show everything kept of a citizen, as JSON.

    \b
    Example:
        awal mydata +212600000000
    """
    found = project(readonly=True)
    write_json(found.store.mydata(found.phones.pseudonym(found.phone(phone))))
