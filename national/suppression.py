"""Which counts may be published: small ones are hidden, together with enough neighbours that nobody can work them out.

A table is the counts of one question in one region and one week. Tables are published one by one; sums of several
are not, so that no small count can be had by subtracting one table from another.

The rule, with k = 10:

1. Fewer than k answers, or all of them on one option and fewer than 3k: the whole table is hidden.
2. A count from 1 to k-1 is hidden. Zero is shown: it tells of nobody.
3. If anything is hidden, the options after the last small one are hidden too (round the list, in the question's own
   order) until one that is not small is among them and all hidden ones sum to 2k or more. Which ones does not depend
   on their values: choosing the smallest, as is often done, gives small counts away to a reader who knows the rule.
   Where this hides every answer, the whole table is hidden.
4. A satisfaction question for which a mark would be hidden shows two counts instead, satisfied and not, under the
   same rule, and no marks.
5. A question that is only asked after certain answers tells, by how many answered it, how many gave those. Its counts
   are rounded to the nearest 5.

With these, a reader who knows the rule and everything published still holds every number from 1 to k-1 possible for a
hidden small count (`tests/national/test_suppression.py` counts them).
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
    total, width = sum(counts), len(counts)
    if total < k or (total in counts and total < 3 * k):
        return None
    small = {at for at, count in enumerate(counts) if 0 < count < k}
    hidden, at = set(small), max(small, default=0)
    while small and len(hidden) < width and not (hidden > small and sum(counts[one] for one in hidden) >= 2 * k):
        at = (at + 1) % width
        hidden.add(at)
    covered = sum(counts[one] for one in hidden)
    if hidden and (covered < 2 * k or covered == total):
        return None
    return tuple(None if at in hidden else count for at, count in enumerate(counts))


def _published(counts: Sequence[int], top: int, k: int) -> Published:
    total = sum(counts)
    cells = hide(counts, k)
    whole = cells is not None and None not in cells
    if cells is None and not top:
        return Published("none")
    if top and not whole:
        halves = hide((sum(counts[:-top]), sum(counts[-top:])), k)
        return Published("none") if halves is None else Published("top", total, (None,) * len(counts), halves[1])
    satisfied = sum(counts[-top:]) if top else None
    return Published("all" if whole else "some", total, cells or (), satisfied)


def _rounded(table: Published) -> Published:
    """Round every figure to the nearest 5; the base becomes the sum of what is shown where all is."""
    counts = tuple(None if count is None else _near(count) for count in table.counts)
    base = None if table.base is None else _near(table.base)
    if table.shown == "all":
        base = sum(count or 0 for count in counts)
    return Published(table.shown, base, counts, None if table.top is None else _near(table.top))


def _near(count: int) -> int:
    return (count + ROUNDING // 2) // ROUNDING * ROUNDING
