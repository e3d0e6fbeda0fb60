"""The `awal` command: one small file per command or family, imported only when it is called."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

import click

from gateway import __version__
from gateway.cli.common import Group

COMMANDS = {
    "init": "init:init",
    "serve": "serve:serve",
    "demo": "demo:demo",
    "channels": "channels:channels",
    "modem": "modem:modem",
    "kannel": "kannel:kannel",
    "check": "check:check",
    "test": "test:test",
    "schema": "schema:schema",
    "play": "play:play",
    "translate": "translate:translate",
    "budget": "budget:budget",
    "segments": "segments:segments",
    "read": "read:read",
    "rehearse": "rehearse:rehearse",
    "export": "export:export",
    "report": "report:report",
    "poster": "poster:poster",
    "campaign": "campaign:campaign",
    "outbox": "outbox:outbox",
    "keys": "keys:keys",
    "sync": "sync:sync",
    "receipt": "receipt:receipt",
    "citizens": "citizens:citizens",
    "erase": "citizens:erase",
    "mydata": "citizens:mydata",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "store": "store:store",
    "password": "password:password",
    "clock": "clock:clock",
    "doctor": "doctor:doctor",
}
"""Command to `module:function`, in the order of the help."""

GARBAGE = 50_000
"""New objects after which the newest are looked through for garbage: a start makes many, and hardly any is."""


class Lazy(Group):
    """A group that imports a command's module only when it needs that command."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every command."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        found: click.Command = getattr(import_module(f"gateway.cli.{module}"), name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command asked for; an unknown one is refused with the nearest known."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from flows.nearest import did_you_mean

            ctx.fail(f"there is no command {args[0]!r}. {did_you_mean(args[0], list(COMMANDS))}")
        return super().resolve_command(ctx, args)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "-C",
    "directory",
    metavar="DIR",
    envvar="AWAL_PROJECT",
    default=".",
    type=click.Path(path_type=Path),
    help="Project directory (also AWAL_PROJECT; default: the current one).",
)
@click.version_option(__version__, prog_name="awal", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, directory: Path) -> None:
    """Let people without internet give their word by SMS or USSD.

    \b
    A project is a directory:
        awal init my-region        make one
        awal -C my-region check    check its flows
        awal -C my-region serve    take calls
    """
    ctx.obj = directory


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run `awal` and leave: 0 done, 1 refused by what was checked, 2 wrong usage; errors are one line on stderr."""
    gc.set_threshold(GARBAGE)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # whatever the locale: three scripts pass through, and what is no UTF-8 is replaced as in a webhook
            stream.reconfigure(encoding="utf-8", errors="replace")
    sys.exit(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    try:
        code = cli.main(args=args, prog_name="awal", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        return _say(_usage(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted.", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("AWAL_DEBUG"):
            raise
        from gateway.log import told

        return _say(told(error), 1)
    return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f" Try `{context.command_path} --help`." if context else ""
    return error.format_message() + hint


def _say(message: str, code: int) -> int:
    click.echo(f"awal: {' '.join(message.split())}", err=True)
    return code
