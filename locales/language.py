"""What the catalogues of one language hold, in dictionaries."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, Protocol

from msgspec import Struct

from locales.pofile import Entry

State = Literal["ok", "fuzzy", "missing"]
Read = Callable[[str], Iterable[Entry]]
"""Domain to its entries, those that win first."""

PHRASE_DOMAINS = ("awal", "report", "poster")
PROVISIONAL = ("zgh", "zgh-Latn")
"""Languages whose attested words are served before a native review: fuzzy phrases and the glossary."""

_EDGES = " \t\n.,;:!?…\"'«»()-"
_TYPOGRAPHY = str.maketrans("âêîôûëïç’", "aeioueic'", "\u00ad\u200e\u200f")


class Source(Protocol):
    """A text before its language is chosen (`flows.model.Text`)."""

    @property
    def context(self) -> str:
        """Return the gettext context: `flow/step` or `flow/step/option`."""

    @property
    def source(self) -> str:
        """Return the words in the flow's own language."""

    @property
    def inline(self) -> Mapping[str, str]:
        """Return the translations written in the flow itself, by language."""


class Phrase(Struct, frozen=True):
    """One of the gateway's own phrases; its name is its context."""

    context: str
    source: str
    inline: Mapping[str, str] = {}


class Found(Struct, frozen=True):
    """A text in one language, and whether a person has reviewed it."""

    text: str
    state: State


class Language:
    """The words of one language: reviewed ones, drafts, and the glossary of a provisional language."""

    def __init__(self, tag: str, read: Read) -> None:
        self._exact: dict[tuple[str, str], Found] = {}
        self._anywhere: dict[tuple[str, str], str | None] = {}
        self._glossary: dict[str, str] = {}
        self._drafts: set[tuple[str, str]] = set()
        self._read_flows(read("flows"))
        for domain in PHRASE_DOMAINS:
            self._read_phrases(read(domain), tag in PROVISIONAL)
        if tag in PROVISIONAL:
            self._read_glossary(read("glossary"))

    def find(self, text: Source) -> Found | None:
        """Return the text's translation: its own, else its flow's only one for the same words, else the glossary's."""
        own = self._exact.get((text.context, text.source))
        if own:
            return own
        elsewhere = self._anywhere.get((_flow(text.context), text.source))
        if elsewhere:
            return Found(elsewhere, "ok")
        word = self._glossary.get(glossary_key(text.source)) if self._glossary else None
        return Found(word, "fuzzy") if word else None

    def drafted(self, text: Source) -> bool:
        """Tell whether a translator has begun this text, without a review."""
        return (text.context, text.source) in self._drafts

    def _read_flows(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            key = (entry.context, entry.source)
            if entry.text and not entry.fuzzy:
                self._exact.setdefault(key, Found(entry.text, "ok"))
                if not entry.obsolete:
                    self._share(_flow(entry.context), entry)
            elif entry.text:
                self._drafts.add(key)

    def _share(self, flow: str, entry: Entry) -> None:
        """Offer a translation to the same words elsewhere in the flow, unless two of them differ."""
        first = self._anywhere.setdefault((flow, entry.source), entry.text)
        if first != entry.text:
            self._anywhere[flow, entry.source] = None

    def _read_phrases(self, entries: Iterable[Entry], provisional: bool) -> None:
        for entry in entries:
            if entry.text and (provisional or not entry.fuzzy):
                state: State = "fuzzy" if entry.fuzzy else "ok"
                self._exact.setdefault((entry.context, entry.source), Found(entry.text, state))

    def _read_glossary(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.text:
                self._glossary.setdefault(glossary_key(entry.source), entry.text)


def glossary_key(text: str) -> str:
    """Return a French word as the glossary compares it: no case, no outer punctuation, no letter that GSM-7 lacks."""
    folded = unicodedata.normalize("NFC", text).casefold().translate(_TYPOGRAPHY)
    return " ".join(folded.strip(_EDGES).split())


def _flow(context: str) -> str:
    return context.partition("/")[0]
