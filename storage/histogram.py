"""How values spread: what a process measures of itself while it runs, in the buckets that Prometheus counts by."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from threading import Lock

from msgspec import Struct

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Spread(Struct, frozen=True):
    """A histogram at one moment: for each bound how many values were no greater, then how many there were at all."""

    bounds: Sequence[float]
    below: Sequence[int]
    count: int
    sum: float


class Histogram:
    """Counts values by size; any thread may add one."""

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        self._turn = Lock()

    def add(self, value: float) -> None:
        """Count one value."""
        at = bisect_left(self._bounds, value)
        with self._turn:
            self._counts[at] += 1
            self._sum += value

    def read(self) -> Spread:
        """Return what was counted so far."""
        with self._turn:
            counts, total = list(self._counts), self._sum
        *below, count = accumulate(counts)
        return Spread(self._bounds, below, count, total)
