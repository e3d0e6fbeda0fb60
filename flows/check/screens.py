"""Rules about what fits: no option longer than a screen, no letter that doubles the price unnoticed."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from flows.check.rule import Finding, Spot, Subject, rule
from flows.encoding import GSM7, costly, fits, sms_safe
from flows.load.problem import quoted
from flows.model import Ask, Menu, Option


@rule("F601", "long-option", "An option does not fit one USSD screen; it would be cut in two.")
def long_option(subject: Subject) -> Iterator[Finding]:
    """Find the options that leave no room for the key of the next page."""
    for path, number, option in _numbered(subject):
        for language in subject.flow.languages:
            words = subject.texts.flow(option.label, language, subject.flow.language).text
            shown = f"{number} {words}\n00 {subject.texts.phrase('more', language)}"
            if not fits(shown, subject.limits.gsm, subject.limits.ucs2):
                message = f"the option {quoted(words)} does not fit one screen in '{language}'"
                yield Finding(subject.line(path), message, "Shorten it")
                break


def _numbered(subject: Subject) -> Iterator[tuple[str, int, Option]]:
    """Yield every option with its path and the number it is shown with."""
    for step in subject.flow.steps:
        if isinstance(step, Ask | Menu):
            yield from _level(step.id, step.options)


def _level(path: str, options: Sequence[Option]) -> Iterator[tuple[str, int, Option]]:
    for number, option in enumerate(options, 1):
        here = f"{path}/{option.key}"
        yield here, number, option
        yield from _level(here, option.options)


@rule("F602", "costly-character", "A French text holds a letter outside GSM-7: it costs more than twice.", "warning")
def costly_character(subject: Subject) -> Iterator[Finding]:
    """Find the characters that turn a French text into UCS-2, with what can stand for them."""
    for spot, words in _french(subject):
        found = costly(sms_safe(words))
        if found:
            shown = " ".join(found)
            message = f"{quoted(words)} is sent in 70 characters a message instead of 160 because of {shown}"
            yield Finding(subject.line(spot.at), message, _replacements(found))


def _french(subject: Subject) -> Iterator[tuple[Spot, str]]:
    if "fr" not in subject.flow.languages:
        return
    for spot in subject.spots():
        words = subject.texts.flow(spot.text, "fr", subject.flow.language)
        if words.language == "fr":
            yield spot, words.text


def _replacements(characters: Sequence[str]) -> str:
    """Return what to write instead of each character, where its bare letter can be sent."""
    pairs = [(one, "".join(part for part in unicodedata.normalize("NFKD", one) if part in GSM7)) for one in characters]
    known = [f"{bare} for {one}" for one, bare in pairs if bare]
    return f"Where the meaning stays, write {', '.join(known)}" if known else "Write it with other signs"
