"""Rules about texts: translated in every language offered, with the same slots, free of what nobody sees."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from flows.check.rule import SLOT_FORM, Finding, Spot, Subject, rule
from flows.load.problem import quoted
from locales.slots import slots, stray_braces, wrong_plurals


@rule("F503", "missing-translation", "A text is not translated in a language offered.")
def missing_translation(subject: Subject) -> Iterator[Finding]:
    """Find the texts that a citizen would read in another language than the one chosen."""
    for spot, language in _reviewed(subject):
        if subject.texts.state(spot.text, language, subject.flow.language) == "missing":
            message = f"{quoted(spot.text.source)} is not translated into '{language}'"
            remedy = f"Add it in place or to locales/{language}/LC_MESSAGES/flows.po ({spot.text.context})"
            yield Finding(subject.line(spot.at), message, remedy)


@rule("F504", "fuzzy-translation", "A translation has not been reviewed.")
def fuzzy_translation(subject: Subject) -> Iterator[Finding]:
    """Find the translations that still carry gettext's mark `fuzzy`, and the generated ones."""
    for spot, language in _reviewed(subject):
        if subject.texts.state(spot.text, language, subject.flow.language) == "fuzzy":
            message = f"the words of {quoted(spot.text.source)} in '{language}' are not reviewed"
            remedy = f"Let a speaker read them and remove `fuzzy`, or name '{language}' under provisional"
            yield Finding(subject.line(spot.at), message, remedy)


def _reviewed(subject: Subject) -> Iterator[tuple[Spot, str]]:
    """Yield every text with each language whose translations must be complete."""
    for spot in subject.spots():
        for language in subject.flow.languages:
            if language not in subject.flow.provisional:
                yield spot, language


@rule(
    "F505",
    "provisional-language",
    "Texts of a provisional language are missing or not reviewed.",
    "warning",
    parts=False,
)
def provisional_language(subject: Subject) -> Iterator[Finding]:
    """Count, for each provisional language, what is served by a fallback or without a review."""
    spots = list(subject.spots())
    for language in subject.flow.provisional:
        states = [subject.texts.state(spot.text, language, subject.flow.language) for spot in spots]
        missing, fuzzy = states.count("missing"), states.count("fuzzy")
        if missing or fuzzy:
            message = f"of {len(states)} texts in '{language}', {missing} are missing and {fuzzy} not reviewed"
            remedy = "Until a speaker has completed them, citizens read the next language of the fallback"
            yield Finding(subject.line("#provisional"), message, remedy)


@rule("F506", "slot-mismatch", "A translation has other slots than its source.")
def slot_mismatch(subject: Subject) -> Iterator[Finding]:
    """Find the translations that lose a slot or invent one."""
    for spot in subject.spots():
        wanted = slots(spot.text.source)
        for language in subject.flow.languages:
            words = subject.texts.flow(spot.text, language, subject.flow.language)
            if words.language != language:
                continue
            if language not in spot.text.inline and language != subject.flow.language and stray_braces(words.text):
                message = f"in '{language}' {quoted(words.text)} has a brace without its pair"
                yield Finding(subject.line(spot.at), message, SLOT_FORM)
            elif slots(words.text) != wanted:
                message = f"in '{language}' {quoted(words.text)} has the slots {_braced(slots(words.text))}"
                yield Finding(subject.line(spot.at), message, f"Give it the slots of the source: {_braced(wanted)}")


@rule("F511", "plural-forms", "A plural slot has not one word for each plural form of its language.")
def plural_forms(subject: Subject) -> Iterator[Finding]:
    """Find the texts whose plural slots lack a form, or have one too many: some number would read wrongly."""
    for spot in subject.spots():
        for language in subject.flow.languages:
            words = subject.texts.flow(spot.text, language, subject.flow.language)
            for wrong, remedy in wrong_plurals(words.text, language) if words.language == language else ():
                yield Finding(subject.line(spot.at), f"in '{language}' {wrong}", remedy)


def _braced(names: frozenset[str]) -> str:
    return " ".join(f"{{{name}}}" for name in sorted(names)) or "none"


BIDI = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


@rule("F507", "invisible-character", "A text holds a character that nobody sees.")
def invisible_character(subject: Subject) -> Iterator[Finding]:
    """Find control, zero-width and other characters without a shape; they cost, and change what is matched."""
    for spot, words in _written(subject):
        for character in sorted({one for one in words if _is_invisible(one) and not BIDI.match(one)}):
            message = f"{quoted(words)} holds the invisible character {_named(character)}"
            yield Finding(subject.line(spot.at), message, "Delete it, or type the text anew")


