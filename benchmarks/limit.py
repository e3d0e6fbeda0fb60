"""A program under a limit of memory that the kernel keeps: a control group of its own (cgroups(7), version 2 or 1)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

GROUPS = ((Path("/sys/fs/cgroup"), "memory.max"), (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"))
"""Where groups are made, and what says their limit: version 2, then 1."""
JOIN = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
PATIENCE = 10.0


@contextmanager
def limited(megabytes: float) -> Iterator[list[str]]:
    """Yield what to put before a command line so that it and its children share so much memory; the kernel kills more.

    Pages of files count too, but the kernel takes those back. Nothing is yielded where no group may be made.
    """
    made = group(megabytes)
    try:
        yield ["sh", "-c", JOIN, str(made)] if made else []
    finally:
        if made:
            remove(made)


def group(megabytes: float) -> Path | None:
    """Make a group with a limit; None without the right to."""
    for root, limit in GROUPS:
        if (root / "cgroup.procs").exists():
            made = root / f"awal-bench-{os.getpid()}"
            with suppress(OSError):
                made.mkdir()
            with suppress(OSError):
                (made / limit).write_text(str(int(megabytes * 2**20)))
                return made
            with suppress(OSError):
                made.rmdir()
    return None


def remove(made: Path) -> None:
    """Remove a group once the last of its processes is gone."""
    until = time.monotonic() + PATIENCE
    while (made / "cgroup.procs").read_text().strip() and time.monotonic() < until:
        time.sleep(0.05)
    made.rmdir()
