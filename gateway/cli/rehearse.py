"""`awal rehearse`: simulated citizens, real webhooks."""

from __future__ import annotations

import sys

import click

from flows.errors import AwalError
from gateway.cli.common import project


@click.command()
@click.argument("citizens", metavar="N", type=click.IntRange(1))
@click.option("--flow", default="", help="Only this flow.")
@click.option("--seed", default=1, show_default=True, help="The same seed plays the same citizens.")
@click.option("--url", "base", default="", help="Where the gateway answers; default: where it runs on this machine.")
def rehearse(citizens: int, flow: str, seed: int, base: str) -> None:
    """Play N simulated citizens through the webhooks of the running gateway.

    They speak every language, lose their sessions, send twice and write oddly. Their answers are kept like any
    others: rehearse before the real citizens come.

    \b
    Example:
        awal rehearse 200
        awal rehearse 50 --flow water
    """
    from gateway.control import perform
    from gateway.rehearsal.run import Rehearsal

    found = project(readonly=True)
    rehearsal = Rehearsal(found, base or perform(found, "where"), flow, seed)
    with click.progressbar(length=citizens, label="Citizens", hidden=not sys.stdout.isatty()) as bar:
        summary = rehearsal.run(citizens, lambda: bar.update(1))
    for line in summary.lines():
        click.echo(line)
    if not summary.ok:
        raise AwalError(f"the rehearsal failed: {summary.errors[0]}.")
