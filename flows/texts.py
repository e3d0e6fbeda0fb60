"""What the engine needs to speak: words in a language, and the names of places. Both arrive as arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from flows.model import PlaceLevel, Text
from locales.catalogue import Words
from locales.places import Place

__all__ = ["Place", "Places", "Texts", "Words"]


class Places(Protocol):
    """The gazetteer, in memory."""

    def get(self, code: str) -> Place | None:
        """Return the place with this HCP code."""

    def children(self, code: str) -> Sequence[Place]:
        """Return the places directly below `code`, in code order; the twelve regions for an empty code."""

    def find(self, text: str, level: PlaceLevel, within: str = "") -> Sequence[Place]:
        """Return every place of `level` that a citizen's `text` may mean (name or code), best first, none twice.

        One result is an answer; several are candidates to offer; `within` keeps those below that code.
        """


class Texts(Protocol):
    """All words a citizen can read."""

    @property
    def places(self) -> Places:
        """Return the gazetteer."""

    def flow(self, text: Text, language: str, source: str) -> Words:
        """Return a flow's text in `language`, through the fallback chain; `source` is the flow's own language."""

    def phrase(self, name: str, language: str, **slots: object) -> str:
        """Return one of the gateway's own phrases (`locales.phrases.PHRASES`), its `{slots}` filled."""

    def native(self, tag: str) -> str:
        """Return a language's own name for the language menu (`العربية`, `Tamazight`, `Français`)."""
