"""The flow files of a project: read from disk, checked, and read again when they change.

`flows` reads no file itself; this is where its texts come from. A flow with an error is not served; the others are.
What reading and checking came to is kept beside the data, under a digest of all that it depends on: a gateway that
starts on unchanged flows loads neither the YAML parser nor the checker. A file that bears all the stamps it bore then
is not even read. Walking every path, as `awal check` does, takes
longer (`walk`): a gateway that starts on flows it has never walked serves them meanwhile, and withdraws what fails.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from flows.errors import AwalError
from flows.model import Flow
from flows.nearest import did_you_mean
from gateway import __version__, log

if TYPE_CHECKING:
    from flows.check import Translations
    from flows.load import Loaded, Problem

TESTS = ".test.yaml"
MOST_BYTES = 1_000_000
"""What a flow file may weigh; the loader has its own, tighter bounds."""
PROGRAM = Path(__file__).parent.parent
SETTLED = 2_000_000_000
"""Nanoseconds after which a second change must have another stamp, on the coarsest file systems."""


def flow_files(folder: Path) -> list[Path]:
    """Return a folder's flow files in order, without their conversation tests."""
    return sorted(Path(one.path) for one in _flow_entries(folder))


def _flow_entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield a folder's flow files; none where there is no such folder."""
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with entries:
        for one in entries:
            if one.name.endswith((".yaml", ".yml")) and not one.name.endswith((TESTS, ".test.yml")) and one.is_file():
                yield one


def read(path: Path, errors: str = "strict") -> str:
    """Return a file's text; raises AwalError when it cannot be read.

    With `surrogateescape` bytes that are no UTF-8 stay in the text, for the loader to say in which line they stand.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise AwalError(f"{path}: is larger than {MOST_BYTES} bytes. Split the flow.")
        return path.read_bytes().decode("utf-8", errors)
    except OSError as error:
        raise AwalError(f"{path}: cannot be read: {error.strerror}. Check the name and its owner.") from None
    except UnicodeDecodeError as error:
        raise AwalError(f"{path}: is not UTF-8 (byte {error.start}). Save it in UTF-8.") from None


def load_all(paths: Iterable[Path]) -> list[Loaded]:
    """Load each file; what is wrong with one does not keep the others from loading."""
    from flows.load import load

    return [load(read(path, "surrogateescape"), str(path)) for path in paths]


def named(folder: Path, name: str) -> Path:
    """Return the file of a folder that holds the flow of this id.

    A flow that cannot be loaded has no id: its file's name is taken. Raises AwalError with the nearest known name.
    """
    files = flow_files(folder)
    if not files:
        raise AwalError(f"{folder}: holds no flow. Put a *.yaml there, or name a file.")
    ids = {one.flow.id: Path(one.file) for one in load_all(files) if one.flow is not None}
    known = {path.stem: path for path in files} | ids
    if name not in known:
        raise AwalError(f"{folder}: there is no flow {name!r}. {did_you_mean(name, list(known))}")
    return known[name]


FALLS_BACK = frozenset({"F503", "F504"})
"""Errors with which a flow is served all the same: a translation is missing or not reviewed. `awal check` refuses it,
yet no citizen need be silenced: they read the next language of the fallback, and the gateway counts it."""


Stamp = tuple[str, int, int, int, int]
"""A file's path, size, times of change (contents, then anything), and inode."""


class FlowFile(Struct, frozen=True):
    """What one file came to: `flow` is None when it could not be loaded, `sound` says that it may be served.

    `clean` says that no error was found; a flow whose translation is missing is sound all the same.
    """

    file: str
    flow: Flow | None
    sound: bool
    clean: bool


class Compiled(Struct, frozen=True):
    """What a whole folder came to, under the digest of all that it depends on."""

    key: str
    files: tuple[FlowFile, ...]
    problems: msgspec.Raw
    walked: bool = False
    """Every path has been walked too."""
    around: str = ""
    """What else it depends on: the program, and the catalogues."""
    stamps: tuple[Stamp, ...] = ()
    """Those of the files when they were read."""


