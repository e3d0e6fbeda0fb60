"""A whole flow answered in one message: `EAU 1 4 2 30`. Each word answers the next question, as far as it is clear."""

from __future__ import annotations

from collections.abc import Iterator

from flows.model import Ask
from flows.questions import spec, target
from flows.walk import Walk


def sent_ahead(walk: Walk) -> int | None:
    """Answer the current question with what was sent ahead; return the index to go on at.

    None when it must be asked: with the first word that is not clear, the rest is let go, since it may have been
    meant for another question. Nothing is ever guessed.
    """
    ask = walk.current
    if isinstance(ask, Ask):
        for words in _takes(ask, walk.state.pending):
            text = " ".join(words)
            reading = walk.read(spec(ask, walk), text)
            if reading.value is not None:
                walk.keep(ask, reading.value, text)
                walk.move(pending=walk.state.pending[len(words) :])
                return target(walk, ask, reading.value)
    walk.move(pending=())
    walk.said.append(walk.voice.phrase("unclear"))
    return None


def _takes(ask: Ask, pending: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words that may be one answer: the longest first for names and texts, one alone for all else."""
    if ask.type == "text":
        yield pending
    elif ask.type == "place":
        yield from (pending[:count] for count in range(len(pending), 0, -1))
    else:
        yield pending[:1]
