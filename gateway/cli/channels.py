"""`awal channels`: the connections, and the addresses to paste at the providers."""

from __future__ import annotations

import click

from gateway.cli.common import as_json, project, write_json


@click.command()
@as_json
def channels(as_json: bool) -> None:
    """List the channels with the inbound URLs to paste at the provider. The URLs hold secrets.

    \b
    Example:
        awal channels
        awal channels --json
    """
    rows = [
        {"name": name, "type": channel.type, "bearers": list(channel.bearers), "urls": channel.urls()}
        for name, channel in project().channels.items()
    ]
    if as_json:
        write_json(rows)
        return
    for row in rows:
        click.echo(f"{row['name']}  {row['type']}  {', '.join(row['bearers'])}")
        for event, url in row["urls"].items():
            click.echo(f"  {event:9} {url}")
    if not rows:
        click.echo("No channel yet. Write one under [channels.NAME] in awal.toml.")
