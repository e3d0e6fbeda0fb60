"""`awal citizens`, `awal erase`, `awal mydata`: a citizen's rights at a counter, and lists of numbers."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.errors import AwalError
from gateway.cli.common import Group, as_json, project, write_json, write_table

if TYPE_CHECKING:
    from gateway.bringing_in import Judged

MOST_SHOWN = 20
"""The wrong lines of a list that are shown on a terminal; --json tells all."""
MEANING = {
    "new": "new",
    "known": "known already: they get this ground beside what they said themselves",
    "stopped": "said stop: left out",
    "erased": "asked to be forgotten: left out",
    "wrong": "wrong lines: left out",
}


@click.group(cls=Group)
def citizens() -> None:
    """See what citizens agreed to, and bring in lists of numbers with the ground for it.

    \b
    Example:
        awal citizens show +212600000000
        awal citizens import inscrits.csv --ground "Inscription au guichet"
    """


@citizens.command()
@click.argument("phone")
@as_json
def show(phone: str, as_json: bool) -> None:
    """Show what a citizen agreed to, and what they stopped: when, over what, in which words.

    \b
    Example:
        awal citizens show +212600000000
    """
    found = project(readonly=True)
    zone = found.timezone
    name = found.phones.pseudonym(found.phone(phone))
    rows = [
        {
            "at": datetime.fromtimestamp(one.at / 1000, zone).isoformat(timespec="seconds"),
            **{key: getattr(one, key) for key in ("act", "channel", "words", "proof", "language", "place")},
        }
        for one in found.store.consents(name)
    ]
    stands = found.store.standing([name])[name]
    if as_json:
        write_json({"citizen": name, "standing": stands, "consents": rows})
        return
    click.echo(f"{name}: {stands}")
    write_table(rows, ("at", "act", "channel", "words", "proof", "language"), "No proof of anything is kept.")


@citizens.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--ground", required=True, help="Why they may be written to; they read it in the first message.")
@click.option("--proof", default="", help="Where the proof lies: a register, a box of paper forms.")
@click.option("--yes", is_flag=True, help="Keep them without asking.")
@as_json
def import_(file: Path, ground: str, proof: str, yes: bool, as_json: bool) -> None:
    """Bring in a list of numbers (CSV: phone, language, place, proof). Shows what it would keep; sends nothing.

    Who said stop or asked to be forgotten is left out, whatever the list says. The first message to a number that has
    not written says who writes, why, and how to stop.

    \b
    Example:
        awal citizens import inscrits.csv --ground "Inscription au guichet" --proof "registre 2026/14"
        awal citizens import inscrits.csv --ground "Inscription au guichet" --yes
    """
    from gateway import bringing_in

    found = project(readonly=True)
    words = bringing_in.sound_ground(ground)
    judged = bringing_in.judge(found, file)
    if not as_json:
        _preview(judged, words)
    kept = 0
    if judged.taken and (yes or _agreed(len(judged.taken), as_json)):
        kept = _keep(found, judged, words, proof)
    if as_json:
        write_json({**judged.counts(), "errors": list(judged.wrong), "kept": kept})
    elif judged.taken:
        click.echo(f"Kept: {kept}. Nothing was sent." if kept or yes else "Nothing was kept. Add --yes to keep them.")
    if not judged.taken:
        raise AwalError(f"{file.name} has no line that can be taken. Nothing was kept.")


def _preview(judged: Judged, ground: str) -> None:
    for wrong in judged.wrong[:MOST_SHOWN]:
        click.echo(wrong, err=True)
    if len(judged.wrong) > MOST_SHOWN:
        click.echo(f"… and {len(judged.wrong) - MOST_SHOWN} more wrong lines (--json tells all)", err=True)
    click.echo(f"Ground: {ground}")
    for kind, count in judged.counts().items():
        click.echo(f"{count:>7}  {MEANING[kind]}")


def _agreed(count: int, quiet: bool) -> bool:
    """Ask on a terminal; anywhere else nobody can agree."""
    return not quiet and sys.stdin.isatty() and click.confirm(f"Keep these {count} numbers?")


def _keep(found: Any, judged: Judged, ground: str, proof: str) -> int:
    """Keep page by page, in the running gateway where there is one; a page that is there already adds nothing."""
    from msgspec import json, to_builtins

    from gateway.bringing_in import PAGE
    from gateway.control import perform

    found.close()
    writable, kept = project(), 0
    for at in range(0, len(judged.taken), PAGE):
        page = json.encode(to_builtins(judged.taken[at : at + PAGE])).decode()
        kept += perform(writable, "bring_in", page, ground, proof)
    return kept


person = click.option("--person", is_flag=True, help="Somebody who shares this phone: asks for their code.")


def _code(person: bool) -> str:
    """Ask for the code of somebody who shares a phone; it is not shown, and stays in no history of commands."""
    code: str = click.prompt("Code", hide_input=True) if person else ""
    if person and not (code.isdecimal() and len(code) == 4):
        raise AwalError("A code has four digits. Ask that person for the one they give with MOI.")
    return code


@click.command()
@click.argument("phone")
@person
def erase(phone: str, person: bool) -> None:
    """Forget a citizen: answers, conversations and messages of that number, and their key of every sealed backup.

    \b
    Example:
        awal erase +212600000000
    """
    from gateway.control import perform

    gone = perform(project(), "erase", phone, _code(person))
    click.echo(f"Forgotten: {gone} row{'s'[: gone != 1]}.")


@click.command()
@click.argument("phone")
@person
def mydata(phone: str, person: bool) -> None:
    """Show everything kept of a citizen, as JSON.

    \b
    Example:
        awal mydata +212600000000
    """
    from gateway.control import perform

    write_json(perform(project(), "mydata", phone, _code(person)))
