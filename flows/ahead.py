"""A whole flow answered in one message: `EAU 1 4 2 30`. Each word answers the next question, as far as it is clear."""

from __future__ import annotations

from collections.abc import Iterator

from flows import places
from flows.model import Ask
from flows.questions import spec, target
from flows.reading import Reading
from flows.reading.courtesy import is_sign, says_nothing
from flows.walk import Walk
from locales.folding import fold

LISTING = ",;،؛&+"
"""Signs that join the answers to one question, as others put them between two answers."""


def sent_ahead(walk: Walk) -> int | None:
    """Answer the current question with what was sent ahead; return the index to go on at.

    None when it must be asked, as a short menu where the words leave few candidates: with the first word that is not
    clear, the rest is let go, since it may have been meant for another question. Nothing is ever guessed.
    """
    ask = walk.current
    if not isinstance(ask, Ask):
        walk.move(pending=())
        walk.said.append(walk.voice.phrase("unclear"))
        return None
    pending = _to_the_point(ask, walk.state.pending)
    offered: Reading | None = None
    for words in _takes(ask, pending):
        text = " ".join(words)
        reading = walk.read(spec(ask, walk), text)
        if reading.value is not None:
            walk.keep(ask, reading.value, text)
            walk.move(pending=pending[len(words) :])
            return target(walk, ask, reading.value)
        offered = offered or (reading if reading.candidates else None)
    walk.move(pending=())
    if offered is not None:
        walk.move(path=places.offered(offered) if ask.type == "place" else offered.candidates)
    elif pending:
        walk.said.append(walk.voice.phrase("unclear"))
    return None


def _to_the_point(ask: Ask, pending: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out what says nothing at the head of the words: signs between two answers, and thanks unless free."""
    empty = is_sign if ask.type == "text" else says_nothing
    at = next((at for at, word in enumerate(pending) if not empty(word)), len(pending))
    return pending[at:]


def _takes(ask: Ask, pending: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words that may be one answer: the longest first for names and texts, one alone for all else."""
    if ask.type == "text":
        yield pending
    elif ask.type == "place":
        yield from (pending[:count] for count in range(len(pending), 0, -1))
    elif pending and not (ask.type == "choices" and _may_be_a_list(*pending[:2])):
        yield pending[:1]


def _may_be_a_list(first: str, second: str = "") -> bool:
    """Tell whether two words may be one answer: `1, 3`, `1 et 3`."""
    return bool(second) and (first[-1] in LISTING or second[0] in LISTING or fold(second) in ("et", "و", "w"))
