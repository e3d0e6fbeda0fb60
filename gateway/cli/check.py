"""`awal check`: every error of every flow, in one run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from flows.errors import AwalError
from gateway.cli.common import as_json, flow_file, outside, write_json


@click.command()
@click.argument("files", metavar="[FILE…]", nargs=-1, type=click.Path(path_type=Path))
@as_json
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Say everything that is wrong with flows, in one run.

    A FILE may also be the id of a flow of the project.
    A problem is one line: `file:line: CODE: what is wrong. What to do.` Without FILE, check the project's flows;
    conversation tests among the files are left out. Warnings do not count: the exit code is 1 for errors only.

    \b
    Example:
        awal check
        awal check water
        awal check flows/water.yaml --json
    """
    from flows.check import check_all
    from gateway.flowfiles import load_all

    found = meant(files)
    beside = load_all(sorted(others(found)))
    problems = check_all(load_all(found), outside().texts, beside=beside, deep=True)
    errors = sum(problem.level == "error" for problem in problems)
    if as_json:
        write_json([problem.as_json() for problem in problems])
    else:
        for problem in problems:
            click.echo(problem.line_text())
        told = f"{counted(errors, 'error')}, {counted(len(problems) - errors, 'warning')}"
        click.echo(f"{len(found)} checked: {told}.", err=True)
    ctx.exit(1 if errors else 0)


def counted(count: int, what: str) -> str:
    """Return a count with its noun: 1 error, 2 errors."""
    return f"{count} {what}{'s'[: count != 1]}"


def others(files: list[Path]) -> set[Path]:
    """Return the flows that stand beside these files, and that they may run."""
    from gateway.flowfiles import flow_files

    known = {file.resolve() for file in files}
    return {path for file in files for path in flow_files(file.parent) if path.resolve() not in known}


def meant(files: Iterable[Path]) -> list[Path]:
    """Return the flow files that are meant by files and ids of flows; without any, all of the project.

    Conversation tests are left out. Raises AwalError for an unknown id, and where the project has no flow.
    """
    from gateway.flowfiles import TESTS, flow_files

    folder = outside().directory / "flows"
    found = [flow_file(file) for file in files if not file.name.endswith(TESTS)] or flow_files(folder)
    if not found:
        raise AwalError(f"{folder}: holds no flow. Put a *.yaml there, or name a file.")
    return found
