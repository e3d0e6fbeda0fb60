"""`awal doctor`: every part looked at, and a remedy beside every fault."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway import doctor
from gateway.project import Project
from storage.sqlite import SqliteStore
from storage.sqlite.connection import resets_log_soundly
from storage.store import Room, SyncRow

Awal = Callable[..., Any]


def findings(project: Path, check: str) -> list[doctor.Finding]:
    with Project(project, readonly=True) as one:
        return [finding for finding in doctor.examine(one) if finding.check == check]


def worst(project: Path, check: str) -> doctor.Finding:
    order = ("error", "warning", "ok")
    return min(findings(project, check), key=lambda finding: order.index(finding.level))


def change(project: Path, pattern: str, by: str) -> None:
    path = project / "awal.toml"
    text, count = re.subn(pattern, by, path.read_text(), flags=re.M)
    assert count
    path.write_text(text)


def test_a_fresh_demo_is_well(awal: Awal, demo: Path) -> None:
    shown = awal("doctor", "--json", project=demo)
    assert shown.code == 0
    assert {finding["check"] for finding in shown.json} == set(doctor.CHECKS)
    assert "error" not in {finding["level"] for finding in shown.json}


def test_whatever_is_not_well_comes_with_a_remedy(awal: Awal, demo: Path) -> None:
    for finding in awal("doctor", "--json", project=demo).json:
        assert finding["level"] == "ok" or finding["remedy"].endswith(tuple(".`serve/demo")), finding


def test_a_file_of_secrets_that_others_can_read(awal: Awal, demo: Path) -> None:
    os.chmod(demo / "awal.toml", 0o644)
    finding = worst(demo, "settings")
    assert finding.level == "error"
    assert finding.remedy == f"chmod 600 {demo}/awal.toml"
    assert awal("doctor", project=demo).code == 1


def test_a_lost_key(demo: Path) -> None:
    change(demo, r'^phone = "[^"]{24,}"', 'phone = ""')
    finding = worst(demo, "keys")
    assert finding.level == "error"
    assert "[keys] phone" in finding.message
    assert "backup" in finding.message


def test_a_clock_that_is_not_set(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.clock.time.time_ns", lambda: 12_000_000_000)
    finding = worst(demo, "clock")
    assert "1970" in finding.message
    assert "0 answers wait for the clock" in finding.message
    assert "awal clock confirm" in finding.remedy


def test_a_clock_that_went_back(demo: Path) -> None:
    with Project(demo) as project:
        project.store.put("clock-seen", "4000000000000")
    assert worst(demo, "clock").level == "error"


def test_what_an_earlier_start_kept_without_a_clock(demo: Path) -> None:
    with Project(demo) as project:
        project.store.lose_clock("a former boot", 0, 1)
    finding = worst(demo, "clock")
    assert finding.level == "warning"
    assert "awal clock date 1" in finding.remedy


def test_a_disk_that_fills_up(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = (
        (Room(10 << 20, 64 << 30), "error"),
        (Room(6 << 30, 64 << 30), "warning"),  # less than a tenth
        (Room(7 << 30, 64 << 30, 32 << 20), "ok"),
        (Room(7 << 30, 64 << 30, full=True), "error"),
    )
    for room, level in rooms:
        monkeypatch.setattr(SqliteStore, "room", lambda store, room=room: room)
        assert worst(demo, "disk").level == level
    monkeypatch.setattr(SqliteStore, "room", lambda store: None)  # a store elsewhere: the project's own disk
    assert re.match(r"[1-9]\d* of [1-9]\d* MB free\.", worst(demo, "disk").message)


@pytest.mark.parametrize(
    ("version", "sound"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
    ],
)
def test_which_sqlite_has_the_fault_of_the_log(version: tuple[int, ...], sound: bool) -> None:
    assert resets_log_soundly(version) is sound


def test_an_old_sqlite_is_told_and_is_no_fault(demo: Path) -> None:
    told = [one for one in findings(demo, "database") if "SQLite" in one.message]
    assert [one.level for one in told] == ["ok"]
    assert sqlite3.sqlite_version in told[0].message
    assert ("one process writes" in told[0].message) is not resets_log_soundly()


def test_a_postgresql_server_says_whether_it_keeps_what_it_acknowledged(
    demo: Path, postgres_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.postgres import PostgresStore, durability

    url = postgres_server.new_database()
    PostgresStore(url).close()
    change(demo, r'^store = ".*"', f'store = "{url}"')
    try:
        told = findings(demo, "database")
        assert told[0].level == "ok"
        assert "PostgreSQL" in told[0].message
        assert "keeps on disk" in told[0].message
        for setting, level in (("fsync", "error"), ("full_page_writes", "warning")):
            server = durability.Server("15.1", 96, 97, {setting: "off"})
            monkeypatch.setattr(durability, "look", lambda url, server=server: server)
            first, second = findings(demo, "database")[:2]
            assert (first.level, second.level) == (level, "warning")  # nearly all connections are taken too
            assert f"{setting} = off" in first.message
            assert f"ALTER SYSTEM SET {setting} = on" in first.remedy
    finally:
        postgres_server.drop(url)


@pytest.mark.parametrize(("reserve", "kept"), [(0, False), (1, True)])
def test_the_reserve_is_as_large_as_it_was_set(demo: Path, reserve: int, kept: bool) -> None:
    change(demo, r"^\[gateway\]", f"[gateway]\nreserve = {reserve}")
    with Project(demo) as project:
        room = project.store.room()
        assert room is not None
        assert bool(room.reserve) is kept
        assert room.reserve <= reserve << 20


def test_a_broken_flow_is_counted_and_the_others_are_served(demo: Path) -> None:
    (demo / "flows" / "broken.yaml").write_text("flow: broken\n")
    finding = worst(demo, "flows")
    assert finding.level == "error"
    assert "awal check" in finding.remedy
    assert any("water" in one.message for one in findings(demo, "flows"))


@pytest.mark.parametrize("setting", ["flow", "bip"])
def test_a_channel_that_opens_a_flow_that_is_not_served(demo: Path, setting: str) -> None:
    change(demo, r"^\[channels\.at\]$", f'[channels.at]\n{setting} = "watr"')
    finding = worst(demo, "flows")
    assert (finding.level, "'watr'" in finding.message) == ("error", True)
    assert "'water'" in finding.remedy


def test_a_channel_without_its_secret(demo: Path) -> None:
    change(demo, r"^secret = .*$", "")
    assert worst(demo, "channels").level == "error"


def test_a_setting_that_no_adapter_uses_is_told(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.doctor.unused", lambda: {"system_id"})
    change(demo, r'^type = "twilio"$', 'type = "twilio"\nsystem_id = "abc"')
    assert "system_id" in worst(demo, "channels").message


def test_a_provider_that_cannot_reach_us(demo: Path) -> None:
    change(demo, r"^demo = true$", "demo = false")
    assert "public_url" in worst(demo, "channels").remedy


def test_an_official_of_nowhere(demo: Path) -> None:
    change(demo, r'^place = "02"$', 'place = "99"')
    assert "'99'" in worst(demo, "officials").message


def test_a_platform_out_of_reach(demo: Path) -> None:
    assert "never" in worst(demo, "national").message
    with Project(demo) as project:
        project.store.log_sync(SyncRow(at=project.clock() - 2 * 86_400_000, carrier="https", ok=True, detail=""))
    assert "more than a day" in worst(demo, "national").message
    with Project(demo) as project:
        project.store.log_sync(SyncRow(at=project.clock(), carrier="https", ok=True, detail=""))
    assert worst(demo, "national").level == "ok"
    assert re.fullmatch(r"last reached 20[0-9-]{8} [0-9:]{5} \+0[01]\.", worst(demo, "national").message)


def test_a_carrier_that_lacks_the_platforms_key(demo: Path) -> None:
    with Project(demo) as project:
        project.store.log_sync(SyncRow(at=project.clock(), carrier="bundle", ok=True, detail="1 sent."))
    finding = worst(demo, "national")
    assert finding.level == "warning"
    assert "awal-national keys" in finding.remedy
    change(demo, r"^\[national\]$", f'[national]\nkey = "{"A" * 43}="')
    assert worst(demo, "national").level == "ok"


def test_a_damaged_database_is_a_finding_not_a_crash(awal: Awal, demo: Path) -> None:
    (demo / "data" / "awal.db").write_bytes(b"not a database at all" * 100)
    shown = awal("doctor", "--json", project=demo)
    assert shown.code == 1
    assert "error" in {finding["level"] for finding in shown.json if finding["check"] == "database"}
