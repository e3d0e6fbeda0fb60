"""Which texts of a flow a citizen sees in a state: those whose words are on the screen, whatever fills their slots."""

from __future__ import annotations

import re

from flows.model import Flow, Text
from flows.paths.explore import Node
from flows.texts import Texts
from flows.voice import Voice

_SLOT = re.compile(r"\{[^{}]*\}")


class Shown:
    """Looks for the texts of one flow; their words in each language are worked out once."""

    def __init__(self, flow: Flow, texts: Texts) -> None:
        self.flow = flow
        self.texts = texts
        self._parts: dict[tuple[str, str], list[str]] = {}

    def holds(self, node: Node, text: Text) -> bool:
        """Tell whether a text is among what is shown."""
        parts = self._between_slots(text, node.state.language or self.flow.language)
        return bool(parts) and all(part in node.words for part in parts)

    def words(self, text: Text, language: str) -> str:
        """Return a text as it is sent in a language, its slots open."""
        return Voice(self.texts, self.flow, language, {}).say(text)

    def _between_slots(self, text: Text, language: str) -> list[str]:
        key = (text.context, language)
        if key not in self._parts:
            self._parts[key] = [part for part in _SLOT.split(self.words(text, language)) if part.strip()]
        return self._parts[key]
