"""SMS to the platform's number: frames go to the outbox, the running gateway sends them, receipts come back as SMS."""

from __future__ import annotations

from pathlib import Path

import click

from flows.errors import AwalError
from gateway.carriers import Options
from gateway.carriers.files import told
from gateway.control import perform
from gateway.project import Project


def run(project: Project, options: Options) -> None:  # noqa: ARG001 - queuing is one attempt in any case
    """Queue what is due within the day's budget, and tell how each snapshot stands; raises AwalError."""
    outcome = perform(project, "sms")
    for line in outcome["standing"]:
        click.echo(line)
    if not outcome["ok"]:
        raise AwalError(outcome["detail"])
    click.echo(outcome["detail"])
    if not project.running:
        click.echo("They leave when the gateway runs: awal serve")


def is_receipt(path: Path) -> bool:
    """Tell whether a file holds receipts as `awal-national receive` prints them, not one of a bundle."""
    with told(f"{path} cannot be read"), path.open("rb") as opened:
        return not opened.read(1).startswith(b"{")


def take(project: Project, path: Path) -> None:
    """Take what the receipts in a file acknowledge, one a line; raises AwalError for a line that is none of ours."""
    with told(f"{path} cannot be read"):
        lines = [line.strip() for line in path.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    if not lines:
        raise AwalError(f"{path} is empty. Give the file that `awal-national receive` wrote.")
    for number, line in enumerate(lines, 1):
        try:
            click.echo(perform(project, "frame_receipt", line))
        except AwalError as fault:
            raise AwalError(f"{path}:{number}: {fault}") from fault
