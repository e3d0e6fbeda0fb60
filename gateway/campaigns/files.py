"""The campaign files of a project: `campaigns/NAME.yaml`, read and held against the project they are for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flows.conditions import names
from flows.errors import AwalError
from flows.load.problem import Problem, listed, quoted, sentence
from flows.model import Flow
from flows.nearest import did_you_mean
from gateway.campaigns.codes import PRICE, TIMES, UNKNOWN_ANSWER, UNKNOWN_CHANNEL, UNKNOWN_FLOW, UNKNOWN_PLACE
from gateway.campaigns.keys import LEVELS
from gateway.campaigns.load import Amiss, Loaded, load
from gateway.campaigns.plan import Campaign
from gateway.flowfiles import read

if TYPE_CHECKING:
    from gateway.project import Project

FOLDER = "campaigns"


def files(project: Project) -> list[Path]:
    """Return a project's campaign files, by name."""
    folder = project.directory / FOLDER
    return sorted(folder.glob("*.yaml")) if folder.is_dir() else []


def check(project: Project, path: Path) -> Loaded:
    """Read a campaign file with everything that is wrong with it, by itself and for this project."""
    loaded = load(read(path, "surrogateescape"), str(path), path.stem)
    if loaded.campaign is None:
        return loaded
    found = [
        Problem(str(path), loaded.lines.get(key, 1), code.code, code.level, sentence(message), sentence(remedy))
        for key, code, message, remedy in _amiss(project, loaded.campaign)
    ]
    if not found:
        return loaded
    return Loaded(loaded.file, None, tuple(sorted(found, key=lambda one: (one.line, one.code))), loaded.lines)


def named(project: Project, name: str) -> Path:
    """Return a campaign's file; raises AwalError with the nearest known name."""
    known = {one.stem: one for one in files(project)}
    if name not in known:
        advice = did_you_mean(name, known, f"Known: {listed(known)}." if known else "Write one there.")
        raise AwalError(f"{project.directory / FOLDER}: there is no campaign {name!r}. {advice}")
    return known[name]


def campaign(project: Project, name: str) -> Campaign:
    """Return a campaign that may be started; raises AwalError with what is wrong, or with the nearest known name."""
    loaded = check(project, named(project, name))
    if loaded.campaign is None:
        raise AwalError(str(loaded.problems[0]))
    return loaded.campaign


def flow_of(project: Project, plan: Campaign) -> Flow:
    """Return the flow that a campaign asks, as it is served now."""
    return project.library.flows[project.flow_id(plan.flow)]


def _amiss(project: Project, plan: Campaign) -> Iterator[Amiss]:
    """Yield what a campaign asks for that the project does not have."""
    flows = {flow.id: flow for flow in project.files.sound()}
    for key, name in (("#flow", plan.flow), ("an audience#flow", plan.audience.flow)):
        if name and name not in flows:
            advice = did_you_mean(name, flows, f"Served are: {listed(flows)}" if flows else "Run awal check")
            yield key, UNKNOWN_FLOW, f"the flow {quoted(name)} is not served", advice
    yield from _condition(plan, flows.get(plan.audience.flow))
    yield from _places(project, plan)
    yield from _channels(project, plan)


def _condition(plan: Campaign, asked: Flow | None) -> Iterator[Amiss]:
    if asked is None or not plan.audience.when:
        return
    steps = [step.id for step in asked.questions]
    for name in sorted(names(plan.audience.when) - set(steps)):
        advice = did_you_mean(name, steps, f"It asks: {listed(steps)}")
        message = f"the flow {quoted(asked.id)} asks no {quoted(name)}"
        yield "an audience#when", UNKNOWN_ANSWER, message, advice


def _places(project: Project, plan: Campaign) -> Iterator[Amiss]:
    quotas = [name for name in plan.quota if name not in LEVELS]
    for kind, code in (*(("place", one) for one in plan.audience.places), *(("quota", one) for one in quotas)):
        if project.texts.places.get(code) is None:
            message = f"there is no place with the code {quoted(code)}"
            yield f"{kind} {code}", UNKNOWN_PLACE, message, _place_advice(project, code, kind)


def _place_advice(project: Project, said: str, kind: str) -> str:
    """Say which code was meant: by the name that was written for it, or where codes stand."""
    named = [one for level in LEVELS for one in project.texts.places.find(said, level)]
    if named:
        codes = [f"{one.code} ({one.name('fr')})" for one in named[:3]]
        return f"Write {' or '.join(codes)}"
    lists = "Look the code up in the lists of the HCP: 02, 02.411, 02.411.01.23"
    return did_you_mean(said, LEVELS, lists) if kind == "quota" else lists


def _channels(project: Project, plan: Campaign) -> Iterator[Amiss]:
    able = [name for name, channel in project.channels.items() if "sms" in channel.bearers]
    if plan.channel and plan.channel not in able:
        advice = did_you_mean(plan.channel, able, f"SMS go by: {listed(able)}" if able else "Configure one")
        yield "#channel", UNKNOWN_CHANNEL, f"no channel {quoted(plan.channel)} carries SMS", advice
        return
    used = [plan.channel] if plan.channel else able
    if not used:
        yield "#channel", UNKNOWN_CHANNEL, "no channel of the project carries SMS", "Configure one in awal.toml"
    if plan.stop.spent and not any(project.settings.channels[name].price_sms for name in used):
        message = f"spending is limited to {plan.stop.spent:g}, but no segment has a price"
        yield "a stop rule#spent", PRICE, message, "Write price_sms under [channels.NAME] in awal.toml"
    for name in used:
        quiet = project.channels[name].settings.quiet_hours
        if plan.hours and quiet and _never(plan.hours, quiet):
            message = f"the hours {plan.hours} lie in the quiet hours of {name}, {quiet}"
            yield "#hours", TIMES, message, "Move the hours, or the channel's quiet_hours"


def _never(hours: str, quiet: str) -> bool:
    """Tell whether hours leave no minute outside of the quiet ones."""
    begins, ends = quiet[:5], quiet[6:]
    opens, closes = hours[:5], hours[6:]
    if begins <= ends:
        return begins <= opens and closes <= ends
    return opens >= begins or closes <= ends
