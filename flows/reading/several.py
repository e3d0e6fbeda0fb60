"""A choice of several options: `1 3`, `13`, `eau et route`, `1، 3` (rules 13 and 14).

Every part must be an option; one part that is none makes the whole reply unclear. Labels may hold blanks and `et`
themselves, so that all ways to cut a reply into options are tried; two ways that differ are unclear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

from flows.reading.courtesy import is_negative, numbered, position, without_thanks
from flows.reading.labels import Labels, form, labels_of
from flows.reading.options import at_position, find, worded
from flows.reading.spec import Reading, Spec, unclear
from locales.folding import strip_edges

Kind = Literal["first", "part", "and", "number", "label", "both"]
"""What stands before a word: nothing, a separator, a linking word, or a chunk of this kind."""
Picked = dict[frozenset[int], tuple[int, ...]]
"""Sets of options, each with the order they were written in."""

MOST_WORDS = 60
"""A reply of more words is no list of options; it is not searched."""
MOST_WAYS = 4
MOST_SPLIT = 9
"""With at most so many options, digits run together are several positions."""

_SEPARATOR = re.compile("[,;&+،؛]")
_RANGE = re.compile(r"\d\s*-\s*\d")
_ATTACHED_AND = re.compile(r"(?<=\d)و(?=\d)")
_AND = frozenset(("et", "w", "و", "ⴷ"))
# Words that turn a list into something else may not stand for the beginning of a label.
_TURNING = frozenset(
    (
        *("pas", "non", "sans", "sauf", "mais", "aucun", "aucune", "plus", "moins", "tout", "tous", "rien"),
        *("ليس", "غير", "بدون", "ماشي", "machi", "bla"),
    )
)


def read_choices(text: str, spec: Spec) -> Reading:
    """Read folded text as one or several options; the value keeps the order written, each option once."""
    labels = labels_of(spec.options)
    for attempt in dict.fromkeys((text, without_thanks(text))):
        ways = _ways(attempt, labels)
        if len(ways) == 1:
            return Reading(value=[labels.keys[at] for at in next(iter(ways.values()))])
        if ways:
            return unclear("ambiguous", labels.offer(frozenset().union(*ways)))
    single = find(text, labels)
    return single if isinstance(single, Reading) else unclear("not-an-option")


def _ways(text: str, labels: Labels) -> Picked:
    """Return every set of options that the text may mean."""
    if is_negative(text):
        return {}
    whole = labels.whole(form(text))
    if whole:
        return {frozenset((at,)): (at,) for at in whole}
    parts = _SEPARATOR.split(strip_edges(_ATTACHED_AND.sub(" و ", text)))
    ways: Picked = {frozenset(): ()}
    for nth, part in enumerate(parts):
        ways = _combined(ways, _part(part, labels, first=nth == 0))
    return ways


def _part(part: str, labels: Labels, *, first: bool) -> Picked:
    """Return the ways to read what stands between two separators."""
    whole = labels.whole(form(part))
    if whole:
        return {frozenset((at,)): (at,) for at in whole}
    words = tuple(word for word in part.split() if any(map(str.isalnum, word)))
    if not words or len(words) > MOST_WORDS or _RANGE.search(part) or is_negative(part):
        return {}

    @cache
    def following(at: int, before: Kind) -> Picked:
        """Return the ways to read the words from `at` on."""
        if at == len(words):
            return {} if before == "and" else {frozenset(): ()}
        found: Picked = {}
        if words[at] in _AND and before not in ("first", "and"):
            found |= following(at + 1, "and")
        for end in range(at + 1, min(at + labels.longest + 2, len(words)) + 1):
            for kind, options, linked in _chunks(words[at:end], labels, linked=before != "first"):
                if linked or before in ("first", "part", "and", kind):
                    found |= _combined({frozenset(options): options}, following(end, kind))
        return dict(list(found.items())[:MOST_WAYS])

    return following(0, "first" if first else "part")


def _combined(ways: Picked, after: Picked) -> Picked:
    """Return each of `ways` followed by each of `after`, options repeated counting once."""
    joined = (tuple(dict.fromkeys((*one, *other))) for one in ways.values() for other in after.values())
    return dict(list({frozenset(options): options for options in joined}.items())[:MOST_WAYS])


def _chunks(words: tuple[str, ...], labels: Labels, *, linked: bool) -> Iterator[tuple[Kind, tuple[int, ...], bool]]:
    """Yield the readings of some words as one number, one label or both, with or without an attached و."""
    text = " ".join(words)
    yield from ((*chunk, False) for chunk in _chunk(text, labels))
    if linked and text[0] == "و" and len(words[0]) > 1:
        yield from ((*chunk, True) for chunk in _chunk(text[1:], labels))


def _chunk(text: str, labels: Labels) -> Iterator[tuple[Kind, tuple[int, ...]]]:
    whole = labels.whole(form(text))
    number = position(text)
    if len(whole) == 1 and number is None:
        yield "label", tuple(whole)
        return
    if number is not None:
        options = _positions(text, number, labels)
        if options:
            yield "number", options
        return
    both = numbered(text)
    if both:
        if _label(both[1], labels) == both[0] - 1:
            yield "both", (both[0] - 1,)
        return
    at = _label(text, labels)
    if at is not None:
        yield "label", (at,)
    spelt = worded(form(text), labels)
    if spelt is not None and labels.starting(form(text)) <= {spelt}:
        yield "number", (spelt,)


def _positions(text: str, number: int, labels: Labels) -> tuple[int, ...]:
    """Return the options that a number means: with few options each of its digits is one."""
    digits = [int(digit) for digit in text if digit.isdigit()] if len(labels.keys) <= MOST_SPLIT else [number]
    found = [at_position(digit, labels) for digit in digits]
    options = [at for at in found if isinstance(at, int)]
    return tuple(options) if len(options) == len(found) else ()


def _label(text: str, labels: Labels) -> int | None:
    name = form(text)
    turning = not _TURNING.isdisjoint(name.split())
    found = (labels.whole(name) or labels.bare(name)) if turning else labels.named(name)
    return next(iter(found)) if len(found) == 1 else None
