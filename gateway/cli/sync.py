"""`awal sync`: bring the national platform up to date."""

from __future__ import annotations

import time

import click

from flows.errors import AwalError
from gateway.cli.common import project

ATTEMPTS = 5
CARRIERS = ("https",)


@click.command()
@click.option("--once", is_flag=True, help="One attempt; without it, failed attempts are made again.")
@click.option("--carrier", type=click.Choice(CARRIERS), default=CARRIERS[0], show_default=True, help="How it travels.")
def sync(once: bool, carrier: str) -> None:  # noqa: ARG001 - one carrier so far; others are refused as wrong usage
    """Send what the platform does not hold yet: counts and snapshots, never numbers, never words.

    \b
    Example:
        awal sync --once
    """
    from gateway.control import perform

    found = project()
    attempts = 1 if once else ATTEMPTS
    for left in reversed(range(attempts)):
        outcome = perform(found, "sync")
        if outcome["ok"]:
            click.echo(outcome["detail"])
            return
        if not left:
            raise AwalError(outcome["detail"])
        click.echo(outcome["detail"])
        time.sleep(outcome["wait"])
