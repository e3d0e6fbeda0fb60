"""`awal play`: talk to a flow in the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.errors import AwalError
from flows.model import Bearer, Flow
from gateway.cli.common import flow_file, outside, region

if TYPE_CHECKING:
    from gateway.talk.talker import Talker
    from gateway.talk.write import Recording


@click.command()
@click.argument("flow")
@click.option("--language", help="Play a known citizen who speaks it; without, a citizen met for the first time.")
@click.option(
    "--bearer", type=click.Choice(["ussd", "sms"]), default="ussd", show_default=True, help="By menu or by message."
)
@click.option("--phone", default="+212600000001", show_default=True, help="Number the citizen calls from.")
@click.option(
    "--record", "file", metavar="FILE", type=click.Path(path_type=Path), help="Write the talk as a test at FILE's end."
)
@click.option("--name", default="", help="Name of the recorded test.")
def play(flow: str, language: str | None, bearer: Bearer, phone: str, file: Path | None, name: str) -> None:
    """Talk to a flow: screens on stdout, one reply a line on stdin. Nothing is kept or sent.

    FLOW is the id of a flow of the project, or a file. Besides replies, a line may be what else happens to a citizen:
    `/drop` (the session is lost), `/start` (they dial again), `/wait 25h`, `/bearer sms`, `/repeat` and `/late` (the
    provider delivers again), `/late WORDS` (a message arrives late). What is sent by SMS to who dials is shown too.

    \b
    Example:
        awal play water --language fr
        printf '1\\n2\\n' | awal play flows/water.yaml --bearer sms
        awal play flows/water.yaml --language ar --record flows/water.test.yaml --name "a glad citizen"
    """
    from gateway.talk.talker import Talker
    from gateway.talk.write import Recording

    found, flows = find(flow)
    if language and language not in found.languages:
        raise AwalError(f"{flow}: is not offered in {language!r}. Use {', '.join(found.languages)}.")
    texts = outside().texts
    talker = Talker(flows, texts, opens=found.id, language=language or "", bearer=bearer, phone=phone, within=region())
    recording = Recording(found.id, name or f"{found.id}, played", language or "", bearer)
    _do("start", None, talker, recording)
    while not (talker.over and talker.ended and file is None) and (line := sys.stdin.readline()):
        action, words = _read(line.rstrip("\n"))
        _do(action, words, talker, recording)
    if file is not None:
        _keep(file, recording, talker)


def _read(line: str) -> tuple[str, str | None]:
    """Return what a line of input does: a reply, or after a slash what a conversation test can do."""
    from gateway.talk.script import ACTIONS

    name, _, words = line.removeprefix("/").partition(" ")
    if not line.startswith("/") or name not in PLAYED:
        return "reply", line
    fits = ACTIONS[name] == "perhaps" or (ACTIONS[name] == "words") == bool(words)
    return (name, words or None) if fits else ("reply", line)


PLAYED = ("start", "drop", "repeat", "late", "wait", "bearer")


def _do(action: str, words: str | None, talker: Talker, recording: Recording) -> None:
    """Let one thing happen, show what the phone shows then, and record both."""
    if action == "reply" and talker.ended:
        click.echo(_OVER if talker.over else _BY_SMS, err=True)
        return
    before = len(talker.messages)
    try:
        _happen(action, words or "", talker)
    except (ValueError, IndexError):
        click.echo(f"/{action} {words or ''} cannot be done here.", err=True)
        return
    recording.did(action, words)
    if action not in ("wait", "bearer", "drop"):
        click.echo(f"{talker.screen}\n")
        recording.saw(talker.screen, ended=talker.ended)
    if talker.bearer == "ussd":
        for message in talker.messages[before:]:
            click.echo(f"SMS: {message}\n")
            recording.received(message)


_OVER = "The conversation is over. /start dials again."
_BY_SMS = "The session is over. /bearer sms goes on by SMS, /start dials again."


def _happen(action: str, words: str, talker: Talker) -> None:
    from flows.load.values import seconds

    if action == "wait":
        talker.wait(seconds(words))
    elif action == "bearer":
        talker.switch("sms" if words == "sms" else "ussd")
    elif action == "reply":
        talker.reply(words)
    elif action == "late":
        talker.late(words)
    else:
        {"start": talker.start, "drop": talker.drop, "repeat": talker.repeat}[action]()


def _keep(file: Path, recording: Recording, talker: Talker) -> None:
    """Write the talk to the end of a test file, or to a new one."""
    from gateway.flowfiles import read
    from gateway.talk.write import added

    text = added(read(file) if file.exists() else "", recording, talker.answers(), str(file))
    file.write_text(text, "utf-8")
    click.echo(f"{file}: {recording.name!r} is written. Try it: awal test {file}", err=True)


def find(name: str) -> tuple[Flow, list[Flow]]:
    """Return the flow that a file or an id of the project names, and the flows beside it that it may run.

    Raises AwalError for an unknown one with the nearest known, else with the flow's first problem.
    """
    from gateway.flowfiles import flow_files, load_all

    file = flow_file(name)
    loaded = {one.file: one for one in load_all([*flow_files(file.parent), file])}
    flows = {one.flow.id: one.flow for one in loaded.values() if one.flow is not None}
    meant = loaded[str(file)]
    if meant.flow is None:
        raise AwalError(str(meant.problems[0]))
    return meant.flow, [*flows.values()]
