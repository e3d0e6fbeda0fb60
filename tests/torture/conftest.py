"""What the proofs share: their sizes, the figures they saw, and the scratch disk they run on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

sys.path.append(str(Path(__file__).parent.parent / "storage"))  # the makers of changes, and the program to be killed

SEEN = pytest.StashKey[list[str]]()
UNDER_WAY = pytest.StashKey[list["Figures"]]()
TELL_EVERY = 15.0
"""Seconds between two lines on how far a long proof has come."""
ENDS = threading.Event()
"""Set when somebody told us to end."""
MOUNTS = "disk"
"""What a proof takes that mounts file systems: only root may, and not in every container."""


def mounts_here() -> bool:
    """Tell whether this machine lets us mount."""
    if os.geteuid() != 0:
        return False
    there = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return there.returncode == 0 and Path("/dev/loop-control").exists()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SEEN], config.stash[UNDER_WAY] = [], []
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, told_to_end)


def told_to_end(number: int, frame: FrameType | None) -> None:
    """End a proof by cycles after the one it is at, so that what it met is judged; the second time, end all at once."""
    if ENDS.is_set():
        signal.default_int_handler(number, frame)
    ENDS.set()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what mounts where that is forbidden: no setting of ours could make it run; the summary says so."""
    need = [item for item in items if MOUNTS in getattr(item, "fixturenames", ()) and "torture" in item.nodeid]
    if need and not mounts_here():
        config.hook.pytest_deselected(items=need)
        items[:] = [item for item in items if item not in need]
        config.stash[SEEN].append(f"left out, since file systems can be mounted by root only: {len(need)} proofs")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the one who prints the summary know, where a worker ran the proofs (`tests/conftest.py`)."""
    worker = getattr(session.config, "workeroutput", None)
    if worker is not None:
        worker["torture"] = list(session.config.stash[SEEN])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for figures in config.stash[UNDER_WAY]:
        figures.end()
    for line in config.stash[SEEN]:
        terminalreporter.write_line(f"torture: {line}")


class Figures:
    """What a proof really met, not only that it passed: shown in the summary, and on the way of a long one.

    A proof that does not come to its end is shown with the last it told by `at`.
    """

    def __init__(self, name: str, seen: list[str], show: Callable[[str], None]) -> None:
        self._name, self._seen, self._show = name, seen, show
        self._told = time.monotonic()
        self._last = ""

    def __call__(self, **numbers: object) -> None:
        """Tell the figures of the whole proof."""
        self._seen.append(f"{self._name}: {in_words(numbers)}")
        self._last = ""

    def cycles(self, most: int) -> Iterator[int]:
        """Yield the numbers of the cycles, fewer when somebody tells us to end: then what follows judges those."""
        for cycle in range(most):
            if ENDS.is_set():
                assert cycle, "told to end before it began"
                self._seen.append(f"{self._name}: told to end after {cycle} of {most} cycles")
                return
            yield cycle

    def on(self) -> bool:
        """Tell whether to go on: nobody told us to end."""
        return not ENDS.is_set()

    def at(self, **numbers: object) -> None:
        """Tell how far it has come."""
        self._last = in_words(numbers)
        if time.monotonic() - self._told >= TELL_EVERY:
            self._told = time.monotonic()
            self._show(f"{self._name}: so far {self._last}")

    def end(self) -> None:
        """Tell where a proof stopped that never told its figures."""
        if self._last:
            self._seen.append(f"{self._name}: STOPPED after {self._last}")
            self._last = ""


def in_words(numbers: dict[str, object]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in numbers.items())


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """Return `figures(**numbers)`, and `figures.at(**numbers)` for the way."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def show(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"torture: {line}", file=sys.stderr, flush=True)  # noqa: T201 - nobody waits an hour for a dot

    told = Figures(request.node.name, request.config.stash[SEEN], show)
    request.config.stash[UNDER_WAY].append(told)
    yield told
    told.end()


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

    try:
        yield make
    finally:
        for one in made:
            one.remove()
