"""A campaign file's text in, a campaign or every problem of the file out. Reads no file itself.

YAML is read as for flows (`flows.load.nodes`): scalars as text, no aliases, no tags, no key twice, nothing too large.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from flows.load import codes
from flows.load.keys import lacks, missing, read_keys
from flows.load.nodes import Map, compose
from flows.load.problem import Code, Notes, Problem, quoted
from flows.load.values import Sheet
from gateway.campaigns.codes import NAME, NO_CONDITION, TIMES, WAVES
from gateway.campaigns.keys import CAMPAIGN, NEEDED
from gateway.campaigns.plan import Campaign

BEGIN = "Begin it with campaign: and the name of the file"
EMPTY = re.compile(r"(\s*(#[^\n]*)?(\n|$))*")


class Loaded(Struct, frozen=True):
    """What a file came to: `campaign` is None when there is a problem. `lines` maps keys (`#start`) to lines."""

    file: str
    campaign: Campaign | None
    problems: tuple[Problem, ...]
    lines: dict[str, int] = {}


def load(text: str, file: str, name: str = "") -> Loaded:
    """Read a campaign file's text; `name` is what its id must be. Never raises, never executes."""
    notes = Notes(file)
    node = None if EMPTY.fullmatch(text) else compose(text, notes)
    found = _campaign(node, notes) if isinstance(node, Map) else None
    if found is None and not notes.problems:
        notes.add(codes.NOT_A_FLOW, 1, "the file holds no campaign", BEGIN)
    if found is not None:
        for key, code, message, remedy in _amiss(found, name):
            notes.add(code, notes.lines.get(key, 1), message, remedy)
    return Loaded(file, None if notes.problems else found, notes.in_order, notes.lines)


def _campaign(node: Map, notes: Notes) -> Campaign | None:
    sheet = Sheet(notes)
    found = read_keys(node, CAMPAIGN, sheet, "", "a campaign")
    for name, remedy in NEEDED.items():
        if lacks(node, name, CAMPAIGN):
            notes.refuse(missing(name, node.line, "the campaign", remedy))
    if not NEEDED.keys() <= found.keys():
        return None
    return Campaign(id=found.pop("campaign"), **found)


Amiss = tuple[str, Code, str, str]
"""A key, what is wrong with it, and the two sentences."""


def _amiss(campaign: Campaign, name: str) -> Iterator[Amiss]:
    """Yield what is wrong with a campaign by itself."""
    if name and campaign.id != name:
        message = f"{quoted(campaign.id)} is not the name of the file, {quoted(name)}"
        yield "#campaign", NAME, message, f"Write campaign: {name}, or rename the file"
    if campaign.end and campaign.end <= campaign.start:
        message = f"the end, {campaign.end}, is not after the start, {campaign.start}"
        yield "#end", TIMES, message, "Write a later end"
    audience = campaign.audience
    for key, there in (("when", audience.when), ("since", audience.since)):
        if there and not audience.flow:
            yield f"an audience#{key}", NO_CONDITION, f"'{key}' says nothing without a flow", "Add flow: and its id"
    if campaign.panel and campaign.panel.rotate and campaign.panel.members == "new":
        message = "a panel of new citizens has nobody to rotate"
        yield "a panel#rotate", codes.WRONG_VALUE, message, "Remove rotate, or write members: same"
    yield from _waves(campaign)


def _waves(campaign: Campaign) -> Iterator[Amiss]:
    shares = sum(wave.share for wave in campaign.waves)
    if shares > 1.000001:
        yield "#waves", WAVES, f"the waves take {shares:.0%} of all", "Let their shares come to 100% at most"
    for at, wave in enumerate(campaign.waves):
        if wave.size and wave.share:
            yield f"wave {at}", WAVES, "a wave has a size and a share", "Keep one of the two"
        if at and not wave.after:
            message = "a wave follows another at once"
            yield f"wave {at}", WAVES, message, "Add after: 1d, so that the answers to the one before can be looked at"
        if not at and wave.after:
            yield "wave 0", WAVES, "the first wave waits for one before it", "Remove after; start: says when it begins"
        if not (wave.size or wave.share) and at + 1 < len(campaign.waves):
            yield f"wave {at + 1}", WAVES, "a wave follows one that takes all", "Give the one before a size or a share"
