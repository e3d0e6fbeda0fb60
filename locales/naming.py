"""How the name of a place is compared: without case, accents, articles, hyphens, apostrophes and blanks.

`Key` is the compared form; the rules are those of the rule book for replies (exact name, prefix of three letters or
more, one typing error in a name of four letters or more).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from locales.folding import fold
from locales.tifinagh import to_ascii

SHORTEST_PREFIX = 3
SHORTEST_MISTYPED = 4

_WORD = re.compile(r"[^\W_]+")
_CODE = re.compile(r"\d[\d .-]*")
_ARTICLES = frozenset(
    ("al", "el", "l", "la", "le", "les", "ad", "ed", "an", "en", "ar", "er", "as", "es", "at", "et", "az", "ez")
)
_LINKS = frozenset(("de", "du", "des", "d"))
_KINDS = frozenset(("urbaine", "rurale", "territoriale", "حضريه", "قرويه", "ترابيه"))
_LEVELS = {
    **dict.fromkeys(("region", "جهه"), "region"),
    **dict.fromkeys(("province", "prefecture", "اقليم", "عماله"), "province"),
    **dict.fromkeys(("commune", "municipalite", "ville", "جماعه", "بلديه", "مدينه"), "commune"),
}
_LATIN_SOUNDS = (("ou", "u"), ("w", "u"), ("y", "i"), ("ch", "c"), ("sh", "c"), ("kh", "x"), ("q", "k"))
# The g of Figuig is written with any of three letters.
_ARABIC_SOUNDS = str.maketrans("جق", "كك")
_DOUBLED = re.compile(r"(.)\1")


class Key(Struct, frozen=True):
    """A name ready to compare: `whole` with its articles, `bare` without them."""

    whole: str
    bare: str

    @property
    def sound(self) -> str:
        """Return the spelling-free form: `Warzazat`, ⵡⴰⵔⵣⴰⵣⴰⵜ and `Ouarzazate` are one, فكيك and فجيج too."""
        heard = self.bare.translate(_ARABIC_SOUNDS) if len(self.bare) >= SHORTEST_MISTYPED else self.bare
        for written, sounds in _LATIN_SOUNDS:
            heard = heard.replace(written, sounds)
        return _DOUBLED.sub(r"\1", heard).removesuffix("e")


class Request(Struct, frozen=True):
    """What a citizen wrote for a place: a name, or the digits of a code; `level` where the text says it."""

    key: Key
    digits: str = ""
    level: str = ""


def key(name: str) -> Key:
    """Return the compared form of a name in any script; Tifinagh is compared with the French names."""
    return _key(_words(name))


def request(text: str) -> Request:
    """Read a citizen's text: `commune de Taza`, `جماعة تازة` and `Taza` ask for one name, `02.411` is a code."""
    folded = fold(text).strip()
    if _CODE.fullmatch(folded):
        return Request(Key("", ""), digits="".join(filter(str.isdigit, folded)))
    words = _words(text)
    level = _LEVELS.get(_without_article(words[0]), "") if len(words) > 1 else ""
    if level:
        words = words[1:]
        while len(words) > 1 and (words[0] in _LINKS or _without_article(words[0]) in _KINDS):
            words = words[1:]
    return Request(_key(words), level=level)


def bare_words(name: str) -> list[str]:
    """Return the words of a name as they are compared, without its articles."""
    return [_without_article(word) for word in _words(name) if word not in _ARTICLES]


def opens(asked: Key, name: str) -> bool:
    """Tell whether what was asked is the first words of a name, not a part of one."""
    words = bare_words(name)
    return any("".join(words[:count]) == asked.bare for count in range(1, len(words) + 1))


def mistyped(one: str, other: str) -> bool:
    """Tell whether one letter added, lost or replaced makes one word of the other."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    at = next((i for i, letter in enumerate(short) if letter != long[i]), len(short))
    return short[at + (len(short) == len(long)) :] == long[at + 1 :]


Half = tuple[int, bool, str]
"""A name's length, whether this is its first half, and the half."""


def halves(name: str) -> tuple[Half, Half]:
    """Return the two halves of a name: one typing error leaves at least one of them as it was."""
    middle = len(name) // 2
    return (len(name), True, name[:middle]), (len(name), False, name[middle:])


def half_candidates(text: str) -> Iterator[Half]:
    """Return the halves that a name one typing error away from `text` may have."""
    for length in (len(text) - 1, len(text), len(text) + 1):
        middle = length // 2
        yield length, True, text[:middle]
        yield length, False, text[len(text) - (length - middle) :]


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(to_ascii(text)))


def _key(words: Sequence[str]) -> Key:
    bare = "".join(_without_article(word) for word in words if word not in _ARTICLES)
    whole = "".join(words)
    return Key(whole, bare or whole)


def _without_article(word: str) -> str:
    return word[2:] if word.startswith("ال") and len(word) > SHORTEST_MISTYPED else word
