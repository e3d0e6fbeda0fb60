"""Whose turn it is to use the connection that writes: the writer's thread's, or that of whoever serves."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Share:
    """A lock for one who can wait and one who cannot; whoever had it lets the other in first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._awaited = False
        self._later: Callable[[], None] | None = None

    def take(self) -> None:
        """Wait for it. One thread at a time may."""
        self._awaited = True
        self._lock.acquire()
        self._awaited = False

    def offered(self, later: Callable[[], None]) -> bool:
        """Take it if it is free and nobody waits; else `later` is called, by whatever thread, once it may be.

        `later` may also be called for nothing: where it was given back in the same moment.
        """
        self._later = later  # before the look: who gives it back from now on sees it
        if self._awaited or not self._lock.acquire(blocking=False):
            return False
        self._later = None
        return True

    def give(self) -> None:
        """Give it back; not only the thread that took it may."""
        self._lock.release()
        later, self._later = self._later, None
        if later is not None:
            later()
