"""Group commit against a commit of its own for each change: 128 callers who hand over, as the webhook does, no HTTP.

`python -m benchmarks.commit FOLDER BATCH SECONDS` is one side, in a process of its own, so that a slow disk can be put
under it: `slow_fsync.c` is compiled by `cc` and preloaded; where there is no compiler, that row is left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from queue import SimpleQueue

from benchmarks.measure import Row
from benchmarks.servers import ROOT
from storage.sqlite import SqliteStore, writer
from storage.store import Accepted, Change, Citizen, InboundRow
from storage.turns import Asked, Told

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


def hand_over(store: SqliteStore, number: int, told: Told) -> None:
    """Hand one change over, as the gateway does for who calls its webhook."""
    made = change(number)
    store.hand_over(Asked("at", made.inbound.external_id, made.citizen.pseudonym), lambda _: made, told)


def kept(store: SqliteStore, seconds: float) -> float:
    """Return the changes a second that so many callers had kept, each handing its next one over when it was told."""
    ends: SimpleQueue[Accepted | Exception] = SimpleQueue()
    begun = time.perf_counter()
    for number in range(CALLERS):
        hand_over(store, number, ends.put)
    count = 0
    while count < CALLERS or time.perf_counter() < begun + seconds:
        outcome = ends.get()
        if isinstance(outcome, Exception):
            raise outcome
        hand_over(store, CALLERS + count, ends.put)
        count += 1
    return count / (time.perf_counter() - begun)


def main() -> None:
    """Print the changes a second of so many callers."""
    folder, batch, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    writer.BATCH = batch
    with tempfile.TemporaryDirectory(dir=folder) as name, SqliteStore(Path(name) / "awal.db") as store:
        print(kept(store, seconds))


if __name__ == "__main__":
    main()
