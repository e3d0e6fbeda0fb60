"""Turns that are the same for every citizen: the engine works each out once per flow version, and here it is kept.

Most replies are a number, given to a question that names no answer, to a menu, or to the questions before the first
step, and lead to another of that kind. What comes of one depends on the flow, the words and the inbound alone. A turn
is kept only where nothing of the citizen's own went into it (`Voice.personal`), and where it gives back, from the same
state, exactly what the engine has made of it.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from flows.model import Ask, Flow, Menu, Step
from flows.questions import BY_NUMBER
from flows.texts import Texts
from flows.types import Answer, Conversation, Happening, Inbound, Screen, Turn
from flows.walk import Walk

ROOM = 4096
"""How many turns a flow version keeps; digits exist in many scripts, and somebody may try them all."""
MOVED = ("phase", "status", "at", "said", "page", "more", "tries", "path", "language", "consented")
"""What such a turn sets in the conversation, besides the answer and the way back."""


BEFORE_STEPS = ("language", "script", "consent")
"""The phases whose questions are the same in every flow."""
SHARED = ("fallback", "language", "consent", "look-up")
"""The happenings that come of the reply alone."""


class Known(Struct, frozen=True, gc=False):
    """What one inbound leads to, whoever sends it."""

    screens: tuple[Screen, ...]
    answers: tuple[Answer, ...]
    events: tuple[Happening, ...]
    moved: dict[str, Any]

    def turn(self, before: Conversation, inbound: Inbound, now: datetime) -> Turn:
        """Return the turn of a citizen who comes from `before`."""
        answers, trail = before.answers, before.trail
        if self.answers:
            (answer,) = self.answers
            answers, trail = {**answers, answer.step: answer.value}, (*trail, before.at)
        after = replace(before, bearer=inbound.bearer, updated_at=now, answers=answers, trail=trail, **self.moved)
        return Turn(conversation=after, screens=self.screens, answers=self.answers, events=self.events)


def recall(flow: Flow, before: Conversation, inbound: Inbound, now: datetime, texts: Texts) -> Turn | None:
    """Return the turn that this inbound leads to, where it is known."""
    if before.path or before.pending or inbound.ahead:
        return None
    known = flow.turns.get(_key(before, inbound, texts))
    return known.turn(before, inbound, now) if known else None


def remember(walk: Walk, before: Conversation, turn: Turn) -> None:
    """Keep a turn that is the same for every citizen, as far as there is room."""
    if not _common(walk, before, turn) or len(walk.flow.turns) >= ROOM:
        return
    known = Known(turn.screens, turn.answers, turn.events, {name: getattr(turn.conversation, name) for name in MOVED})
    if known.turn(before, walk.inbound, walk.now) == turn:
        walk.flow.turns[_key(before, walk.inbound, walk.texts)] = known


def _key(before: Conversation, inbound: Inbound, texts: Texts) -> Hashable:
    return (
        texts,
        before.language,
        before.phase,
        before.status,
        before.more,
        before.at,
        before.said,
        before.page,
        before.tries,
        before.consented,
        bool(before.answers),
        inbound.event,
        inbound.text,
        inbound.bearer,
        inbound.limits,
        inbound.sms,
        inbound.within,
    )


def _common(walk: Walk, before: Conversation, turn: Turn) -> bool:
    """Tell whether a turn came of the flow alone: a dial that opens, or a number that was understood."""
    inbound = walk.inbound
    if walk.voice.personal or before.path or before.pending or inbound.ahead:
        return False
    if any(event.kind not in SHARED for event in turn.events):
        return False
    if inbound.event == "start":
        return before.phase == "new"
    if len(inbound.text) > 2 or not inbound.text.isdigit():
        return False
    if before.phase in BEFORE_STEPS:
        return turn.conversation.phase != before.phase
    return before.phase == "steps" and _understood(walk.flow.steps[before.at], turn)


def _understood(asked: Step, turn: Turn) -> bool:
    if isinstance(asked, Menu):
        return any(event.kind == "look-up" for event in turn.events)
    return isinstance(asked, Ask) and asked.type in (*BY_NUMBER, "choices") and len(turn.answers) == 1
