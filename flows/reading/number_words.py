"""Numbers written as words: French, Arabic, Darija in both scripts, and the attested Amazigh ones (rule 16).

Only well-formed numbers count: `deux trois` or `vingt trente` may mean a range and are no number.
"""

from __future__ import annotations

from itertools import pairwise

from locales.folding import fold, spaced

_FRENCH = (
    *("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"),
    *("onze", "douze", "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf"),
)
_FRENCH_TENS = {2: "vingt", 3: "trente", 4: "quarante", 5: "cinquante", 6: "soixante", 7: "soixante"}
_FRENCH_TENS |= {8: "quatre-vingt", 9: "quatre-vingt"}

# Value to its words, in Arabic script (written and Darija) and in the Latin script of Darija.
_SMALL: dict[int, str] = {
    0: "صفر",
    1: "واحد واحدة wahed wahd wa7ed wa7d wahda wa7da",
    2: "اثنان اثنين اثنتان اثنتين اتنان اتنين تنين جوج زوج jouj joj juj zouj zoj",
    3: "ثلاثة ثلاث تلاتة تلات tlata tlatha tleta tlta",
    4: "أربعة أربع ربعة reb3a rb3a arb3a rab3a",
    5: "خمسة خمس khamsa khmsa 5amsa 5msa",
    6: "ستة ست setta stta",
    7: "سبعة سبع seb3a sb3a sab3a",
    8: "ثمانية ثماني ثمان تمنية تمانية tmenya tmnya tmanya tmenia tmnia tmania",
    9: "تسعة تسع تسعود tes3oud ts3oud tes3od tes3a ts3a",
    10: "عشرة عشر 3achra 3chra 3echra",
    11: "حداش حضاش 7dach hdach",
    12: "طناش تناش tnach tnache",
    13: "تلطاش تلتاش تلتطاش tltach telttach tlettach",
    14: "ربعطاش أربعطاش rb3tach reb3tach",
    15: "خمسطاش خمستاش khmstach khmestach khamstach",
    16: "سطاش ستاش sttach settach",
    17: "سبعطاش سبعتاش sb3tach seb3tach",
    18: "تمنطاش تمنتاش tmntach tmentach",
    19: "تسعطاش تسعتاش ts3tach tes3tach",
    20: "عشرون عشرين 3chrin 3achrin 3echrin",
    30: "ثلاثون ثلاثين تلاتين tlatin tletin",
    40: "أربعون أربعين ربعين reb3in rb3in arb3in rab3in",
    50: "خمسون خمسين khamsin khmsin 5amsin 5msin",
    60: "ستون ستين settin sttin stin setin",
    70: "سبعون سبعين seb3in sb3in sab3in",
    80: "ثمانون ثمانين تمانين tmanin",
    90: "تسعون تسعين tes3in ts3in tas3in",
    100: "مائة مئة مية mya miya",
    200: "مائتان مائتين مئتان مئتين ميتين mitin miytin",
    1000: "ألف alf",
    2000: "ألفان ألفين alfin",
}
_ARABIC_TEENS = {11: "أحد عشر|إحدى عشرة", 12: "اثنا عشر|اثني عشر|اثنتا عشرة"}
_AND = frozenset(("w", "o", "u"))

# IRCAM's numerals. Latin `sa` (7) is left out: it is also the French `sa` and `ça`.
_AMAZIGH = {
    1: "ⵢⴰⵏ ⵢⴰⵜ yan yat",
    2: "ⵙⵉⵏ ⵙⵏⴰⵜ sin snat",
    3: "ⴽⵕⴰⴹ ⴽⵕⴰⴹⵜ kṛaḍ",
    4: "ⴽⴽⵓⵥ ⴽⴽⵓⵣ kkuẓ",
    5: "ⵙⵎⵎⵓⵙ ⵙⵎⵎⵓⵙⵜ smmus",
    6: "ⵚⴹⵉⵚ ⵙⴹⵉⵙ ⵙⴹⵉⵚ ṣḍiṣ",
    7: "ⵙⴰ",
    8: "ⵜⴰⵎ tam",
    9: "ⵜⵥⴰ tẓa",
    10: "ⵎⵔⴰⵡ mraw",
}


def counted(text: str) -> int | None:
    """Return the whole number that folded text spells out, else None.

    >>> counted("vingt et un"), counted("خمسه وعشرون"), counted("jouj"), counted("deux trois")
    (21, 25, 2, None)
    """
    if len(text) > _LONGEST or not text:
        return None
    text = spaced(text)
    whole = _WHOLE.get(text)
    return whole if whole is not None else _french(text.split()) or _added(_terms(text.split()))


