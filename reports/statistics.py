"""The figures officials read: shares with their uncertainty, differences, medians. Standard library only.

Intervals are Wilson's (one share) and Newcombe's method 10 (a difference of two shares), because the usual normal
interval fails on the small samples a commune has: at n = 10 and a true share of 90 % it covers 65 % instead of 95 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt
from statistics import NormalDist
from typing import Literal, NamedTuple

Strength = Literal["none", "few", "indication", "solid"]

FEW = 10
"""Below this many answers a share says nothing and is not shown."""
SOLID = 30
"""From here on a share stands by itself; between `FEW` and this it is an indication only."""
MARKS = 5
"""The scale of satisfaction: 1 (very dissatisfied) to 5 (very satisfied)."""


class Interval(NamedTuple):
    """Two bounds, both included."""

    low: float
    high: float


class Estimate(NamedTuple):
    """A share of `n` answers, with the 95 % interval that the true share lies in. All between 0 and 1."""

    share: float
    low: float
    high: float
    n: int

    @property
    def strength(self) -> Strength:
        """Tell how far the sample carries."""
        return strength(self.n)


class Change(NamedTuple):
    """A difference between two shares (new minus old) with its 95 % interval."""

    difference: float
    low: float
    high: float

    @property
    def direction(self) -> Literal["up", "down", "none"]:
        """Tell whether something changed: only when the whole interval lies on one side of zero."""
        if self.low > 0:
            return "up"
        return "down" if self.high < 0 else "none"


def z_score(confidence: float = 0.95) -> float:
    """Return the two-sided normal quantile: 1.96 for 95 %."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval for a share; with no answers nothing is known: 0 to 1."""
    _counts(successes, n)
    if n == 0:
        return Interval(0.0, 1.0)
    z2 = z_score(confidence) ** 2
    centre = successes + z2 / 2
    spread = sqrt(z2) * sqrt(successes * (n - successes) / n + z2 / 4)
    low = 0.0 if successes == 0 else (centre - spread) / (n + z2)
    high = 1.0 if successes == n else (centre + spread) / (n + z2)
    return Interval(low, high)


def estimate(successes: int, n: int, confidence: float = 0.95) -> Estimate | None:
    """Return the share with its interval, or None without answers."""
    interval = wilson(successes, n, confidence)
    return Estimate(successes / n, interval.low, interval.high, n) if n else None


def newcombe(new: tuple[int, int], old: tuple[int, int], confidence: float = 0.95) -> Change:
    """Return the difference of two shares, each given as (successes, n), with Newcombe's interval (method 10)."""
    first, second = estimate(*new, confidence), estimate(*old, confidence)
    if first is None or second is None:
        return Change(0.0, -1.0, 1.0)
    return difference(first, second)


def difference(new: Estimate, old: Estimate) -> Change:
    """Return `new` minus `old` with Newcombe's interval, which needs no more than the two Wilson intervals."""
    gap = new.share - old.share
    below = sqrt((new.share - new.low) ** 2 + (old.high - old.share) ** 2)
    above = sqrt((new.high - new.share) ** 2 + (old.share - old.low) ** 2)
    return Change(gap, gap - below, gap + above)


def strength(n: int) -> Strength:
    """Return how far `n` answers carry: `none`, `few` (hidden), `indication` only, or `solid`."""
    if n <= 0:
        return "none"
    if n < FEW:
        return "few"
    return "indication" if n < SOLID else "solid"


def top_marks(highest: int = MARKS) -> frozenset[int]:
    """Return the marks that count as satisfied: the top two of five, and the same part of another scale."""
    return frozenset(range(highest - max(1, 2 * highest // 5) + 1, highest + 1))


def rate(part: int, whole: int) -> float | None:
    """Return `part` of `whole`, at most 1, or None when there is no whole.

    A conversation begun on Sunday and answered on Monday counts its answer a day later, so a week may hold a few
    more answers than conversations.
    """
    return min(1.0, part / whole) if whole else None


def median(counts: Mapping[float, int]) -> float | None:
    """Return the median of values given with how often each occurs; the mean of the middle two when even."""
    total = sum(counts.values())
    if not total:
        return None
    low, high = (_at(sorted(counts.items()), place) for place in ((total - 1) // 2, total // 2))
    return low if low == high else (low + high) / 2


def _at(values: Iterable[tuple[float, int]], place: int) -> float:
    """Return the value at `place` (from 0) of the sorted sample."""
    for value, count in values:
        if place < count:
            return value
        place -= count
    raise ValueError("the place lies outside the sample")


def _counts(successes: int, n: int) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share: a count of answers cannot exceed their number.")
