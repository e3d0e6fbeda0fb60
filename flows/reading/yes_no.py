"""Yes and no, in the words of every language, in every flow (rules 9 and 10)."""

from __future__ import annotations

import re

from flows.reading.courtesy import position, without_thanks
from flows.reading.number_words import counted
from flows.reading.spec import Reading, unclear
from locales.folding import EDGES, fold, strip_edges

YES = (
    *("oui", "o", "ok", "نعم", "أه", "اه", "إيه", "ايه", "واه", "ah", "ayeh", "iyyeh", "iyeh", "wah", "na3am"),
    *("ih", "yah", "yyih", "yeh", "ⵢⴰⵀ", "ⵉⵀ", "ⵢⵢⵉⵀ", "ⵡⴰⵀ"),
)
NO = ("non", "n", "لا", "لاواه", "la", "lla", "uhu", "oho", "ⵓⵀⵓ")

_MEANING = {fold(word): meaning for meaning, words in (("yes", YES), ("no", NO)) for word in words}
_BY_POSITION = {1: "yes", 2: "no"}
_BETWEEN = re.compile(f"[{re.escape(EDGES)}]+")


def read_yes_no(text: str) -> Reading:
    """Read folded text as yes or no. Every word must say the same; one word more than that is unclear."""
    known = _MEANING.get(text)
    if known:
        return Reading(value=known)
    if "?" in text or "؟" in text:
        return unclear("question")
    text = without_thanks(text)
    number = position(text)
    if number is None:
        number = counted(text)
    if number is not None:
        return _numbered(number)
    return _worded(_BETWEEN.split(strip_edges(text)))


def _numbered(number: int) -> Reading:
    meaning = _BY_POSITION.get(number)
    return Reading(value=meaning) if meaning else unclear("out-of-range" if number else "navigation")


def _worded(words: list[str]) -> Reading:
    """Read `oui oui`, `oui, نعم` or `1 oui`: all of one meaning, and not all of them numbers."""
    numbers = [word for word in words if word in ("1", "2")]
    meanings = {_MEANING.get(word) for word in words if word not in numbers}
    if not meanings or None in meanings:
        return unclear()
    meanings |= {_BY_POSITION[int(word)] for word in numbers}
    return Reading(value=meanings.pop()) if len(meanings) == 1 else unclear("two-answers")
