"""`awal outbox`: the messages that wait, went, or could not go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import get_args

import click

from flows.errors import AwalError
from gateway.cli.common import Group, as_json, civil, project, write_json, write_table
from storage.outgoing import OutboxState
from storage.store import OutboxRow, Waiting

COLUMNS = ("id", "citizen", "channel", "state", "attempts", "last_error", "created_at", "not_after")
SHOWN = (*COLUMNS, "kind", "segments")
"""What a person sees besides; programs get exactly the columns above."""
STATES: tuple[OutboxState, ...] = get_args(OutboxState)
SPENT = ("channel", "hour", "budget_hour", "day", "budget_day", "waiting", "oldest")


@click.group(cls=Group)
def outbox() -> None:
    """See and steer the messages to send.

    \b
    Example:
        awal outbox list --state failed
        awal outbox retry ID
    """


@outbox.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only this state; repeatable.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="At most so many, newest first.")
@as_json
def show(states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List messages, newest first; numbers never appear.

    Moments are in the gateway's civil time, with its offset; in `--json` they are UTC.

    \b
    Example:
        awal outbox list --json
    """
    found = project(readonly=True)
    messages = found.store.outbox(states, limit)
    if as_json:
        write_json([_row(message, COLUMNS, None) for message in messages])
    else:
        rows = [_row(message, SHOWN, found.timezone) for message in messages]
        write_table(rows, SHOWN, f"No message is {' or '.join(states)}." if states else "The outbox is empty.")


@outbox.command()
@as_json
def spent(as_json: bool) -> None:
    """Show the segments each channel sent in this civil hour and day, its budgets, and what still waits.

    \b
    Example:
        awal outbox spent
    """
    from gateway.sending.civil import Civil

    here = project(readonly=True)
    waiting, hour = here.store.waiting(), Civil(here.settings.gateway.timezone).hour(here.clock())
    zone = None if as_json else here.timezone
    rows: list[dict[str, object]] = []
    for name, settings in here.settings.channels.items():
        sent, waits = here.store.spent(name, hour), waiting.get(name, Waiting())
        oldest = _moment(waits.oldest or None, zone)
        figures = (name, sent.hour, settings.budget_hour, sent.day, settings.budget_day, waits.messages, oldest)
        rows.append(dict(zip(SPENT, figures, strict=True)))
    if as_json:
        write_json(rows)
    else:
        write_table(rows, SPENT, "There is no channel.")


def _row(message: OutboxRow, columns: Sequence[str], zone: tzinfo | None) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(message, name) for name in columns}
    return row | {name: _moment(getattr(message, name), zone) for name in ("created_at", "not_after")}


def _moment(at: int | None, zone: tzinfo | None) -> str | None:
    """Return a moment in civil time for people; in UTC, with a T, for programs (`zone` None)."""
    if at is None:
        return None
    when = datetime.fromtimestamp(at / 1000, zone or UTC)
    return civil(when) if zone else when.isoformat(timespec="seconds")


@outbox.command()
@click.argument("message", metavar="ID")
def retry(message: str) -> None:
    """Queue a failed or dead message again.

    \b
    Example:
        awal outbox retry 0192f0c1-…
    """
    _steer("retry", message, "queued again")


@outbox.command()
@click.argument("message", metavar="ID")
def discard(message: str) -> None:
    """Give a message up: it is never sent.

    \b
    Example:
        awal outbox discard 0192f0c1-…
    """
    _steer("discard", message, "discarded")


def _steer(operation: str, message: str, done: str) -> None:
    from gateway.control import perform

    if not perform(project(), operation, message):
        raise AwalError(f"{message}: no message of the outbox can be {done} under this id. See `awal outbox list`.")
    click.echo(f"{message}: {done}.")
