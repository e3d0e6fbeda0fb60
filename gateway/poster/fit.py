"""How large the poster's letters can be so that its questions fill one A4 page, and how many questions that allows.

Heights and widths are in ems of the page's own letters; the figures follow `poster.css`, and are rounded up.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.poster.content import Item, Poster

POINTS = (18.0, 16.0, 14.2, 12.6, 11.0, 9.4)
"""The sizes of letters, the largest first."""
PAGE_WIDTH, PAGE_HEIGHT = 521, 773
"""What the margins leave of an A4 page, in points."""
FRAME = 24.5
"""What stands above and below the questions, without the example."""
TALL = {"ar": 1.12}
"""Languages whose letters need more height."""


def size(poster: Poster) -> float | None:
    """Return the largest letters with which the poster fits, or None when it has too many questions."""
    return next((points for points in POINTS if _height(poster, points) <= PAGE_HEIGHT / points), None)


def _height(poster: Poster, points: float) -> float:
    width = PAGE_WIDTH / points
    example = sum(0.9 + max(1.05 * len(word), min(0.42 * len(said.text), 7)) for _, word, said in poster.example)
    questions = sum(_item(item, width - 3) for item in poster.items)
    return (FRAME + 4.7 * ceil(example / (width - 13)) + questions) * TALL.get(poster.title.language, 1.0)


def _item(item: Item, width: float) -> float:
    options = sum(3.3 + 0.57 * len(label.text) for _, label in item.options)
    hints = sum(ceil(0.55 * len(hint.text) / width) for hint in item.hints)
    notes = sum(ceil(0.52 * len(note.text) / width) for note in (item.only, item.ends) if note)
    lines = ceil(0.66 * len(item.text.text) / width)
    return 1.2 + 1.5 * lines + 2.05 * ceil(options / width) + 1.4 * hints + 1.6 * notes
