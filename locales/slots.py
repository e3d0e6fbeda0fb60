"""Slots in a text: `{name}` and nothing more, so that a translation can never reach into an object."""

from __future__ import annotations

import re
from collections.abc import Mapping

from locales.formats import visible

_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}")


def slots(text: str) -> frozenset[str]:
    """Return the names of the slots in a text."""
    return frozenset(_SLOT.findall(text)) if "{" in text else frozenset()


def fill(text: str, values: Mapping[str, object]) -> str:
    """Return the text with its slots filled, each value made safe for SMS; an unknown slot stays as it is written."""
    if "{" not in text:
        return text
    return _SLOT.sub(lambda slot: visible(str(values[slot[1]])) if slot[1] in values else slot[0], text)
