"""The flow files of a project: read from disk, checked, and read again when they change.

`flows` reads no file itself; this is where its texts come from. A flow with an error is not served; the others are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from flows.check import Translations, check_all
from flows.errors import AwalError
from flows.load import Loaded, Problem, load
from flows.model import Flow
from gateway import log

TESTS = ".test.yaml"
MOST_BYTES = 1_000_000
"""What a flow file may weigh; the loader has its own, tighter bounds."""


def flow_files(folder: Path) -> list[Path]:
    """Return a folder's flow files in order, without their conversation tests."""
    found = [path for pattern in ("*.yaml", "*.yml") for path in folder.glob(pattern)]
    return sorted(path for path in found if not path.name.endswith((TESTS, ".test.yml")))


def read(path: Path) -> str:
    """Return a file's text; raises AwalError when it cannot be read."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise AwalError(f"{path}: is larger than {MOST_BYTES} bytes. Split the flow.")
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise AwalError(f"{path}: cannot be read: {error.strerror}. Check the name and its owner.") from None
    except UnicodeDecodeError as error:
        raise AwalError(f"{path}: is not UTF-8 (byte {error.start}). Save it in UTF-8.") from None


def load_all(paths: Iterable[Path]) -> list[Loaded]:
    """Load each file; what is wrong with one does not keep the others from loading."""
    return [load(read(path), str(path)) for path in paths]


FALLS_BACK = frozenset({"F503", "F504"})
"""Errors with which a flow is served all the same: a translation is missing, or not reviewed."""


class FlowFiles:
    """The flows of one folder, as last read."""

    def __init__(self, folder: Path, texts: Translations) -> None:
        self.folder = folder
        self.texts = texts
        self._state: tuple[tuple[str, int, int], ...] | None = None
        self.loaded: list[Loaded] = []
        self.problems: list[Problem] = []
        self.refresh()

    def refresh(self) -> bool:
        """Read the folder again if a file was added, changed or removed; tell whether it was."""
        state = tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in flow_files(self.folder))
        if state == self._state:
            return False
        self._state = state
        self.loaded = list(self._load())
        self.problems = list(check_all(self.loaded, self.texts))
        for problem in self.problems:
            if problem.level == "error":
                served = problem.code in FALLS_BACK
                log.event("text falls back" if served else "flow not served", level=40, problem=str(problem))
        return True

    def _load(self) -> Iterator[Loaded]:
        """Load each file that can be read."""
        for path in flow_files(self.folder):
            try:
                yield from load_all([path])
            except AwalError as error:
                log.event("flow not served", level=40, problem=str(error))

    def sound(self) -> list[Flow]:
        """Return the flows that can be served, the first file of each id.

        A text without a reviewed translation is refused by `awal check`, yet it silences no citizen: they read the
        next language of the fallback, and the gateway counts it.
        """
        found: dict[str, Flow] = {}
        for loaded in self.loaded:
            if loaded.flow is not None and not self._wrong(loaded.file):
                found.setdefault(loaded.flow.id, loaded.flow)
        return list(found.values())

    def _wrong(self, file: str) -> bool:
        """Tell whether a file has an error that keeps its flow from being served."""
        found = (problem for problem in self.problems if problem.file == file and problem.level == "error")
        return any(problem.code not in FALLS_BACK for problem in found)
