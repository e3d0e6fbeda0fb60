"""Numbers: integers, decimals, ratings and marks out of ten (rules 6, 7 and 15 to 18).

A number is the whole reply, with at most a known unit behind it. Ranges, bounds, fractions and hours are unclear.
"""

from __future__ import annotations

import re

from msgspec import Struct

from flows.reading.courtesy import numbered, position, without_thanks
from flows.reading.labels import Labels, form, labels_of
from flows.reading.number_words import counted
from flows.reading.spec import Reading, Spec, unclear
from locales.folding import EDGES, fold, letters, plain

UNITS = (
    *("an", "ans", "année", "années", "heure", "heures", "h", "minute", "minutes", "min", "mn", "jour", "jours"),
    *("mois", "km", "kilomètre", "kilomètres", "kg", "kilo", "kilos", "%", "dh", "dhs", "dirham", "dirhams", "mad"),
    *("enfant", "enfants", "personne", "personnes", "étoile", "étoiles"),
    *("سنة", "سنوات", "عام", "أعوام", "ساعة", "ساعات", "يوم", "أيام", "دقيقة", "دقائق", "شهر", "أشهر", "شهور"),
    *("كلم", "كم", "كيلومتر", "كيلومترات", "كغ", "كيلو", "درهم", "دراهم", "طفل", "أطفال", "شخص", "أشخاص"),
    *("نجمة", "نجوم"),
)
_UNITS = frozenset(map(fold, UNITS))

_GROUPED = re.compile(r"(?<=\d)[\u00a0\u202f](?=\d{3}(?!\d))")
_GROUP_MARK = "\u066c"
_EDGE = f"[{re.escape(EDGES)}]*"
# Before the digits no mark that could belong to the number.
_BEFORE = _EDGE.replace(re.escape("-"), "").replace(re.escape("."), "").replace(",", "")
_NUMBER = re.compile(
    rf"{_BEFORE}(?P<sign>[+-]?)(?:(?P<grouped>\d{{1,3}}(?:\.\d{{3}})+)(?=,\d)|(?P<marked>\d{{1,3}}(?:{_GROUP_MARK}\d{{3}})+)"
    rf"|(?P<plain>\d{{1,15}}))(?:[.,\u066b](?P<fraction>\d{{1,9}}))?(?P<unit> ?%| ?[^\W\d_]+)?{_EDGE}"
)
_OUT_OF = re.compile(r"([^/]+?) ?(?:/| sur | من ) ?([^/]+)")


class Quantity(Struct, frozen=True):
    """A number as written: its value, whether it is whole, and its other reading when a mark is ambiguous."""

    value: float
    whole: bool
    thousands: float | None = None
    """`1.500` may be one and a half or fifteen hundred."""


def read_integer(raw: str, text: str, spec: Spec) -> Reading:
    """Read a whole number within the bounds; a decimal is never rounded."""
    found = quantity(raw, text)
    if found is None:
        return unclear("not-a-number")
    if not found.whole:
        return unclear("not-whole")
    return _bounded(int(found.value), spec.min, spec.max)


def read_decimal(raw: str, text: str, spec: Spec) -> Reading:
    """Read a number within the bounds."""
    found = quantity(raw, text)
    if found is None:
        return unclear("not-a-number")
    if found.thousands is not None and (spec.max is None or found.thousands <= spec.max):
        return unclear("ambiguous")
    return _bounded(float(found.value), spec.min, spec.max)


def read_rating(raw: str, text: str, spec: Spec) -> Reading:
    """Read a mark from 1 to the maximum: a number, `4/5`, or a mark's label."""
    low, high = _marks(spec)
    labels = labels_of(spec.options)
    whole = labels.whole(form(text))
    if whole and not form(text).isdigit():
        return _mark(whole, labels)
    found = _in_scale(raw, text, low, high)
    return _labelled(text, labels) if found is None else found


