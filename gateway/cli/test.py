"""`awal test`: the conversations written down beside the flows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.errors import AwalError
from gateway.cli.common import as_json, outside, write_json

if TYPE_CHECKING:
    from gateway.talk.run import Run


@click.command()
@click.argument("files", metavar="[FILE…]", nargs=-1, type=click.Path(path_type=Path))
@as_json
@click.pass_context
def test(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Run conversation tests, each in every language and over both bearers unless it says otherwise.

    A FILE is a `*.test.yaml`, or a flow whose tests stand beside it. Without FILE: all of the project.

    \b
    Example:
        awal test
        awal test flows/water.test.yaml
    """
    runs = list(run_files(tests_of(files)))
    failed = [(file, run) for file, run in runs if run.failure]
    if as_json:
        write_json([_as_json(file, run) for file, run in runs])
    else:
        for file, run in failed:
            click.echo(_line(file, run))
        click.echo(f"{len(runs) - len(failed)} passed, {len(failed)} failed.")
    ctx.exit(1 if failed else 0)


def tests_of(files: Sequence[Path]) -> list[Path]:
    """Return the test files meant; raises AwalError when there is none."""
    from gateway.flowfiles import TESTS

    if not files:
        folder = outside().directory / "flows"
        found = sorted(folder.glob(f"*{TESTS}"))
        if not found:
            raise AwalError(f"{folder}: holds no *{TESTS}. Write a conversation there, or name a file.")
        return found
    return [file if file.name.endswith(TESTS) else file.with_name(file.stem + TESTS) for file in files]


def run_files(files: Sequence[Path]) -> Iterator[tuple[Path, Run]]:
    """Run every test of these files against the flows that stand beside them."""
    from gateway.flowfiles import flow_files, load_all, read
    from gateway.talk.run import run
    from gateway.talk.script import read as read_scripts

    texts = outside().texts
    for file in files:
        loaded = load_all(flow_files(file.parent))
        flows = {one.flow.id: one.flow for one in loaded if one.flow is not None}
        for outcome in run(read_scripts(read(file), str(file)), flows, texts):
            yield file, outcome


def _line(file: Path, run: Run) -> str:
    failure = run.failure
    place = failure.line if failure else run.script.line
    return f"{file}:{place}: TEST: {run.script.name} ({run.language}, {run.bearer}): {failure and failure.message}"


def _as_json(file: Path, run: Run) -> dict[str, object]:
    failure = run.failure
    return {
        "file": str(file),
        "line": failure.line if failure else run.script.line,
        "name": run.script.name,
        "language": run.language,
        "bearer": run.bearer,
        "passed": failure is None,
        "message": failure.message if failure else "",
    }
