"""The known word that an unknown one is most likely a slip of, and the advice that names it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

LONGEST = 60
"""Letters that are compared; no name is longer."""


def did_you_mean(word: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """Return `Did you mean 'X'?` for the nearest known word; where none is near other advice, or what is known.

    >>> did_you_mean("Watr", ["water", "roads"]), did_you_mean("x", ["water", "roads"])
    ("Did you mean 'water'?", 'Known: water, roads.')
    """
    names = tuple(known)
    near = nearest(word, names)
    if near:
        return f"Did you mean '{near}'?"
    return f"Known: {', '.join(names)}." if otherwise is None else otherwise


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that `word` is most likely a slip of; empty when none is near."""
    return _nearest(_folded(word[:LONGEST]), tuple(known))


def _folded(word: str) -> str:
    """Return a word without what is mistaken most: capitals, and hyphens for underscores."""
    return word.lower().replace("-", "_")


@lru_cache(maxsize=512)
def _nearest(word: str, known: tuple[str, ...]) -> str:
    import difflib  # only what is mistyped needs it

    names = {_folded(name): name for name in known}
    found = difflib.get_close_matches(word, names, 1, 0.6)
    return names[found[0]] if found else ""
