"""Tifinagh to Latin and back, and the ASCII form that an SMS carries cheaply.

The table is the one of IRCAM's dictionary DGLAI, as MediaWiki's converters and the Library of Congress use it.
Tifinagh is the master: Latin is generated from it without loss, ASCII with loss and one way only.
"""

from __future__ import annotations

import unicodedata

_LETTERS = {
    **{"ⴰ": "a", "ⴱ": "b", "ⴳ": "g", "ⴷ": "d", "ⴹ": "ḍ", "ⴻ": "e", "ⴼ": "f", "ⴽ": "k", "ⵀ": "h", "ⵃ": "ḥ"},
    **{"ⵄ": "ɛ", "ⵅ": "x", "ⵇ": "q", "ⵉ": "i", "ⵊ": "j", "ⵍ": "l", "ⵎ": "m", "ⵏ": "n", "ⵓ": "u", "ⵔ": "r"},
    **{"ⵕ": "ṛ", "ⵖ": "ɣ", "ⵙ": "s", "ⵚ": "ṣ", "ⵛ": "c", "ⵜ": "t", "ⵟ": "ṭ", "ⵡ": "w", "ⵢ": "y", "ⵣ": "z"},
    **{"ⵥ": "ẓ", "ⵯ": "ʷ"},
}
_PLAIN = {"ḍ": "d", "ḥ": "h", "ɛ": "a", "ṛ": "r", "ɣ": "gh", "ṣ": "s", "ṭ": "t", "ẓ": "z", "ʷ": "w"}
_LOOK_ALIKES = {
    # Greek and Cyrillic letters that keyboards and old documents put for Amazigh ones
    **{"ε": "ɛ", "γ": "ɣ", "а": "a", "е": "e", "і": "i", "ј": "j", "с": "c", "у": "y", "х": "x", "ѕ": "s", "һ": "h"},
    # affricates and foreign sounds, which the alphabet of Morocco writes with its own letters
    **{"č": "tc", "ǧ": "dj", "o": "u", "о": "u", "p": "b", "р": "b", "v": "f"},
}

_TO_LATIN = str.maketrans(_LETTERS)
_TO_TIFINAGH = str.maketrans({latin: tifinagh for tifinagh, latin in _LETTERS.items()})
_FOLD = str.maketrans(_LOOK_ALIKES)
_CAPITALS = {letter.upper(): plain.capitalize() for letter, plain in _PLAIN.items() if letter != letter.upper()}
_TO_ASCII = str.maketrans(_PLAIN | _CAPITALS)


def to_latin(text: str) -> str:
    """Return a Tifinagh text in Latin letters; every other character stays."""
    return text.translate(_TO_LATIN)


def to_tifinagh(text: str) -> str:
    """Return a Latin text in Tifinagh, capitals and look-alikes folded; every other character stays.

    Exact for what `to_latin` wrote. Kabyle or Rif spelling, full of `e`, does not become zgh spelling by it.
    """
    return unicodedata.normalize("NFC", text).lower().translate(_FOLD).translate(_TO_TIFINAGH)


def to_ascii(text: str) -> str:
    """Return an Amazigh text, in either script, in ASCII letters: one SMS holds 160 of them and 70 of the others."""
    return unicodedata.normalize("NFC", to_latin(text)).translate(_TO_ASCII)
