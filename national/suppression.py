"""Which counts may be published: small ones are hidden, together with enough neighbours that nobody can work them out.

A table is the counts of one question in one region and one week. Tables are published one by one; sums of several
are not, so that no small count can be had by subtracting one table from another.

The rule, with k = 10:

1. Fewer than k answers, or all of them on one option and fewer than 3k: the whole table is hidden.
2. A count from 1 to k-1 is hidden. Zero is shown: it tells of nobody.
3. If anything is hidden, larger counts are hidden with it until all hidden ones sum to 2k or more: the nearest before
   the last small one, going up the list of options, then those after it. Not the smallest, as is often done: who knows
   that learns a bound from every count shown. Where this hides every answer, the whole table is hidden.
4. A satisfaction question for which a mark would be hidden shows two counts instead, satisfied and not, under the
   same rule, and no marks.
5. A question that is only asked after certain answers tells, by how many answered it, how many gave those. Its counts
   are rounded to the nearest 5.

Gateways print their own reports under the same rule 3. It has to be the same: two readers who compare a page and a
report must not find shown in one what the other hides. `tests/national/test_suppression.py` holds the two together, and
tries every table that a publication may come from: no hidden count can be worked out, by one who knows the rule either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

K = 10
ROUNDING = 5

Shown = Literal["all", "some", "top", "none"]


class Published(Struct, frozen=True):
    """What may be read of one table. `top` is the number satisfied; None stands for hidden everywhere."""

    shown: Shown
    base: int | None = None
    counts: tuple[int | None, ...] = ()
    top: int | None = None


def publish(counts: Sequence[int], *, conditional: bool = False, top: int = 0, k: int = K) -> Published:
    """Return what may be published of a table; `top` is how many of its last options mean satisfied (0: none do)."""
    table = _published(counts, top, k)
    return _rounded(table) if conditional else table


def hide(counts: Sequence[int], k: int = K) -> tuple[int | None, ...] | None:
    """Apply rules 1 to 3 to a table; None when all of it is hidden."""
    total = sum(counts)
    if total < k or (total in counts and total < 3 * k):
        return None
    small = [at for at, count in enumerate(counts) if 0 < count < k]
    if not small:
        return tuple(counts)
    hidden = set(small)
    for at in (*range(small[-1] - 1, -1, -1), *range(small[-1] + 1, len(counts))):
        if counts[at] >= k and (len(hidden) == len(small) or sum(counts[one] for one in hidden) < 2 * k):
            hidden.add(at)
    covered = sum(counts[at] for at in hidden)
    if len(hidden) == len(small) or covered < 2 * k or covered == total:
        return None
    return tuple(None if at in hidden else count for at, count in enumerate(counts))


def _published(counts: Sequence[int], top: int, k: int) -> Published:
    total, cells = sum(counts), hide(counts, k)
    if not top:
        return Published("none") if cells is None else Published(_extent(cells), total, cells)
    halves = hide((sum(counts[:-top]), sum(counts[-top:])), k)
    if halves is None or None in halves:
        return Published("none")
    if cells is None or None in cells:
        return Published("top", total, (None,) * len(counts), halves[1])
    return Published("all", total, cells, halves[1])


def _extent(cells: Sequence[int | None]) -> Shown:
    return "some" if None in cells else "all"


def _rounded(table: Published) -> Published:
    """Round every figure to the nearest 5; the base becomes the sum of what is shown where all is."""
    counts = tuple(None if count is None else _near(count) for count in table.counts)
    base = None if table.base is None else _near(table.base)
    if table.shown == "all":
        base = sum(count or 0 for count in counts)
    return Published(table.shown, base, counts, None if table.top is None else _near(table.top))


def _near(count: int) -> int:
    return (count + ROUNDING // 2) // ROUNDING * ROUNDING
