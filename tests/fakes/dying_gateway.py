"""A gateway to be killed at a moment: `awal serve` that dies with the first message it takes, as a power cut would.

    dying_gateway.py PROJECT PORT before|after

`before` its commit, or `after` it and before whoever brought the message hears of it.
"""

from __future__ import annotations

import os
import signal
import sys

from gateway.cli import run
from storage.sqlite import SqliteStore
from storage.store import Accepted, Change


def doom(moment: str) -> None:
    """Let the process, and all of its group, die at its first commit."""
    kept = SqliteStore.accept

    def accept(store: SqliteStore, change: Change) -> Accepted:
        if moment == "after":
            kept(store, change)
        os.killpg(0, signal.SIGKILL)
        raise AssertionError("dead by now")

    SqliteStore.accept = accept  # type: ignore[method-assign]


if __name__ == "__main__":
    project, port, moment = sys.argv[1:]
    doom(moment)
    sys.exit(run(["-C", project, "serve", "--port", port]))
