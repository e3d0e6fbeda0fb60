"""A file system of one's own, whose power can be cut."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from pathlib import Path

SHUTDOWN = 0x8004587D
"""`_IOR('X', 125, __u32)`: the same call on ext4 and on XFS."""
NO_LOG_FLUSH = 2
"""What was not yet written to the disk is gone, the file system's own log included: as if the power had failed."""
MAKE = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}


class Disk:
    """A mounted `ext4`, `xfs` (both on a loop image) or `tmpfs`."""

    def __init__(self, folder: Path, kind: str, megabytes: int) -> None:
        self.kind = kind
        self.megabytes = megabytes
        self.path = folder / "mounted"
        self.path.mkdir(parents=True)
        self._image = folder / "image"
        self._there = False
        if kind != "tmpfs":
            with self._image.open("wb") as image:
                image.truncate(megabytes << 20)
            subprocess.run([*MAKE[kind], str(self._image)], check=True, stdout=subprocess.DEVNULL)
        self.mount()

    def mount(self) -> None:
        """Mount it; a file system that was cut off is recovered from its log, as at a start after a power cut."""
        made = ["-t", "tmpfs", "-o", f"size={self.megabytes}m", "none"]
        source = made if self.kind == "tmpfs" else ["-t", self.kind, "-o", "loop", str(self._image)]
        subprocess.run(["mount", *source, str(self.path)], check=True)
        self._there = True

    def unmount(self) -> None:
        """Unmount it; nobody may hold a file of it any more."""
        subprocess.run(["umount", str(self.path)], check=True)
        self._there = False

    def cut(self) -> None:
        """Cut the power: from now on every access fails, and what had not reached the disk is gone."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def remove(self) -> None:
        """Unmount and delete it."""
        if self._there:
            self.unmount()
        self._image.unlink(missing_ok=True)
