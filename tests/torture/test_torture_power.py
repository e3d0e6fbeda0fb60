"""The power fails: what was acknowledged before is on the disk, and the database is whole.

The log of acknowledgements is kept outside the disk, in this process, and fenced: only what was read before the cut
began is judged. With `synchronous=NORMAL` the same proof must see losses, or it would see nothing.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from images import Disk

CYCLES = int(os.environ.get("AWAL_TORTURE_POWER", "4"))
PROGRAM = Path(__file__).with_name("power_writer.py")
PATIENCE = 120
"""Seconds in which a program must have told enough."""
AT_ONCE = 25
"""Cycles on one database, after which all that it ever acknowledged is looked for again, and a new one is begun."""


def told_before_the_cut(disk: Disk, database: Path, name: str, care: str, acks: int, root: Path) -> list[str]:
    """Let a program keep and tell until it told `acks`, cut the power, and return what it had told before.

    What the program says of errors is written outside the disk, and shown when it tells too little.
    """
    paths = f"{root}:{root / 'tests' / 'storage'}:{PROGRAM.parent}"
    command = [sys.executable, str(PROGRAM), str(database), name, care]
    told: list[str] = []
    enough = threading.Event()

    def listen(lines: Any) -> None:
        for line in lines:
            if line.startswith("+"):
                told.append(line[1:].strip())
            if len(told) >= acks:
                enough.set()
        enough.set()

    environment = {**os.environ, "PYTHONPATH": paths}
    with (
        tempfile.TemporaryFile("w+", errors="replace") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, env=environment) as process,
    ):
        reader = threading.Thread(target=listen, args=(process.stdout,))
        reader.start()
        try:
            in_time = enough.wait(PATIENCE)
            fence = len(told)
            disk.cut()
        finally:
            process.kill()
            reader.join()
        if fence < acks:
            said.seek(0)
            how = "" if in_time else f" in {PATIENCE} s"
            raise AssertionError(
                f"cycle {name}: only {fence} of {acks} were acknowledged{how}; it said:\n{said.read()}"
            )
    disk.unmount()
    disk.mount()
    return told[:fence]


def missing(database: Path, acked: list[str]) -> int:
    """Return how many acknowledged inbounds are not there; the database must be whole, none be there twice."""
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'inbound'").fetchone():
            return len(set(acked))  # the careless store can lose even its tables
        rows = connection.execute(
            "SELECT external_id FROM inbound WHERE CAST(reply AS TEXT) = 'CON what was shown after ' || external_id"
        )
        kept = [row[0] for row in rows]
    assert len(kept) == len(set(kept))
    return len(set(acked) - set(kept))


def struck(disk: Disk, care: str, cycles: int, root: Path, figures: Any) -> tuple[int, int, int]:
    """Cut the power so often; return the cycles, and the answers that were acknowledged and lost."""
    chance = random.Random(20261123)
    acked: list[str] = []
    total = lost = 0
    for cycle in figures.cycles(cycles):
        database = disk.path / f"awal{cycle // AT_ONCE}.db"
        fresh = told_before_the_cut(disk, database, str(cycle), care, 20 + chance.randrange(400), root)
        acked += fresh
        total += len(fresh)
        lost += missing(database, fresh)
        figures.at(cycles=cycle + 1, acknowledged=total, lost=lost)
        if (cycle + 1) % AT_ONCE == 0 or cycle + 1 == cycles:
            lost += 0 if lost else missing(database, acked)
            acked.clear()
            for file in disk.path.glob("awal*"):
                file.unlink()
    return cycle + 1, total, lost


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_nothing_acknowledged_is_lost_when_the_power_fails(
    kind: str, disk: Callable[..., Disk], need: Callable[..., None], root: Path, figures: Any
) -> None:
    need(f"mkfs.{kind}")
    cycles, acked, lost = struck(disk(kind, 400), "full", CYCLES, root, figures)
    figures(cycles=cycles, acknowledged=acked, lost=lost)
    assert acked >= 20 * cycles
    assert lost == 0


def test_the_proof_sees_the_losses_of_a_less_careful_store(
    disk: Callable[..., Disk], need: Callable[..., None], root: Path, figures: Any
) -> None:
    need("mkfs.xfs")
    cycles, acked, lost = struck(disk("xfs", 400), "normal", max(2, CYCLES // 10), root, figures)
    figures(cycles=cycles, acknowledged=acked, lost=lost)
    assert lost > 0
