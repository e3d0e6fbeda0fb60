"""Every text of some flows in four languages side by side: its words, what they cost, who has reviewed them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from flows.check.rule import Spot, Subject
from flows.encoding import Measure, fits, measure, sms_safe
from flows.load import Loaded
from flows.model import Ask, Flow, Text
from flows.types import Limits
from locales.catalogue import SHIPPED, Catalogues
from locales.pofile import entries
from locales.slots import PLURAL_NOTE, plurals, slots
from locales.tifinagh import to_ascii

COLUMNS = ("fr", "ar", "zgh", "zgh-Latn")
"""The languages side by side, in the order that translators here read them."""
State = Literal["source", "ok", "fuzzy", "generated", "missing"]


class Cell(Struct, frozen=True):
    """A text in one language. A `fuzzy` one may be a draft that no citizen is served."""

    text: str
    state: State
    long: bool = False
    """Longer than what was allowed."""

    @property
    def size(self) -> Measure | None:
        """What it takes to send; None where there is nothing."""
        return measure(sms_safe(self.text)) if self.text else None


class Row(Struct, frozen=True):
    """One text of a flow in every language."""

    file: str
    line: int
    flow: Flow
    text: Text
    note: str
    cells: Mapping[str, Cell]

    @property
    def ascii(self) -> Cell:
        """The Amazigh text in letters that an SMS carries cheaply; made from Tifinagh, or from Latin letters."""
        found = self.cells["zgh-Latn"].text or self.cells["zgh"].text
        return Cell(to_ascii(found), "generated" if found else "missing")


def too_long(most: int | None) -> Callable[[str], bool]:
    """Return the test for a text over one USSD screen, or over `most` SMS segments where that is given."""
    limits = Limits()
    if most is None:
        return lambda text: not fits(sms_safe(text), limits.gsm, limits.ucs2)
    return lambda text: measure(sms_safe(text)).segments > most


def rows(loaded: Iterable[Loaded], texts: Catalogues, folder: Path, most: int | None = None) -> Iterator[Row]:
    """Yield every text of these flows; `folder` holds the project's own catalogues."""
    words = _Words(texts, folder, too_long(most))
    for one in loaded:
        if one.flow is not None:
            subject = Subject(one.flow, one.lines, texts, Limits())
            for spot in subject.spots():
                cells = {tag: words.cell(spot.text, tag, one.flow.language) for tag in COLUMNS}
                yield Row(one.file, subject.line(spot.at), one.flow, spot.text, _note(spot, one.flow), cells)


class _Words:
    """Looks a text up as it would be served, and where nothing is, as a translator has drafted it."""

    def __init__(self, texts: Catalogues, folder: Path, is_long: Callable[[str], bool]) -> None:
        self.texts = texts
        self.is_long = is_long
        self._drafts = {tag: _drafts(tag, (SHIPPED, folder)) for tag in COLUMNS}

    def cell(self, text: Text, tag: str, source: str) -> Cell:
        if tag == source:
            return Cell(text.source, "source", self.is_long(text.source))
        served = self.texts.flow(text, tag, source)
        draft = self._drafts[tag].get((text.context, text.source), "")
        words = served.text if served.language == tag else draft
        if not words:
            return Cell("", "missing")
        state: State = self.texts.state(text, tag, source)
        if state == "fuzzy" and tag == "zgh-Latn" and not draft:
            state = "generated"
        return Cell(words, state, self.is_long(words))


def _drafts(tag: str, folders: Iterable[Path]) -> dict[tuple[str, str], str]:
    """Return what the catalogues of one language hold for flows, reviewed or not; the last folder wins."""
    found: dict[tuple[str, str], str] = {}
    for folder in folders:
        path = folder / tag / "LC_MESSAGES" / "flows.po"
        if path.is_file():
            found |= {(one.context, one.source): one.text for one in entries(path) if one.text and not one.obsolete}
    return found


def _note(spot: Spot, flow: Flow) -> str:
    """Tell a translator what kind of text this is, and which slots it must keep."""
    step, _, key = spot.at.partition("#")
    at = flow.index.get(step)
    asked = flow.steps[at] if at is not None else None
    kind = {"": "option", "label": "option", "say": "information" if "/" in step else "say"}.get(key, key)
    if isinstance(asked, Ask) and key == "ask":
        kind = f"question, {asked.type}"
    names = sorted(slots(spot.text.source))
    kept = f"; keep {' '.join(f'{{{name}}}' for name in names)}" if names else ""
    return kind + kept + (f"; {PLURAL_NOTE}" if plurals(spot.text.source) else "")


class Count(Struct, frozen=True):
    """How far one flow is translated into one language that it offers."""

    flow: str
    language: str
    texts: int
    ok: int
    fuzzy: int
    missing: int
    long: int

    @property
    def coverage(self) -> int:
        """The share of texts that a person has written or reviewed, in per cent; 100 only where nothing is left."""
        return 100 * self.ok // self.texts if self.texts else 100


def counts(found: Iterable[Row]) -> list[Count]:
    """Return the state of each flow in each language it offers."""
    by_flow: dict[str, list[Row]] = {}
    for row in found:
        by_flow.setdefault(row.flow.id, []).append(row)
    return [_count(flow, tag, own) for flow, own in by_flow.items() for tag in own[0].flow.languages]


def _count(flow: str, tag: str, own: list[Row]) -> Count:
    cells = [row.cells[tag] for row in own]
    states = [cell.state for cell in cells]
    done = states.count("ok") + states.count("source")
    drafted = states.count("fuzzy") + states.count("generated")
    return Count(flow, tag, len(cells), done, drafted, states.count("missing"), sum(cell.long for cell in cells))
