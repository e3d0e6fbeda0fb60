"""Phone numbers: Moroccan unless they say otherwise, kept as E.164."""

from __future__ import annotations

import re

from flows.reading.courtesy import without_thanks
from flows.reading.spec import Reading, unclear
from locales.folding import EDGES, fold, strip_edges

REGION = "MA"

# Checked before the library sees it: it would turn letters into digits and find a number inside a sentence.
_SHAPE = re.compile(r"\+? ?\(?\d[\d ().\-/]{7,24}")
LABELS = ("tel", "tél", "téléphone", "gsm", "mobile", "portable", "whatsapp", "num", "numéro", "numéro de téléphone")
SIGNS = ("n°", "رقم", "الرقم", "هاتف", "الهاتف", "رقم الهاتف", "نمرة", "النمرة")
"""What may stand before a number; these last without a gap too."""

_EDGE = f"[{re.escape(EDGES.replace('(', ''))}]"
_LABEL = re.compile(
    rf"\A(?:(?:{'|'.join(map(fold, LABELS))}){_EDGE}+|(?:{'|'.join(map(fold, SIGNS))}){_EDGE}*)(?=[\d+(])"
)
_DIGITS = range(9, 16)


def read_phone(text: str) -> Reading:
    """Read folded text as a valid phone number."""
    bare = strip_edges(_LABEL.sub("", without_thanks(text)))
    digits = sum(map(str.isdigit, bare))
    if not _SHAPE.fullmatch(bare) or digits not in _DIGITS:
        return unclear("not-a-phone")
    number = _valid(bare)
    return Reading(value=number) if number else unclear("not-a-phone")


def _valid(text: str) -> str | None:
    """Return the number as E.164; only `+` or `00` leaves Morocco."""
    import phonenumbers  # 0.05 s, and most flows never ask for a number

    try:
        number = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
