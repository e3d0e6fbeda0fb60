"""Whether a channel works: after a failure it rests, longer each time, until a message goes through again."""

from __future__ import annotations

import threading
from collections.abc import Callable

STOPPED = 900_000
"""Milliseconds a channel rests when its account or settings must be put right."""


class Health:
    """One channel's state: left alone until `until`, after `misses` failures in a row, the first of them at `since`."""

    def __init__(self) -> None:
        self.until = 0
        self.misses = 0
        self.since = 0
        self._lock = threading.Lock()

    def works(self) -> None:
        """A message went through: whatever was wrong is over."""
        with self._lock:
            self.until = self.misses = self.since = 0

    def fails(self, now: int, wait: Callable[[int], int]) -> int:
        """The provider could not be reached or refused us: rest for `wait(misses)`, and return until when.

        What fails while the channel rests already, on another thread, is the same failure.
        """
        with self._lock:
            if self.until <= now:
                self.since = self.since or now
                self.misses += 1
                self.until = now + wait(self.misses)
            return self.until

    def rests(self, now: int) -> bool:
        """Tell whether the channel is left alone at this moment."""
        return self.until > now

    def down_for(self, now: int) -> int:
        """Return for how long nothing went through; 0 while it works."""
        return now - self.since if self.misses else 0
