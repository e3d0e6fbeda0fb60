"""`awal channels`: the connections, the addresses to paste at the providers, and how each link is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.cli.common import as_json, project, write_json

if TYPE_CHECKING:
    from gateway.channels.base import Channel
    from gateway.project import Project


@click.command()
@as_json
def channels(as_json: bool) -> None:
    """List the channels with the inbound URLs to paste at the provider, and the state of links. The URLs hold secrets.

    \b
    Example:
        awal channels
        awal channels --json
    """
    one = project()
    found, links = one.channels, states(one)
    if as_json:
        write_json(
            [shown(channel) | ({"state": links[name]} if name in links else {}) for name, channel in found.items()]
        )
        return
    for name, channel in found.items():
        click.echo(f"{name}  {channel.type}  {', '.join(channel.bearers)}")
        for event, url in channel.urls().items():
            click.echo(f"  {event:9} {url}")
        for key, value in links.get(name, {}).items():
            click.echo(f"  {key:9} {value}")
    if not found:
        click.echo("No channel yet. Write one under [channels.NAME] in awal.toml.")


def states(project: Project) -> dict[str, dict[str, object]]:
    """Return the state of the channels that hold a link, asked of the gateway that runs; empty where there is none."""
    from gateway.control import perform

    return perform(project, "links") if any(channel.has_link for channel in project.channels.values()) else {}


def shown(channel: Channel) -> dict[str, object]:
    """Return what outsiders may rely on of a channel."""
    return {
        "name": channel.name,
        "type": channel.type,
        "bearers": list(channel.bearers),
        "urls": channel.urls(),
    }
