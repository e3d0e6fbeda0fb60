"""The thread that writes: it takes every operation that waits, runs them, commits once, and wakes all callers.

Turns that come from an event loop are run there, and take turns with it (`storage.sqlite.serving`). A caller waits
(`run`), or leaves word whom to tell (`hand_over`). An operation is a function of the connection. A failing one does not
hurt the others: all of its batch are undone and run again, each in its own savepoint (which costs a third of the speed,
hence not the first time). An operation may thus run a second time: what it does outside the database must bear that. It
is run only if its caller still waits, and its caller hears of success only after the commit is on disk.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

from storage.errors import StoreBusy, StoreError, StoreFull
from storage.histogram import SIZES, Histogram
from storage.sqlite.connection import explain
from storage.sqlite.handed import Again, Handed, Job, Operation, Watch
from storage.sqlite.serving import Serving
from storage.sqlite.share import Share
from storage.turns import Soon

Result = TypeVar("Result")

PATIENCE = 5_000
"""Milliseconds to wait for another program that holds the file."""
BATCH = 256
"""At most so many operations share a commit, so that the first of them does not wait for ever."""


class Undone(Exception):
    """Raised by an operation to give back `outcome` with everything it did undone."""

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome


class Together(Protocol):
    """How the operations of one commit are run, as long as none of them fails."""

    def run(self, connection: sqlite3.Connection, jobs: Sequence[Job], *, briefly: bool = False) -> None:
        """Run them in the open transaction and set their results; raise what one of them fails with.

        `briefly`: also raise where one of them would wait for a disk.
        """

    def ahead(self, job: Job) -> None:
        """Prepare a job that waits, as far as that goes without the connection."""

    def undone(self) -> None:
        """Hear that all of it is undone."""


class Writer:
    """Run operations one after the other on `connection`, in commits shared by all callers that wait."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, limit: int, deadline: float, together: Together
    ) -> None:
        self._connection = connection
        self._together = together
        self._path = path
        self._limit = limit
        self._deadline = deadline
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self.owes_checkpoint = False
        """An operation sets it to have the log emptied after its commit: it holds what was just erased."""
        self.sizes = Histogram(SIZES)
        """How many operations shared a commit."""
        self.seconds = Histogram()
        """How long commits took: nearly all of it waits for the disk."""
        self.share = Share()
        """Taken by whoever uses the connection."""
        self._inside = 0
        """The thread that runs operations."""
        self._prepares = 0
        """The thread that prepares one meanwhile."""
        self._patience = -1
        """The connection's busy timeout, as it was set last."""
        self._serving = Serving(self, BATCH)
        self._watch = Watch(self._late)
        self._thread = threading.Thread(target=self._work, name="awal-writer", daemon=True)
        self._thread.start()

    def run(self, operation: Operation[Result], *, linger: bool = True) -> Result:
        """Run `operation` and return its result once it is on disk; raise StoreBusy after the deadline.

        One that has begun by then is waited for once more, unless somebody waits for us who cannot (`linger`).
        """
        if self.ahead or threading.get_ident() == self._inside:
            raise StoreError("the writer cannot wait for itself: what decides a turn reads, and never writes")
        job = Job(operation)
        self._enqueue(job)
        if not job.done.acquire(timeout=self._deadline):
            self._give_up(job, linger)
        if job.error is not None:
            raise self._told(job.error)
        result: Result = job.result
        return result

    def hand_over(
        self,
        operation: Operation[Result],
        told: Callable[[Result | Exception], None],
        again: Again,
        soon: Soon | None = None,
    ) -> None:
        """Run `operation` soon; `told` hears its result once it is on disk, or the error, StoreBusy after the deadline.

        `told` is called by whatever thread: it must return at once. Raises StoreBusy when too much waits already. On a
        full disk the operation is run once more where `again` could make room. With `soon` it is run by the calling
        thread, unless the disk was slow a moment ago.
        """
        job = Handed(operation, told, again, time.monotonic() + self._deadline, self._end)
        serves = None if soon is None or self._serving.rests else soon
        self._enqueue(job, serves)
        self._watch.add(job)
        if serves is not None and self._serving.away:
            self._prepare(job)

    @property
    def ahead(self) -> bool:
        """Whether this thread decides ahead: by what is at hand alone, since the last commit cannot be read yet."""
        return threading.get_ident() == self._prepares

    def _prepare(self, job: Job) -> None:
        """Do what can be done for a job before its turn comes."""
        self._prepares = threading.get_ident()
        try:
            self._together.ahead(job)
        finally:
            self._prepares = 0

    def waiting(self) -> int:
        """Return how many operations wait to be run."""
        return self._queue.qsize() + len(self._serving)

    def close(self) -> None:
        """Run what is queued, refuse the rest, and end the thread."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            for job in self._serving.taken_back():
                self._queue.put(job)
            self._queue.put(None)
        self._thread.join()
        self._serving.close()
        self._watch.close()

    def _enqueue(self, job: Job, soon: Soon | None = None) -> None:
        with self._gate:
            if self._closed:
                raise StoreError(f"{self._path} is closed: open the store again")
            if self.waiting() >= self._limit:
                raise StoreBusy(f"{self._limit} writes already wait for {self._path}: try again in a moment")
            if soon is not None and isinstance(job, Handed):
                self._serving.add(job, soon)
            else:
                self._queue.put(job)

    def _give_up(self, job: Job, linger: bool) -> None:
        """Leave the queue with StoreBusy; an operation that has begun may yet be kept."""
        if job.claim():
            raise StoreBusy(f"a write to {self._path} waited {self._deadline:g} s: nothing was kept, try again")
        if not job.done.acquire(timeout=self._deadline if linger else 0):
            raise StoreBusy(f"the disk under {self._path} does not answer: it may yet be kept, repeat to know")

    def _late(self, job: Handed) -> None:
        """Tell that a job takes too long; one that has begun may yet be kept."""
        if job.claim():
            job.tell(StoreBusy(f"a write to {self._path} waited {self._deadline:g} s: nothing was kept, try again"))
        else:
            job.tell(StoreBusy(f"the disk under {self._path} does not answer: it may yet be kept, repeat to know"))

    def _end(self, job: Handed) -> None:
        """Tell how a job ended; where the disk was full and room could be made, have it run once more instead."""
        if job.error is None:
            job.tell(job.result)
            return
        error = self._told(job.error)
        again, job.again = job.again, None
        if again and isinstance(error, StoreFull) and isinstance(job.error, sqlite3.Error) and made_room(again):
            job.turn.release()
            with self._gate:
                if not self._closed:
                    self._queue.put(job)
                    return
        job.tell(error)

    def _told(self, error: Exception) -> Exception:
        if isinstance(error, (sqlite3.Error, UnicodeError, OverflowError)):
            return explain(error, self._path)
        return error

    def _work(self) -> None:
        open_ = True
        while open_:
            batch, open_ = self._take()
            self.share.take()
            begun = [job for job in batch if job.claim()]
            if begun:
                self.settle(begun, self.begin(begun))
            self.share.give()
            for job in begun:
                job.finish()

    def _take(self) -> tuple[list[Job], bool]:
        """Wait for one job, then take all that wait; False with the last batch before the end."""
        job = self._queue.get()
        batch: list[Job] = []
        try:
            while job is not None:
                batch.append(job)
                if len(batch) == BATCH:
                    return batch, True
                job = self._queue.get_nowait()
        except Empty:
            return batch, True
        return batch, False

    def take_over(self) -> None:
        """Have the writer's thread run what waits for the thread that serves."""
        with self._gate:
            if not self._closed:
                for job in self._serving.taken_back():
                    self._queue.put(job)

    def begin(self, jobs: Sequence[Job], *, briefly: bool = False) -> bool:
        """Run jobs in one transaction, still open; False when one of them failed and all are undone.

        `briefly`: also where another program holds the file, or a job has to wait for a disk.
        """
        self._inside = threading.get_ident()
        try:
            self._open(0 if briefly else PATIENCE)
            self._together.run(self._connection, jobs, briefly=briefly)
        except Exception:
            self._roll_back()
            return False
        finally:
            self._inside = 0
        return True

    def settle(self, jobs: Sequence[Job], begun: bool) -> None:
        """Commit what was begun; where that fails, or all was undone, run the jobs again, kept apart."""
        self._inside = threading.get_ident()
        try:
            if not (begun and self._committed(jobs)):
                self._commit_apart(jobs)
        finally:
            self._inside = 0
        if self.owes_checkpoint:
            self._empty_log()

    def _committed(self, jobs: Sequence[Job]) -> bool:
        """Commit; False when that failed and all is undone."""
        try:
            self._to_disk(len(jobs))
        except Exception:
            self._roll_back()
            return False
        return True

    def _commit_apart(self, jobs: Sequence[Job]) -> None:
        """Run each job in a savepoint, all in one transaction; when that breaks as a whole, each in its own."""
        try:
            self._open(PATIENCE)
            for job in jobs:
                self._attempt(job)
            self._to_disk(len(jobs))
        except sqlite3.Error as error:
            self._roll_back()
            if len(jobs) == 1:
                jobs[0].error = error
                return
            for job in jobs:
                self._commit_apart([job])

    def _open(self, patience: int) -> None:
        """Begin a transaction; wait so many milliseconds for another program that holds the file."""
        if patience != self._patience:
            self._connection.execute(f"PRAGMA busy_timeout = {patience}")
            self._patience = patience
        self._connection.execute("BEGIN IMMEDIATE")

    def _to_disk(self, operations: int) -> None:
        """Commit, and measure it."""
        begun = time.monotonic()
        self._connection.execute("COMMIT")
        self.seconds.add(time.monotonic() - begun)
        self.sizes.add(operations)

    def _attempt(self, job: Job) -> None:
        """Run one job in its savepoint. Raises only when SQLite undid the whole transaction (disk full, I/O)."""
        job.result, job.error = None, None
        self._connection.execute("SAVEPOINT operation")
        try:
            job.result = job.operation(self._connection)
        except Undone as undone:
            job.result = undone.outcome
            self._connection.execute("ROLLBACK TO operation")
        except Exception as error:
            if isinstance(error, sqlite3.Error) and not self._connection.in_transaction:
                raise
            job.error = error
            self._connection.execute("ROLLBACK TO operation")
        self._connection.execute("RELEASE operation")

    def _empty_log(self) -> None:
        """Move the log into the database and empty it. While somebody reads an old state it stays owed."""
        self._patience = -1
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA busy_timeout = 0")  # citizens wait behind this
            (busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self.owes_checkpoint = bool(busy)

    def _roll_back(self) -> None:
        """End a broken transaction. What fails here fails again, with its reason, at the next BEGIN."""
        self._together.undone()
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def made_room(again: Again) -> bool:
    """Tell whether room was made on a full disk; one that fails as well has none."""
    with suppress(OSError):
        return again()
    return False
