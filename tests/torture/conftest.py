"""What the proofs share: their sizes, the figures they saw, and the scratch disk they run on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "storage"))  # the makers of changes, and the program to be killed

SEEN = pytest.StashKey[list[str]]()
MOUNTS = "disk"
"""What a proof takes that mounts file systems: only root may, and not in every container."""


def mounts_here() -> bool:
    """Tell whether this machine lets us mount."""
    if os.geteuid() != 0:
        return False
    there = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return there.returncode == 0 and Path("/dev/loop-control").exists()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SEEN] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what mounts where that is forbidden: no setting of ours could make it run; the summary says so."""
    need = [item for item in items if MOUNTS in getattr(item, "fixturenames", ()) and "torture" in item.nodeid]
    if need and not mounts_here():
        config.hook.pytest_deselected(items=need)
        items[:] = [item for item in items if item not in need]
        config.stash[SEEN].append(f"left out, since file systems can be mounted by root only: {len(need)} proofs")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash[SEEN]:
        terminalreporter.write_line(f"torture: {line}")


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Return `figures(**numbers)`, which the summary shows: what a proof really met, not only that it passed."""

    def tell(**numbers: object) -> None:
        told = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in numbers.items())
        request.config.stash[SEEN].append(f"{request.node.name}: {told}")

    return tell


@pytest.fixture
def swift(tmp_path: Path) -> Iterator[Path]:
    """Return a folder in memory where there is one: for proofs about counting, not about disks."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="awal-torture-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[..., object]]:
    """Return `disk(kind, megabytes)`, which makes and mounts a file system of one's own; all go at the end."""
    from images import Disk

    made: list[Disk] = []

    def make(kind: str, megabytes: int) -> Disk:
        made.append(Disk(tmp_path / f"disk{len(made)}", kind, megabytes))
        return made[-1]

    yield make
    for one in made:
        one.remove()
