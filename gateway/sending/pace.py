"""How fast a channel sends: a bucket of segments that fills at its `rate`."""

from __future__ import annotations

SHORTEST = 0.1
"""Seconds worth of segments that an emptied bucket gathers before it is drawn from again: claims come in batches."""


class Pace:
    """Allows `rate` segments a second, with bursts of a fifth of a second; 0 allows any number.

    A message larger than what is left goes all the same, and the next ones wait for the debt. It lives on the clock it
    is given: one that is put back stops it for no longer than a refill.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.draw = max(1.0, rate * SHORTEST)
        self.most = max(1.0, 2 * rate * SHORTEST)
        self._level = self.most
        self._at: int | None = None
        self._drained = False

    def room(self, now: int) -> int:
        """Return how many segments may go now; 0 says wait, -1 says any number."""
        if not self.rate:
            return -1
        self._fill(now)
        self._drained = self._drained and self._level < self.draw
        return 0 if self._drained else int(self._level)

    def took(self, segments: int) -> None:
        """Count segments that are on their way."""
        self._level -= segments
        self._drained = self._level < 1

    def wait(self, now: int) -> float:
        """Return the seconds until there is room; 0 when there is."""
        return (self.draw - self._level) / self.rate if self.room(now) == 0 else 0.0

    def _fill(self, now: int) -> None:
        gone = max(0, now - self._at) if self._at is not None else 0
        self._at = now
        self._level = min(self.most, self._level + self.rate * gone / 1000)
