"""Whose turn it is to use the connection that writes: the writer's thread's, or that of whoever serves."""

from __future__ import annotations

import threading
from collections.abc import Callable

LET = 0.05
"""Seconds for which the one who can wait lets the other one in first; it may be gone."""


class Share:
    """A lock for one who can wait and one who cannot; whoever had it lets the other in first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._awaited = False
        self._later: Callable[[], None] | None = None
        self._let = threading.Event()
        """Cleared from when the other one is told that it may have it, until it has."""
        self._let.set()

    def take(self) -> None:
        """Wait for it. One thread at a time may."""
        if not self._let.wait(LET):
            self._let.set()
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
        self._let.set()
        return True

    def give(self) -> None:
        """Give it back; not only the thread that took it may."""
        if self._later is not None:
            self._let.clear()  # before it is free: who gives it may want it again at once
        self._lock.release()
        later, self._later = self._later, None
        if later is not None:
            later()
