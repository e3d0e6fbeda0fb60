"""Turns run by the thread that hands them over; what waits for the disk, their common commit, has a thread of its own.

Python runs one thread at a time: a writer that decides and writes row by row beside a busy event loop spends most of
its time asking for its turn. Hence the loop itself reads, decides and writes what has come in, as one batch, while
nobody else uses the connection; the commit leaves it, and meanwhile the loop answers, reads and verifies the next ones,
and decides those that go on from what is at hand: of these it has only to write what is still right.
All other operations stay with the writer (`storage.sqlite.writer`); the two take turns (`storage.sqlite.share`).

The loop may have to read a page of the database from the disk, but never waits for a sync, nor for a file that another
program holds: a batch that would is run by the thread for commits. Where the disk has just been slow, turns go to the
writer for a while, so that those who wait are told in time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Protocol

from storage.sqlite.handed import Handed, Job
from storage.sqlite.share import Share
from storage.turns import Soon

SLOW = 1.0
"""Seconds after which a batch or its commit has been slow."""
REST = 10.0
"""Seconds for which a slow disk is left to the writer."""


class Commits(Protocol):
    """What is needed of the writer."""

    share: Share

    def begin(self, jobs: Sequence[Job], *, briefly: bool = False) -> bool:
        """Run jobs in a transaction that stays open; False when that was undone, because one of them failed.

        `briefly`: also where one of them would make the thread wait.
        """

    def settle(self, jobs: Sequence[Job], begun: bool) -> None:
        """Commit what was begun; where that fails, or was undone, run each of them by itself."""

    def take_over(self) -> None:
        """Run what waits instead of the thread that serves."""


class Serving:
    """The turns that one thread hands over. Nothing is told before it is on disk."""

    def __init__(self, commits: Commits, most: int) -> None:
        self._commits = commits
        self._most = most
        self._waiting: list[Handed] = []
        self._asked = False
        """A call of `_run` will come."""
        self.away = False
        """A commit is under way: who serves has time for what comes after it."""
        self._rests_until = 0.0
        self._begun: SimpleQueue[tuple[list[Handed], bool, Soon] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def rests(self) -> bool:
        """Whether the disk was slow a moment ago."""
        return self._rests_until > 0 and time.monotonic() < self._rests_until

    def add(self, job: Handed, soon: Soon) -> None:
        """Run a turn soon, with all that come until then."""
        self._waiting.append(job)
        if not self._asked:
            self._asked = True
            soon(partial(self._run, soon))

    def taken_back(self) -> list[Handed]:
        """Return the turns that were not run, to be run by the writer: whoever serves is about to end."""
        left, self._waiting = self._waiting, []
        return left

    def close(self) -> None:
        """Wait for the last commit, and end its thread; nothing is begun after it."""
        self._commits.share.take()
        if self._thread is not None:
            self._begun.put(None)
            self._thread.join()

    def _run(self, soon: Soon) -> None:
        """Run what waits, unless the writer uses the connection: then it calls again."""
        if self.away:
            return  # called for nothing
        if self.rests:
            self._commits.take_over()
        if not self._waiting:
            self._asked = False
            return
        self._start()
        if self._commits.share.offered(partial(self._again, soon)):
            jobs, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            self._begin([job for job in jobs if job.claim()], soon)

    def _start(self) -> None:
        """Start the thread for commits, the first time."""
        if self._thread is None:
            thread = threading.Thread(target=self._commit, name="awal-commit", daemon=True)
            thread.start()
            self._thread = thread

    def _again(self, soon: Soon) -> None:
        """Have `_run` called."""
        with suppress(RuntimeError):  # nobody serves any more
            soon(partial(self._run, soon))

    def _begin(self, jobs: list[Handed], soon: Soon) -> None:
        """Run a batch, and leave its commit to the thread for it."""
        if not jobs:  # whoever handed them over was told that they waited too long
            self._commits.share.give()
            self._again(soon)
            return
        started = time.monotonic()
        begun = self._commits.begin(jobs, briefly=True)
        self._mind(started)
        self.away = True
        self._begun.put((jobs, begun, soon))

    def _commit(self) -> None:
        """Commit batch by batch."""
        while (given := self._begun.get()) is not None:
            jobs, begun, soon = given
            started = time.monotonic()
            self._commits.settle(jobs, begun)
            self._mind(started)
            self._commits.share.give()
            try:
                soon(partial(self._back, jobs, soon))
            except RuntimeError:  # nobody serves any more
                self._tell(jobs)

    def _back(self, jobs: Sequence[Handed], soon: Soon) -> None:
        """Tell those whose turns are on disk, and go on."""
        try:
            self._tell(jobs)
        finally:
            self.away = False
            self._again(soon)  # after the answers are sent

    def _tell(self, jobs: Sequence[Handed]) -> None:
        for job in jobs:
            job.finish()

    def _mind(self, started: float) -> None:
        """Rest when something took too long."""
        now = time.monotonic()
        if now - started > SLOW:
            self._rests_until = now + REST
