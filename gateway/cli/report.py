"""`awal report`: what the officials read."""

from __future__ import annotations

import sys

import click

from gateway.cli.common import project
from locales.tags import TAGS

FORMATS = ("sms", "text", "html", "pdf", "csv")


@click.command()
@click.option(
    "--period",
    metavar="P",
    help="2026-W47, 2026-11, 2026-11-23, today, this-week, this-month; default: the last closed week.",
)
@click.option("--place", metavar="CODE", default="", help="HCP code; default: all that the gateway heard.")
@click.option(
    "--language",
    metavar="L",
    type=click.Choice(sorted(TAGS)),
    help="Language of the report; default: the gateway's first.",
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Form of the report."
)
def report(period: str | None, place: str, language: str | None, form: str) -> None:
    """Write the officials' report of a period and place. Small counts are held back.

    \b
    Example:
        awal report --period this-week --format sms
        awal report --period 2026-11 --place 02.411 --language ar --format html > rapport.html
    """
    from reports.periods import parse, today_of
    from reports.render import render
    from reports.report import build

    found = project(readonly=True)
    gateway = found.settings.gateway
    today = today_of(found.clock(), gateway.timezone)
    made = build(found.store, parse(period, today), place, found.texts, today, region=gateway.region)
    shown = render(made, form, language or gateway.languages[0], found.texts)
    if isinstance(shown, bytes):
        sys.stdout.buffer.write(shown)
    else:
        click.echo(shown, nl=not shown.endswith("\n"))
