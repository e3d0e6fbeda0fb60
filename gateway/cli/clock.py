"""`awal clock`: what time it is, whether that can be believed, and what waits for it."""

from __future__ import annotations

import re
from datetime import datetime

import click

from flows.errors import AwalError
from gateway.cli.common import Group, as_json, project, write_json, write_table

MOMENT = r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?"
COLUMNS = ("time", "answers", "minutes", "after", "before", "state")


@click.group(cls=Group, invoke_without_command=True)
@as_json
@click.pass_context
def clock(ctx: click.Context, as_json: bool) -> None:
    """Show whether the clock can be believed, and what waits for it.

    A board without a battery forgets the time when it is switched off. Its gateway serves all the same: what it hears
    is kept as undated, and is in no report yet. Nothing is sent that nobody has just asked for, no scheduled job runs,
    and the platform is not called. Once the clock is known, by NTP or by `awal clock confirm`, all of it gets the
    moment it was really kept at.

    What was kept before the board was switched off once more gets its day by itself where only one is possible. Else
    it waits for somebody who was there: `awal clock date`.

    \b
    Example:
        awal clock
        sudo timedatectl set-time '2026-11-23 08:00' && awal clock confirm
        awal clock date 1 '2026-11-20 08:30'
    """
    if ctx.invoked_subcommand is not None:
        return
    from gateway.control import perform

    found = project()
    found.readonly = found.running
    _show(perform(found, "clock"), as_json)


@clock.command()
@as_json
def confirm(as_json: bool) -> None:
    """Believe what the machine's clock shows: you have looked at it, and it is right.

    Needed where nothing else can vouch for it: no time service, and a clock that is behind what was kept already.
    Set the machine's clock first; this command does not.

    \b
    Example:
        date
        awal clock confirm
    """
    from gateway.control import perform

    _show(perform(project(), "confirm_clock"), as_json)


@clock.command()
@click.argument("number", metavar="TIME", type=click.IntRange(1))
@click.argument("began", metavar="WHEN")
@as_json
def date(number: int, began: str, as_json: bool) -> None:
    """Date what an earlier start kept without a clock, as you know when it began.

    TIME is the number that `awal clock` shows. WHEN is the day, or the day and the hour, in the gateway's timezone; a
    day alone is taken at noon. It cannot be before what was kept earlier, nor after this start. It is done once.

    \b
    Example:
        awal clock date 1 '2026-11-20 08:30'
    """
    from gateway.control import perform

    found = project()
    if not re.fullmatch(MOMENT, began):
        raise AwalError(f"{began!r} is no moment. Write 2026-11-20, or '2026-11-20 08:30'.")
    try:
        moment = datetime.fromisoformat(began if " " in began else f"{began} 12:00").replace(tzinfo=found.timezone)
    except ValueError:
        raise AwalError(f"{began!r} is not in the calendar. Write 2026-11-20, or '2026-11-20 08:30'.") from None
    _show(perform(found, "date_clock", number, int(moment.timestamp()) * 1000), as_json)


def _show(state: dict[str, object], as_json: bool) -> None:
    if as_json:
        write_json(state)
        return
    service = "a time service keeps it" if state["synchronised"] else "no time service keeps it"
    if state["known"]:
        click.echo(f"The clock shows {state['shows']}, and is believed; {service}.")
    else:
        click.echo(f"The clock shows {state['shows']}, which cannot be; {service}.")
        click.echo("Set it (`sudo timedatectl set-time '2026-11-23 08:00'`), then run `awal clock confirm`.")
    times = state["times"]
    if isinstance(times, list) and times:
        click.echo(f"{state['answers']} answers wait for the clock:")
        write_table(times, COLUMNS, "")
