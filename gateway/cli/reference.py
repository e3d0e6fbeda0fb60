"""Writes the pages that are made from the code: `make docs`. A test keeps them in step."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from flows.check.reference import filled
from gateway import settings_page
from gateway.campaigns import reference as campaigns
from gateway.cli import cli
from gateway.cli.campaign import schema_text as campaign_schema
from gateway.cli.schema import text as schema

HERE = Path(__file__).parent
LANGUAGE = HERE.parent.parent / "flows" / "README.md"
"""Written by hand; its tables are made."""
SCHEMA = LANGUAGE.with_name("flow.schema.json")
CAMPAIGNS = HERE.parent / "campaigns" / "README.md"

INTRODUCTION = """\
# `awal`: every command

This page is made from the commands' own help (`make docs`); a test keeps the two in step. `-C DIR` or `AWAL_PROJECT`
names the project directory; the default is the current one. The exit code is 0 when done, 1 when what was checked is
refused, 2 for wrong usage. An error is one line on stderr.

One file here holds one command or family; `__init__.py` knows which, and imports it only when it is called.
"""


def pages() -> dict[Path, str]:
    """Return each page made from the code, with its text."""
    return {
        HERE / "README.md": INTRODUCTION + "".join(_commands()),
        HERE.parent / "settings.md": settings_page.markdown(),
        LANGUAGE: filled(LANGUAGE.read_text("utf-8")),
        SCHEMA: schema(),
        CAMPAIGNS: campaigns.filled(CAMPAIGNS.read_text("utf-8")),
        CAMPAIGNS.with_name("campaign.schema.json"): campaign_schema(),
    }


def _commands() -> Iterator[str]:
    root = click.Context(cli, info_name="awal")
    for name in cli.list_commands(root):
        yield from _command(cli.get_command(root, name), name, root)


def _command(command: click.Command | None, name: str, parent: click.Context) -> Iterator[str]:
    if command is None or command.hidden:
        return
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"\n## `{context.command_path}`\n\n```text\n{usage}\n\n{_help(command)}\n```\n"
    options = [_option(one) for one in command.params if isinstance(one, click.Option)]
    if options:
        yield "\n" + "".join(options)
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _command(command.get_command(context, inner), inner, context)


def _help(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").replace("\b\n", "")


def _option(option: click.Option) -> str:
    default = f" (default: {option.default})" if option.show_default else ""
    names = ", ".join(f"`{name}`" for name in option.opts)
    value = "" if option.is_flag else f" {_value(option)}"
    return f"- {names}{value}: {option.help or 'one of these.'}{default}\n"


def _value(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "|".join(option.type.choices)
    return option.metavar or option.type.name.split()[0].upper()


def main() -> None:
    """Write every page."""
    for path, text in pages().items():
        path.write_text(text, "utf-8")
        click.echo(f"wrote {path}")


if __name__ == "__main__":
    main()
