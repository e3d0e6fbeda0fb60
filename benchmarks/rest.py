"""Start-up and memory at rest, against a bare Flask application on the same server."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Row
from benchmarks.servers import ENVIRON, answers, awal, bare, free_port, memory, running

REST = 3.0
"""Seconds a server is left alone before its memory is read: its jobs have run, its caches are warm."""

Command = Callable[[int], list[str]]


def rows(project: Path, long: bool) -> list[Row]:  # noqa: ARG001 - every file's
    """Return the comparisons of this file."""

    def ours(port: int) -> list[str]:
        return awal(project, port)

    return [
        Row("start-up", "ms", lambda: startup(ours), imported, 1.3, against="Python that imports Flask and ends"),
        Row("start-up, served", "ms", lambda: startup(ours), lambda: startup(bare), None),
        Row("memory at rest (RSS)", "MB", lambda: at_rest(ours, "Rss"), lambda: at_rest(bare, "Rss"), 1.3),
        Row("memory at rest (PSS)", "MB", lambda: at_rest(ours, "Pss"), lambda: at_rest(bare, "Pss"), 1.3),
    ]


def imported() -> float:
    """Return the milliseconds of a process that imports Flask and does nothing else."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import flask"], env=ENVIRON, check=True)
    return (time.perf_counter() - begun) * 1000


def startup(command: Command) -> float:
    """Return the milliseconds from a process's start to its first answer."""
    port = free_port()
    with running(command(port), port) as server:
        return server.seconds * 1000


def at_rest(command: Command, kind: str) -> float:
    """Return the megabytes of a server that has answered and was then left alone."""
    port = free_port()
    with running(command(port), port) as server:
        time.sleep(REST)
        answers(port)
        return memory(server.process.pid, kind)
