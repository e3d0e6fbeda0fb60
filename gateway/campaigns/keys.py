"""The language of campaign files: the tables of their keys, and how each value is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

from flows.load import codes
from flows.load.keys import Key, lacks, missing, read_keys, table
from flows.load.nodes import List, Map, Node
from flows.load.problem import Refused, quoted
from flows.load.values import (
    FLOW_ID,
    RESERVED_FLOWS,
    Reader,
    Sheet,
    boolean,
    condition,
    duration,
    identifier,
    integer,
    languages,
    number,
    one_of,
    word,
)
from flows.model import PlaceLevel
from gateway.campaigns.plan import Audience, Members, Panel, Stop, Wave

LEVELS: tuple[PlaceLevel, ...] = get_args(PlaceLevel)
MOST = 1_000_000
MAX_WAVES = 20
MAX_PLACES = 2_000
CODE = r"[0-9]{2}(\.[0-9]{3})?(\.[0-9]{2}){0,2}"
MOMENT = r"20[0-9]{2}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9]"
HOURS = r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]"
SHARE = r"[0-9]{1,3}(\.[0-9]{1,2})? ?%"


def moment(node: Node, sheet: Sheet, where: str) -> str:
    """Return a civil time, `2026-12-01 09:00`."""
    said = word(node, sheet, where)
    try:
        if re.fullmatch(MOMENT, said):
            return datetime.strptime(said, "%Y-%m-%d %H:%M").strftime("%Y-%m-%d %H:%M")  # noqa: DTZ007 - civil
    except ValueError:
        pass
    raise Refused(codes.WRONG_VALUE, node.line, f"{quoted(said)} is no date with a time", "Write 2026-12-01 09:00")


def hours(node: Node, sheet: Sheet, where: str) -> str:
    """Return hours of the day, `09:00-18:00`."""
    said = word(node, sheet, where)
    if re.fullmatch(HOURS, said) and said[:5] < said[6:]:
        return said
    message = f"{quoted(said)} are no hours of one day"
    raise Refused(codes.WRONG_VALUE, node.line, message, "Write 09:00-18:00: from, a hyphen, until")


def share(node: Node, sheet: Sheet, where: str) -> float:
    """Return the part of one that `50%` is."""
    said = word(node, sheet, where)
    if re.fullmatch(SHARE, said) and 0 < float(said.rstrip(" %")) <= 100:
        return float(said.rstrip(" %")) / 100
    raise Refused(codes.WRONG_VALUE, node.line, f"{quoted(said)} is no share", "Write it in percent, such as 50%")


def places(node: Node, sheet: Sheet, where: str) -> tuple[str, ...]:
    """Return codes of places, each once."""
    items = node.items if isinstance(node, List) else [node]
    if len(items) > MAX_PLACES:
        message = f"the list has {len(items)} places"
        raise Refused(codes.TOO_LARGE, node.line, message, f"Name {MAX_PLACES} at most, or their provinces")
    found: dict[str, int] = {}
    for item in items:
        said = word(item, sheet, where)
        if said in found:
            raise Refused(codes.REPEATED, item.line, f"{quoted(said)} is in the list twice", "Remove one of the two")
        found[said] = item.line
        sheet.notes.lines[f"place {said}"] = item.line
    return tuple(found)


def quota(node: Node, sheet: Sheet, where: str) -> dict[str, int]:
    """Return the most asked: by level of places, and by place."""
    if not isinstance(node, Map) or not node.pairs:
        raise Refused(codes.WRONG_SHAPE, node.line, "a quota is a map", "Write quota: {commune: 30}")
    found: dict[str, int] = {}
    for name, (key, value) in list(node.pairs.items())[:MAX_PLACES]:
        found[name] = int(str(AMOUNT(value, sheet, where)))
        if name not in LEVELS:
            sheet.notes.lines[f"quota {name}"] = key.line
    return found


def rounds_of(node: Node, sheet: Sheet, where: str) -> Panel:
    """Return the rounds of a panel."""
    found = _part(node, sheet, where, PANEL, "a panel")
    for name, remedy in (("every", "Write every: 14d"), ("rounds", "Write rounds: 6")):
        if isinstance(node, Map) and lacks(node, name, PANEL):
            raise missing(name, node.line, "a panel", remedy)
    return Panel(**{"every": 86_400, "rounds": 1} | found)


def audience(node: Node, sheet: Sheet, where: str) -> Audience:
    """Return who is asked."""
    return Audience(**_part(node, sheet, where, AUDIENCE, "an audience"))


def stop(node: Node, sheet: Sheet, where: str) -> Stop:
    """Return the stop rule."""
    return Stop(**_part(node, sheet, where, STOP, "a stop rule"))


def waves(node: Node, sheet: Sheet, where: str) -> tuple[Wave, ...]:
    """Return the waves in their order."""
    if not isinstance(node, List) or not node.items:
        raise Refused(codes.WRONG_SHAPE, node.line, "waves are a list", "Write one wave a line: - {size: 50}")
    if len(node.items) > MAX_WAVES:
        message = f"the list has {len(node.items)} waves"
        raise Refused(codes.TOO_LARGE, node.line, message, f"Write {MAX_WAVES} at most")
    found = []
    for at, item in enumerate(node.items):
        sheet.notes.lines[f"wave {at}"] = item.line
        found.append(Wave(**_part(item, sheet, f"{where}wave {at}", WAVE, "a wave")))
    return tuple(found)


def _part(node: Node, sheet: Sheet, where: str, keys: Mapping[str, Key], whose: str) -> dict[str, Any]:
    if not isinstance(node, Map):
        raise Refused(codes.WRONG_SHAPE, node.line, f"{whose} is a map of keys", f"Write some of: {', '.join(keys)}")
    return read_keys(node, keys, sheet, where or whose, whose)


AMOUNT: Reader = integer(1, MOST)
FLOW: Reader = identifier(FLOW_ID, RESERVED_FLOWS)
AUDIENCE = table(
    Key("places", places, "HCP codes of regions, provinces or communes; who told no place is then not asked"),
    Key("languages", languages, "only who has chosen one of these"),
    Key("flow", FLOW, "only who has answered this flow before"),
    Key("when", condition, "and whose answers there fulfil this condition (`satisfaction <= 2`)"),
    Key("since", duration, "how far back these answers count (`90d`; default: for ever)"),
)
WAVE = table(
    Key("size", AMOUNT, "so many citizens"),
    Key("share", share, "such a part of all (`25%`); neither: all that are left"),
    Key("after", duration, "since the wave before it began (`2d`)"),
)
STOP = table(
    Key("completed", AMOUNT, "enough: so many have answered to the end"),
    Key("stopped", share, "more than this share of those asked said stop"),
    Key("unclear", share, "more than this share wrote what no question understood"),
    Key("failed", share, "more than this share could not be reached"),
    Key("spent", number, "money, by the prices in `awal.toml`: kept back for every open conversation, never passed"),
    Key("least", AMOUNT, "shares count from so many asked (default 20)"),
)
PANEL = table(
    Key("every", duration, "from the begin of a round to the next (`14d`)"),
    Key("rounds", integer(2, 100), "how many there are"),
    Key("members", one_of(get_args(Members), "how members are chosen"), "`same` citizens in each round, or `new` ones"),
    Key("rotate", share, "the share of a panel that gives way to others in each round (`25%`)"),
)
CAMPAIGN = table(
    Key("campaign", FLOW, "its id: the name of the file without `.yaml`"),
    Key("title", word, "what operators read"),
    Key("flow", FLOW, "the flow that is asked"),
    Key("audience", audience, "who is asked (default: everyone who may be)"),
    Key("most", AMOUNT, "citizens asked in a round, drawn from the audience by lot (default: all)"),
    Key("channel", word, "the channel that sends (default: the one each citizen wrote to)"),
    Key("start", moment, "when the first wave begins, in civil time: `2026-12-01 09:00`"),
    Key("end", moment, "after which nobody is asked"),
    Key("hours", hours, "when citizens are asked: `09:00-18:00`; quiet hours hold in any case"),
    Key("waves", waves, "a pilot first, then the others (default: all at once)"),
    Key("quota", quota, "most asked in a round: by level (`commune: 30`) or by place (`02.411: 100`)"),
    Key("stop", stop, "when no more are asked"),
    Key(
        "reminders",
        boolean,
        "yes: who does not answer at all is reminded as the flow says (default no); who has begun to answer always is",
    ),
    Key("rest", duration, "for how long who was asked by any campaign is not asked again (default 7d)"),
    Key("panel", rounds_of, "the same short survey again and again"),
)
NEEDED = {
    "campaign": "Write campaign: and the name of the file without .yaml",
    "flow": "Write flow: and the id of the flow to ask",
    "start": "Write start: 2026-12-01 09:00",
}
