"""A file system of one's own, whose power can be cut."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

SHUTDOWN = 0x8004587D
"""`_IOR('X', 125, __u32)`: the same call on ext4 and on XFS."""
NO_LOG_FLUSH = 2
"""What was not yet written to the disk is gone, the file system's own log included: as if the power had failed."""
MAKE = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}


PATIENCE = 50
"""How often, a tenth of a second apart, something that is still busy is tried again."""


class DiskTrouble(Exception):
    """A file system could not be made, mounted or unmounted: no finding about the store, but the end of the proof."""


class Disk:
    """A mounted `ext4`, `xfs` (both on a loop image) or `tmpfs`.

    One loop device is held from the beginning to the end: `mount -o loop` takes another one at each mount, while the
    kernel may still be letting go of the last, and fails now and then.
    """

    def __init__(self, folder: Path, kind: str, megabytes: int) -> None:
        self.kind = kind
        self.megabytes = megabytes
        self.path = folder / "mounted"
        self.path.mkdir(parents=True)
        self._image = folder / "image"
        self._device = ""
        self._there = False
        if kind != "tmpfs":
            with self._image.open("wb") as image:
                image.truncate(megabytes << 20)
            run(*MAKE[kind], str(self._image))
            self._device = run("losetup", "--find", "--show", str(self._image))
        self.mount()

    def mount(self) -> None:
        """Mount it; a file system that was cut off is recovered from its log, as at a start after a power cut."""
        made = ["-t", "tmpfs", "-o", f"size={self.megabytes}m", "none"]
        run("mount", *(["-t", self.kind, self._device] if self._device else made), str(self.path))
        self._there = True

    def unmount(self) -> None:
        """Unmount it; nobody may hold a file of it any more."""
        run("umount", str(self.path))
        self._there = False

    def cut(self) -> None:
        """Cut the power: from now on every access fails, and what had not reached the disk is gone."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def remove(self) -> None:
        """Unmount and delete it, whatever state a proof left it in: its own error is the one to be seen."""
        if self._there:
            try:
                self.unmount()
            except DiskTrouble:
                run("umount", "--lazy", str(self.path))
        if self._device:
            with suppress(DiskTrouble):
                run("losetup", "--detach", self._device)
        self._image.unlink(missing_ok=True)


def run(*command: str) -> str:
    """Run a program as often as it says that something is busy; raise with what it said otherwise."""
    for _ in range(PATIENCE):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
        if "busy" not in done.stderr.lower():
            break
        threading.Event().wait(0.1)
    raise DiskTrouble(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
