"""How many SMS a text costs: the GSM-7 and UCS-2 encodings of 3GPP TS 23.038, and the cut into parts.

GSM-7 counts septets (an extension character such as € takes two), UCS-2 counts UTF-16 code units (an emoji
takes two). One character outside GSM-7 turns the whole text into UCS-2.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from msgspec import Struct

Encoding = Literal["GSM-7", "UCS-2"]

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The 127 characters of the default alphabet. ESC is no character: it announces the extension table."""
EXTENSION = frozenset("\f^{}\\[~]|€")
"""The ten characters behind ESC: two septets each."""
GSM7 = BASIC | EXTENSION

SINGLE: dict[Encoding, int] = {"GSM-7": 160, "UCS-2": 70}
"""What fits in one SMS."""
PART: dict[Encoding, int] = {"GSM-7": 153, "UCS-2": 67}
"""What fits in each part of a longer one, beside the header that joins the parts."""


class Measure(Struct, frozen=True):
    """A text's encoding, its length in that encoding's units, and the SMS it costs."""

    encoding: Encoding
    units: int
    segments: int


def encoding(text: str) -> Encoding:
    """Return the encoding a text is sent in: UCS-2 as soon as one character is outside GSM-7.

    The empty text counts as UCS-2, as the `smsutil` package has it; it costs one SMS either way.
    """
    return "GSM-7" if text and GSM7.issuperset(text) else "UCS-2"


def units(text: str) -> int:
    """Return the length of `text` in septets (GSM-7) or UTF-16 code units (UCS-2)."""
    return _units(text, encoding(text))


def segments(text: str) -> int:
    """Return how many SMS `text` costs, never fewer than one."""
    return measure(text).segments


def measure(text: str) -> Measure:
    """Return encoding, units and segments of `text` at once."""
    coding = encoding(text)
    size = _units(text, coding)
    count = 1 if size <= SINGLE[coding] else len(_cut(text, coding))
    return Measure(coding, size, count)


def split(text: str) -> list[str]:
    """Return the parts `text` is sent in; no escape or surrogate pair is ever cut. Joined, they are `text`."""
    coding = encoding(text)
    return [text] if _units(text, coding) <= SINGLE[coding] else _cut(text, coding)


def fits(text: str, gsm: int, ucs2: int) -> bool:
    """Tell whether `text` fits a screen of `gsm` septets, or of `ucs2` units when it needs UCS-2."""
    coding = encoding(text)
    return _units(text, coding) <= (gsm if coding == "GSM-7" else ucs2)


def costly(text: str) -> list[str]:
    """Return the characters outside GSM-7, each once, in the order they appear."""
    return [character for character in dict.fromkeys(text) if character not in GSM7]


def sms_safe(text: str) -> str:
    """Return `text` fit for sending: no invisible characters, plain spaces, and typography GSM-7 can carry.

    Nothing a reader would miss changes: accents, hamza and ة stay. Arabic loses harakat and tatweel and gets its
    plain letters for presentation forms; a text with Arabic or Tifinagh letters keeps its quotes and dashes,
    which cost nothing there.
    """
    return text if _SETTLED.fullmatch(text) else _made_safe(text)


def _made_safe(text: str) -> str:
    plain = unicodedata.normalize("NFC", _arabic(text.translate(_UNSEEN))).translate(_SPACES)
    if _OTHER_SCRIPT.search(plain):
        return plain
    narrow = plain.translate(_TYPOGRAPHY)
    wide = narrow.translate(_WIDENING)
    return wide if segments(wide) <= segments(narrow) else narrow


def bare(text: str) -> str:
    """Return `text` with each accented letter outside GSM-7 as its bare letter: ê as e, ç as c; é and à stay.

    Something a reader may miss changes, so that it is done only where it saves a segment and the flow allows it.
    """
    return text.translate({ord(one): plain for one in costly(text) if (plain := bare_letter(one))})


def thrifty(text: str) -> str:
    """Return `text` bare where that saves a segment, else as it is."""
    plain = bare(text)
    return plain if segments(plain) < segments(text) else text


def bare_letter(character: str) -> str:
    """Return the bare form of a French letter outside GSM-7; empty for any other character: ½ is not 12, ḍ is not d."""
    letter, marks = (plain := unicodedata.normalize("NFD", character))[:1], plain[1:]
    return letter if letter in GSM7 and _FRENCH_MARKS.issuperset(marks) else ""


def _units(text: str, coding: Encoding) -> int:
    return len(text) + len(_PAIRS[coding].findall(text))


def _cut(text: str, coding: Encoding) -> list[str]:
    """Cut greedily, character by character, so that a pair stays whole."""
    room, pairs = PART[coding], _PAIRS[coding]
    parts: list[str] = []
    start = used = 0
    for at, character in enumerate(text):
        width = 2 if pairs.match(character) else 1
        if used + width > room:
            parts.append(text[start:at])
            start, used = at, 0
        used += width
    return [*parts, text[start:]]


def _arabic(text: str) -> str:
    text = _PRESENTATION.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return text.translate(_HARAKAT)


_PAIRS: dict[Encoding, re.Pattern[str]] = {
    "GSM-7": re.compile(r"[\f^{}\\\[~\]|€]"),
    "UCS-2": re.compile("[\U00010000-\U0010ffff]"),
}
_FRENCH_MARKS = frozenset("\u0300\u0301\u0302\u0308\u0327")
_UNSEEN = dict.fromkeys(
    [0x00AD, 0x061C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
)
_SPACES = dict.fromkeys([0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
_HARAKAT = dict.fromkeys([0x0640, *range(0x064B, 0x0653)])
_TYPOGRAPHY = str.maketrans("‘’‚‛′“”„‟″«»‐‑‒–—―−", "'" * 5 + '"' * 7 + "-" * 7)
_WIDENING = str.maketrans({"…": "...", "œ": "oe", "Œ": "OE"})
# The word ligatures U+FDF0-FDFF stay: one sign would become up to eighteen letters.
_PRESENTATION = re.compile("[\ufb50-\ufdef\ufe70-\ufefc]+")
# Nearly every text; none of these letters changes, alone or beside another of them.
_SETTLED = re.compile(
    "[\n\r\f -~£¤¥§¡¿€À-ÿΓΔΘΛΞΠΣΦΨΩ\u060c\u061b\u061f\u0621-\u063a\u0641-\u064a\u0660-\u0669\u2d30-\u2d67\u2d6f]*"
)
_OTHER_SCRIPT = re.compile("[\u0600-\u06ff\u0750-\u077f\u2d30-\u2d7f]")