@rule("F508", "bidi-control", "A text holds a character that turns the direction of writing.")
def bidi_control(subject: Subject) -> Iterator[Finding]:
    """Find the marks that make a reader see another order than the one written; phones show them as boxes."""
    for spot, words in _written(subject):
        for character in sorted(set(BIDI.findall(words))):
            message = f"{quoted(words)} holds the direction mark {_named(character)}"
            yield Finding(subject.line(spot.at), message, "Delete it; put codes and numbers on a line of their own")


def _written(subject: Subject) -> Iterator[tuple[Spot, str]]:
    """Yield the words as the flow file has them; catalogues are cleaned when they are served."""
    for spot in subject.spots():
        for words in dict.fromkeys((spot.text.source, *spot.text.inline.values())):
            yield spot, words


def _is_invisible(character: str) -> bool:
    return character != "\n" and unicodedata.category(character) in ("Cc", "Cf", "Co", "Cn", "Zl", "Zp")


def _named(character: str) -> str:
    name = unicodedata.name(character, "without a name").lower()
    return f"U+{ord(character):04X} ({name})"


# Arabic lines --------------------------------------------------------------------------------------------------
_ARABIC = re.compile("[\u0621-\u064a\u0671-\u06d3]")
_KEY = r"\d{1,2} ?[).:](?=[\s\u0621-\u064a])"
_UNSAFE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("the code {}", re.compile(r"[*#][\d*]*\d[\d*]*#?|\d[\d*]*#")),
    ("the number {}", re.compile(r"\+\d[\d ]{5,}|\b\d{2,4}(?:[ .-]\d{2,3}){2,}\b")),
    ("the address {}", re.compile(r"https?://\S+|www\.\S+|\S+@\S+")),
    ("the date {}", re.compile(r"\b\d{1,4}[/-]\d{1,2}[/-]\d{1,4}\b")),
    ("the range {}", re.compile(r"\d+ ?[-\u2013\u2014] ?\d+")),
    ("several choices on one line, {}", re.compile(rf"(?:^|\s){_KEY}.*\s{_KEY}")),
)
_TURNED = {"phone": "the number {}", "date": "the date {}"}
"""Question types whose answers stand in another order inside an Arabic line."""


@rule("F509", "bidi-unsafe", "An Arabic line holds a code, number, range or date that phones show in another order.")
def bidi_unsafe(subject: Subject) -> Iterator[Finding]:
    """Find what is turned round when a line is read from the right: each needs a line of its own."""
    for spot, line in _arabic_lines(subject):
        turned = [(shape, found[0].strip()) for shape, pattern in _UNSAFE if (found := pattern.search(line))]
        for name in sorted(slots(line)):
            kind = subject.asks[name].type if name in subject.asks else ""
            turned += [(_TURNED[kind], f"{{{name}}}")] if kind in _TURNED else []
        if turned:
            shape, said = turned[0]
            remedy = "Put it on a line of its own" if "range" not in shape else "Write it as من 1 إلى 5"
            message = f"the Arabic line {quoted(line)} turns round {shape.format(said)}"
            yield Finding(subject.line(spot.at), message, remedy)


@rule("F510", "latin-in-arabic", "An Arabic line holds a Latin word or abbreviation; it breaks the order.", "warning")
def latin_in_arabic(subject: Subject) -> Iterator[Finding]:
    """Find the Latin words inside Arabic lines, slots and addresses aside."""
    for spot, line in _arabic_lines(subject):
        plain = _UNSAFE[2][1].sub("", re.sub(r"\{[^{}]*\}", "", line))
        found = re.search(r"[A-Za-z\u00c0-\u024f]{2,}", plain)
        if found:
            message = f"the Arabic line {quoted(line)} holds {quoted(found[0])}"
            yield Finding(subject.line(spot.at), message, "Write it in Arabic letters, or on a line of its own")


def _arabic_lines(subject: Subject) -> Iterator[tuple[Spot, str]]:
    """Yield each line with Arabic letters of the texts that an Arabic reader is served."""
    for spot in subject.spots() if "ar" in subject.flow.languages else ():
        words = subject.texts.flow(spot.text, "ar", subject.flow.language)
        for line in words.text.split("\n") if words.language == "ar" else ():
            if _ARABIC.search(line):
                yield spot, line
