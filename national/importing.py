"""`awal-national import`: bundles from a folder or a stick into the store, and their receipts back beside them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from national.bundle import MOST_BYTES
from national.errors import NationalError
from national.receipt import Taken, take
from national.store import Store

SUFFIX, RECEIPT = ".awal", ".receipt"


def listed(paths: Iterable[Path]) -> list[Path]:
    """Return the bundles meant: files as they are, and of a folder all that end in `.awal`, in order of their names."""
    found: list[Path] = []
    for path in paths:
        found += sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    return found


def import_file(store: Store, file: Path, receipts: Path, now: int) -> str:
    """Keep one bundle, write its receipt, and return what happened in words; raises NationalError."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as fault:
        raise NationalError(f"it cannot be read ({fault.strerror}). Copy it again from the stick.") from fault
    taken, target = take(store, data, now), receipts / (file.stem + RECEIPT)
    try:
        keep(target, taken.receipt)
    except OSError as fault:
        raise NationalError(
            f"it is imported, but its receipt cannot be written to {receipts} ({fault.strerror}). "
            "Import it again with --receipts FOLDER: nothing is counted twice."
        ) from fault
    return f"{file.name}: {told(taken)} Receipt: {target}"


def keep(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: a stick that is pulled out early never holds half of one."""
    number, name = tempfile.mkstemp(prefix=".awal-", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(number)
        with suppress(OSError):  # FAT has no modes
            Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    with suppress(OSError):  # some file systems of sticks cannot sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def told(taken: Taken) -> str:
    """Say what a bundle brought."""
    merged = taken.merged
    counts = {
        "kept": merged.accepted,
        "held already": merged.held,
        "older than what is held": merged.older,
        "NOT kept": len(merged.refused),
    }
    words = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "empty"
    lines = [f"{taken.gateway}: {words}{'.' if merged.accepted else '; nothing changed.'}"]
    lines += [f"{one.period} of flow {one.flow_hash}: {one.message}" for one in merged.refused]
    if taken.ahead:
        lines.append(f"The gateway's clock is {taken.ahead} min ahead of this one: set whichever is wrong.")
    return " ".join(lines)
