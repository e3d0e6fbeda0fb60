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
        count = f"{found.segments} segment{'s'[: found.segments != 1]}"
        click.echo(f"{found.encoding}: {found.units} units, {count}{blame(text)}")
        return
    for one in lines():
        found = measure(one)
        write_line({"encoding": found.encoding, "units": found.units, "segments": found.segments})


def blame(text: str) -> str:
    """Name the letters that take a Latin text out of GSM-7, or nothing: other scripts have no choice."""
    from flows.encoding import GSM7

    dear = dict.fromkeys(sign for sign in text if sign not in GSM7)
    latin = any(sign.isalpha() for sign in GSM7.intersection(text))
    return f", because of {' '.join(dear)}" if dear and latin else ""
