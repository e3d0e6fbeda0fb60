"""Files on a stick: written whole or not at all, and what goes wrong told with its remedy."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flows.errors import AwalError


def keep(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: a stick that is pulled out early, or is full, never holds half of one."""
    number, name = tempfile.mkstemp(prefix=".awal-", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(number)
        with suppress(OSError):  # FAT, which most sticks have, knows no modes
            Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    with suppress(OSError):  # nor can every file system sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Tell what could not be done to a file, and the remedy, instead of the system's error."""
    try:
        yield
    except OSError as fault:
        reason = fault.strerror or type(fault).__name__
        raise AwalError(f"{what} ({reason}). Check the stick: is it mounted, writable, not full?") from fault
