"""The translator's sheet: every text in four languages side by side, as CSV, out and in again.

A cell that a spreadsheet would take for a formula goes out behind an apostrophe and comes back without it. What comes
back is a plan of changes first; nothing is written unless all of it can be.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from flows.errors import AwalError
from flows.model import Text
from gateway.spreadsheet import table
from gateway.translation.catalogues import braced
from gateway.translation.texts import COLUMNS, Cell, Row
from locales.language import PROVISIONAL
from locales.slots import slots, wrong_plurals

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_DONE = ("ok", "reviewed")
MOST_CELL = 2_000
"""Characters in one cell; a text for a phone has far fewer."""


def safe(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def plain(cell: str) -> str:
    """Return the text that `safe` wrote."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def header() -> list[str]:
    """Return the names of the columns."""
    languages = [name for tag in COLUMNS for name in (tag, f"{tag} units", f"{tag} segments", f"{tag} state")]
    return ["context", "note", "source", *languages, "ASCII", "ASCII units", "ASCII segments"]


def exported(rows: Iterable[Row]) -> str:
    """Return the sheet of these texts. It begins with a mark that makes spreadsheets read it as UTF-8."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(header())
    for row in rows:
        cells = [part for tag in COLUMNS for part in (*_cost(row.cells[tag]), row.cells[tag].state)]
        writer.writerow([safe(row.text.context), row.note, safe(row.text.source), *cells, *_cost(row.ascii)])
    return "\ufeff" + stream.getvalue()


def _cost(cell: Cell) -> tuple[str, str, str]:
    size = cell.size
    return (safe(cell.text), str(size.units), str(size.segments)) if size else ("", "", "")


class Change(Struct, frozen=True):
    """One cell that comes back otherwise. `fuzzy` tells what the translation will be."""

    line: int
    text: Text
    language: str
    old: str
    new: str
    fuzzy: bool
    reviewed: bool = False


class Plan(Struct, frozen=True):
    """What a sheet would change; with any problem it changes nothing."""

    changes: tuple[Change, ...]
    problems: tuple[str, ...]
    emptied: int
    """Cells that were emptied: an import never takes a translation away."""


def planned(sheet: str, rows: Iterable[Row], file: str, reviewer: str = "") -> Plan:
    """Compare a sheet with the texts as they are; raises AwalError when it is no such sheet."""
    known = {row.text.context: row for row in rows}
    changes: list[Change] = []
    problems: list[str] = []
    emptied = 0
    for line, cells in _records(sheet, file):
        row = known.get(cells["context"])
        if row is None or _clean(row.text.source) != cells["source"]:
            problems.append(f"{file}:{line}: {_stale(row, cells['context'])}. Export a new sheet and translate there.")
            continue
        for tag in COLUMNS:
            found = _compared(row, tag, cells, line, reviewer)
            if found == "emptied":
                emptied += 1
            elif isinstance(found, Change):
                changes.append(found)
            elif found:
                problems.append(f"{file}:{line}: {tag}: {found}")
    return Plan(tuple(changes), tuple(problems), emptied)


def _stale(row: Row | None, context: str) -> str:
    if row is None:
        return f"no flow has the text {context!r} (any more)"
    return f"the words of {context!r} have changed since this sheet was exported"


def _compared(row: Row, tag: str, cells: Mapping[str, str], line: int, reviewer: str) -> Change | str | None:
    """Return what one cell changes, what is wrong with it, or nothing."""
    if tag not in cells:
        return None
    now, new = row.cells[tag], cells[tag]
    same = new == _clean(now.text)
    confirmed = cells.get(f"{tag} state", "").casefold() in _DONE and now.state == "fuzzy"
    if same and not confirmed:
        return None
    if not new:
        return "emptied"
    wrong = _wrong(row, tag, new, now)
    if wrong:
        return wrong
    if tag in PROVISIONAL and confirmed and not reviewer and same:
        return "only a named native speaker makes a draft final. Add --reviewed-by NAME."
    fuzzy = tag in PROVISIONAL and not reviewer
    return Change(line, row.text, tag, now.text, new, fuzzy, bool(reviewer))


def _wrong(row: Row, tag: str, new: str, now: Cell) -> str:
    if now.state == "source":
        return f"the flow itself is written in this language. Change the words in {row.file}:{row.line}."
    if tag in row.text.inline:
        return f"this translation stands in the flow itself. Change it in {row.file}:{row.line}."
    wanted = slots(row.text.source)
    if slots(new) != wanted:
        has = f"{new!r} has {braced(slots(new))} where the source has {braced(wanted)}"
        return f"{has}. Keep what stands in braces as the source has it."
    for uneven, remedy in wrong_plurals(new, tag):
        return f"in {new!r} {uneven}. {remedy}."
    unseen = sorted({one for one in new if one != "\n" and unicodedata.category(one) in ("Cc", "Cf")})
    if unseen:
        codes = ", ".join(f"U+{ord(one):04X}" for one in unseen)
        return f"{new!r} holds a character that nobody sees ({codes}). Type the text anew."
    return f"the text is over {MOST_CELL} characters. Shorten it." if len(new) > MOST_CELL else ""


def _records(sheet: str, file: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a sheet by column, each with its first line."""
    columns: list[str] = []
    for line, cells in table(sheet, file):
        if not columns:
            columns = [cell.strip() for cell in cells]
            _check(columns, file)
        elif any(cells):
            found = {name: _clean(cell) for name, cell in zip(columns, cells, strict=False)}
            yield line, {"context": "", "source": "", **found}
    if not columns:
        raise AwalError(f"{file}: is empty. Export a sheet with: awal translate sheet export {file}")


def _check(columns: list[str], file: str) -> None:
    missing = [name for name in ("context", "source") if name not in columns]
    if missing or not set(columns) & set(COLUMNS):
        named = " and ".join(missing) or f"any of {', '.join(COLUMNS)}"
        raise AwalError(f"{file}:1: lacks the column {named}. Keep the first line as it was exported.")


def _clean(cell: str) -> str:
    return unicodedata.normalize("NFC", plain(cell).replace("\r\n", "\n").strip())
