"""Numbers and dates as citizens and officials read them: 0-9, decimal comma, Moroccan month names.

Our own tables rather than Babel's formats, because those put U+202F, U+00A0 and U+200F into a text, and one such
character turns an SMS of 160 characters into three; and because Babel's Arabic month names depend on which locale
was loaded first (python-babel #1234).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

MONTHS: dict[str, tuple[str, ...]] = {
    "ar": (
        *("يناير", "فبراير", "مارس", "أبريل", "ماي", "يونيو"),
        *("يوليوز", "غشت", "شتنبر", "أكتوبر", "نونبر", "دجنبر"),
    ),
    "fr": (
        *("janvier", "février", "mars", "avril", "mai", "juin"),
        *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    ),
    "zgh": (
        *("ⵉⵏⵏⴰⵢⵔ", "ⴱⵕⴰⵢⵕ", "ⵎⴰⵕⵚ", "ⵉⴱⵔⵉⵔ", "ⵎⴰⵢⵢⵓ", "ⵢⵓⵏⵢⵓ"),
        *("ⵢⵓⵍⵢⵓⵣ", "ⵖⵓⵛⵜ", "ⵛⵓⵜⴰⵏⴱⵉⵔ", "ⴽⵜⵓⴱⵔ", "ⵏⵓⵡⴰⵏⴱⵉⵔ", "ⴷⵓⵊⴰⵏⴱⵉⵔ"),
    ),
    "zgh-Latn": (
        *("innayr", "bṛayṛ", "maṛṣ", "ibrir", "mayyu", "yunyu"),
        *("yulyuz", "ɣuct", "cutanbir", "ktubr", "nuwanbir", "dujanbir"),
    ),
}
"""Month names: Arabic as Morocco writes them, Amazigh as CLDR has them."""

_BLANKS = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_MARKS = (
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_UNSAFE = str.maketrans(dict.fromkeys(_BLANKS, " ") | dict.fromkeys(_MARKS, ""))


def visible(text: str) -> str:
    """Return the text without what no handset shows: odd blanks become one blank, invisible marks go."""
    return text if text.isascii() else text.translate(_UNSAFE)


def number(n: float | Decimal, tag: str, places: int | None = None) -> str:
    """Return a number with digits 0-9 and a decimal comma, without group marks: `1234,5`.

    `places` fixes the decimals; without it a float shows what it holds, up to six decimals. Every language of
    Morocco writes numbers alike; `tag` is asked for so that a language with another custom can be added.
    """
    if places is None:
        written = f"{n:f}".rstrip("0").rstrip(".") if n != int(n) else str(int(n))
    else:
        written = f"{n:.{places}f}"
    written = "0" if written in ("-0", "") else written
    return written if tag not in MONTHS else written.replace(".", ",")


def date_short(day: date) -> str:
    """Return `23/11/2026`, which every language of Morocco reads day first."""
    return f"{day.day:02d}/{day.month:02d}/{day.year:04d}"


def date_long(day: date, tag: str, sms: bool = False) -> str:
    """Return `23 novembre 2026` in the language; an unknown tag gets the short form.

    `sms` writes `aout`, as the spelling of 1990 allows: `û` alone would turn the whole message into UCS-2.
    """
    months = MONTHS.get(tag)
    if not months:
        return date_short(day)
    month = months[day.month - 1]
    return f"{day.day} {month.replace('û', 'u') if sms else month} {day.year}"
