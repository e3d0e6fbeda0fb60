"""Threads that take turns for callers who do not wait: as many as requests at once, a bounded queue before them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from storage.errors import StoreBusy
from storage.store import Accepted
from storage.turns import Told

MOST = 1024
"""How many turns may wait."""


class Threads:
    """Runs turns and tells how they ended. Nothing is started before the first one."""

    def __init__(self, size: int, deadline: float) -> None:
        self._size = size
        self._deadline = deadline
        self._room = threading.BoundedSemaphore(MOST)
        self._start = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def hand_over(self, turn: Callable[[], Accepted], told: Told) -> None:
        """Run a turn soon; raises StoreBusy when too many wait already."""
        if not self._room.acquire(blocking=False):
            raise StoreBusy(f"{MOST} turns already wait: try again in a moment")
        with self._start:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._size, "awal-turn")
        self._pool.submit(self._run, turn, told, time.monotonic() + self._deadline)

    def _run(self, turn: Callable[[], Accepted], told: Told, until: float) -> None:
        outcome: Accepted | Exception
        try:
            if time.monotonic() > until:
                raise StoreBusy(f"a turn waited {self._deadline:g} s: nothing was kept, try again")
            outcome = turn()
        except Exception as error:  # whatever it was, it is told
            outcome = error
        self._room.release()
        told(outcome)

    def close(self) -> None:
        """Finish what has begun and what waits."""
        if self._pool is not None:
            self._pool.shutdown()
