"""One process per database file, kept by the kernel: the lock goes with the process, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from storage.errors import StoreLocked


class FileLock:
    """Hold `awal.db.lock` beside `awal.db` until `release`; raise StoreLocked when another holder has it."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StoreLocked(
                f"{database} is open for writing in process {holder}: "
                "stop that process (awal serve?), or use another project directory"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())

    def release(self) -> None:
        """Let the file go. The lock file stays: removing it would let two processes lock two different files."""
        os.close(self._descriptor)
