"""Words that are obeyed on any question, in any language, before the flow sees them."""

from __future__ import annotations

from collections.abc import Callable

from flows.encoding import measure
from flows.moves import again, enter, restart
from flows.reading.commands import command_language
from flows.types import Screen
from flows.walk import Walk
from locales.negotiation import match


def obey(walk: Walk, order: str) -> None:
    """Do what a command asks for, in the language of its word where the citizen has none yet."""
    told = "" if walk.state.language else match(command_language(walk.inbound.text), walk.flow.languages)
    if told:
        walk.speak(told)
    COMMANDS[order](walk)


def _told(walk: Walk, words: str) -> None:
    """Say something, and ask again what is being asked; by SMS only where both fit in one."""
    walk.said.append(words)
    again(walk)
    last = walk.screens[-1]
    if walk.inbound.bearer == "sms" and measure(last.text).segments > 1:
        walk.screens = (Screen(words, last.ends),)


def _back(walk: Walk) -> None:
    """Ask the question before again, or the current one when it is the first."""
    if walk.state.phase == "steps" and walk.state.trail:
        *trail, before = walk.state.trail
        walk.forget(walk.flow.steps[before])
        walk.move(at=before, trail=tuple(trail))
    again(walk)


def _help(walk: Walk) -> None:
    _told(walk, walk.voice.phrase("help"))


def _change_language(walk: Walk) -> None:
    walk.move(language="", phase="language")
    enter(walk)


def _stop(walk: Walk) -> None:
    walk.note("stop")
    walk.close("stopped", walk.voice.phrase("stopped"))


def _begin_again(walk: Walk) -> None:
    """Let messages come again: the opposite of a stop."""
    walk.note("started")
    _told(walk, walk.voice.phrase("started"))


def _delete(walk: Walk) -> None:
    walk.note("erase")
    walk.close("stopped", walk.voice.phrase("erased"))


def _my_data(walk: Walk) -> None:
    walk.note("my-data")
    kept, since = walk.inbound.kept, walk.inbound.since
    name = "my_data_agreed" if since else "my_data"
    _told(walk, walk.voice.phrase(name, answers=kept, date=since))


COMMANDS: dict[str, Callable[[Walk], None]] = {
    "STOP": _stop,
    "START": _begin_again,
    "HELP": _help,
    "LANGUAGE": _change_language,
    "BACK": _back,
    "RESTART": restart,
    "DELETE": _delete,
    "MYDATA": _my_data,
}
