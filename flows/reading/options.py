"""A single choice: by label, by number, or by both when they agree (rules 5, 8, 11, 12, 14)."""

from __future__ import annotations

from flows.reading.courtesy import is_negative, numbered, position, without_thanks
from flows.reading.labels import Labels, form, labels_of
from flows.reading.number_words import counted
from flows.reading.spec import Reading, Spec, unclear


def read_choice(text: str, spec: Spec) -> Reading:
    """Read folded text as one of the options."""
    labels = labels_of(spec.options)
    found = find(text, labels)
    if isinstance(found, int):
        return Reading(value=labels.keys[found])
    head = without_thanks(text)
    return found if head == text else _again(head, labels)


def _again(text: str, labels: Labels) -> Reading:
    found = find(text, labels)
    return Reading(value=labels.keys[found]) if isinstance(found, int) else found


def find(text: str, labels: Labels) -> int | Reading:
    """Return the index of the option that folded text means, else why it is unclear."""
    if is_negative(text):
        return unclear()
    name = form(text)
    whole = labels.whole(name)
    if whole:
        return _only(whole, labels)
    number = position(text)
    if number is not None:
        return at_position(number, labels)
    return _with_number(text, labels) if any(map(str.isdigit, text)) else _named(name, labels)


def at_position(number: int, labels: Labels) -> int | Reading:
    """Return the index of the option with this number on the screen."""
    if 1 <= number <= len(labels.keys):
        return number - 1
    return unclear("out-of-range" if number else "navigation")


def _with_number(text: str, labels: Labels) -> int | Reading:
    """Read `1 Eau`; a number beside anything but its own label is no answer, unless a label begins so."""
    both = numbered(text)
    if both is None:
        return _named(form(text), labels)
    number, words = both
    named = labels.named(form(words))
    if not named:
        return _named(form(text), labels)
    return number - 1 if named == {number - 1} else unclear("two-answers")


def _named(name: str, labels: Labels) -> int | Reading:
    """Read a label; a number word is a position, unless it also begins another option's label."""
    number = worded(name, labels)
    named = labels.named(name) or labels.joined(name)
    return _only(named | (set() if number is None else {number, *labels.starting(name)}), labels)


def worded(name: str, labels: Labels) -> int | None:
    """Return the index of the option whose number the words spell out."""
    number = counted(name)
    found = None if number is None else at_position(number, labels)
    return found if isinstance(found, int) else None


def _only(found: set[int], labels: Labels) -> int | Reading:
    if len(found) == 1:
        return next(iter(found))
    return unclear("ambiguous", labels.offer(found)) if found else unclear("not-an-option")
