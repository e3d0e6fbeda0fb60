"""One inbound in, one turn out: the pure heart of Awal.

A conversation goes through phases: `language` (for Tamazight also `script`) and `consent` on first contact, `steps`
through the flow, `resume` when a lost one is taken up again, `closing` while the last words take several screens.
`step()` does no I/O, reads no clock and draws no random number, so that the same inputs always give the same turn.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flows import content
from flows.commands import obey
from flows.known import recall, remember
from flows.model import Flow
from flows.moves import advance, enter, restart, show_current
from flows.questions import answer
from flows.reading import command
from flows.texts import Texts
from flows.types import Conversation, Inbound, Turn
from flows.walk import Walk
from locales.tags import LATIN, TIFINAGH


def step(flow: Flow, conversation: Conversation, inbound: Inbound, now: datetime, texts: Texts) -> Turn:
    """Take one inbound of a conversation and return the turn it leads to.

    `now` is an aware datetime, the only clock; `texts` holds all words and places. A `start` opens the conversation
    or, where it had begun, offers to continue; a `drop` changes nothing and shows nothing; all else is a reply.
    """
    known = recall(flow, conversation, inbound, now, texts)
    if known is not None:
        return known
    walk = Walk(flow, conversation, inbound, now, texts)
    turn = take(walk)
    remember(walk, conversation, turn)
    return turn


def take(walk: Walk) -> Turn:
    """Do what `step` does, on a walk that the caller may watch."""
    if walk.inbound.event == "start":
        _start(walk)
    elif walk.inbound.event == "reply":
        _reply(walk)
    return walk.turn()


def _start(walk: Walk) -> None:
    """Open a conversation, or meet a citizen who comes back to one."""
    if walk.state.phase in ("steps", "resume") and walk.state.trail:
        walk.move(phase="resume")
        walk.show(content.resume(walk.flow, walk.voice))
    elif walk.state.phase == "steps":
        show_current(walk)
    else:
        enter(walk)


def _reply(walk: Walk) -> None:
    """Obey a command, whatever the question; else let the phase read the reply."""
    order = command(walk.inbound.text)
    if order is not None:
        obey(walk, order)
    else:
        PHASES[walk.state.phase](walk)


def _language(walk: Walk) -> None:
    menu = content.language_menu(walk.flow, walk.voice)
    chosen = walk.pick(menu)
    if chosen is None:
        walk.show(menu)
    elif chosen == TIFINAGH and LATIN in walk.flow.languages:
        walk.move(phase="script")
        walk.show(content.script(walk.voice))
    else:
        walk.speak(chosen)
        enter(walk)


def _script(walk: Walk) -> None:
    """A phone without Tifinagh shows boxes: its owner reads Tamazight in Latin letters, from now on."""
    asked = content.script(walk.voice)
    chosen = walk.pick(asked) or walk.pick(asked, "yes_no")
    if chosen is None:
        walk.show(asked)
    else:
        walk.speak(TIFINAGH if chosen == "yes" else LATIN)
        enter(walk)


def _consent(walk: Walk) -> None:
    asked = content.consent(walk.voice)
    if walk.turns_page(asked):
        return
    chosen = walk.pick(asked) or walk.pick(asked, "yes_no")
    if chosen == "yes":
        walk.move(consented=True)
        walk.note("consent")
        enter(walk)
    elif chosen == "no":
        walk.note("refusal")
        walk.close("refused", walk.voice.phrase("consent_refused"))
    else:
        walk.said.append(walk.voice.phrase("unclear"))
        walk.show(asked)


def _resume(walk: Walk) -> None:
    offer = content.resume(walk.flow, walk.voice)
    chosen = walk.pick(offer)
    if chosen == "go_on":
        walk.move(phase="steps")
        show_current(walk)
    elif chosen == "again":
        restart(walk)
    elif not walk.turns_page(offer):
        walk.said.append(walk.voice.phrase("unclear"))
        walk.show(offer)


def _steps(walk: Walk) -> None:
    """Let the question read the reply; it answers with the index to go on at, or None when it asks again."""
    onward = answer(walk)
    if onward is not None:
        advance(walk, onward)


def _closing(walk: Walk) -> None:
    walk.read_on()


PHASES: dict[str, Callable[[Walk], None]] = {
    "new": _start,
    "language": _language,
    "script": _script,
    "consent": _consent,
    "resume": _resume,
    "steps": _steps,
    "closing": _closing,
}
