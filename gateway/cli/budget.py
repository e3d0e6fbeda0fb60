"""`awal budget`: what a flow costs, before a citizen sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from gateway.cli.common import as_json, outside, write_json, write_table

if TYPE_CHECKING:
    from flows.budget import Estimate, Prices, Tally
    from flows.model import Bearer, Flow
    from flows.paths.letters import Dear
    from gateway.project import Project

Row = dict[str, object]
MOROCCO = "+212"
"""How the numbers of those begin who dial."""


@click.command()
@click.argument("flow")
@as_json
def budget(flow: str, as_json: bool) -> None:
    """Show what a flow costs: SMS segments, USSD screens and seconds, and money, by language and path.

    FLOW is the id of a flow of the project, or a file. Every path is walked. The usual path takes the middle answer
    of each question, the mean takes all as equally likely, and the worst is that of a slow citizen with the longest
    answers; all are for a citizen who is known, and `first` is what a first contact adds. Where a question or the
    receipt number goes out by SMS to who dials, the rows by USSD count those SMS too, and `dearest` is the path with
    the most of them. Reminders, and the SMS after a lost session, are told apart. Money comes from the prices of each
    channel in `awal.toml`. At the end stand the letters that cost, and what to write instead.

    \b
    Example:
        awal budget water
        awal budget flows/water.yaml --json
    """
    from flows.budget import estimates, letters
    from flows.link import link
    from gateway.cli.play import find

    found, beside = find(flow)
    whole = link(found, {one.id: one for one in beside})
    texts = outside().texts
    region, prices, reaches = _settings()
    known, dear = estimates(whole, texts, within=region, sms=reaches), letters(whole, texts)
    if as_json:
        write_json({**_document(whole.id, whole.version, known, dear, prices), "silence": _silence(whole, prices)})
    else:
        _show(f"{whole.id}, version {whole.version}", known, dear, prices)
        for line in _told(whole, prices):
            click.echo(line)


def _settings() -> tuple[str, dict[str, Prices], bool]:
    """Return the project's region, the prices of the channels that have any, and whether who dials can get an SMS.

    Outside of a project there are no prices; without any channel, an SMS is taken to go to everybody.
    """
    from gateway.settings import FILE

    project = outside()
    if not (project.directory / FILE).is_file():
        return "", {}, True
    found = {name: _prices(project, name) for name in project.channels}
    priced = {name: prices for name, prices in found.items() if prices.sms or prices.inbound or prices.session}
    reaches = not project.channels or any("sms" in one.bearers for one in project.channels.values())
    return project.settings.gateway.region, priced, reaches


def _prices(project: Project, name: str) -> Prices:
    """Return what a channel costs; one without SMS has the prices of the channel that carries them for it."""
    from flows.budget import Prices
    from gateway.sending.routing import choose

    own = project.settings.channels[name]
    carrier = choose(project.channels.values(), MOROCCO, name)
    sms = project.settings.channels[carrier.name] if carrier else own
    sms = sms if sms.currency == own.currency else own
    return Prices(sms.price_sms, sms.price_in, own.price_ussd, own.currency)


# for people ----------------------------------------------------------------------------------------------------
def _show(
    title: str, known: Sequence[Estimate], dear: Sequence[tuple[Bearer, Dear]], prices: Mapping[str, Prices]
) -> None:
    from flows.budget import SESSION, SLOW, USUAL

    click.echo(
        f"{title}. A USSD session lasts {SESSION} s; a usual citizen needs {USUAL.screen:g} s a screen and "
        f"{USUAL.key:g} s a key, a slow one {SLOW.screen:g} and {SLOW.key:g}.\n"
    )
    money = [f"{name} ({one.currency})" for name, one in prices.items()]
    columns = ("language", "bearer", "path", "screens", "seconds", "sent", "received", *money, "")
    write_table([row for one in known for row in _rows(one, prices)], columns, "No path of this flow comes to an end.")
    click.echo()
    for one in known:
        for path in one.paths:
            click.echo(f"{one.language} {one.bearer} {path.case}: {', '.join(path.answers) or 'nothing to answer'}")
        if not one.complete:
            click.echo(
                f"{one.language} {one.bearer}: the flow has more paths than are walked; a worse one is possible."
            )
    for line in _letters(dear):
        click.echo(line)


def _rows(one: Estimate, prices: Mapping[str, Prices]) -> Iterator[Row]:
    from flows.budget import SESSION

    cheapest, usual, *worst = ((path.case, path.tally) for path in one.paths)
    for name, tally in (("first", one.first), cheapest, usual, ("mean", one.mean), *worst):
        late = name != "first" and tally.seconds + one.first.seconds > SESSION
        row: Row = {"language": one.language, "bearer": one.bearer, "path": name, **_row(tally, prices)}
        yield {**row, "": "longer than a session" if late else ""}


def _row(tally: Tally, prices: Mapping[str, Prices]) -> Row:
    ussd, sms = tally.bearer == "ussd", tally.bearer == "sms" or tally.sent or tally.received
    row: Row = {"screens": f"{tally.screens:.3g}", "seconds": f"{tally.seconds:.0f}"} if ussd else {}
    if sms:
        row |= {"sent": f"{tally.sent:.3g}", "received": f"{tally.received:.3g}"}
    money = {f"{name} ({one.currency})": _money(tally, one) for name, one in prices.items()}
    return {**row, **money}


def _money(tally: Tally, prices: Prices) -> str:
    """Return an amount; nothing where the channel has no price for this bearer."""
    of_sms = (prices.sms or prices.inbound) and (tally.bearer == "sms" or tally.sent or tally.received)
    priced = of_sms or (tally.bearer == "ussd" and tally.sessions and prices.session)
    return f"{tally.price(prices):.2f}" if priced else ""


def _letters(dear: Sequence[tuple[Bearer, Dear]]) -> Iterator[str]:
    if not dear:
        yield "\nNo letter costs more than it must."
        return
    yield "\nLetters that cost; `fold: accents` in the head of the flow lets the gateway replace them:"
    for bearer, one in dear:
        unit = "SMS" if bearer == "sms" else "pages"
        yield f"{bearer} {one.text.context}: {one.before} {unit} instead of {one.after}. Write {one.instead}."


def _told(flow: Flow, prices: Mapping[str, Prices]) -> Iterator[str]:
    """Yield what who falls silent costs on top of these paths."""
    for many, whose in ((len(flow.reminders), "who falls silent by SMS"), (int(flow.lost), "each lost USSD session")):
        if many:
            priced = [f"{many * one.sms:.2f} {one.currency} ({name})" for name, one in prices.items() if one.sms]
            segments = f"{many} segment{'s' if many > 1 else ''} at most"
            yield f"On top, for {whose}: {', '.join((segments, *priced))}."


# for programs --------------------------------------------------------------------------------------------------
def _document(
    flow: str,
    version: int,
    known: Sequence[Estimate],
    dear: Sequence[tuple[Bearer, Dear]],
    prices: Mapping[str, Prices],
) -> Row:
    from flows.budget import SESSION, SLOW, USUAL

    paces = {"usual": USUAL, "slow": SLOW}
    return {
        "flow": flow,
        "version": version,
        "session": SESSION,
        "pace": {name: {"screen": pace.screen, "key": pace.key} for name, pace in paces.items()},
        "estimates": [_estimate(one, prices) for one in known],
        "letters": [
            {
                "bearer": bearer,
                "text": one.text.context,
                "words": one.words,
                "letters": list(one.letters),
                "instead": one.instead,
                "before": one.before,
                "after": one.after,
            }
            for bearer, one in dear
        ],
    }


def _silence(flow: Flow, prices: Mapping[str, Prices]) -> Row:
    """Return the segments that go to who falls silent by SMS, and to who loses a session, at most."""
    found: Row = {"reminders": len(flow.reminders), "lost": int(flow.lost)}
    money = {name: {"amount": round(one.sms, 4), "currency": one.currency} for name, one in prices.items() if one.sms}
    return {**found, "price_of_one": money}


def _estimate(one: Estimate, prices: Mapping[str, Prices]) -> Row:
    paths = [{"path": path.case, "answers": list(path.answers), **_tally(path.tally, prices)} for path in one.paths]
    return {
        "language": one.language,
        "bearer": one.bearer,
        "complete": one.complete,
        "first": _tally(one.first, prices),
        "mean": _tally(one.mean, prices),
        "paths": paths,
    }


def _tally(tally: Tally, prices: Mapping[str, Prices]) -> Row:
    ussd, sms = tally.bearer == "ussd", tally.bearer == "sms" or tally.sent or tally.received
    found: Row = {"screens": round(tally.screens, 2), "seconds": round(tally.seconds, 1)} if ussd else {}
    if sms:
        found |= {"sent": round(tally.sent, 2), "received": round(tally.received, 2)}
    money = {name: {"amount": round(tally.price(one), 4), "currency": one.currency} for name, one in prices.items()}
    return {**found, "price": money}
