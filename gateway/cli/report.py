"""`awal report`: what the officials read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from flows.errors import AwalError
from gateway.cli.common import project
from locales.tags import TAGS

if TYPE_CHECKING:
    from gateway.project import Project
    from reports.codes import Code

FORMATS = ("sms", "text", "html", "pdf", "csv")
WITH_CODES = ("html", "pdf")
"""Forms that carry the snapshots of their week as codes, for the national platform ([national] key)."""


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

    Where the platform's key is set, the page and the PDF of a week end with the codes that `awal-national receive`
    takes: a printed report carries its figures there, and nobody else can read them.

    \b
    Example:
        awal report --period this-week --format sms
        awal report --period 2026-11 --place 02.411 --language ar --format html > rapport.html
    """
    from reports.periods import parse, today_of
    from reports.render import render
    from reports.report import build

    found = project(readonly=True)
    _tell_undated(found)
    gateway = found.settings.gateway
    codes = _codes(period) if form in WITH_CODES and found.settings.national.key else []
    today = today_of(found.clock(), gateway.timezone)
    made = build(found.store, parse(period, today), place, found.texts, today, region=gateway.region)
    shown = render(made, form, language or gateway.languages[0], found.texts, codes, gateway.id)
    if isinstance(shown, bytes):
        sys.stdout.buffer.write(shown)
    else:
        click.echo(shown, nl=not shown.endswith("\n"))


def _tell_undated(found: Project) -> None:
    """Say beside the report how many answers are in no period, since they wait for the clock."""
    found.keep_time()
    if waiting := sum(span.answers for span in found.store.undated()):
        click.echo(f"{waiting} answers wait for the clock and are in no report yet: see `awal clock`.", err=True)


def _codes(period: str | None) -> list[Code]:
    """Return the codes of a week's snapshots; none for other periods, and none that would keep the report back."""
    import msgspec

    from gateway.control import perform
    from reports.codes import Code
    from reports.periods import parse, today_of

    writing = project()
    today = today_of(writing.clock(), writing.settings.gateway.timezone)
    label = parse(period, today).label
    if "W" not in label:
        return []
    try:
        return [msgspec.convert(one, Code) for one in perform(writing, "codes", label)]
    except AwalError as fault:
        click.echo(f"The report has no codes: {fault}", err=True)
        return []
