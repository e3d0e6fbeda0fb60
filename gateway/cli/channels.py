"""`awal channels`: the connections, and the addresses to paste at the providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.cli.common import as_json, project, write_json

if TYPE_CHECKING:
    from gateway.channels.base import Channel


@click.command()
@as_json
def channels(as_json: bool) -> None:
    """List the channels with the inbound URLs to paste at the provider. The URLs hold secrets.

    \b
    Example:
        awal channels
        awal channels --json
    """
    found = project().channels
    if as_json:
        write_json([shown(channel) for channel in found.values()])
        return
    for name, channel in found.items():
        click.echo(f"{name}  {channel.type}  {', '.join(channel.bearers)}")
        for event, url in channel.urls().items():
            click.echo(f"  {event:9} {url}")
    if not found:
        click.echo("No channel yet. Write one under [channels.NAME] in awal.toml.")


def shown(channel: Channel) -> dict[str, object]:
    """Return what outsiders may rely on of a channel."""
    return {
        "name": channel.name,
        "type": channel.type,
        "bearers": list(channel.bearers),
        "urls": channel.urls(),
    }
