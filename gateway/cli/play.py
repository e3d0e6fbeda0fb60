"""`awal play`: talk to a flow in the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from flows.errors import AwalError
from flows.model import Bearer, Flow
from gateway.cli.common import outside


@click.command()
@click.argument("flow")
@click.option("--language", help="Play a known citizen who speaks it; without, a citizen met for the first time.")
@click.option(
    "--bearer", type=click.Choice(["ussd", "sms"]), default="ussd", show_default=True, help="By menu or by message."
)
@click.option("--phone", default="+212600000001", show_default=True, help="Number the citizen calls from.")
def play(flow: str, language: str | None, bearer: Bearer, phone: str) -> None:
    """Talk to a flow: screens on stdout, one reply a line on stdin. Nothing is kept or sent.

    FLOW is the id of a flow of the project, or a file.

    \b
    Example:
        awal play water --language fr
        printf '1\\n2\\n' | awal play flows/water.yaml --bearer sms
    """
    from gateway.talk.talker import Talker

    found, flows = find(flow)
    if language and language not in found.languages:
        raise AwalError(f"{flow}: is not offered in {language!r}. Use {', '.join(found.languages)}.")
    texts = outside().texts
    talker = Talker(flows, texts, opens=found.id, language=language or "", bearer=bearer, phone=phone)
    talker.start()
    click.echo(f"{talker.screen}\n")
    while not talker.ended and (line := sys.stdin.readline()):
        talker.reply(line.rstrip("\n"))
        click.echo(f"{talker.screen}\n")


def find(name: str) -> tuple[Flow, list[Flow]]:
    """Return the flow that a file or an id of the project names, and the flows beside it that it may run.

    Raises AwalError with the flow's first problem.
    """
    from gateway.flowfiles import flow_files, load_all
    from gateway.settings import did_you_mean

    direct = Path(name).suffix in (".yaml", ".yml")
    folder = Path(name).parent if direct else outside().directory / "flows"
    loaded = {one.file: one for one in load_all([*flow_files(folder), *([Path(name)] if direct else [])])}
    flows = {one.flow.id: one.flow for one in loaded.values() if one.flow is not None}
    if direct:
        meant = loaded[name]
        if meant.flow is None:
            raise AwalError(str(meant.problems[0]))
        return meant.flow, [*flows.values()]
    if name not in flows:
        raise AwalError(f"there is no flow {name!r}. {did_you_mean(name, list(flows))}")
    return flows[name], [*flows.values()]
