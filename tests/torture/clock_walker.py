"""The real scheduler under a clock that is not the real one (`faketime`): it tells each slot it ran, then ends."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from gateway.scheduler import Job, Scheduler, every
from storage.sqlite import SqliteStore

WAKES = 3

if __name__ == "__main__":
    woken = threading.Semaphore(0)
    job = Job("sync", every(15), lambda slot: os.write(1, f"{slot}\n".encode()))
    with SqliteStore(Path(sys.argv[1])) as store:
        clock = lambda: time.time_ns() // 1_000_000  # noqa: E731
        scheduler = Scheduler(store, [job], clock, chores=[woken.release], seconds=0.05)
        scheduler.start()
        for _ in range(WAKES):
            woken.acquire()
        scheduler.stop()
        scheduler.elect()
        scheduler.wake(job)
    os._exit(0)
