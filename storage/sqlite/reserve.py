"""A file of nothing beside the database: on a full disk it goes, and what citizens had begun can end in its room.

Full: the reserve goes and the write that failed is done again. From then on only conversations under way are taken;
who begins hears that it is for later. Once there is room again the reserve is made anew, and all goes on.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from storage.errors import StoreFull
from storage.store import Change, Room

PART_OF_DISK = 20
"""The reserve takes no more than this part of a small disk."""
AGAIN = 1.0
"""Seconds between two looks at a full disk."""


class NotAdmitted(StoreFull):
    """The disk is full and was known to be: this is for later."""


class Reserve:
    """Keeps `awal.db.reserve`. `free` and `monotonic` are arguments for tests; a `most` of 0 keeps none."""

    def __init__(
        self,
        database: Path,
        most: int,
        *,
        free: Callable[[Path], tuple[int, int]] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = database.with_name(database.name + ".reserve")
        self.full = False
        self.released = 0
        """How often the reserve was given up."""
        self._given = 0
        self._database = database
        self._most = most
        self._free = free or disk
        self._monotonic = monotonic
        self._looked = 0.0
        self._turn = threading.Lock()

    def room(self) -> Room:
        """Return the room there is now, the reserve's own not counted."""
        free, total = self._free(self._database.parent)
        return Room(free, total, self._size(), self.full)

    def keep(self) -> None:
        """Make the reserve where it is missing and there is room: half of what is free, up to its full size."""
        with self._turn:
            self._keep()

    def release(self, seen: int) -> bool:
        """Give the reserve's room to the database. True when there was some, or it went since `released` was `seen`."""
        with self._turn:
            self.full, self._looked = True, self._monotonic()
            if size := self._size():
                self._given = size
                self.path.unlink(missing_ok=True)
                self.released += 1
            return self.released != seen

    def admit(self, change: Change) -> None:
        """Raise StoreFull for whoever begins while the disk is full; look at it again once a second."""
        if not self.full or change.erase or change.base:
            return
        if self._monotonic() - self._looked >= AGAIN:
            self.keep()
        if self.full:
            raise NotAdmitted(str(full(self._database)))

    def _keep(self) -> None:
        self._looked = self._monotonic()
        free, total = self._free(self._database.parent)
        wanted = min(self._most, total // PART_OF_DISK)
        if self.full and free < self._given + wanted // 8:
            return  # what is free is what the reserve gave
        size = min(wanted, (free + self._size()) // 2)
        if size <= self._size() or self._allocate(size):
            self.full = False

    def _allocate(self, size: int) -> bool:
        """Take real blocks, since a file of holes would keep no room; False when they are not there."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            self.path.unlink(missing_ok=True)
            return False
        finally:
            os.close(descriptor)
        return True

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0


def disk(directory: Path) -> tuple[int, int]:
    """Return the bytes free to us and in all of the disk that a directory is on."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


def full(path: Path) -> StoreFull:
    """Return the error of a disk without room."""
    return StoreFull(f"no room left for {path}: make room on that disk, writing goes on by itself")
