"""Which option a label means: whole, without ال, by its beginning, or with one typing error (rule 11).

A `Labels` is worked out once per set of options and kept; a reply is then read by lookups.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from locales.folding import fold, letters, spaced, strip_edges
from locales.ordinary import is_ordinary

SHORTEST_PREFIX = 3
SHORTEST_MISTYPED = 4

# Punctuation inside a label is as free as a blank, but for what stands between digits: `1-5` is not `1 5`.
_LOOSE = re.compile(r"(?<!\d)[,;:.!?()\"،؛؟]+|[,;:.!?()\"،؛؟]+(?!\d)")
_ARTICLE = re.compile(r"(?<!\S)ال(?=\S\S)")


class Labels:
    """The options of one question, ready to be matched. An option is named by its index."""

    def __init__(self, options: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        self.keys = tuple(key for key, _ in options)
        self._whole: dict[str, set[int]] = defaultdict(set)
        self._bare: dict[str, set[int]] = defaultdict(set)
        for at, (key, labels) in enumerate(options):
            self._whole[form(fold(key))].add(at)
            for label in labels:
                self._add(form(fold(label)), at)
        self.longest = max((name.count(" ") + 1 for name in self._bare), default=1)
        """How many words the longest label has."""
        self._joined: dict[str, set[int]] = defaultdict(set)
        for name, found in self._bare.items():
            self._joined[name.replace(" ", "")] |= found
        self._names = [(name, at) for name, found in self._bare.items() if name for at in found]

    def _add(self, name: str, at: int) -> None:
        self._whole[name].add(at)
        self._bare[name].add(at)
        self._bare[_ARTICLE.sub("", name)].add(at)

    def whole(self, text: str) -> set[int]:
        """Return the options that have this very label or key."""
        return self._whole.get(text, set()) if text else set()

    def bare(self, text: str) -> set[int]:
        """Return the options whose label this is, with ال or without."""
        return self._bare.get(_ARTICLE.sub("", text), set()) if text else set()

    def joined(self, text: str) -> set[int]:
        """Return the options whose label this is with a blank too many or too few; digits never come together."""
        if letters(text) < SHORTEST_MISTYPED or any(map(str.isdigit, text)):
            return set()
        return self._joined.get(text.replace(" ", ""), set())

    def begun(self, text: str) -> set[int]:
        """Return the options with a label that begins so, given three letters or more."""
        return self.starting(text) if letters(text) >= SHORTEST_PREFIX else set()

    def starting(self, text: str) -> set[int]:
        """Return the options with a label that begins so, however short the beginning."""
        return {at for name, at in self._names if name.startswith(text)}

    def mistyped(self, text: str) -> set[int]:
        """Return the options with a label of four letters or more that is one typing error away.

        An ordinary word is no error, but for its gender and number: `tout` is not `Goût`, yet `autres` is `Autre`.
        """
        if is_ordinary(text):
            return {at for name, at in self._names if text[:-1] == name and text[-1] in "es"}
        near = (pair for pair in self._names if abs(len(pair[0]) - len(text)) <= 1)
        return {at for name, at in near if letters(name) >= SHORTEST_MISTYPED and one_letter_apart(name, text)}

    def named(self, text: str) -> set[int]:
        """Return what the best kind of likeness finds: one option is an answer, several are candidates."""
        return self.whole(text) or self.bare(text) or self.begun(text) or self.mistyped(text)

    def offer(self, found: Iterable[int]) -> tuple[str, ...]:
        """Return the keys of some options, in their order."""
        return tuple(self.keys[at] for at in sorted(found))


def labels_of(options: Mapping[str, tuple[str, ...]]) -> Labels:
    """Return the matcher of these options, made at the first use."""
    return _made(tuple(options.items()))


@lru_cache(maxsize=512)
def _made(options: tuple[tuple[str, tuple[str, ...]], ...]) -> Labels:
    return Labels(options)


def form(folded: str) -> str:
    """Return folded text as labels are compared: no outer punctuation, inner punctuation and hyphens as blanks."""
    text = spaced(strip_edges(folded))
    return text if text.isalnum() else " ".join(_LOOSE.sub(" ", text).split())


def one_letter_apart(one: str, other: str) -> bool:
    """Tell whether one letter added, lost or replaced makes one text of the other.

    Digits never differ, nor letters that stand alone: `service b` is another label than `Service A`.
    """
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1 or one == other:
        return False
    at = next((at for at, letter in enumerate(short) if letter != long[at]), len(short))
    same_length = len(short) == len(long)
    changed = long[at] + (short[at] if same_length else "")
    alone = " " in long and f" {long} "[at] == f" {long} "[at + 2] == " "
    return changed.isalpha() and not alone and short[at + same_length :] == long[at + 1 :]
