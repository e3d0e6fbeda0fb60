"""Moving through a conversation: onto the first screen, along the steps, back to the start."""

from __future__ import annotations

from flows import content, places
from flows.ahead import sent_ahead
from flows.model import END, Ask, End, Go, Menu, Say, Set
from flows.walk import Walk


def enter(walk: Walk) -> None:
    """Ask what is still missing before the first step: the language, then consent."""
    languages = walk.flow.languages
    if not walk.state.language and len(languages) == 1:
        walk.speak(languages[0], chosen=False)
    if not walk.state.language:
        walk.move(phase="language")
        walk.show(content.language_menu(walk.flow, walk.voice))
    elif walk.flow.consent and not walk.state.consented:
        walk.move(phase="consent")
        walk.show(content.consent(walk.voice))
    elif walk.state.at >= 0:
        walk.move(phase="steps")
        show_current(walk)
    else:
        advance(walk, 0)


_ASKS = (Ask, Menu)


def advance(walk: Walk, at: int) -> None:
    """Run the steps from index `at` on, up to the next question or the end."""
    for _ in range(2 * len(walk.flow.steps) + 1):
        if at >= len(walk.flow.steps):
            break
        here = walk.flow.steps[at]
        at += 1
        if not walk.enters(here):
            continue
        if isinstance(here, _ASKS):
            walk.move(phase="steps", at=at - 1, path=(), tries=0)
            onward = sent_ahead(walk) if walk.state.pending else None
            if onward is None:
                return show_current(walk)
            at = onward
        if isinstance(here, Go):
            at = len(walk.flow.steps) if here.to == END else walk.flow.index[here.to]
        elif isinstance(here, Set):
            walk.know(here.values)
        elif isinstance(here, Say | End):
            walk.said.append(walk.voice.say(here.text))
            if isinstance(here, End):
                break
    return walk.close("done", *([] if walk.said else [walk.voice.phrase("thanks")]))


def show_current(walk: Walk) -> None:
    """Show the step that waits for a reply."""
    here = walk.current
    if isinstance(here, Menu):
        walk.show(content.directory(here, walk.state, walk.voice))
    elif isinstance(here, Ask) and here.type == "place":
        walk.show(places.question(here, walk))
    elif isinstance(here, Ask) and here.by == "sms" and walk.inbound.bearer == "ussd" and walk.inbound.sms:
        walk.send(content.question(here, walk.state, walk.voice))
    elif isinstance(here, Ask):
        walk.show(content.question(here, walk.state, walk.voice))


def again(walk: Walk) -> None:
    """Show what is being asked."""
    if walk.state.phase == "steps":
        show_current(walk)
    elif walk.state.phase == "resume":
        walk.show(content.resume(walk.flow, walk.voice))
    elif walk.state.phase == "script":
        walk.show(content.script(walk.voice))
    elif walk.state.phase == "closing":
        walk.read_on()
    else:
        enter(walk)


def restart(walk: Walk) -> None:
    """Begin again: the earlier answers of this conversation no longer count."""
    walk.note("restart")
    walk.move(answers={}, trail=(), at=-1, path=(), tries=0)
    walk.voice.answers = {}
    enter(walk)
