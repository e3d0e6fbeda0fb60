"""Operations on their way to be written: those somebody waits for, and those handed over with whom to tell."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")
Operation = Callable[[sqlite3.Connection], Result]
Again = Callable[[], bool]
"""Makes room on a full disk, and tells whether it is worth trying once more."""
LOOK = 0.1
"""Seconds between two looks for what takes too long."""


class Job:
    """One operation on its way: `turn` goes to whoever runs it or to a caller who gives up, `done` wakes the caller."""

    __slots__ = ("done", "error", "operation", "result", "turn")

    def __init__(self, operation: Operation[Any]) -> None:
        self.operation = operation
        self.turn = threading.Lock()
        self.done = threading.Lock()
        self.done.acquire()
        self.result: Any = None
        self.error: Exception | None = None

    def claim(self) -> bool:
        """Tell whether the job is ours: true for exactly one of who would run it and who gives up."""
        return self.turn.acquire(blocking=False)

    def finish(self) -> None:
        """Wake the caller."""
        self.done.release()


class Handed(Job):
    """One operation that nobody waits for: `told` hears how it ended, or that it takes too long; never both."""

    __slots__ = ("again", "end", "told", "until")

    def __init__(
        self,
        operation: Operation[Any],
        told: Callable[[Any], None],
        again: Again,
        until: float,
        end: Callable[[Handed], None],
    ) -> None:
        super().__init__(operation)
        self.done.release()
        self.told = told
        self.again: Again | None = again
        self.until = until
        self.end = end

    def finish(self) -> None:
        """Have the outcome told."""
        self.end(self)

    def tell(self, outcome: object) -> None:
        """Tell an outcome, unless another one was told before."""
        if self.done.acquire(blocking=False):
            self.told(outcome)


class Watch:
    """Looks for what was handed over and takes too long, and calls `late` with it. Sleeps while nothing waits."""

    def __init__(self, late: Callable[[Handed], None]) -> None:
        self._late = late
        self._jobs: deque[Handed] = deque()
        self._awake = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._turn = threading.Lock()

    def add(self, job: Handed) -> None:
        """Watch one more."""
        self._jobs.append(job)
        if not self._awake.is_set():
            self._begin()

    def close(self) -> None:
        """End the thread; what it watched has been told by then."""
        self._closed.set()
        self._awake.set()

    def _begin(self) -> None:
        with self._turn:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="awal-watch", daemon=True)
                self._thread.start()
            self._awake.set()

    def _work(self) -> None:
        while not self._closed.wait(LOOK):
            self._look()
            if not self._jobs:
                self._awake.clear()
                if not self._jobs:  # else somebody came in between, and saw us awake
                    self._awake.wait()
                self._awake.set()

    def _look(self) -> None:
        """Let go of what is over; all jobs have the same time, hence the oldest are the first."""
        while self._jobs and (self._jobs[0].done.locked() or self._jobs[0].until <= time.monotonic()):
            job = self._jobs.popleft()
            if not job.done.locked():
                self._late(job)
