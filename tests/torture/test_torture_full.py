"""A disk that fills up under load and is emptied again: what was acknowledged is kept, and all goes on by itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from images import Disk
from store_changes import change, conversation
from store_killed import reply
from store_served import Served

from storage.errors import StoreFull
from storage.sqlite import SqliteStore

FILLINGS = int(os.environ.get("AWAL_TORTURE_FULL", "3"))
WRITERS = 4
WITHIN = 5.0
"""Seconds in which a new citizen must be taken once there is room again."""


class Load:
    """Citizens who come one after the other; each inbound is tried until it is kept.

    Half of them are kept by the store's writer, half by a thread that serves.
    """

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.served = Served()
        self.acked: list[str] = []
        self.refused = 0
        self.ended = threading.Event()
        self._threads = [threading.Thread(target=self._come, args=(number,), daemon=True) for number in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def _come(self, number: int) -> None:
        count = 0
        accept = partial(self.served.accept, self.store) if number % 2 else self.store.accept
        while not self.ended.is_set():
            id = f"{number}.{count}"
            try:
                kept = accept(change(id, conversation(id), citizen=id, reply=reply(id)))
            except StoreFull:
                self.refused += 1
            else:
                assert kept.reply == reply(id)
                self.acked.append(id)
                count += 1
            self.ended.wait(0.002)

    def until(self, happened: Callable[[], bool], seconds: float) -> None:
        """Wait until something has happened; fail when it has not in time."""
        pause = threading.Event()
        for _ in range(int(seconds * 200)):
            if happened():
                return
            pause.wait(0.005)
        raise AssertionError(f"not within {seconds:g} s")

    def end(self) -> None:
        self.ended.set()
        for thread in self._threads:
            thread.join()
        self.served.close()


def fill(file: Path) -> None:
    """Take all the room that is left."""
    with file.open("ab", buffering=0) as full, suppress(OSError):
        while full.write(bytes(1 << 16)):
            pass


def filled(load: Load, file: Path) -> None:
    """Fill the disk until citizens hear of it; what the reserve gives back is taken too."""
    before = load.refused

    def heard() -> bool:
        if load.refused >= before + WRITERS:
            return True
        fill(file)
        return False

    load.until(heard, 30)


def test_a_full_disk_loses_nothing_and_goes_on_by_itself(
    disk: Callable[..., Disk], figures: Any, tmp_path: Path
) -> None:
    where = disk("tmpfs", 48)
    with SqliteStore(where.path / "awal.db") as store:
        load = Load(store)
        for filling in range(FILLINGS):
            taken = len(load.acked)
            load.until(lambda: len(load.acked) >= taken + 20, WITHIN)  # noqa: B023
            filled(load, where.path / "ballast")
            (where.path / "ballast").unlink()
            taken = len(load.acked)
            load.until(lambda: len(load.acked) > taken, WITHIN)  # noqa: B023
            figures.at(fillings=filling + 1, acknowledged=len(load.acked), refused=load.refused)
        load.end()
        lost = [id for id in load.acked if store.dialogue("at", id, id).reply != reply(id)]
        figures(fillings=FILLINGS, acknowledged=len(load.acked), refused=load.refused, lost=len(lost))
        assert not lost
        assert store.counts()["inbound"] == len(load.acked) == len(set(load.acked))
        copy = tmp_path / "copy.db"
        store.backup(copy)
    assert load.refused >= FILLINGS * WRITERS