class FlowFiles:
    """The flows of one folder, as last read. `cache` is where the outcome is kept, if anywhere.

    `texts` is called for the words when the flows have to be checked.
    """

    def __init__(
        self, folder: Path, texts: Callable[[], Translations], catalogues: Path, cache: Path | None = None
    ) -> None:
        self.folder = folder
        self.texts = texts
        self.catalogues = catalogues
        self.cache = cache
        self._seen: tuple[Stamp, ...] | None = None
        self._compiled = Compiled("", (), msgspec.Raw(msgspec.msgpack.encode([])))
        self.refresh()

    @property
    def loaded(self) -> tuple[FlowFile, ...]:
        """Every file, the wrong ones too."""
        return self._compiled.files

    @property
    def problems(self) -> list[Problem]:
        """Every error and warning, by file and line."""
        from flows.load import Problem

        return msgspec.msgpack.decode(self._compiled.problems, type=list[Problem])

    def sound(self) -> list[Flow]:
        """Return the flows that may be served, the first file of each id."""
        found: dict[str, Flow] = {}
        for one in self.loaded:
            if one.flow is not None and one.sound:
                found.setdefault(one.flow.id, one.flow)
        return list(found.values())

    def refresh(self) -> bool:
        """Read the folder again if a file was added, changed or removed; tell whether it was."""
        seen = tuple(sorted(_stamp(one.path, one.stat()) for one in _flow_entries(self.folder)))
        if seen == self._seen:
            return False
        self._seen = seen
        self._compiled = self._kept() or self._compile()
        if not all(one.clean for one in self.loaded):
            self._say()
        return True

    def walk(self) -> bool:
        """Walk every path of the flows, unless that was done; tell whether other flows may be served now."""
        before = self._compiled
        if before.walked:
            return False
        self._compiled = self._compile(deep=True)
        if self._compiled.problems != before.problems:
            self._say()
        return [one.sound for one in self.loaded] != [one.sound for one in before.files]

    def _say(self) -> None:
        for problem in self.problems:
            if problem.level == "error":
                served = problem.code in FALLS_BACK
                log.event("text falls back" if served else "flow not served", level=40, problem=str(problem))

    def _kept(self) -> Compiled | None:
        """Return the outcome kept for exactly these files, if any."""
        if self.cache is None:
            return None
        try:
            with open(self.cache, "rb", buffering=0) as file:
                kept = _COMPILED.decode(file.read())
                written = os.fstat(file.fileno()).st_mtime_ns
        except (OSError, msgspec.DecodeError):
            return None
        if kept.around != self._around():
            return None
        if kept.stamps == self._seen and all(stamp[3] + SETTLED < written for stamp in kept.stamps):
            return kept
        return self._keep(replace(kept, stamps=self._seen or ())) if kept.key == self._key() else None

    def _compile(self, *, deep: bool = False) -> Compiled:
        """Load and check every file, `deep` along every path too, and keep the outcome."""
        from flows.check import check_all

        loaded = list(self._load())
        problems = check_all(loaded, self.texts(), deep=deep)
        errors = [one for one in problems if one.level == "error"]
        wrong, unclean = {one.file for one in errors if one.code not in FALLS_BACK}, {one.file for one in errors}
        files = tuple(
            FlowFile(one.file, one.flow, one.flow is not None and one.file not in wrong, one.file not in unclean)
            for one in loaded
        )
        told = msgspec.Raw(msgspec.msgpack.encode(problems))
        return self._keep(Compiled(self._key(), files, told, deep, self._around(), self._seen or ()))

    def _keep(self, made: Compiled) -> Compiled:
        if self.cache is not None:
            keep(self.cache, msgspec.msgpack.encode(made))
        return made

    @property
    def _paths(self) -> list[Path]:
        return [Path(stamp[0]) for stamp in self._seen or ()]

    def _load(self) -> Iterator[Loaded]:
        """Load each file that can be read."""
        for path in self._paths:
            try:
                yield from load_all([path])
            except AwalError as error:
                log.event("flow not served", level=40, problem=str(error))

    def _key(self) -> str:
        """Return a digest of the flows as they are written."""
        digest = sha256()
        for path in self._paths:
            data = path.read_bytes()
            digest.update(f"{path}\0{len(data)}\0".encode() + data)
        return digest.hexdigest()

    def _around(self) -> str:
        """Return a digest of the catalogues and rules that say whether flows are sound."""
        catalogues = repr(sorted(_stamps(self.catalogues, ".po")))
        return sha256((_program() + catalogues).encode()).hexdigest()


_COMPILED = msgspec.msgpack.Decoder(Compiled)


def _stamp(path: str, status: os.stat_result) -> Stamp:
    """Return what changes when a file changes."""
    return path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


@cache
def _program() -> str:
    """Return what changes when the program does: its rules and its words, as this process found them."""
    rules, words = _stamps(PROGRAM / "flows", ".py"), _stamps(PROGRAM / "locales", ".po")
    return repr((__version__, sorted(rules), sorted(words)))


def _stamps(folder: Path | str, ending: str) -> Iterator[tuple[str, int, int]]:
    """Yield the stamp of each file with this ending below a folder."""
    try:
        entries = [*os.scandir(folder)]
    except OSError:
        return
    for entry in entries:
        if entry.name.endswith(ending):
            status = entry.stat()
            yield entry.path, status.st_mtime_ns, status.st_size
        elif entry.is_dir():
            yield from _stamps(entry.path, ending)


def keep(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; where it cannot be written, nothing is kept and nobody is troubled."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        log.event("compiled flows not kept", error=error.strerror)
