"""`awal sync --carrier bundle`: what is written on the stick, what its receipts do, with a running gateway or none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from wire_world import W47, World

from gateway.carriers import files
from gateway.cli.sync import CARRIERS, FILES, sync
from gateway.console.words import WORDS
from gateway.control import Control
from gateway.project import Project
from national.app import now_ms
from national.importing import import_file
from national.store import Store as NationalStore
from national.store import open_store
from reports.keys import public_key

Awal = Callable[..., Any]
BUNDLE = ("sync", "--carrier", "bundle", "--to")
NOTHING = "Nothing to send"


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


@pytest.fixture
def nation(tmp_path: Path, demo: Path) -> Iterator[NationalStore]:
    """A platform that knows the demo gateway, and whose key the gateway knows."""
    made = open_store(f"sqlite:{tmp_path / 'national.db'}")
    settings = demo / "awal.toml"
    with Project(demo) as project:
        made.enrol("demo", "02", public_key(project.settings.keys.signing), W47)
    settings.write_text(
        re.sub(r"^\[national\]$", f'[national]\nkey = "{made.identity().public_key}"', settings.read_text(), flags=re.M)
    )
    yield made
    made.close()


def answered(demo: Path, tmp_path: Path, times: int = 1) -> None:
    """Keep answers on the gateway."""
    world = World(tmp_path, f"other-{times}")
    with Project(demo) as project:
        world.store.close()
        world.store = project.store  # type: ignore[assignment]
        for _ in range(times):
            world.answer({"supply": "yes", "mark": 4})


def imported(stick: Path, nation: NationalStore) -> None:
    for file in stick.glob("*.awal"):
        import_file(nation, file, stick, now_ms())


@contextmanager
def running(demo: Path) -> Iterator[None]:
    """Hold the store and listen, as a running gateway does."""
    with Project(demo) as project:
        project.store.counts()
        control = Control(project)
        try:
            yield
        finally:
            control.close()


@contextmanager
def stopped(_demo: Path) -> Iterator[None]:
    yield


@pytest.mark.parametrize("gateway", [running, stopped])
def test_there_and_back_on_one_stick(
    awal: Awal, demo: Path, nation: NationalStore, stick: Path, tmp_path: Path, gateway: Callable[[Path], Any]
) -> None:
    answered(demo, tmp_path, 3)
    with gateway(demo):
        out = awal(*BUNDLE, stick, project=demo)
        assert (out.code, out.err) == (0, "")
        assert f"{stick}/awal-demo-1-1.awal (1 snapshots, sealed for {nation.identity().id})" in out.out
        assert "awal-national import" in out.out
        imported(stick, nation)
        back = awal(*BUNDLE, stick, project=demo)
        assert (back.code, "awal-demo-1-1.receipt: 1 sent." in back.out, NOTHING in back.out) == (0, True, True)
        again = awal(*BUNDLE, stick, project=demo)
        assert again.out.startswith(NOTHING)  # a receipt that was taken is no news
    assert nation.totals()["02"].started == 3
    with Project(demo, readonly=True) as project:
        [row] = project.store.syncs()
        assert (row.carrier, row.ok) == ("bundle", True)
        assert [kind for _, kind, _ in project.store.events()].count("bundle") == 1


def test_without_its_receipt_everything_goes_again_with_what_is_new(
    awal: Awal, demo: Path, nation: NationalStore, stick: Path, tmp_path: Path
) -> None:
    answered(demo, tmp_path)
    awal(*BUNDLE, stick, project=demo)
    for file in stick.iterdir():
        file.unlink()
    assert "Written" in awal(*BUNDLE, stick, project=demo).out
    imported(stick, nation)
    assert nation.totals()["02"].started == 1


def test_a_receipt_can_be_given_by_itself(
    awal: Awal, demo: Path, nation: NationalStore, stick: Path, tmp_path: Path
) -> None:
    answered(demo, tmp_path)
    awal(*BUNDLE, stick, project=demo)
    imported(stick, nation)
    receipt = stick / "awal-demo-1-1.receipt"
    assert awal("sync", "--receipt", receipt, project=demo).out == "Receipt awal-demo-1-1.receipt: 1 sent.\n"
    assert awal("sync", "--receipt", receipt, project=demo).out == "Receipt awal-demo-1-1.receipt: 1 already held.\n"


def test_all_writes_what_is_acknowledged_too(
    awal: Awal, demo: Path, nation: NationalStore, stick: Path, tmp_path: Path
) -> None:
    answered(demo, tmp_path)
    awal(*BUNDLE, stick, project=demo)
    imported(stick, nation)
    assert NOTHING in awal(*BUNDLE, stick, project=demo).out
    assert "Written" in awal(*BUNDLE, stick, "--all", project=demo).out


def test_half_a_receipt_on_the_stick_keeps_no_counts_from_it(
    awal: Awal, demo: Path, nation: NationalStore, stick: Path, tmp_path: Path
) -> None:
    answered(demo, tmp_path)
    (stick / "awal-demo-1-1.receipt").write_text('{"held": [')
    out = awal(*BUNDLE, stick, project=demo)
    assert (out.code, "Written" in out.out) == (0, True)
    assert "Passed over" in out.err
    given = awal("sync", "--receipt", stick / "awal-demo-1-1.receipt", project=demo)
    assert (given.code, "no whole receipt" in given.err) == (1, True)


def test_anothers_receipt_is_left_alone(awal: Awal, demo: Path, nation: NationalStore, stick: Path) -> None:
    (stick / "awal-fes-1-1.receipt").write_text("of another gateway")
    out = awal(*BUNDLE, stick, project=demo)
    assert (out.code, out.err) == (0, "")


def test_without_the_platforms_key_it_says_where_to_get_it(awal: Awal, demo: Path, stick: Path) -> None:
    out = awal(*BUNDLE, stick, project=demo)
    assert out.code == 1
    assert "[national] key is empty" in out.err
    assert "awal-national keys" in out.err


def test_a_stick_that_is_not_there_is_told(awal: Awal, demo: Path, nation: NationalStore, tmp_path: Path) -> None:
    out = awal(*BUNDLE, tmp_path / "nowhere", project=demo)
    assert (out.code, "is no folder" in out.err) == (1, True)


def test_a_stick_that_is_full_is_told_and_left_clean(
    awal: Awal, demo: Path, nation: NationalStore, stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(demo, tmp_path)

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    out = awal(*BUNDLE, stick, project=demo)
    assert out.code == 1
    assert "No space left on device" in out.err
    assert "Check the stick" in out.err
    assert list(stick.iterdir()) == []


def test_what_one_bundle_cannot_hold_goes_into_the_next(
    awal: Awal, demo: Path, nation: NationalStore, stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.carriers.bundle.MOST_BODIES", 1)
    with Project(demo) as project:
        world = World(tmp_path, "other")
        world.store.close()
        world.store = project.store  # type: ignore[assignment]
        for week in range(3):
            world.answer({"supply": "yes"}, now=W47 - week * 7 * 86_400_000)
    assert awal(*BUNDLE, stick, project=demo).out.count("Written: ") == 3
    imported(stick, nation)
    back = awal(*BUNDLE, stick, project=demo).out
    assert NOTHING in back
    assert len(nation.cursor("demo")) == 3


@pytest.mark.parametrize("given", [("--to", "."), ("--all",), ("--to", ".", "--carrier", "https")])
def test_a_folder_goes_with_the_carriers_that_write_files(awal: Awal, demo: Path, given: tuple[str, ...]) -> None:
    out = awal("sync", *given, project=demo)
    assert (out.code, "--carrier bundle" in out.err) == (2, True)


def test_a_platform_that_is_not_ours_acknowledges_nothing(
    awal: Awal, demo: Path, nation: NationalStore, stick: Path, tmp_path: Path
) -> None:
    answered(demo, tmp_path)
    awal(*BUNDLE, stick, project=demo)
    imported(stick, nation)
    other = open_store(f"sqlite:{tmp_path / 'other.db'}").identity().public_key
    settings = demo / "awal.toml"
    settings.write_text(settings.read_text().replace(nation.identity().public_key, other))
    out = awal("sync", "--receipt", stick / "awal-demo-1-1.receipt", project=demo)
    assert out.code == 1
    assert f"by {nation.identity().id}" in out.err
    with Project(demo, readonly=True) as project:
        assert [one.acked for one in project.store.held()] == [False]


@pytest.mark.parametrize("name", CARRIERS)
def test_every_carrier_is_taught_and_named(name: str) -> None:
    assert re.search(rf"^ *{name} ", sync.help or "", re.M)
    assert f"carrier_{name}" in WORDS
    assert set(FILES) <= set(CARRIERS)
