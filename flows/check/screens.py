"""Rules about what fits and costs: screens, messages, sessions, letters that double the price unnoticed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flows.budget import SESSION, estimate
from flows.check.rule import Finding, Subject, rule
from flows.encoding import fits, segments
from flows.load.problem import quoted
from flows.model import Ask, Menu, Option
from flows.paths import Explored, Node
from flows.paths.letters import Dear, dear


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


@rule("F602", "costly-character", "Letters outside GSM-7 make a French screen cost more.", "warning", deep=True)
def costly_character(subject: Subject) -> Iterator[Finding]:
    """Find the letters without which a screen would be fewer SMS or fewer pages."""
    found: dict[str, tuple[Explored, Dear]] = {}
    for walk in (one for one in subject.walks if not one.sms):
        for one in dear(walk, subject.texts):
            known = found.get(one.text.context)
            if known is None or one.before - one.after > known[1].before - known[1].after:
                found[one.text.context] = (walk, one)
    for spot in subject.spots():
        if spot.text.context in found:
            walk, one = found[spot.text.context]
            unit = "SMS" if walk.bearer == "sms" else "pages"
            message = f"the screen of {quoted(one.words)} takes {one.before} {unit} instead of {one.after}"
            remedy = f"Write {one.instead}, or fold: accents in the head of the flow"
            yield Finding(subject.line(spot.at), f"{message} because of {' '.join(one.letters)}", remedy)


@rule("F603", "cut-screen", "On some path an option or a word does not fit one USSD screen.", deep=True)
def cut_screen(subject: Subject) -> Iterator[Finding]:
    """Find the words and, with the longest answers in their slots, the options that would be cut in two."""
    seen: set[int] = set()
    for walk in subject.walks:
        for node in (one for one in walk.nodes if one.bearer == "ussd"):
            cut = next(_cut(node, subject), "")
            line = subject.spotted(node) if cut else 0
            if cut and line not in seen:
                seen.add(line)
                yield Finding(line, f"{cut} does not fit one screen in '{walk.language}'", "Shorten it")


def _cut(node: Node, subject: Subject) -> Iterator[str]:
    """Yield what would be cut on the screen of a state; options without a slot are the business of another rule."""
    content, voice = node.scene.content, node.scene.voice
    more = f"00 {voice.phrase('more')}"
    step = subject.flow.index.get(node.step)
    own = subject.flow.steps[step] if step is not None else None
    slotted = {key for _, _, key in _slotted(own)} if isinstance(own, Ask | Menu) else set()
    named = isinstance(own, Ask) and own.type == "place"
    for number, (key, label) in enumerate(content.options if content else (), 1):
        if (named or key in slotted) and not fits(f"{number} {label}\n{more}", subject.limits.gsm, subject.limits.ucs2):
            yield f"the name {quoted(label)}" if named else f"with the longest answers the option {quoted(label)}"
    said = "\n".join((node.state.said, content.text if content else ""))
    for word in said.split():
        if not fits(f"{word}\n{more}", subject.limits.gsm, subject.limits.ucs2):
            yield f"the word {quoted(word)}"


def _slotted(step: Ask | Menu) -> Iterator[tuple[str, int, str]]:
    for path, number, option in _level(step.id, step.options):
        if "{" in option.label.source:
            yield path, number, option.key


MOST_SEGMENTS = 10
"""What every provider takes as one message; more are refused, or come in pieces."""


@rule(
    "F604",
    "long-message",
    f"On some path an SMS has more than {MOST_SEGMENTS} segments: providers refuse it.",
    deep=True,
)
def long_message(subject: Subject) -> Iterator[Finding]:
    """Find the longest message of each step that no provider takes."""
    worst: dict[int, tuple[int, str]] = {}
    for walk in subject.walks:
        for node in walk.nodes:
            sent = (*node.messages, *(node.scene.pages if node.bearer == "sms" else ()))
            size = max(map(segments, sent), default=0)
            line = subject.spotted(node) if size > MOST_SEGMENTS else 0
            if size > max(MOST_SEGMENTS, worst.get(line, (0, ""))[0]):
                worst[line] = (size, walk.language)
    for line, (size, language) in sorted(worst.items()):
        message = f"the message that is sent here takes {size} SMS in '{language}'"
        yield Finding(line, message, f"Shorten what is said before it, to {MOST_SEGMENTS} at most")


@rule("F605", "session-time", "The usual conversation is longer than a USSD session lasts.", "warning", deep=True)
def session_time(subject: Subject) -> Iterator[Finding]:
    """Compare each language's conversation with the session; the longest is told."""
    found = [one for walk in subject.walks if walk.bearer == "ussd" and (one := estimate(walk)) is not None]
    slow = max(found, key=lambda one: one.seconds("usual"), default=None)
    if slow is not None and slow.seconds("usual") > SESSION:
        usual, worst = slow.path("usual").tally, slow.path("worst").tally
        message = (
            f"in '{slow.language}' the usual citizen needs {usual.screens:.0f} USSD screens and "
            f"{slow.seconds('usual'):.0f} s, the slowest {worst.screens:.0f} and {slow.seconds('worst'):.0f} s; "
            f"a session lasts {SESSION} s"
        )
        yield Finding(subject.line("#steps", "#flow"), message, "Ask less, or split the flow")
