"""A disk that answers EIO and ENOSPC at random (libfiu): what was acknowledged is kept all the same, and once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

FAULTS = int(os.environ.get("AWAL_TORTURE_FAULTS", "300"))
PROGRAM = Path(__file__).with_name("fault_writer.py")
EIO, ENOSPC = 5, 28
POINTS = (("sync/fdatasync", 0.10, EIO), ("rw/pwrite", 0.02, ENOSPC))
"""Where it strikes, how likely, and with which error. A wrong name is ignored in silence: hence errors are counted."""
AT_ONCE = 5_000
"""Errors in one life of the program; then it is killed, the database is judged, and a new one is begun."""


def faulty(path: Path, name: str, errors: int, root: Path) -> tuple[set[str], int]:
    """Run the program until its callers heard so many errors, kill it; return what it acknowledged, and the errors."""
    strikes = [
        part
        for point, chance, error in POINTS
        for part in ("-c", f"enable_random name=posix/io/{point},probability={chance},failinfo={error}")
    ]
    command = ["fiu-run", "-x", *strikes, sys.executable, str(PROGRAM), str(path), name]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'tests' / 'storage'}"}
    acked: set[str] = set()
    heard = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            heard += line.startswith("!")
            if line.startswith("+"):
                acked.add(line[1:].strip())
            if heard == errors:
                os.killpg(process.pid, 9)
    return acked, heard


def kept(path: Path) -> list[str]:
    """Return the inbounds of a database, which must be whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in connection.execute("SELECT external_id FROM inbound")]


def test_nothing_acknowledged_is_lost_on_a_disk_that_fails(
    swift: Path, need: Callable[..., None], root: Path, figures: Any
) -> None:
    need("fiu-run")
    struck = told = 0
    while struck < FAULTS and figures.on():
        path = swift / f"awal{struck}.db"
        acked, heard = faulty(path, "w", min(AT_ONCE, FAULTS - struck), root)
        assert heard, "no fault struck"
        there = kept(path)
        assert acked <= set(there)
        assert len(there) == len(set(there))
        struck += heard
        told += len(acked)
        figures.at(errors_heard=struck, acknowledged=told)
        path.unlink()
    assert told > struck // 10, "it must go on between the faults"
    figures(errors_heard=struck, acknowledged=told, lost=0)
