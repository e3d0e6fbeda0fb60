"""`awal campaign`: ask many citizens one flow, in waves, within a budget, with a second person's word."""

from __future__ import annotations

import json
import sys
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.errors import AwalError
from gateway.cli.common import Group, as_json, project, write_json, write_table

if TYPE_CHECKING:
    from gateway.project import Project

LEVELS = ("region", "province", "commune")
SHOWN = ("campaign", "flow", "state", "progress", "asked", "completed", "stopped", "spent", "reason")
FIGURES = (
    *("drawn", "skipped", "asked", "waiting", "sent", "delivered", "failed", "answered", "completed", "stopped"),
    *("unclear", "open"),
)
EVERY = 2.0
"""Seconds between two looks of `--follow`."""

operator = click.option("--as", "operator", metavar="NAME", default="", help="The operator you are, [operators.NAME].")
digest = click.option("--digest", "seen", metavar="D", default="", help="Only if it still is this one, as previewed.")


@click.group(cls=Group)
def campaign() -> None:
    """Ask many citizens one flow: preview, start, approve, pause, resume, follow.

    \b
    A campaign is a file, campaigns/NAME.yaml:
        awal campaign preview water-2026
        awal campaign start water-2026 --as amina
        awal campaign approve water-2026 --as brahim
        awal campaign status water-2026 --follow
    """


@campaign.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@as_json
def check(names: tuple[str, ...], as_json: bool) -> None:
    """Check campaign files: every error of every file, with its line and its remedy.

    \b
    Example:
        awal campaign check
    """
    from gateway.campaigns import files

    found = project(readonly=True)
    paths = [files.named(found, name) for name in names] or files.files(found)
    problems = [one for path in paths for one in files.check(found, path).problems]
    if as_json:
        write_json([one.as_json() for one in problems])
    else:
        for one in problems:
            click.echo(one.line_text())
        click.echo(_summary(paths, len(problems)))
    if problems:
        raise click.exceptions.Exit(1)


def _summary(paths: list[Path], problems: int) -> str:
    if not paths:
        return "There is no campaign yet. Write one: campaigns/NAME.yaml"
    plural = "" if len(paths) == 1 else "s"
    return f"{len(paths)} campaign{plural} checked: {problems or 'no'} problem{'' if problems == 1 else 's'}."


@campaign.command()
@click.argument("name")
@click.option("--level", type=click.Choice(LEVELS), default="province", show_default=True, help="Places counted by.")
@as_json
def preview(name: str, level: str, as_json: bool) -> None:
    """Show what a campaign would do, before anything is sent: how many, where, at what cost, until when.

    Small counts of places are held back, as in reports. The citizens are drawn by a lot that gives the same ones
    again: who is previewed now is who is asked, as long as nobody comes or goes.

    \b
    Example:
        awal campaign preview water-2026
        awal campaign preview water-2026 --level commune --json
    """
    from gateway.campaigns.telling import previewed

    here = project(readonly=True)
    found = previewed(here, name, level)
    if as_json:
        write_json(found)
    else:
        _show(found, here.timezone)


def _show(found: dict[str, Any], zone: tzinfo) -> None:
    """Write a preview for people, its moments with their offsets."""
    rounds = f", {found['rounds']} rounds" if found["rounds"] > 1 else ""
    click.echo(
        f"{found['campaign']}: {found['citizens']} citizens of {found['fitting']} who fit, {found['flow']}{rounds}"
    )
    rows = [{"language": one or "not chosen yet", "citizens": count} for one, count in found["languages"].items()]
    write_table(rows, ("language", "citizens"), "Nobody fits this audience.")
    places = [
        {"place": one["place"] or "not known", "name": one["name"], "citizens": _hidden(one["citizens"])}
        for one in found["places"]
    ]
    click.echo()
    write_table(places, ("place", "name", "citizens"), "No place is known.")
    click.echo()
    waves = [
        {
            "wave": at,
            **wave,
            "begins": _with_offset(wave["begins"], zone),
            "sent_by": _with_offset(wave["sent_by"], zone),
        }
        for at, wave in enumerate(found["waves"], 1)
    ]
    write_table(waves, ("wave", "citizens", "begins", "sent_by"), "No wave.")
    click.echo(f"\nSegments: {_range(found['segments'], '.0f')}")
    for name, amount in found["money"].items():
        click.echo(f"Cost: {_range(amount, '.2f', name)}")
    if not found["money"]:
        click.echo("Cost: no channel has a price in awal.toml ([channels.NAME] price_sms).")
    click.echo(
        f"All asked by: {_with_offset(found['ends'], zone) or 'not to be foreseen: the end or a budget comes first'}"
    )
    people = "two operators must approve" if found["approvals"] == 2 else "one operator may start it"
    click.echo(f"Above {found['threshold']} citizens two people approve; here {people}.")
    click.echo(f"Digest: {found['digest']}")


def _with_offset(civil: str | None, zone: tzinfo) -> str:
    """Return a civil moment, `2026-11-23 18:02`, with the offset it has: `2026-11-23 18:02+01:00`."""
    return datetime.fromisoformat(civil).replace(tzinfo=zone).isoformat(" ", "minutes") if civil else ""


def _hidden(count: int | None) -> str:
    return "few" if count is None else str(count)


def _range(amount: dict[str, Any], form: str, unit: str = "") -> str:
    least, expected, worst = (f"{amount[key]:{form}}" for key in ("least", "expected", "worst"))
    return f"{expected}{unit and ' '}{unit} if all answer ({least} if nobody does, {worst} at most)"


