"""Slots in a text: `{name}`, or `{name|form|forms}` for the plural; nothing more, so that no text reaches an object.

A plural slot holds one word per plural form of the text's own language, in the order of `locales.tags.PLURAL_HEADERS`:
`{hours} {hours|heure|heures}` in French, six forms in Arabic. The number decides, the words are the translator's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from locales.formats import visible
from locales.tags import plural_form

_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)((?:\|[^{}|]*)*)\}")


def slots(text: str) -> frozenset[str]:
    """Return the names of the slots in a text, of the plural ones too."""
    return frozenset(found[1] for found in _SLOT.finditer(text)) if "{" in text else frozenset()


def plurals(text: str) -> dict[str, int]:
    """Return how many forms each plural slot of a text has; the least, where a name has several such slots."""
    counts: dict[str, int] = {}
    for found in _SLOT.finditer(text):
        forms = found[2].count("|")
        if forms:
            counts[found[1]] = min(forms, counts.get(found[1], forms))
    return counts


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


def _form(forms: str, value: object, language: str) -> str:
    words = forms[1:].split("|")
    try:
        at = plural_form(language, int(str(value)))
    except ValueError:
        return words[-1]
    return words[min(at, len(words) - 1)]