def _french(words: list[str]) -> int | None:
    """Read up to 999 999: what stands before `mille` and what follows it."""
    text = " ".join(_plain_french(words))
    if "mille" not in text:
        return _HUNDREDS.get(text)
    head, _, tail = (part.strip() for part in text.partition("mille"))
    thousands = _HUNDREDS.get(head, 0) if head else 1
    rest = _HUNDREDS.get(tail, 0) if tail else 0
    if (head and thousands < 2) or (tail and not rest):
        return None
    return thousands * 1000 + rest


def _plain_french(words: list[str]) -> list[str]:
    """Drop plural marks, and the `et` of `vingt et un`."""
    plural = {"cents": "cent", "vingts": "vingt", "une": "un"}
    kept = [plural.get(word, word) for word in words]
    linked = [at for at in range(1, len(kept) - 1) if kept[at] == "et" and kept[at + 1] in ("un", "onze")]
    return [word for at, word in enumerate(kept) if at not in linked]


def _below_hundred(number: int) -> str:
    if number < len(_FRENCH):
        return _FRENCH[number]
    tens, unit = divmod(number, 10)
    if tens in (7, 9):
        unit += 10
    return f"{_FRENCH_TENS[tens]} {_FRENCH[unit]}" if unit else _FRENCH_TENS[tens]


def _hundreds() -> dict[str, int]:
    """Return every French number from 1 to 999 as folded words."""
    table = {}
    for number in range(1, 1000):
        hundred, rest = divmod(number, 100)
        head = "" if not hundred else ("cent" if hundred == 1 else f"{_FRENCH[hundred]} cent")
        table[spaced(fold(f"{head} {_below_hundred(rest) if rest else ''}"))] = number
    return table


def _arabic_terms() -> dict[str, int]:
    """Return the Arabic and Darija words, and their compounds for teens, hundreds and thousands."""
    terms = {fold(word): value for value, words in _SMALL.items() for word in words.split()}
    terms |= {fold(form): value for value, forms in _ARABIC_TEENS.items() for form in forms.split("|")}
    units = [(fold(word), value) for value in range(3, 10) for word in _SMALL[value].split() if not word.isascii()]
    for word, value in units:
        terms |= dict.fromkeys((f"{word} {fold(ten)}" for ten in ("عشر", "عشرة")), value + 10)
        terms[f"{word} {fold('آلاف')}"] = value * 1000
        for hundred in map(fold, ("مائة", "مئة", "مية")):
            terms |= dict.fromkeys((f"{word}{hundred}", f"{word} {hundred}"), value * 100)
    return terms


def _terms(words: list[str]) -> list[int] | None:
    """Cut `خمسة وعشرون` or `khamsa w 3chrin` into its terms' values; None when a word is no number."""
    phrases = words[:1]
    joined = False
    for word in words[1:]:
        if word in _AND or word == "و":
            joined = True
        elif joined:
            phrases.append(word)
            joined = False
        elif word[0] == "و" and word[1:] in _STARTS:
            phrases.append(word[1:])
        else:
            phrases[-1] += f" {word}"
    values = [_TERMS[phrase] for phrase in phrases if phrase in _TERMS]
    return values if len(values) == len(phrases) and not joined else None


def _added(values: list[int] | None) -> int | None:
    """Add thousands, hundreds, unit and tens, in that order; any other sequence is no number."""
    if not values:
        return None
    if len(values) > 1 and 0 in values:
        return None
    falling = all(_rank(one) > _rank(other) for one, other in pairwise(values))
    after_unit = all(other >= 20 for one, other in pairwise(values) if one < 10)
    return sum(values) if falling and after_unit else None


def _rank(value: int) -> int:
    """Order the terms of a spoken number: in Arabic the unit comes before the tens."""
    if value < 100:
        return 2 if value < 10 else 1
    return 3 if value < 1000 else 4


def _amazigh() -> dict[str, int]:
    """Return the Amazigh numerals, and the teens: `ⵢⴰⵏ ⴷ ⵎⵔⴰⵡ`."""
    table: dict[str, int] = {}
    for value, words in _AMAZIGH.items():
        for word in map(fold, words.split()):
            teen = f"{word} d mraw" if word.isascii() else f"{word} ⴷ ⵎⵔⴰⵡ"
            table |= {word: value} if value == 10 else {word: value, teen: value + 10}
    return table


_HUNDREDS = _hundreds()
_TERMS = _arabic_terms()
_STARTS = frozenset(phrase.split()[0] for phrase in _TERMS)
_WHOLE = {fold("zéro"): 0, **_amazigh()}
_LONGEST = 80
