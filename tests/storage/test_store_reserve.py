"""A full disk: what was begun can end in the reserve's room, nothing acknowledged is lost, all goes on by itself."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from store_changes import answer, change, conversation

from storage.errors import StoreFull
from storage.sqlite import SqliteStore
from storage.sqlite.reserve import Reserve

MB = 1 << 20


@pytest.mark.parametrize(
    ("total", "free", "kept"),
    [(8_000 * MB, 4_000 * MB, 4 * MB), (40 * MB, 40 * MB, 2 * MB), (8_000 * MB, 5 * MB, 5 * MB // 2)],
)
def test_a_reserve_is_smaller_on_a_small_disk(tmp_path: Path, total: int, free: int, kept: int) -> None:
    reserve = Reserve(tmp_path / "awal.db", 4 * MB, free=lambda _: (free, total))
    reserve.keep()

    assert reserve.room().reserve == kept
    assert reserve.path.stat().st_blocks * 512 >= kept  # real blocks, not a hole


def test_room_that_the_reserve_gave_is_not_taken_for_room_again(tmp_path: Path) -> None:
    free, now = [100 * MB], [0.0]
    reserve = Reserve(tmp_path / "awal.db", 4 * MB, free=lambda _: (free[0], 1000 * MB), monotonic=lambda: now[0])
    reserve.keep()
    assert reserve.release(reserve.released)

    begins = change("x1", conversation())
    for free[0] in (4 * MB, 0, 2 * MB):
        now[0] += 2
        with pytest.raises(StoreFull, match="make room"):
            reserve.admit(begins)
    free[0] = 5 * MB
    with pytest.raises(StoreFull):
        reserve.admit(begins)  # it was looked at this very moment
    now[0] += 2
    reserve.admit(begins)
    assert reserve.room().reserve == 5 * MB // 2


def test_who_goes_on_or_leaves_is_taken_while_the_disk_is_full(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "awal.db", MB, free=lambda _: (0, 1000 * MB))
    assert not reserve.release(0)

    reserve.admit(change("x1", conversation(), base=1))
    reserve.admit(change("x2", conversation(), erase=True))
    with pytest.raises(StoreFull):
        reserve.admit(change("x3", conversation()))


def test_every_write_that_failed_with_the_disk_may_use_the_reserve(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "awal.db", MB, free=lambda _: (100 * MB, 1000 * MB))
    reserve.keep()
    seen = reserve.released

    assert [reserve.release(seen) for _ in range(3)] == [True, True, True]
    assert not reserve.release(reserve.released)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 3 MB."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", mounted]).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "-l", mounted], check=True)


def fill(directory: Path) -> Path:
    """Take all that is left of a disk."""
    ballast = directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return ballast


def test_a_full_disk_loses_nothing_ends_what_was_begun_and_goes_on_by_itself(small_disk: Path) -> None:
    ids = count()
    with SqliteStore(small_disk / "awal.db", reserve=32 * MB) as store:
        assert store.room().reserve > 100_000
        acked = [begin(store, next(ids)) for _ in range(20)]
        ballast = fill(small_disk)
        acked += until_full(store, ids)
        assert store.room().full
        assert store.room().reserve == 0
        with pytest.raises(StoreFull):
            store.check()

        assert [end(store, name) for name in acked[:2]] == ["taken"] * 2
        assert len(list(store.answers())) == len(acked)

        ballast.unlink()
        store.check()  # what /health does, and the next inbound a second later
        assert not store.room().full
        assert store.room().reserve > 100_000
        acked.append(begin(store, next(ids)))
        assert {row.conversation for row in store.answers()} == set(acked)
        assert store.counts()["conversations"] == len(acked)
        assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def until_full(store: SqliteStore, ids: Iterator[int]) -> Iterator[str]:
    """Begin conversations until the disk is full."""
    for at in ids:
        try:
            yield begin(store, at)
        except StoreFull:
            return


def begin(store: SqliteStore, at: int) -> str:
    id = f"c{at}"
    store.accept(change(f"x{id}", conversation(id), f"p{at}", reply=b"x" * 300, answers=[answer("a", "yes", id)]))
    return id


def end(store: SqliteStore, id: str) -> str:
    state = conversation(id, status="done")
    return store.accept(change(f"y{id}", state, f"p{id[1:]}", base=1)).outcome


def test_many_who_meet_a_full_disk_at_once_lose_nothing(small_disk: Path) -> None:
    acked: set[str] = set()
    with SqliteStore(small_disk / "awal.db", reserve=32 * MB) as store:
        store.room()
        ballast = fill(small_disk)

        def citizen(lane: int) -> None:
            for at in range(lane * 1_000, lane * 1_000 + 400):
                try:
                    acked.add(begin(store, at))
                except StoreFull:
                    return

        run(citizen, 6)
        assert store.room().full
        ballast.unlink()
        store.check()
        before = len(acked)
        run(lambda lane: acked.add(begin(store, 10_000 + lane)), 6)
        assert len(acked) == before + 6
        assert {row.conversation for row in store.answers()} == acked


def run(work: Callable[[int], object], many: int) -> None:
    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
