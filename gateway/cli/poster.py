"""`awal poster`: the page that explains how to answer in one SMS."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.errors import AwalError
from gateway.cli.common import outside
from gateway.cli.play import find
from gateway.settings import FILE

if TYPE_CHECKING:
    from gateway.settings import Settings


@click.command()
@click.argument("flow")
@click.option("--language", metavar="L", help="Language of the poster; default: the flow's own.")
@click.option(
    "--format", "form", type=click.Choice(["html", "pdf"]), default="html", show_default=True, help="Form of the page."
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write; default: stdout.")
@click.option("--number", help="Number citizens send to; default: that of the project's first SMS channel.")
@click.option("--free", is_flag=True, help="Say that the SMS costs nothing: only where the operators have agreed.")
def poster(flow: str, language: str | None, form: str, output: Path | None, number: str | None, free: bool) -> None:
    """Make the A4 poster that explains how to answer a flow in one SMS, with an example and a QR code.

    FLOW is the id of a flow of the project, or a file. The example has been understood by the program itself.
    Questions whose turn a poster cannot explain are left to the conversation that follows.

    \b
    Example:
        awal poster water --language ar --output affiche.html
        awal poster water --format pdf --number 2626 --free > affiche.pdf
    """
    from gateway.poster.content import poster as made
    from gateway.poster.page import page, pdf

    found, flows = find(flow)
    project = outside()
    settings = project.settings if (project.directory / FILE).is_file() else None
    shown = made(
        found,
        project.texts,
        language or found.language,
        number or _number(settings),
        flows=flows,
        within=settings.gateway.region if settings else "",
        gratis=free,
    )
    data = pdf(shown, project.texts) if form == "pdf" else page(shown, project.texts).encode()
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    else:
        _write(output, data)


def _number(settings: Settings | None) -> str:
    """Return the number of the first channel that has one; raises AwalError with the remedy."""
    numbers = [one.number for one in settings.channels.values() if one.number] if settings else []
    if not numbers:
        raise AwalError("no channel has a number to send to. Give it: --number 2626, or number in awal.toml.")
    return numbers[0]


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise AwalError(f"{path}: cannot be written: {error.strerror}. Name another file.") from None
