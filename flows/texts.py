"""What the engine needs to speak: words in a language, and the names of places. Both arrive as arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from flows.model import PlaceLevel, Text


class Words(Struct, frozen=True):
    """A text in the language it could be served in; `language` differs from the one asked on a fallback."""

    text: str
    language: str


class Place(Struct, frozen=True):
    """A region, province or commune of the HCP code book (`02`, `02.411`, `02.411.01.01`)."""

    code: str
    level: PlaceLevel
    names: Mapping[str, str]
    """Language tag to name; always `fr` and `ar`."""
    parent: str = ""

    def name(self, language: str) -> str:
        """Return the name in `language`; Latin-script languages get the French one, others the Arabic one."""
        if language in self.names:
            return self.names[language]
        return self.names["fr" if language.endswith("Latn") else "ar"]


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

    places: Places

    def flow(self, text: Text, language: str, source: str) -> Words:
        """Return a flow's text in `language`, through the fallback chain; `source` is the flow's own language."""

    def phrase(self, name: str, language: str, **slots: object) -> str:
        """Return one of the gateway's own phrases (`locales.phrases.PHRASES`), its `{slots}` filled."""

    def native(self, tag: str) -> str:
        """Return a language's own name for the language menu (`العربية`, `Tamazight`, `Français`)."""
