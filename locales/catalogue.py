"""Words for citizens: a text or phrase in the language asked, or in the next one that has it.

Gettext's own lookup is not enough here. It knows one chain for all, drops the script of `zgh-Latn`, and cannot say
which language it served; and a screen served in another language than asked has to be counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct

from locales.formats import visible
from locales.language import Found, Language, Phrase, Source, State
from locales.phrases import PHRASES
from locales.places import Gazetteer, load
from locales.pofile import Entry, entries
from locales.slots import fill
from locales.tags import chain, native
from locales.tifinagh import to_latin

SHIPPED = Path(__file__).parent
PHRASE_SOURCE = "fr"
"""The language `PHRASES` is written in."""

_Key = tuple[str, str, tuple[tuple[str, str], ...], str, str]


class Words(Struct, frozen=True):
    """A text in the language it could be served in; `language` differs from the one asked on a fallback."""

    text: str
    language: str


class Catalogues:
    """Serves flow texts and phrases in four languages; fulfils `flows.texts.Texts`.

    `folders` hold `<tag>/LC_MESSAGES/<domain>.po` and come before the shipped ones. Files are read at the first use
    of their language; `cache` is a folder for their compiled form. Made once and shared by all threads.
    """

    def __init__(
        self, folders: Sequence[Path] = (), places: Gazetteer | None = None, cache: Path | None = None
    ) -> None:
        self.places = places or load()
        self._folders = tuple(dict.fromkeys((*folders, SHIPPED)))
        self._cache = cache
        self._languages: dict[str, Language] = {}
        self._texts: dict[_Key, Words] = {}
        self._phrases: dict[tuple[str, str], Words] = {}

    def flow(self, text: Source, language: str, source: str) -> Words:
        """Return a flow's text in `language`, through the fallback chain; `source` is the flow's own language."""
        inline = tuple(text.inline.items()) if text.inline else ()
        key = (text.context, text.source, inline, language, source)
        words = self._texts.get(key)
        if words is None:
            words = self._texts[key] = self._serve(text, language, source)
        return words

    def phrase(self, name: str, language: str, **slots: object) -> str:
        """Return one of the gateway's own phrases, its `{slots}` filled; an unknown name is a KeyError."""
        template = self.phrase_words(name, language).text
        return fill(template, slots) if slots else template

    def phrase_words(self, name: str, language: str) -> Words:
        """Return a phrase with its slots open, and the language it could be served in."""
        words = self._phrases.get((name, language))
        if words is None:
            words = self._phrases[name, language] = self._serve(Phrase(name, PHRASES[name]), language, PHRASE_SOURCE)
        return words

    def native(self, tag: str) -> str:
        """Return a language's own name for the language menu."""
        return native(tag)

    def state(self, text: Source, language: str, source: str) -> State:
        """Tell whether a text is reviewed in `language` (`ok`), unreviewed or generated (`fuzzy`), or `missing`."""
        found = self._found(text, language, source)
        if found:
            return found.state
        return "fuzzy" if self._language(language).drafted(text) else "missing"

    def phrase_state(self, name: str, language: str) -> State:
        """Tell the state of one of the gateway's own phrases, as `state` does."""
        return self.state(Phrase(name, PHRASES[name]), language, PHRASE_SOURCE)

    def warm(self, languages: Iterable[str]) -> None:
        """Read the catalogues of these languages now; raises ValueError for a file that is no catalogue."""
        for tag in languages:
            for step in chain(tag):
                self._language(step)

    def _serve(self, text: Source, language: str, source: str) -> Words:
        for tag in chain(language):
            if found := self._found(text, tag, source):
                return Words(visible(found.text), tag)
        return Words(visible(text.source), source)

    def _found(self, text: Source, tag: str, source: str) -> Found | None:
        """Return the text in exactly this language, or None."""
        if tag in text.inline:
            return Found(text.inline[tag], "ok")
        found = self._language(tag).find(text)
        if found is None and tag == source:
            return Found(text.source, "ok")
        if found is None and tag == "zgh-Latn" and (tifinagh := self._found(text, "zgh", source)):
            return Found(to_latin(tifinagh.text), "fuzzy")
        return found

    def _language(self, tag: str) -> Language:
        known = self._languages.get(tag)
        if known is None:
            known = self._languages[tag] = Language(tag, partial(self._entries, tag))
        return known

    def _entries(self, tag: str, domain: str) -> Iterator[Entry]:
        for folder in self._folders:
            path = folder / tag / "LC_MESSAGES" / f"{domain}.po"
            if path.is_file():
                yield from entries(path, self._cache)
