"""Group commit against a commit of its own for each change: 128 callers of the same store, no HTTP.

`python -m benchmarks.commit FOLDER BATCH SECONDS` is one side, in a process of its own, so that a slow disk can be put
under it: `slow_fsync.c` is compiled by `cc` and preloaded; where there is no compiler, that row is left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.measure import Row
from benchmarks.servers import ROOT
from storage.sqlite import SqliteStore, writer
from storage.store import Change, Citizen, InboundRow

CALLERS = 128
SECONDS = 1.5
SHIM = Path(__file__).with_name("slow_fsync.c")
SLOWNESS = 5
"""Milliseconds added to each sync."""


def rows(project: Path, long: bool) -> list[Row]:  # noqa: ARG001 - every file's
    """Return the comparisons of this file."""
    against = "a commit per change"

    def side(batch: int, *shim: str) -> float:
        return measured(project, batch, *shim)

    found = [
        Row(
            "group commit",
            "changes/s",
            lambda: side(writer.BATCH),
            lambda: side(1),
            5.0,
            at_most=False,
            against=against,
        )
    ]
    shim = compiled(project)
    if shim:
        slow = f"group commit, sync of {SLOWNESS} ms more"
        found.append(
            Row(
                slow,
                "changes/s",
                lambda: side(writer.BATCH, shim),
                lambda: side(1, shim),
                30.0,
                at_most=False,
                against=against,
            )
        )
    return found


def compiled(folder: Path) -> str:
    """Compile the slow disk and return its path; empty where there is no compiler."""
    made = folder / "slow_fsync.so"
    try:
        command = ["cc", "-shared", "-fPIC", "-o", str(made), str(SHIM), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"group commit on a slow disk: left out, since it cannot be compiled ({error})")
        return ""
    return str(made)


def measured(folder: Path, batch: int, shim: str = "") -> float:
    """Return the changes a second of one side."""
    slow = {"LD_PRELOAD": shim, "SLOW_FSYNC_MS": str(SLOWNESS)} if shim else {}
    command = [sys.executable, "-m", "benchmarks.commit", str(folder), str(batch), str(SECONDS)]
    run = subprocess.run(command, cwd=ROOT, env={**os.environ, **slow}, check=True, capture_output=True, text=True)
    return float(run.stdout)


def change(number: int) -> Change:
    """Return a change as small as one can be, so that the commit is what is measured."""
    citizen = f"citizen-{number}"
    inbound = InboundRow(f"i{number}", "at", f"x{number}", citizen, "ussd", "1", 1_767_225_600_000)
    return Change(inbound=inbound, reply=b"CON 1", citizen=Citizen(citizen))


def keep(store: SqliteStore, first: int, until: float, kept: list[int]) -> None:
    """Keep one change after the other until the time is over."""
    count = 0
    while time.perf_counter() < until:
        store.accept(change(first + count))
        count += 1
    kept.append(count)


def main() -> None:
    """Print the changes a second of so many callers."""
    folder, batch, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    writer.BATCH = batch
    kept: list[int] = []
    with tempfile.TemporaryDirectory(dir=folder) as name, SqliteStore(Path(name) / "awal.db") as store:
        until = time.perf_counter() + seconds
        callers = [threading.Thread(target=keep, args=(store, 1_000_000 * at, until, kept)) for at in range(CALLERS)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        lasted = seconds + time.perf_counter() - until
    print(sum(kept) / lasted)


if __name__ == "__main__":
    main()
