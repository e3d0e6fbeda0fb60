"""What a citizen looks at in one state of a conversation: the pages of the screen, and the options on them."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from flows.content import Content, closing, layout
from flows.model import Text, Value
from flows.moves import again
from flows.types import Conversation, Inbound
from flows.voice import Voice
from flows.walk import Walk

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
"""The one moment at which every path is walked; no rule of a flow looks at the clock."""


class Scene(Struct, frozen=True):
    """The pages of one state; `content` is None where nothing is asked."""

    pages: tuple[str, ...]
    content: Content | None
    voice: Voice

    def page_of(self, number: int) -> int:
        """Return how many pages are read until option `number` is seen."""
        if self.content is None or not 1 <= number <= len(self.content.options):
            return len(self.pages)
        line = f"{number} {self.content.options[number - 1][1]}"
        return next((at for at, page in enumerate(self.pages, 1) if line in page.split("\n")), len(self.pages))


class _Looking(Walk):
    """A walk that stops at what would be shown."""

    content: Content | None = None

    def show(self, content: Content) -> None:
        self.content = content

    send = show


def scene(walk: Walk, voice: Voice | None = None) -> Scene:
    """Return what the citizen looks at before the inbound of this walk; `voice` speaks in place of the walk's own."""
    state = walk.state
    if state.phase == "closing":
        return Scene(tuple(closing(state.said, walk.inbound, walk.voice)), None, walk.voice)
    looking = _Looking(walk.flow, state, walk.inbound, walk.now, walk.texts)
    looking.voice = voice or looking.voice
    again(looking)
    if looking.content is None:
        return Scene((), None, walk.voice)
    pages = layout(looking.content, state.said, walk.inbound, looking.voice)
    return Scene(tuple(pages), looking.content, looking.voice)


def begin(language: str, inbound: Inbound, flow: str = "") -> Conversation:
    """Return the conversation of a citizen met for the first time, who chose `language`, if any."""
    return Conversation(id="", bearer=inbound.bearer, flow=flow, language=language, started_at=NOW, updated_at=NOW)


def spoken(name: str, value: Value, voice: Voice) -> str:
    """Return an answer as a slot shows it."""
    words = "{" + name + "}"
    text = Text("", words, {voice.language: words})
    return Voice(voice.texts, voice.flow, voice.language, {name: value}).say(text)
