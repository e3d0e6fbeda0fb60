"""`awal doctor`: what is wrong, and the remedy."""

from __future__ import annotations

import click

from gateway.cli.common import as_json, project, write_json


@click.command()
@as_json
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Look at clock, disk, database, channels, keys, queue and the rest; say what is wrong and what to do.

    \b
    Example:
        awal doctor
    """
    from msgspec import to_builtins

    from gateway.doctor import examine

    found = project()
    found.readonly = found.running  # beside a running gateway it only looks; else it tries whether an answer is kept
    findings = list(examine(found))
    if as_json:
        write_json(to_builtins(findings))
    else:
        for finding in findings:
            click.echo(str(finding))
    ctx.exit(1 if any(finding.level == "error" for finding in findings) else 0)
