"""A project's folder of catalogues: brought up to date with its flows, and written to from a sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.load import Loaded
from flows.model import Flow, Text
from gateway.translation.catalogues import Tally, path_of, put, read, template, updated, written
from gateway.translation.sheet import Change
from locales.catalogue import Catalogues
from locales.tags import LATIN

if TYPE_CHECKING:
    from babel.messages.catalog import Message


class Folder:
    """The catalogues below `base`; `texts` are the words as they are served."""

    def __init__(self, base: Path, texts: Catalogues, loaded: Sequence[Loaded]) -> None:
        self.base = base
        self.texts = texts
        self._files = {Path(one.file): one.flow for one in loaded if one.flow is not None}

    @property
    def flows(self) -> Iterable[Flow]:
        """The flows that can be loaded."""
        return self._files.values()

    def path(self, tag: str) -> Path:
        """Return the catalogue of a language."""
        return path_of(self.base / "locales", tag)

    def update(self, tag: str, *, previous: bool) -> Tally:
        """Bring a language's catalogue up to date with the flows written in another; make it where there is none."""
        from babel.messages.catalog import Catalog

        path = self.path(tag)
        before = path.read_text("utf-8") if path.exists() else ""
        old = read(path) if before else Catalog(charset="utf-8")
        foreign = [file for file, flow in self._files.items() if flow.language != tag]
        catalog, tally = updated(old, template(foreign, self.base), lambda message: self._known(message, tag))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(catalog, tag, before, previous=previous), "utf-8")
        return tally

    def write(self, tag: str, changes: Iterable[Change], review: str) -> None:
        """Put changed words into a catalogue that is up to date; `review` says who has read them, and when."""
        path = self.path(tag)
        catalog = read(path)
        for change in changes:
            note = f"reviewed by {review}" if change.reviewed else ""
            put(catalog, change.text.context, change.text.source, change.new, fuzzy=change.fuzzy, review=note)
        path.write_text(written(catalog, tag, path.read_text("utf-8"), previous=True), "utf-8")

    def _known(self, message: Message, tag: str) -> tuple[str, bool]:
        """Return the words that are served for a text already: shipped ones, or the glossary's as a draft."""
        text = Text(message.context or "", str(message.id))
        source = next((flow.language for flow in self.flows if flow.id == text.context.partition("/")[0]), "fr")
        words = self.texts.flow(text, tag, source)
        state = self.texts.state(text, tag, source)
        if words.language != tag or (tag == LATIN and state != "ok"):
            return "", False  # what is generated is never written down as a translation
        return words.text, state != "ok"
