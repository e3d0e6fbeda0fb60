"""`awal kannel`: an SMSC, a modem or a test network behind Kannel."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from gateway.cli.common import project

if TYPE_CHECKING:
    from gateway.kannel import Link


@click.group()
def kannel() -> None:
    """Connect Kannel, which speaks to an operator's SMSC.

    \b
    Example:
        awal kannel setup --link smpp
    """


@kannel.command()
@click.option("--link", type=click.Choice(["smpp", "at", "fake"]), default="smpp", help="The network behind Kannel.")
@click.option("--channel", default="", help="Name of the channel, where the project has several of type kannel.")
def setup(link: str, channel: str) -> None:
    """Write a kannel.conf for the project's channel of type kannel, and say how to start it.

    The channel needs a type and a secret first; the file goes to data/kannel and is never overwritten. While the
    gateway is down smsbox keeps what citizens send and asks again for a week.

    \b
    Example:
        awal kannel setup --link smpp
    """
    from flows.errors import AwalError
    from gateway import kannel as files

    found = project()
    names = [name for name, one in found.channels.items() if one.type == "kannel" and channel in ("", name)]
    if not names:
        raise AwalError(
            'no channel of type kannel. Write one in awal.toml first: [channels.kannel], type = "kannel", '
            "secret = what `openssl rand -hex 16` prints."
        )
    name = names[0]
    one = found.channels[name]
    plan = files.Plan(
        name=name,
        folder=(found.directory / files.FOLDER).absolute(),
        url=one.urls()["sms"],
        link=cast("Link", link),
        number=one.settings.number,
        password=one.settings.password,
    )
    password = files.setup(plan)
    click.echo(f"Wrote {plan.config}.")
    if not one.settings.sendsms_url:
        click.echo(f"\nAdd to [channels.{name}] in awal.toml:\n")
        click.echo(f'sendsms_url = "http://127.0.0.1:{plan.sendsms}/cgi-bin/sendsms"')
        click.echo(f'username = "awal"\npassword = "{password}"')
    click.echo(f"\nStart both boxes, in this order:\n\n  bearerbox {plan.config}\n  smsbox {plan.config}")
    click.echo("\nStop or restart smsbox only while the gateway answers: what waits for it is in smsbox's memory.")
