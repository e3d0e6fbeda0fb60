"""The language tags of the program, and the rules that hang on a tag alone: names, direction, fallback, plurals.

Babel knows no `zgh-Latn` (it drops the script) and writes a wrong Arabic plural rule (it swaps the forms 4 and 5,
seen in 2.18.0): both live here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal

Direction = Literal["ltr", "rtl"]

NATIVE: dict[str, str] = {
    "ar": "العربية",
    "zgh": "Tamazight",
    "zgh-Latn": "Tamazight (abc)",
    "fr": "Français",
}
"""Every tag with its own name, in the order of the language menu.

Tamazight is written in ASCII letters: a phone without Tifinagh shows boxes, and its owner would not find it.
"""

TIFINAGH, LATIN = "zgh", "zgh-Latn"
"""One language in two scripts; what is written in the first can be shown in the second."""

MENU_ORDER: tuple[str, ...] = tuple(NATIVE)
TAGS: frozenset[str] = frozenset(NATIVE)

CHAINS: dict[str, tuple[str, ...]] = {
    "ar": ("ar", "fr"),
    "fr": ("fr", "ar"),
    "zgh": ("zgh", "zgh-Latn", "ar", "fr"),
    "zgh-Latn": ("zgh-Latn", "ar", "fr"),
}
"""The languages tried for a text, from the one asked to the last resort."""

PLURAL_HEADERS: dict[str, str] = {
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);",
    "fr": "nplurals=2; plural=(n > 1);",
    "zgh": "nplurals=2; plural=(n != 1);",
    "zgh-Latn": "nplurals=2; plural=(n != 1);",
}
"""The `Plural-Forms` header of each language's catalogues."""
PLURAL_USES: dict[str, tuple[str, ...]] = {
    "ar": ("0", "1", "2", "3 to 10", "11 to 99", "100 to 102"),
    "fr": ("0 and 1", "2 and more"),
    "zgh": ("1", "all others"),
    "zgh-Latn": ("1", "all others"),
}
"""The numbers that each form is for, in the order of the header; in Arabic the last two digits decide."""

_TIFINAGH = re.compile(r"[\u2D30-\u2D67\u2D6F]")
_ARABIC = re.compile(r"[\u0621-\u064A\u066E-\u06D3\u06FA-\u06FF\u0750-\u077F\uFB50-\uFDFC\uFE70-\uFEFC]")


def native(tag: str) -> str:
    """Return a language's own name for the language menu; an unknown tag is its own name."""
    return NATIVE.get(tag, tag)


def menu_order(offered: Iterable[str]) -> tuple[str, ...]:
    """Return the offered tags in the order of the language menu; unknown tags keep their order at the end."""
    known = {tag: at for at, tag in enumerate(MENU_ORDER)}
    return tuple(sorted(dict.fromkeys(offered), key=lambda tag: known.get(tag, len(known))))


def chain(tag: str) -> tuple[str, ...]:
    """Return the languages to try for `tag`, itself first; French and Arabic stand behind an unknown tag."""
    return CHAINS.get(tag) or (tag, "fr", "ar")


def direction(tag: str) -> Direction:
    """Return the writing direction of a language; only Arabic script runs from the right."""
    return "rtl" if tag == "ar" else "ltr"


def same_language(one: str, other: str) -> bool:
    """Say whether two tags are one language, perhaps in two scripts."""
    return one.partition("-")[0] == other.partition("-")[0]


def script_language(text: str) -> str | None:
    """Return the language that the script of `text` tells: Tifinagh or Arabic letters.

    Latin letters tell nothing: Darija, Amazigh and French are all written with them, and a wrong guess costs the
    citizen more than one language menu. Tifinagh wins in a mixed text, since Amazigh alone is written with it.
    """
    if _TIFINAGH.search(text):
        return "zgh"
    return "ar" if _ARABIC.search(text) else None


def plural_form(tag: str, n: int) -> int:
    """Return the index of the plural form for the count `n`, as `PLURAL_HEADERS` numbers them."""
    return _PLURALS.get(tag, _one_or_many)(abs(n))


def _arabic(n: int) -> int:
    if n <= 2:
        return n
    hundred = n % 100
    if 3 <= hundred <= 10:
        return 3
    return 4 if hundred >= 11 else 5


def _french(n: int) -> int:
    return int(n > 1)


def _one_or_many(n: int) -> int:
    return int(n != 1)


_PLURALS: dict[str, Callable[[int], int]] = {"ar": _arabic, "fr": _french}
