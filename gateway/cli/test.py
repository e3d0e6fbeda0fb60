"""`awal test`: the conversations written down beside the flows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.errors import AwalError
from gateway.cli.common import as_json, flow_file, outside, write_json

if TYPE_CHECKING:
    from flows.load import Loaded
    from gateway.talk.coverage import Coverage, Item
    from gateway.talk.run import Run


@click.command()
@click.argument("files", metavar="[FILE…]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--coverage", is_flag=True, help="Also say which steps, options and branches no test walks.")
@click.option("--require", type=click.IntRange(0, 100), metavar="PERCENT", help="Refuse a flow that is walked less.")
@click.option(
    "--update",
    is_flag=True,
    help="Write what is shown and sent now into `see`, `sms` and `segments` lines that no longer match.",
)
@as_json
@click.pass_context
def test(
    ctx: click.Context, files: tuple[Path, ...], coverage: bool, require: int | None, update: bool, as_json: bool
) -> None:
    """Run conversation tests, each in every language and over both bearers unless it says otherwise.

    A FILE is a `*.test.yaml`, or a flow whose tests stand beside it: its file, or the id it has in the project. Without
    FILE: all of the project. What `--update` writes is shown as a difference: read it before you commit it.

    \b
    Example:
        awal test
        awal test water
        awal test flows/water.test.yaml --update
        awal test --coverage --require 100
    """
    watched = coverage or require is not None
    found = tests_of(files, flows_too=watched)
    folders = Folders()
    runs = list(run_files(found, folders))
    if update and refresh(runs):
        runs = list(run_files(found, folders))
    covered = list(folders.coverage(found)) if watched else []
    if as_json:
        told = [_as_json(file, run) for file, run in runs]
        write_json({"tests": told, "coverage": [_covered_json(*one) for one in covered]} if watched else told)
    else:
        _report(runs, covered)
    low = any(one.percent < require for _, one in covered) if require is not None else False
    ctx.exit(1 if low or any(run.failure for _, run in runs) else 0)


def _report(runs: Sequence[tuple[Path, Run]], covered: Sequence[tuple[Loaded, Coverage]]) -> None:
    failed = [(file, run) for file, run in runs if run.failure]
    for file, run in failed:
        click.echo(_line(file, run))
    for loaded, coverage in covered:
        for gap in coverage.gaps:
            click.echo(f"{loaded.file}:{_at(loaded, gap)}: COVERAGE: {gap.missing}.")
    for _, coverage in covered:
        walked = coverage.total - len(coverage.gaps)
        click.echo(f"{coverage.flow}: {coverage.percent} % walked ({walked} of {coverage.total}).")
    click.echo(f"{len(runs) - len(failed)} passed, {len(failed)} failed.")


def tests_of(files: Sequence[Path], *, flows_too: bool) -> list[Path]:
    """Return the test files meant; raises AwalError when there is none.

    With `flows_too` a flow of the project that has no tests yet is meant as well: none of it is walked.
    """
    from gateway.flowfiles import TESTS, flow_files

    folder = outside().directory / "flows"
    if files:
        meant = [file if file.name.endswith(TESTS) else flow_file(file) for file in files]
        return [file if file.name.endswith(TESTS) else file.with_name(file.stem + TESTS) for file in meant]
    beside = [path.with_name(path.stem + TESTS) for path in flow_files(folder)] if flows_too else []
    found = sorted({*folder.glob(f"*{TESTS}"), *beside})
    if not found:
        raise AwalError(f"{folder}: holds no *{TESTS}. Write a conversation there, or name a file.")
    return found


class Folders:
    """The flows of each folder, read once, and what the tests beside them walk."""

    def __init__(self) -> None:
        from gateway.talk.coverage import Watch

        self.watch: dict[Path, Watch] = defaultdict(Watch)
        self._loaded: dict[Path, dict[str, Loaded]] = {}

    def flows(self, folder: Path) -> dict[str, Loaded]:
        """Return the flows of a folder that can be loaded, by id."""
        from gateway.flowfiles import flow_files, load_all

        if folder not in self._loaded:
            loaded = load_all(flow_files(folder))
            self._loaded[folder] = {one.flow.id: one for one in loaded if one.flow is not None}
        return self._loaded[folder]

    def beside(self, tests: Path) -> list[Loaded]:
        """Return the flow that a test file stands beside, if there is one."""
        from gateway.flowfiles import TESTS

        name = tests.name.removesuffix(TESTS)
        return [one for one in self.flows(tests.parent).values() if Path(one.file).stem == name]

    def coverage(self, files: Sequence[Path]) -> Iterator[tuple[Loaded, Coverage]]:
        """Yield how much of each flow that these test files stand beside was walked."""
        for file in files:
            flows = {name: one.flow for name, one in self.flows(file.parent).items() if one.flow is not None}
            for loaded in self.beside(file):
                if loaded.flow is not None:
                    yield loaded, self.watch[file.parent].coverage(loaded.flow, flows)


def run_files(files: Sequence[Path], folders: Folders) -> Iterator[tuple[Path, Run]]:
    """Run every test of these files against the flows that stand beside them."""
    from gateway.flowfiles import read
    from gateway.talk.run import run
    from gateway.talk.script import read as read_scripts

    texts = outside().texts
    for file in files:
        if not file.exists() and folders.beside(file):
            continue  # a flow without tests: nothing of it is walked
        flows = {name: one.flow for name, one in folders.flows(file.parent).items() if one.flow is not None}
        for outcome in run(read_scripts(read(file), str(file)), flows, texts, folders.watch[file.parent].step):
            yield file, outcome


def refresh(runs: Sequence[tuple[Path, Run]]) -> bool:
    """Show and write the lines that no longer match; tell whether any file changed."""
    from gateway.flowfiles import read
    from gateway.talk.write import refreshed

    changed = False
    for file in dict.fromkeys(path for path, run in runs if run.outdated):
        text = read(file)
        new = refreshed(text, [run for path, run in runs if path == file], str(file))
        for line in new.left:
            click.echo(line, err=True)
        if new.text != text:
            for line in unified_diff(text.splitlines(), new.text.splitlines(), str(file), str(file), n=1, lineterm=""):
                click.echo(line, err=True)
            file.write_text(new.text, "utf-8")
            changed = True
    return changed


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


def _at(loaded: Loaded, gap: Item) -> int:
    return next((loaded.lines[key] for key in gap.at if key in loaded.lines), 1)


def _covered_json(loaded: Loaded, coverage: Coverage) -> dict[str, object]:
    gaps = [{"line": _at(loaded, gap), "step": gap.step, "message": gap.missing} for gap in coverage.gaps]
    return {
        "file": loaded.file,
        "flow": coverage.flow,
        "percent": coverage.percent,
        "total": coverage.total,
        "gaps": gaps,
    }
