"""Places by name or code (rule 20), on top of what the gazetteer finds."""

from __future__ import annotations

import re

from flows.reading.courtesy import without_thanks
from flows.reading.spec import Reading, Spec, unclear
from flows.texts import Place, Places
from locales.folding import fold, spaced, strip_edges

_SEPARATOR = re.compile(r"[,;/+&،؛]")
_LINKS = frozenset(("et", "ou", "w", "و", "او", "ⴷ"))
"""Words between two places; `Aït Youssef Ou Ali` has one in its name."""
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
    links = _LINKS.intersection(bare.split())
    found = [place for place in places.find(bare, spec.level, spec.within) if not links or _holds(place, links)]
    codes = tuple(dict.fromkeys(place.code for place in found))
    if len(codes) == 1:
        return Reading(value=codes[0])
    return unclear("ambiguous", codes) if codes else unclear("not-a-place")


def _is_one(text: str) -> bool:
    """Tell whether the text can be one name or one code: `Taza, Fès` and `Taza 2` are neither."""
    if any(map(str.isdigit, text)):
        return bool(_FIGURES.fullmatch(text)) and sum(map(str.isdigit, text)) >= _REGION
    return not _SEPARATOR.search(text)


def _holds(place: Place, links: frozenset[str]) -> bool:
    """Tell whether one of the place's own names has these linking words, so that they link no second place."""
    return any(links <= set(spaced(fold(name)).split()) for name in place.names.values())
