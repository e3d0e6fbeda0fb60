"""Places by name or code (rule 20), on top of what the gazetteer finds."""

from __future__ import annotations

import re

from flows.reading.courtesy import without_thanks
from flows.reading.spec import Reading, Spec, unclear
from flows.texts import Places
from locales.folding import strip_edges

_TWO = re.compile(r"[,;/+&،؛]| (?:et|ou|w|و|او|ⴷ) ")
_FIGURES = re.compile(r"\d[\d. -]*")
_REGION = 2
"""The digits of the shortest code; a shorter number is a key of a menu."""


def read_place(text: str, spec: Spec, places: Places | None) -> Reading:
    """Read folded text as a place of the level asked; the value is its HCP code, candidates are worth a menu."""
    bare = strip_edges(without_thanks(text))
    if bare == "0":
        return unclear("navigation")
    if places is None or not _is_one(bare):
        return unclear("not-a-place")
    found = dict.fromkeys(place.code for place in places.find(bare, spec.level, spec.within))
    if len(found) == 1:
        return Reading(value=next(iter(found)))
    return unclear("ambiguous", tuple(found)) if found else unclear("not-a-place")


def _is_one(text: str) -> bool:
    """Tell whether the text can be one name or one code: `Taza et Fès` and `Taza 2` are neither."""
    if any(map(str.isdigit, text)):
        return bool(_FIGURES.fullmatch(text)) and sum(map(str.isdigit, text)) >= _REGION
    return not _TWO.search(text)
