"""Which counts a report may print: small ones are hidden, and enough others that nobody can work them out.

The rule (k = 10 unless the gateway says otherwise), for one question in one place and period:

1. Fewer than k answers: neither their number nor any count is printed.
2. All answers on one option (or all satisfied, or all dissatisfied) and fewer than 3k of them: the number of answers
   is printed, no count.
3. A count of 1 to k-1 is hidden; zero is printed, since it tells of nobody.
4. The number of answers is printed, so one hidden count could be had by subtraction. A larger count is hidden with it,
   and further ones until the hidden counts add up to 2k: the nearest before the last small one, going up the list of
   options, then those after it. Where that cannot be had, the whole table is hidden, zeros included. Not the smallest
   is taken, as is often done: whoever knows that learns a bound from every larger count.
5. The satisfied share tells how many chose the top marks. It is printed only when both sides have k answers or more
   (or one side none); rule 4 then holds on each side by itself. Otherwise the small side is hidden whole, and from
   2k answers on the reader gets a bound: "at least 95 %".

A hidden cell never says whether it was hidden for itself or to protect another. The tests enumerate every small table
and show that a reader who knows this very algorithm and all printed numbers cannot work out any hidden count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

K = 10


class Published(Struct, frozen=True):
    """What may be printed of one table: None stands for hidden."""

    total: int | None
    cells: Mapping[str, int | None]
    part: int | None = None
    """How many of the answers lie in the part asked about (the satisfied ones)."""
    at_least: int | None = None
    """When `part` is hidden because the others are few: a floor for it, that tells no more than that."""
    at_most: int | None = None
    """When `part` is hidden because it is itself small: the ceiling."""


def publish(counts: Mapping[str, int], k: int = K, part: Collection[str] = ()) -> Published:
    """Return what may be printed of a table of counts; `part` names the keys whose sum is wanted too.

    With k of 0 or 1 everything is printed: an operator's own console may.
    """
    total = sum(counts.values())
    within = sum(count for key, count in counts.items() if key in part)
    if k <= 1 or total == 0:
        return Published(total, dict(counts), within if part else None)
    if total < k:
        return Published(None, dict.fromkeys(counts))
    if total < 3 * k and (max(counts.values()) == total or (part and within in (0, total))):
        return Published(total, dict.fromkeys(counts))
    return _with_part(counts, k, part, within) if part else Published(total, protect(counts, k))


def _with_part(counts: Mapping[str, int], k: int, part: Collection[str], within: int) -> Published:
    """Publish a table with the sum of `part`, or what can be said of it (rule 5)."""
    total = sum(counts.values())
    inside = {key: count for key, count in counts.items() if key in part}
    outside = {key: count for key, count in counts.items() if key not in part}
    bound: dict[str, int] = {}
    if all(count == 0 or count >= k for count in (within, total - within)):
        cells = protect(inside, k) | protect(outside, k)
        bound = {"part": within}
    elif total < 2 * k:
        cells = protect(counts, k)
    elif within < k:
        cells, bound = _merged(inside, outside, k), {"at_most": k - 1}
    else:
        cells, bound = _merged(outside, inside, k), {"at_least": total - k + 1}
    return Published(total, {key: cells[key] for key in counts}, **bound)


def _merged(few: Mapping[str, int], rest: Mapping[str, int], k: int) -> dict[str, int | None]:
    """Hide every count of the small side, and what protects their sum on the other."""
    cells = protect({"": sum(few.values()), **rest}, k)
    return dict.fromkeys(few) | {key: cells[key] for key in rest}


def protect(counts: Mapping[str, int], k: int) -> dict[str, int | None]:
    """Hide small counts and as many others as their known sum makes necessary (rules 3 and 4 alone).

    Enough by itself for counts that are no answers: how many conversations each flow had.
    """
    keys = list(counts)
    small = [at for at, key in enumerate(keys) if 0 < counts[key] < k]
    if not small:
        return dict(counts)
    near = [*range(small[-1] - 1, -1, -1), *range(small[-1] + 1, len(keys))]
    larger = [at for at in near if counts[keys[at]] >= k]
    hidden = {keys[at] for at in small} | {keys[at] for at in larger[:1]}
    for at in larger[1:]:
        if sum(counts[key] for key in hidden) >= 2 * k:
            break
        hidden.add(keys[at])
    if not larger or sum(counts[key] for key in hidden) < 2 * k:
        hidden = set(keys)
    return {key: None if key in hidden else count for key, count in counts.items()}
