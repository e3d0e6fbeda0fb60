"""The head of a flow file, and the flow made of all its parts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from flows.load import codes
from flows.load.keys import Key, lacks, missing, read_keys, table
from flows.load.legal import legal
from flows.load.nodes import List, Map, Node, Scalar
from flows.load.problem import Refused, quoted
from flows.load.steps import steps
from flows.load.values import (
    FLOW_ID,
    RESERVED_FLOWS,
    TRUTHS,
    UNNAMED,
    Sheet,
    boolean,
    duration,
    identifier,
    integer,
    language,
    languages,
    one_of,
    text,
    words,
)
from flows.model import REMINDERS, RESUME, SECTORS, Flow, Step, Text
from locales.tags import TAGS

LEAST_SILENCE = 3600
"""Seconds of silence before anybody is reminded."""


def receipt(node: Node, sheet: Sheet, where: str) -> str:
    """Return whether a receipt number is given, and how."""
    if isinstance(node, Scalar) and node.text.strip() == "sms":
        return "sms"
    return "shown" if boolean(node, sheet, where) else ""


def remind(node: Node, sheet: Sheet, where: str) -> tuple[int, ...]:
    """Return the seconds of silence after which a citizen is reminded: yes, no, one duration, or two that rise."""
    if isinstance(node, Scalar) and node.text.strip().lower() in TRUTHS:
        return REMINDERS if boolean(node, sheet, where) else ()
    found = tuple(duration(one, sheet, where) for one in (node.items if isinstance(node, List) else [node]))
    if len(found) > len(REMINDERS):
        message = f"{len(found)} reminders are too many: citizens get {len(REMINDERS)} at most"
        raise Refused(codes.WRONG_VALUE, node.line, message, "Write [4h, 20h], or one of the two")
    if any(one < LEAST_SILENCE for one in found) or any(late <= early for early, late in pairwise(found)):
        message = "reminders come later and later, the first after an hour at the earliest"
        raise Refused(codes.WRONG_VALUE, node.line, message, "Write the hours of silence before each: [4h, 20h]")
    return found


HEADER = table(
    Key("flow", identifier(FLOW_ID, RESERVED_FLOWS), "the flow's id: small letters, digits, hyphens"),
    Key("version", integer(1, 999_999), "a whole number, raised with every change (default 1)"),
    Key("title", text, "what citizens read in the list of flows"),
    Key("sector", one_of(SECTORS, "a sector"), f"the part of public life it is about: {', '.join(SECTORS)} (default)"),
    Key("language", language, "the language the texts of the file are written in"),
    Key("languages", languages, "the languages offered to citizens (default: the one above)"),
    Key("keywords", words, "the SMS words that start it"),
    Key("provisional", languages, "offered languages whose texts await a native speaker's review"),
    Key("consent", boolean, "yes: ask for consent before the first question (default yes)"),
    Key("legal", legal, "what allows it to ask for personal data: `{ground: consent}`"),
    Key(
        "fold",
        one_of(("accents",), "what may be folded"),
        "accents: ê is sent as e where that saves a page or an SMS",
    ),
    Key(
        "receipt", receipt, "yes: who has answered gets a receipt number; sms: by SMS too where the last screen is USSD"
    ),
    Key("resume", duration, "how long a dropped conversation can be taken up again (default 24h)"),
    Key("lost", boolean, "yes: who loses a USSD session is told by SMS how to go on (default no)"),
    Key("remind", remind, "after how much silence by SMS the question is asked again: `[4h, 20h]` (default), or no"),
)
KEYS = (*HEADER, "steps")
NEEDED = {"flow": "Write flow: and a short id, such as water", "language": "Write language: fr, for example"}


def flow(node: Map, sheet: Sheet) -> Flow | None:
    """Return the flow that a file holds, as far as it can be read: what is wrong is noted and left out."""
    _foreword(node, sheet)
    found = read_keys(node, HEADER, sheet, "", "a flow", skip=("steps", *NEEDED))
    _consistent(found, sheet)
    read = _steps(node, sheet)
    if sheet.flow == UNNAMED:
        return None
    found |= {"id": sheet.flow, "language": sheet.language, "steps": read}
    found.setdefault("version", 1)
    found.setdefault("title", _no_title(node, sheet))
    found.setdefault("languages", (sheet.language,))
    if "provisional" in node.pairs and "provisional" not in found:
        found["languages"] = (sheet.language,)  # which translations must be there is not known
    return Flow(**found)


def _no_title(node: Map, sheet: Sheet) -> Text:
    """Return the id as the title; where a title is written that cannot be read, it lacks no translation."""
    inline = dict.fromkeys(TAGS, sheet.flow) if "title" in node.pairs else {}
    return Text(sheet.flow, sheet.flow, inline)


def _foreword(node: Map, sheet: Sheet) -> None:
    """Read what every text needs to know: whose it is and in which language it is written."""
    for name, remedy in NEEDED.items():
        try:
            if name in node.pairs:
                setattr(sheet, name, HEADER[name].read(node.pairs[name][1], sheet, ""))
            elif lacks(node, name, KEYS):
                raise missing(name, node.line, "the flow", remedy)
        except Refused as refused:
            sheet.notes.refuse(refused)
    sheet.language = sheet.language or "fr"
    if lacks(node, "title", KEYS):
        sheet.notes.add(codes.NO_TITLE, node.line, "the flow has no title", "Write title: and what citizens will read")


def _consistent(found: dict[str, Any], sheet: Sheet) -> None:
    _in_time(found, sheet)
    offered = found.get("languages", (sheet.language,))
    for tag in found.get("provisional", ()):
        if tag not in offered:
            line = sheet.notes.lines["#provisional"]
            message = f"{quoted(tag)} is provisional but not offered"
            sheet.notes.add(codes.WRONG_VALUE, line, message, "Add it to languages, or remove it here")


def _in_time(found: dict[str, Any], sheet: Sheet) -> None:
    """Refuse a reminder that would come when its answer is not taken any more."""
    resume = found.get("resume", RESUME)
    given = found.get("remind", ())
    late = [one for one in given if one >= resume]
    if late and given != REMINDERS:
        line = sheet.notes.lines["#remind"]
        message = f"a reminder after {late[0] / 3600:g} h comes when the conversation cannot be taken up any more"
        sheet.notes.add(codes.WRONG_VALUE, line, message, f"Write less than resume, which is {resume / 3600:g} h")


def _steps(node: Map, sheet: Sheet) -> tuple[Step, ...]:
    try:
        if "steps" in node.pairs:
            return steps(node.pairs["steps"][1], sheet)
        if lacks(node, "steps", KEYS):
            raise missing("steps", node.line, "the flow", "Write steps: and one step a line below")
    except Refused as refused:
        sheet.notes.refuse(refused)
    return ()
