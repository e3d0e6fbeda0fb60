"""Slots in a text: `{name}`, or `{name|form|forms}` for the plural; nothing more, so that no text reaches an object.

A plural slot holds one word per plural form of the text's own language, in the order of `locales.tags.PLURAL_HEADERS`:
`{hours} {hours|heure|heures}` in French, six forms in Arabic. The number decides, the words are the translator's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from locales.formats import visible
from locales.tags import PLURAL_USES, plural_form

_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)((?:\|[^{}|]*)*)\}")
_BRACED = re.compile(r"\{[^{}]*\}")


def stray_braces(text: str) -> bool:
    """Tell whether a text has braces that make no slot: one alone, or one slot inside another.

    >>> stray_braces("{days|day|days}"), stray_braces("{days|a day|{days} days}"), stray_braces("}")
    (False, True, True)
    """
    left = _BRACED.sub("", text)
    return "{" in left or "}" in left


def slots(text: str) -> frozenset[str]:
    """Return the names of the slots in a text, of the plural ones too."""
    return frozenset(found[1] for found in _SLOT.finditer(text)) if "{" in text else frozenset()


def plurals(text: str) -> list[tuple[str, int]]:
    """Return each plural slot of a text with how many forms it has, in the order they stand."""
    found = ((slot[1], slot[2].count("|")) for slot in _SLOT.finditer(text)) if "|" in text else ()
    return [(name, forms) for name, forms in found if forms]


PLURAL_NOTE = "{name|…} is a plural: " + ", ".join(f"{len(uses)} forms in {tag}" for tag, uses in PLURAL_USES.items())
"""What a translator has to know of a text with a plural slot."""


def wrong_plurals(text: str, language: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with each plural slot that has not one form for each of its language, and the remedy."""
    uses = PLURAL_USES.get(language, PLURAL_USES["zgh"])
    for name, count in plurals(text):
        if count != len(uses):
            forms = "|".join(f"for {use}" for use in uses)
            wrong = f"the plural slot of {{{name}}} has {count} form{'s' if count > 1 else ''}, not {len(uses)}"
            yield wrong, f"Give it one for each number of '{language}': {{{name}|{forms}}}"


def fill(text: str, values: Mapping[str, object], language: str = "fr") -> str:
    """Return the text with its slots filled, each value made safe for SMS; an unknown slot stays as it is written.

    A plural slot takes the form that `language` has for the value, the last one where it is no whole number.
    """
    if "{" not in text:
        return text

    def word(slot: re.Match[str]) -> str:
        if slot[1] not in values:
            return slot[0]
        value = values[slot[1]]
        return _form(slot[2], value, language) if slot[2] else visible(str(value))

    return _SLOT.sub(word, text)


def agree(text: str, values: Mapping[str, object], language: str) -> str:
    """Return the text with its plural slots filled and the others left as they are written.

    >>> agree("{n} {n|réponse|réponses}", {"n": 1}, "fr")
    '{n} réponse'
    """
    return _SLOT.sub(
        lambda slot: _form(slot[2], values[slot[1]], language) if slot[2] and slot[1] in values else slot[0], text
    )


def _form(forms: str, value: object, language: str) -> str:
    """Return the form for a value, which may be a count with its thousands apart."""
    words = forms[1:].split("|")
    try:
        at = plural_form(language, int("".join(str(value).split())))
    except ValueError:
        return words[-1]
    return words[min(at, len(words) - 1)]
