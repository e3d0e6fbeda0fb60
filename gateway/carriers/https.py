"""The link: ask the platform what it holds, send the rest, and try again with jitter when it fails."""

from __future__ import annotations

import time

import click

from flows.errors import AwalError
from gateway.carriers import Options
from gateway.control import perform
from gateway.project import Project

ATTEMPTS = 5


def run(project: Project, options: Options) -> None:
    """Synchronise over the link; raises AwalError when the last attempt failed."""
    for left in reversed(range(1 if options.once else ATTEMPTS)):
        outcome = perform(project, "sync")
        if outcome["ok"]:
            click.echo(outcome["detail"])
            return
        if not left:
            raise AwalError(outcome["detail"])
        click.echo(outcome["detail"])
        time.sleep(outcome["wait"])
