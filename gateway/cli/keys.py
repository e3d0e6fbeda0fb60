"""`awal keys`: what the national platform must know to trust this gateway."""

from __future__ import annotations

import click

from gateway.cli.common import as_json, project, write_json


@click.command()
@as_json
def keys(as_json: bool) -> None:
    """Show the gateway's id and public key, to enrol it at the national platform.

    \b
    Example:
        awal keys
        awal-national gateway add oriental --region 02 --key KEY
    """
    from reports.keys import keys as public

    settings = project().settings
    shown = public(settings.keys.signing, settings.gateway.id)
    if as_json:
        write_json(shown)
    else:
        click.echo(f"id          {shown['id']}\npublic_key  {shown['public_key']}")
