"""`awal export`: the answers, as a stream."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from gateway.cli.common import Group, project


@click.group(cls=Group)
def export() -> None:
    """Write data out for other programs.

    \b
    Example:
        awal export answers --flow water > water.csv
    """


@export.command()
@click.option("--flow", default="", help="Only this flow.")
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True, help="Form of a row."
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only answers of this day and later.")
def answers(flow: str, form: str, since: datetime | None) -> None:
    """Stream the answers: a pseudonym instead of the number, values as understood, and the words as written.

    \b
    Example:
        awal export answers --format jsonl --since 2026-11-01
    """
    from reports.export import answers as lines

    found = project(readonly=True)
    if flow and next(iter(found.store.answers(flow, 0)), None) is None:
        found.flow_id(flow)
    day = None if since is None else since.date()
    sys.stdout.writelines(lines(found.store, form, flow, day, found.settings.gateway.timezone))
