"""A gate: what is under way goes through together, and what must find nothing under way goes through alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from flows.errors import AwalError

PATIENCE = 10.0
"""Seconds to wait for what is under way: longer than the store's own deadline."""


class Gate:
    """Lets many through together, or one alone: who wants to be alone waits for those inside, and holds up the rest."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._inside = 0
        self._closed = False

    def enter(self) -> Self:
        """Go in with others; `close` leaves."""
        with self._free:
            self._free.wait_for(lambda: not self._closed)
            self._inside += 1
        return self

    @contextmanager
    def handing(self, told: Callable[[Any], None]) -> Iterator[Callable[[Any], None]]:
        """Go in; whoever is handed `told` leaves by calling it, in whatever thread."""
        self.enter()
        inside = threading.Lock()

        def leave() -> None:
            if inside.acquire(blocking=False):  # what was handed over may end, and the handing over fail after it
                self.close()

        def ended(outcome: object) -> None:
            leave()
            told(outcome)

        try:
            yield ended
        except BaseException:  # it was not handed over
            leave()
            raise

    def close(self) -> None:
        """Leave."""
        with self._free:
            self._inside -= 1
            self._free.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Go through while nobody else is inside."""
        with self._free:
            self._free.wait_for(lambda: not self._closed)
            self._closed = True
            if not self._free.wait_for(lambda: not self._inside, PATIENCE):
                self._closed = False
                self._free.notify_all()
                raise AwalError("what is under way does not end: the clock is looked at again in a moment")
        try:
            yield
        finally:
            with self._free:
                self._closed = False
                self._free.notify_all()
