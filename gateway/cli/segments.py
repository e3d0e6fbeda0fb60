"""`awal segments`: what a text costs by SMS."""

from __future__ import annotations

import click

from gateway.cli.common import lines, write_line


@click.command()
@click.argument("text", required=False)
def segments(text: str | None) -> None:
    """Show the encoding, the units and the segments of a text.

    Without TEXT, read one JSON string a line and write one JSON object a line.

    \b
    Example:
        awal segments "Merci. Votre avis est transmis."
        echo '"شكرا"' | awal segments
    """
    from flows.encoding import measure

    if text is not None:
        found = measure(text)
        click.echo(f"{found.encoding}: {found.units} units, {found.segments} segment{'s'[: found.segments != 1]}")
        return
    for one in lines():
        found = measure(one)
        write_line({"encoding": found.encoding, "units": found.units, "segments": found.segments})
