"""One folding for every comparison of words: what a citizen typed with a label, a keyword, a place's name.

Folded text is for matching only; it is never kept or shown. Two texts that a reader takes for the same word fold to
the same string: case, accents, harakat, presentation forms, kinds of digits, invisible characters, outer punctuation.
"""

from __future__ import annotations

import re
import unicodedata

EDGES = " .,;:!?'`\"()[]{}«»*_|#-،؛؟•·¡¿。、\\"
"""Outer punctuation (as `plain` writes it) that never changes a reading. Signs of quantity (`+ < > ~ % /`) do."""


def fold(text: str) -> str:
    """Return the canonical form of `text` for matching, without its outer punctuation. Folding twice changes nothing.

    >>> fold("  « Forêt » ! "), fold("ﻧَﻌَــم"), fold("٣"), fold("2️⃣")
    ('foret', 'نعم', '3', '2')
    """
    return strip_edges(plain(text))


def plain(text: str) -> str:
    """Return the folded characters of `text`, blanks reduced to single spaces, its outer punctuation kept."""
    folded = text.lower() if text.isascii() and text.isprintable() else text.translate(_FOLDED)
    return " ".join(folded.split())


def strip_edges(folded: str) -> str:
    """Return folded text without its outer blanks, punctuation and quotes."""
    return folded.strip(EDGES)


def spaced(folded: str) -> str:
    """Return folded text with hyphens and apostrophes between letters as blanks: `rendez-vous` has two words."""
    return _INNER.sub(" ", folded) if "-" in folded or "'" in folded else folded


def letters(folded: str) -> int:
    """Count the letters of a folded text."""
    return sum(map(str.isalpha, folded))


_INNER = re.compile(r"(?<=[^\W\d_])['-](?=[^\W\d_])")

# Before NFKD, which would turn some of these into a blank and a mark, or into digits.
_DIRECT = {
    **dict.fromkeys("‘’‚‛′´ʼʹˈ＇", "'"),
    **dict.fromkeys("“”„‟″〝〞＂", '"'),
    **dict.fromkeys("‹›", '"'),
    **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
    **dict.fromkeys("\u115f\u1160\u2800\u3164\uffa0", " "),  # letters that show nothing
    "º": "°",
    "№": "n°",
    "\U0001f51f": "10",  # the keycap ten is a sign of its own
}
# After it, letter by letter.
_ALIKE = {
    **dict.fromkeys("ٱ", "ا"),
    **dict.fromkeys("ىیېے", "ي"),
    **dict.fromkeys("ةہەۃ", "ه"),
    **dict.fromkeys("ڭݣکگڪ", "ك"),
    "پ": "ب",
    **dict.fromkeys("ڤڥ", "ف"),
    "٪": "%",
    "œ": "oe",
    "æ": "ae",
    "ı": "i",
    "γ": "gh",  # Greek letters that stand in for the Latin ones of Amazigh
    "ɣ": "gh",
    "ε": "ɛ",
    "ـ": "",
}


def _fold_character(character: str) -> str:
    """Fold one character; context never matters, so that a table can serve whole texts."""
    if character in _DIRECT:
        return _DIRECT[character]
    folded = "".join(map(_fold_part, unicodedata.normalize("NFKD", character).casefold()))
    return folded if folded == character else "".join(map(_fold_character, folded))


def _fold_part(part: str) -> str:
    category = unicodedata.category(part)
    if category in ("Mn", "Me", "Cf"):
        return ""
    if category in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    if category == "Nd":
        return str(unicodedata.decimal(part))
    return _ALIKE.get(part, part)


def _fold_one(character: str) -> str:
    # Superscripts, fractions and circled numbers are no digits: NFKD would make 22 of 2².
    return character if unicodedata.category(character) == "No" else _fold_character(character)


class _Table(dict[int, str]):
    """Folded characters by code point, worked out when first met; hostile variety cannot make it grow for ever."""

    _ROOM = 8192

    def __missing__(self, code: int) -> str:
        folded = _fold_one(chr(code))
        if len(self) < self._ROOM:
            self[code] = folded
        return folded


_FOLDED = _Table()
