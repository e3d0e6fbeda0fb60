"""What APScheduler needs to keep its beat while the clock is set: a trigger without a memory, and somebody who looks.

By itself it would make up for every beat between 1970 and today, one by one, and after a clock was set back it would
wait until the old time comes again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from apscheduler.triggers.base import BaseTrigger

LOOK = 1.0
"""Seconds between two looks at the clock."""
STEP = 0.5
"""Seconds between the clock and the kernel's own count that are no drift: somebody set the clock."""


class Beat(BaseTrigger):  # type: ignore[misc]
    """Every so many seconds from now, whatever was before."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the next beat."""
        return now if previous_fire_time is None else now + timedelta(seconds=self.seconds)


class Steps:
    """Calls `stepped` when the machine's clock was set, between `start` and `stop`."""

    def __init__(self, stepped: Callable[[], None], look: float = LOOK) -> None:
        self._stepped, self._look = stepped, look
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._walk, name="awal-clock-steps", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join()

    def _walk(self) -> None:
        before = apart()
        while not self._stopping.wait(self._look):
            now = apart()
            if abs(now - before) > STEP:
                self._stepped()
            before = now


def apart() -> float:
    """Return how far the machine's clock is from the kernel's own count, which nobody can set."""
    return time.time() - time.monotonic()
