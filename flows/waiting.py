"""What a citizen is told of a conversation that waits for them: one SMS segment, in their language."""

from __future__ import annotations

from collections.abc import Iterator

from flows.encoding import measure, sms_safe
from flows.model import Flow
from flows.moves import again
from flows.texts import Texts
from flows.types import Conversation, Inbound
from flows.voice import Voice
from flows.walk import Walk


def reminder(flow: Flow, state: Conversation, texts: Texts, word: str = "") -> str:
    """Return the open question once more where it fits, else what to do about it; `word` starts the flow by SMS."""
    return _first_that_fits(_reminders(flow, state, texts, word))


def way_back(flow: Flow, state: Conversation, texts: Texts, code: str, word: str = "") -> str:
    """Return how to go on with a lost USSD session: `code` to dial, or `word` to send. It tells nothing of the flow.

    Empty where neither fits.
    """
    voice = Voice(texts, flow, state.language, {})
    both = [voice.phrase("lost_or", code=code, word=word)] if code and word else []
    dial = [voice.phrase("lost", code=code)] if code else []
    send = [voice.phrase("lost_sms", word=word)] if word else []
    return _first_that_fits(iter((*both, *dial, *send)))


def _reminders(flow: Flow, state: Conversation, texts: Texts, word: str) -> Iterator[str]:
    """Yield what a reminder may say, the fullest first."""
    walk = Walk(flow, state, Inbound(bearer="sms", event="start"), state.updated_at, texts)
    again(walk)
    asked = "\n".join(screen.text for screen in walk.screens)
    voice = walk.voice
    yield f"{voice.phrase('remind')}\n{asked}"
    yield asked
    if word:
        yield voice.phrase("remind_word", title=voice.say(flow.title), word=word)
    yield voice.phrase("remind_last")


def _first_that_fits(said: Iterator[str]) -> str:
    return next((text for text in map(sms_safe, said) if measure(text).segments == 1), "")
