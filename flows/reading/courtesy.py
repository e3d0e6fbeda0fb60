"""What may stand around an answer without changing it: thanks after it, `n°` before a position (rules 5 and 9)."""

from __future__ import annotations

import re

from locales.folding import EDGES, fold, spaced

THANKS = (
    *("svp", "stp", "s'il vous plaît", "s'il te plaît", "sil vous plaît", "sil te plaît", "please", "thanks"),
    *("merci", "merci beaucoup", "merci bien", "merci d'avance"),
    *("شكرا", "شكرا جزيلا", "شكرا لك", "شكرا لكم", "من فضلك", "من فضلكم", "لو سمحت", "لو سمحتم", "المرجو"),
    *("عافاك", "عفاك", "الله يخليك", "3afak", "afak", "choukran", "chokran", "chukran", "shukran"),
    *("ⵜⴰⵏⵎⵎⵉⵔⵜ", "tanmmirt", "ⵎⴽ ⵜⵓⴼⵉⴷ", "mk tufid"),
)
FRIENDLY = "🙂😊😀😃😄😁☺👍🙏👌✅❤🌹"
"""Signs that say no more than thanks; a sign that may turn an answer round (👎 😂 ❌) leaves it unclear."""
POSITION_WORDS = (
    *("n°", "numéro", "numéros", "num", "choix", "option", "options", "réponse", "réponses"),
    *("رقم", "الرقم", "خيار", "الخيار", "اختيار", "الاختيار", "جواب", "الجواب", "ⵓⵟⵟⵓⵏ", "uṭṭun"),
)

_THANKS = tuple(sorted({form for one in THANKS for form in (fold(one), spaced(fold(one)))}, key=len, reverse=True))

_FRIENDLY = re.compile(rf"[{FRIENDLY}][\U0001f3fb-\U0001f3ff]?")
_BETWEEN = ",;.:|!…،؛"
_LAST_SMILE = re.compile(rf"\s*(?:{_FRIENDLY.pattern})\s*\Z")
_EDGE = f"[{re.escape(EDGES)}]"
_BEFORE = _EDGE.replace(re.escape("-"), "")  # a dash before a digit may be a minus
_SIGN = "|".join(fold(word) for word in POSITION_WORDS if not word.isascii() and not fold(word).isascii())
_WORD = "|".join(fold(word) for word in POSITION_WORDS if fold(word).isascii())
# A Latin word needs a gap before its number: a digit that stands in a Latin word is a letter (rule 6).
# `option n° 2` has two such words.
_LABELLED = rf"(?:{_EDGE}*(?:(?:{_SIGN}|{_WORD}){_EDGE}+)?(?:(?:{_SIGN}){_EDGE}*|(?:{_WORD}){_EDGE}+)|{_BEFORE}*)"
_POSITION = re.compile(rf"{_LABELLED}(\d{{1,9}}){_EDGE}*")
_NUMBERED = re.compile(rf"{_LABELLED}(\d{{1,9}}){_EDGE}+(\D.*)")
_COUNTED = re.compile(rf"(.*[^\W\d_]){_EDGE}+(\d{{1,9}}){_EDGE}*")
_NEGATIVE = re.compile(r"[^\w]*-\s*\d")


def without_thanks(text: str) -> str:
    """Return folded text without the courtesy words and friendly signs at its end; thanks alone stay.

    >>> without_thanks("oui, merci beaucoup !"), without_thanks("oui 👍"), without_thanks("merci")
    ('oui', 'oui', 'merci')
    """
    if not text.isascii() and _FRIENDLY.search(text):
        text = _unsmiled(text)
    bare = text.rstrip(EDGES)
    while bare.endswith(_THANKS):
        thanks = next(one for one in _THANKS if bare.endswith(one))
        head = bare[: -len(thanks)]
        if not head.strip(EDGES) or head[-1].isalnum() or _torn(head, thanks):
            return text
        text = bare = head.rstrip(EDGES)
    return text


def says_nothing(word: str) -> bool:
    """Tell whether a word among answers is none: thanks, or a sign that stands between two of them."""
    return is_sign(word) or fold(word) in _THANKS


def is_sign(word: str) -> bool:
    """Tell whether a word is only a sign that stands between two answers."""
    return not word.strip(_BETWEEN)


def _torn(head: str, thanks: str) -> bool:
    """Tell whether a 3 before `afak` may be its first letter, written apart."""
    return thanks == "afak" and head.rstrip(EDGES).endswith("3")


def _unsmiled(text: str) -> str:
    """Return a text without the friendly signs at its end, unless nothing else is said."""
    head = text
    while found := _LAST_SMILE.search(head):
        head = head[: found.start()]
    return head if head.strip(EDGES) else text


def position(text: str) -> int | None:
    """Return the number that folded text is, with its dot, bracket or label word; None when it is anything else.

    >>> position("(2)"), position("n° 2"), position("option 2."), position("-2"), position("2eme"), position("2 3")
    (2, 2, 2, None, None, None)
    """
    found = _POSITION.fullmatch(text)
    return int(found[1]) if found else None


def is_negative(text: str) -> bool:
    """Tell whether folded text begins with a minus before a digit, or with a dash that may be one."""
    return _NEGATIVE.match(text) is not None


def numbered(text: str) -> tuple[int, str] | None:
    """Return the number and the words of `1 Eau`, `1) Eau` or `Eau 1`; None for any other shape."""
    found = _NUMBERED.fullmatch(text)
    if found:
        return int(found[1]), found[2]
    found = _COUNTED.fullmatch(text)
    return (int(found[2]), found[1]) if found else None
