"""What several commands share: the project they work on, and how lists are shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.errors import AwalError

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.project import Project

as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
"""The option every list has."""


SENTENCE = 200
"""No first sentence of a command's help is longer."""


class Group(click.Group):
    """A group whose help lists its commands with their whole first sentences."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, each with the whole first sentence of its help."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(SENTENCE)) for name, one in found if one])


def project(readonly: bool = False) -> Project:
    """Return the project that -C names; it is closed when the command ends.

    `readonly` opens the store beside a running gateway, to look only.
    """
    from gateway.project import Project

    context = click.get_current_context().find_root()
    found = Project(context.obj, readonly=readonly)
    context.call_on_close(found.close)
    return found


def outside() -> Project:
    """Return the project that -C names for what needs no `awal.toml`: its words and its folders."""
    from gateway.project import Project

    return Project(click.get_current_context().find_root().obj)


def flow_file(name: str | Path) -> Path:
    """Return the file that an operator means: by its name, or by the id of a flow of the project.

    Raises AwalError for an unknown id, with the nearest known.
    """
    from gateway.flowfiles import named

    file = Path(name)
    direct = file.suffix in (".yaml", ".yml") or file.is_file()
    return file if direct else named(outside().directory / "flows", str(name))


def region() -> str:
    """Return the HCP code of the project's region; empty outside of a project."""
    from gateway.settings import FILE

    found = outside()
    return found.settings.gateway.region if (found.directory / FILE).exists() else ""


def write_json(value: object) -> None:
    """Write one JSON document on stdout, readable, in UTF-8."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def write_line(value: object) -> None:
    """Write one JSON object on a line of its own."""
    click.echo(json.dumps(value, ensure_ascii=False))


def write_table(rows: Sequence[Mapping[str, object]], columns: Iterable[str], empty: str) -> None:
    """Write rows in aligned columns, or one line that says there are none and what to do."""
    if not rows:
        click.echo(empty)
        return
    names = list(columns)
    cells = [names] + [["" if row.get(name) is None else str(row[name]) for name in names] for row in rows]
    widths = [max(len(line[at]) for line in cells) for at in range(len(names))]
    for line in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def civil(at: datetime | None) -> str | None:
    """Return a moment as a table shows it, `2026-11-23 18:02:11+01:00`: the clock on the wall, and its offset."""
    return None if at is None else at.isoformat(" ", "seconds")


def lines() -> Iterator[str]:
    """Yield the texts on stdin, one JSON string a line; raises AwalError for a line that is none."""
    for number, line in enumerate(sys.stdin, 1):
        if line.strip():
            yield _string(line, number)


def _string(line: str, number: int) -> str:
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    if not isinstance(value, str):
        raise AwalError(f"stdin:{number}: {line.strip()[:40]!r} is no JSON string. Quote each text, one a line.")
    return value