def read_nps(raw: str, text: str) -> Reading:
    """Read a mark from 0 to 10."""
    return _in_scale(raw, text, 0, 10) or unclear("not-a-number")


def quantity(raw: str, text: str = "") -> Quantity | None:
    """Return the number that a reply is, digits or words, with or without a unit; else None.

    `text` is the folded reply; only `raw` still tells a grouping blank from another blank.
    """
    text = text or plain(raw)
    if "\u00a0" in raw or "\u202f" in raw:
        text = plain(_GROUPED.sub(_GROUP_MARK, raw))
    text = without_thanks(text)
    found = _NUMBER.fullmatch(text)
    written = _quantity(found) if found else None
    if written is not None:
        return written
    value = counted(_without_unit(form(text)))
    return None if value is None else Quantity(value, whole=True)


def _quantity(found: re.Match[str]) -> Quantity | None:
    unit, fraction = (found["unit"] or "").strip(), found["fraction"]
    if unit and unit not in _UNITS:
        return None
    digits = (found["grouped"] or found["marked"] or found["plain"]).replace(".", "").replace(_GROUP_MARK, "")
    sign = -1 if found["sign"] == "-" else 1
    if fraction is None:
        return Quantity(sign * int(digits), whole=True)
    like_thousands = found["plain"] and len(digits) <= 3 and digits[0] != "0" and len(fraction) == 3
    thousands = sign * float(digits + fraction) if like_thousands and "\u066b" not in found[0] else None
    return Quantity(sign * float(f"{digits}.{fraction}"), whole=False, thousands=thousands)


def _without_unit(text: str) -> str:
    head, _, last = text.rpartition(" ")
    return head if head and last in _UNITS else text


def _bounded(value: float, low: float | None, high: float | None) -> Reading:
    """Accept a value within the bounds; a negative one only where the question says that there are such."""
    if value < 0 and (low is None or low >= 0):
        return unclear("out-of-range")
    if (low is not None and value < low) or (high is not None and value > high):
        return unclear("navigation" if value == 0 else "out-of-range")
    return Reading(value=value)


def _marks(spec: Spec) -> tuple[int, int]:
    low = 1 if spec.min is None else int(spec.min)
    return low, int(spec.max) if spec.max is not None else (len(spec.options) or 5)


def _in_scale(raw: str, text: str, low: int, high: int) -> Reading | None:
    """Read a mark as a number or as a part of the maximum; None when the reply is no number at all."""
    if "%" in text:  # 5 % is not five out of five
        return unclear("not-the-scale")
    found = quantity(raw, text)
    if found is not None:
        return _bounded(int(found.value), low, high) if found.whole else unclear("not-whole")
    text = without_thanks(text)
    number = None if text[:1] in ".,-" else position(text)
    if number is not None:
        return _bounded(number, low, high)
    part = _OUT_OF.fullmatch(form(text))
    return _part(part[1], part[2], low, high) if part else None


def _part(mark: str, whole: str, low: int, high: int) -> Reading | None:
    """Read `4/5` and `3 sur 5`, whose denominator must be the maximum."""
    found, out_of = quantity(mark), quantity(whole)
    if found is None or out_of is None:
        return None
    if not found.whole or out_of.value != high:
        return unclear("not-the-scale")
    return _bounded(int(found.value), low, high)


def _labelled(text: str, labels: Labels) -> Reading:
    """Read a mark by its label, alone or after its number."""
    for attempt in (text, without_thanks(text)) if letters(text) else ():
        both = numbered(attempt)
        number, words = both or (None, attempt)
        found = labels.named(form(words))
        if found:
            read = _mark(found, labels)
            return read if number in (None, read.value) else unclear("two-answers")
    return unclear("not-a-number")


def _mark(found: set[int], labels: Labels) -> Reading:
    if len(found) > 1:
        return unclear("ambiguous", labels.offer(found))
    at = next(iter(found))
    key = labels.keys[at]
    return Reading(value=int(key) if key.isascii() and key.isdigit() else at + 1)
