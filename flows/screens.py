"""Who splits a long text: this file. A channel only states its limits.

A screen is made of lines. Words wrap where they must; a line marked whole (an option with its key) never breaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from flows.encoding import fits
from flows.types import Limits


class Line(Struct, frozen=True):
    """One line to show. `whole` lines (options) are never split over two screens."""

    text: str
    whole: bool = False


def paginate(lines: Sequence[Line], limits: Limits, more: str, last: str) -> list[str]:
    """Return the screens that show `lines` in order, each within `limits`.

    Every screen but the last ends with the line `more`; when there are several, the last one ends with `last`
    (both carry their key, `0 Suite`). A whole line too long for a screen of its own is cut by words after all:
    `awal check` reports it, a citizen still sees it.
    """
    single = "\n".join(line.text for line in lines)
    if _fits(single, limits):
        return [single]
    pages: list[str] = []
    page = ""
    for piece in _pieces(lines, limits, more):
        longer = f"{page}\n{piece}" if page else piece
        if page and not _fits(f"{longer}\n{more}", limits):
            pages.append(page)
            longer = piece
        page = longer
    pages.append(page)
    return _footed(pages, limits, more, last)


def _footed(pages: list[str], limits: Limits, more: str, last: str) -> list[str]:
    """Add the paging lines; when `last` does not fit under the last page, its last line moves to a page of its own."""
    if last and not _fits(f"{pages[-1]}\n{last}", limits):
        head, _, tail = pages[-1].rpartition("\n")
        pages[-1:] = [head, tail] if head else [tail]
    footed = [f"{page}\n{more}" for page in pages[:-1]]
    return [*footed, f"{pages[-1]}\n{last}" if last else pages[-1]]


def _pieces(lines: Sequence[Line], limits: Limits, more: str) -> Iterator[str]:
    """Yield the lines, those that cannot share a screen with `more` cut between words."""
    for line in lines:
        if _fits(f"{line.text}\n{more}", limits):
            yield line.text
        else:
            yield from _cut(line.text, limits, more)


def _cut(text: str, limits: Limits, more: str) -> Iterator[str]:
    part = ""
    for word in _words(text, limits, more):
        longer = f"{part} {word}" if part else word
        if part and not _fits(f"{longer}\n{more}", limits):
            yield part
            longer = word
        part = longer
    yield part


def _words(text: str, limits: Limits, more: str) -> Iterator[str]:
    """Yield the words of a text, one longer than a screen in slices (an address, a code)."""
    room = max(8, min(limits.gsm // 2, limits.ucs2 - len(more) - 1) // 2)
    for word in text.split():
        if _fits(f"{word}\n{more}", limits):
            yield word
        else:
            yield from (word[at : at + room] for at in range(0, len(word), room))


def _fits(text: str, limits: Limits) -> bool:
    return fits(text, limits.gsm, limits.ucs2)
