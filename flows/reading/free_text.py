"""Free text: kept as it was written, but for its outer blanks."""

from __future__ import annotations

import re

from flows.reading.spec import Reading, unclear
from locales.folding import fold

_UNSEEN = r"[\s\x00\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
_OUTER = re.compile(rf"\A{_UNSEEN}+|{_UNSEEN}+\Z")
# What neither UTF-8 nor PostgreSQL can hold.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def read_text(raw: str) -> Reading:
    """Return the raw text, trimmed; a lone `0` is a key, not an answer."""
    if fold(raw) == "0":
        return unclear("navigation")
    return Reading(value=_OUTER.sub("", _UNSTORABLE.sub("\ufffd", _OUTER.sub("", raw))))
