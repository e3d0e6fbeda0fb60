"""The `legal` key of a flow: what allows it to ask for personal data."""

from __future__ import annotations

from typing import get_args

from flows.load import codes
from flows.load.keys import Key, lacks, missing, read_keys, table
from flows.load.nodes import Map, Node
from flows.load.problem import Refused
from flows.load.values import Sheet, one_of, word
from flows.model import Ground, Legal

FORM = 'Write legal: {ground: authorisation, number: "A-123/2026"}, or legal: {ground: consent}'
LEGAL_KEYS = table(
    Key("ground", one_of(get_args(Ground), "a legal ground"), "`consent`, or `authorisation`"),
    Key("number", word, "the number of the CNDP's authorisation or receipt"),
)


def legal(node: Node, sheet: Sheet, where: str) -> Legal:
    """Return the legal ground that a flow declares."""
    if not isinstance(node, Map):
        raise Refused(codes.WRONG_SHAPE, node.line, "the legal ground is not a map", FORM)
    found = read_keys(node, LEGAL_KEYS, sheet, f"{where}legal", "a legal ground")
    if lacks(node, "ground", LEGAL_KEYS):
        raise missing("ground", node.line, "the legal ground", FORM)
    return Legal(**{"ground": "consent"} | found)