@campaign.command()
@click.argument("name")
@operator
@digest
def start(name: str, operator: str, seen: str) -> None:
    """Draw the citizens and begin; above the threshold it waits for a second operator.

    The password of `--as NAME` is asked for, or read from stdin.

    \b
    Example:
        awal campaign start water-2026 --as amina
    """
    found = project()
    who = _proved(found, operator) if operator else ""
    state = _perform(found, "start", name, who, seen)
    if state["state"] == "waiting":
        click.echo(f"{name}: waits for a second operator. What they sign is {state['digest']}: {_signed(state)}.")
        click.echo(f"They write: awal campaign approve {name} --as NAME --digest {state['digest']}")
    else:
        click.echo(f"{name}: runs. {_signed(state)}.")


def _signed(state: dict[str, Any]) -> str:
    return f"{state['citizens']} citizens, {state['cost']}"


@campaign.command()
@click.argument("name")
@operator
@digest
def approve(name: str, operator: str, seen: str) -> None:
    """Sign a campaign that waits, as a second person: exactly this file, flow, number of citizens and cost.

    \b
    Example:
        awal campaign approve water-2026 --as brahim
    """
    if not operator:
        raise click.UsageError("say who approves: --as NAME", click.get_current_context())
    found = project()
    state = _perform(found, "approve", name, _proved(found, operator), seen)
    click.echo(f"{name}: {state['state']}, signed by {' and '.join(state['approved_by'])}. {_signed(state)}.")


def _proved(found: Project, name: str) -> str:
    """Ask for the password of an operator, on the terminal or from stdin, and prove it."""
    from gateway.campaigns.operators import proved
    from gateway.control import perform

    if sys.stdin.isatty():
        password = click.prompt(f"Password of {name}", hide_input=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    return proved(found, name, password, lambda kind, detail: perform(found, "note", kind, detail))


def _perform(found: Project, act: str, name: str, operator: str = "", seen: str = "") -> dict[str, Any]:
    from gateway.control import perform

    state: dict[str, Any] = perform(found, "campaign", act, name, operator, seen)
    return state


@campaign.command()
@click.argument("name")
def pause(name: str) -> None:
    """Ask nobody more for now, and take back what has not left yet.

    \b
    Example:
        awal campaign pause water-2026
    """
    _steer("pause", name)


@campaign.command()
@click.argument("name")
def resume(name: str) -> None:
    """Go on where the pause began.

    \b
    Example:
        awal campaign resume water-2026
    """
    _steer("resume", name)


@campaign.command()
@click.argument("name")
def stop(name: str) -> None:
    """End a campaign for good; conversations that began go on.

    \b
    Example:
        awal campaign stop water-2026
    """
    _steer("stop", name)


def _steer(act: str, name: str) -> None:
    state = _perform(project(), act, name)
    click.echo(f"{name}: {state['state']}. {state['asked']} asked, {state['drawn']} not yet.")


@campaign.command("list")
@as_json
def show(as_json: bool) -> None:
    """List the campaigns, started or not, with how far they are.

    \b
    Example:
        awal campaign list
    """
    from gateway.campaigns.telling import listed

    rows = listed(project(readonly=True))
    if as_json:
        write_json(rows)
    else:
        shown = [{**row, "progress": _progress(row), "spent": _spent(row)} for row in rows]
        write_table(shown, SHOWN, "There is no campaign yet. Write one: campaigns/NAME.yaml")


def _progress(row: dict[str, Any]) -> str:
    return f"{row['done']}/{row['total']}" if "total" in row else ""


def _spent(row: dict[str, Any]) -> str:
    return f"{row['spent']:.2f} {row['currency']}" if "spent" in row else ""


@campaign.command()
@click.argument("name")
@click.option("--follow", is_flag=True, help="Keep the bar moving until all are asked.")
@as_json
def status(name: str, follow: bool, as_json: bool) -> None:
    """Show how a campaign goes: a bar of who was asked, and what came of each wave.

    \b
    Example:
        awal campaign status water-2026
        awal campaign status water-2026 --follow
    """
    from gateway.campaigns.telling import status as read

    found = project(readonly=True)
    state: dict[str, Any] = dict(read(found, name))
    if as_json:
        write_json(state)
        return
    if "total" not in state:
        raise AwalError(f"{name}: not started. Preview it: awal campaign preview {name}")
    _bar(found, name, state, follow=follow)
    state = dict[str, Any](read(found, name))
    click.echo(f"{name}: {state['state']}{': ' + state['reason'] if state['reason'] else ''}")
    click.echo(f"Spent: {_spent(state)}, {state['segments']} segments; {_signed(state)}")
    if state["changed"]:
        click.echo("Its file or its flow has changed since it was started; what runs is what was approved.")
    write_table(state["each"], ("round", "wave", *FIGURES), "Nobody was drawn.")


def _bar(found: Project, name: str, state: dict[str, Any], *, follow: bool) -> None:
    """Show the bar of a campaign; a followed one until there is nobody left to ask."""
    from threading import Event

    from gateway.campaigns.telling import status as read

    with click.progressbar(length=max(1, state["total"]), label="Asked", hidden=not sys.stdout.isatty()) as bar:
        bar.update(state["done"])
        while follow and state["state"] in ("waiting", "running", "paused") and state["done"] < state["total"]:
            Event().wait(EVERY)
            before, state = state["done"], dict(read(found, name))
            bar.update(state["done"] - before)


@campaign.command()
def schema() -> None:
    """Write the JSON Schema of campaign files, for editors.

    \b
    Example:
        awal campaign schema > campaign.schema.json
    """
    click.echo(schema_text(), nl=False)


def schema_text() -> str:
    """Return the schema as kept in `gateway/campaigns/campaign.schema.json`."""
    from gateway.campaigns.schema import schema as made

    return json.dumps(made(), ensure_ascii=False, indent=2) + "\n"
