"""The stick on the gateway's side: what a bundle holds, and what a receipt acknowledges."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bundle_world import PLATFORM_SEED, example, snapshot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_world import OTHER_SIGNING, SIGNING, W47, W48, World

from flows.errors import AwalError
from national.receipt import take
from national.seal import Identity, unseal
from national.store import Store as NationalStore
from national.store import open_store
from reports.carriers import bundle as writing
from reports.carriers.bundle import Bundle, due, make, pack
from reports.carriers.receipt import ReceiptRefused, apply, is_news, read
from reports.keys import public_key, signing_key
from reports.snapshots import Sender, Snapshot, snapshots
from reports.wire import canonical

DEMO = Sender("demo", "02")
HOUR = 3600_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def nation(tmp_path: Path) -> Iterator[NationalStore]:
    made = open_store(f"sqlite:{tmp_path / 'national.db'}")
    made.enrol("demo", "02", public_key(SIGNING), W47)
    yield made
    made.close()


def made(world: World) -> list[Snapshot]:
    return snapshots(world.store, DEMO, datetime(2026, 11, 25, tzinfo=UTC).date(), W48)


def carried(world: World, nation: NationalStore, now: int = W48) -> bytes:
    """Write a bundle, import it an hour later, and return the receipt."""
    one = make(due(made(world)), DEMO, SIGNING, nation.identity().public, now)
    return take(nation, one.data, now + HOUR).receipt


def opened(one: Bundle, identity: Identity) -> zipfile.ZipFile:
    line, _, rest = one.data.partition(b"\n")
    public = base64.b64decode(public_key(SIGNING))
    return zipfile.ZipFile(io.BytesIO(unseal(identity.seed, public, rest, line + b"\n")))


def rows(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


# the bundle ----------------------------------------------------------------------------------------------------
def test_it_holds_the_bodies_as_a_put_carries_them(world: World, nation: NationalStore) -> None:
    world.many(3, {"supply": "yes", "mark": 4})
    [one] = made(world)
    archive = opened(make([one], DEMO, SIGNING, nation.identity().public, W48), nation.identity())
    assert archive.read(f"snapshots/{one.flow_hash}-2026-W47.json") == one.data


def test_its_tables_say_the_same_as_its_bodies(world: World, nation: NationalStore) -> None:
    world.many(3, {"supply": "yes", "mark": 4}, place="02.411.01.01")
    world.many(2, {"supply": "no", "needs": ["cuts", "price"]}, done=False)
    archive = opened(make(made(world), DEMO, SIGNING, nation.identity().public, W48), nation.identity())
    told = {(one["area"], one["question"], one["option"]): int(one["count"]) for one in rows(archive, "cells.csv")}
    assert told == {
        ("02.411.01.01", "supply", "yes"): 3,
        ("02.411.01.01", "mark", "4"): 3,
        ("02", "supply", "no"): 2,
        ("02", "needs", "cuts"): 2,
        ("02", "needs", "price"): 2,
    }
    walks = {one["area"]: (one["started"], one["completed"]) for one in rows(archive, "walks.csv")}
    assert walks == {"02.411.01.01": ("3", "3"), "02": ("2", "0")}


def test_its_manifest_lists_every_file_and_is_signed(nation: NationalStore) -> None:
    archive = opened(
        make([snapshot(example())], Sender("oriental", "02"), SIGNING, nation.identity().public, W48),
        nation.identity(),
    )
    told = archive.read("manifest.json")
    signature = base64.b64decode(archive.read("manifest.sig"))
    signing_key(SIGNING).public_key().verify(signature, b"awal-bundle 1\n" + told)
    listed = {one["path"]: (one["bytes"], one["sha256"]) for one in json.loads(told)["members"]}
    there = {name: archive.read(name) for name in archive.namelist() if not name.startswith("manifest.")}
    assert listed == {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in there.items()}


def test_the_same_content_is_the_same_zip(nation: NationalStore) -> None:
    one, key = snapshot(example()), signing_key(SIGNING)
    packs = {pack([one], DEMO, key, nation.identity().public, W48) for _ in range(2)}
    assert len(packs) == 1


def test_what_is_acknowledged_stays_at_home_unless_asked_for() -> None:
    first = snapshot(example())
    later = [snapshot(example() | {"period": f"2026-W{week}", "seq": week}) for week in (40, 39)]
    known = Snapshot(first.flow, first.flow_hash, first.period, 1, 7, acked=True, data=first.data)
    assert [one.seq for one in due([known, *later])] == [39, 40]
    assert [one.seq for one in due([known, *later], everything=True)] == [7, 39, 40]
    assert [one.seq for one in due([known, *later], everything=True, after=7)] == [39, 40]


def test_more_than_one_bundle_holds_goes_into_the_next(nation: NationalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    all_due = [snapshot(example() | {"seq": seq, "period": f"2026-W{seq:02}"}) for seq in range(1, 8)]
    monkeypatch.setattr(writing, "MOST_BODIES", 2 * len(all_due[0].data) + 9)
    nation.enrol("oriental", "02", public_key(SIGNING), W47)
    names, after = [], -1
    while left := due(all_due, after=after):
        one = make(left, Sender("oriental", "02"), SIGNING, nation.identity().public, W48)
        take(nation, one.data, W48)
        names, after = [*names, one.name], one.last
    assert names == [f"awal-oriental-1-{seq}.awal" for seq in (2, 4, 6, 7)]
    assert len(nation.cursor("oriental")) == 7


def test_one_snapshot_always_travels_however_large(nation: NationalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_BODIES", 1)
    one = make([snapshot(example())], Sender("oriental", "02"), SIGNING, nation.identity().public, W48)
    assert one.snapshots == 1


def test_a_gateway_without_a_region_writes_none(nation: NationalStore) -> None:
    with pytest.raises(AwalError, match=r"\[gateway\] region"):
        make([snapshot(example())], Sender("demo", ""), SIGNING, nation.identity().public, W48)


def test_unpacked_it_is_a_data_package(
    world: World, nation: NationalStore, tmp_path: Path, need: Callable[..., None]
) -> None:
    """As the specification's own program, frictionless, sees it; and it does see a row that comes twice."""
    need("module:frictionless")
    world.many(3, {"supply": "yes", "mark": 4}, place="02.411.01.01")
    world.many(2, {"supply": "no"})
    package = tmp_path / "package"
    opened(make(made(world), DEMO, SIGNING, nation.identity().public, W48), nation.identity()).extractall(package)
    assert frictionless(package) == []
    cells = (package / "cells.csv").read_bytes()
    (package / "cells.csv").write_bytes(cells + cells.splitlines(keepends=True)[-1])
    assert frictionless(package) == ["primary-key"]


def frictionless(package: Path) -> list[str]:
    """Return the faults that it names."""
    command = [sys.executable, "-W", "ignore", "-m", "frictionless", "validate", "datapackage.json", "--json"]
    told = json.loads(subprocess.run(command, cwd=package, capture_output=True, text=True, timeout=60).stdout)
    assert {task["name"] for task in told["tasks"]} == {"cells", "walks"}
    return [error["type"] for task in told["tasks"] for error in task["errors"]]


# the receipt ---------------------------------------------------------------------------------------------------
def test_a_receipt_acknowledges_what_was_carried(world: World, nation: NationalStore) -> None:
    world.answer({"supply": "yes"})
    receipt = read(carried(world, nation), "demo", nation.identity().public)
    outcome = apply(world.store, receipt, W48 + 2 * HOUR)
    assert (outcome.ok, outcome.sent, outcome.waiting) == (True, 1, 0)
    assert due(made(world)) == []
    [row] = world.store.syncs()
    assert (row.carrier, row.ok, row.detail) == ("bundle", True, "1 sent.")


def test_what_changed_since_goes_again(world: World, nation: NationalStore) -> None:
    world.answer({"supply": "yes"})
    data = carried(world, nation)
    world.answer({"supply": "no"})
    assert len(due(made(world))) == 1
    outcome = apply(world.store, read(data, "demo", nation.identity().public), W48 + 2 * HOUR)
    assert (outcome.sent, outcome.waiting) == (0, 1)
    assert len(due(made(world))) == 1


def test_a_lost_stick_loses_nothing(world: World, nation: NationalStore) -> None:
    world.answer({"supply": "yes"})
    make(due(made(world)), DEMO, SIGNING, nation.identity().public, W48)
    world.answer({"supply": "yes"})
    apply(world.store, read(carried(world, nation), "demo", nation.identity().public), W48 + 2 * HOUR)
    assert nation.totals()["02"].answers == 2
    assert due(made(world)) == []


def test_a_receipt_again_changes_nothing_and_is_no_news(world: World, nation: NationalStore) -> None:
    world.answer({"supply": "yes"})
    receipt = read(carried(world, nation), "demo", nation.identity().public)
    assert is_news(world.store, receipt)
    apply(world.store, receipt, W48 + 2 * HOUR)
    assert not is_news(world.store, receipt)
    again = apply(world.store, receipt, W48 + 3 * HOUR)
    assert (again.ok, again.sent, again.held) == (True, 0, 1)


def test_two_receipts_of_one_moment_are_both_news(world: World, nation: NationalStore) -> None:
    platform = nation.identity().public
    world.answer({"supply": "yes"})
    first = read(carried(world, nation), "demo", platform)
    world.answer({"supply": "yes"}, now=W47 - 7 * 24 * HOUR)
    second = read(carried(world, nation), "demo", platform)
    assert first.date == second.date
    apply(world.store, first, W48 + 2 * HOUR)
    assert (is_news(world.store, first), is_news(world.store, second)) == (False, True)


def test_an_old_copy_of_the_database_hears_that_it_is_one(world: World, nation: NationalStore) -> None:
    world.answer({"supply": "yes"})
    [one] = made(world)
    ahead = canonical(json.loads(one.data) | {"seq": one.seq + 5})
    nation.put_all("demo", [], W48, 0)
    newer = Snapshot(one.flow, one.flow_hash, one.period, one.epoch, one.seq + 5, False, ahead)
    take(nation, make([newer], DEMO, SIGNING, nation.identity().public, W48).data, W48)
    outcome = apply(world.store, read(carried(world, nation), "demo", nation.identity().public), W48 + 2 * HOUR)
    assert (outcome.ok, outcome.refused, outcome.sent) == (False, 1, 0)
    assert "awal restore" in outcome.detail


def test_two_machines_with_one_id_are_told(world: World, nation: NationalStore) -> None:
    world.answer({"supply": "yes"})
    [one] = made(world)
    body = json.loads(one.data)
    body["walks"]["started"][0] += 1
    twin = Snapshot(one.flow, one.flow_hash, one.period, one.epoch, one.seq, False, canonical(body))
    take(nation, make([twin], DEMO, SIGNING, nation.identity().public, W48).data, W48)
    outcome = apply(world.store, read(carried(world, nation), "demo", nation.identity().public), W48 + 2 * HOUR)
    assert (outcome.ok, outcome.sent) == (False, 0)
    assert "two machines" in outcome.detail
    assert not world.store.held()[0].acked


@pytest.mark.parametrize(
    ("made_at", "date", "now", "minutes"),
    [
        (0, HOUR, 2 * HOUR, 0),
        (0, 40 * 24 * HOUR, 80 * 24 * HOUR, 0),  # weeks on the road are no skew
        (11 * 60_000, 0, HOUR, 11),
        (0, HOUR, HOUR - 11 * 60_000, 11),
        (9 * 60_000, 0, HOUR, 0),
    ],
)
def test_a_clock_that_cannot_be_right_is_told(
    world: World, nation: NationalStore, made_at: int, date: int, now: int, minutes: int
) -> None:
    world.answer({"supply": "yes"})
    data = make(due(made(world)), DEMO, SIGNING, nation.identity().public, W48 + made_at).data
    receipt = read(take(nation, data, W48 + date).receipt, "demo", nation.identity().public)
    detail = apply(world.store, receipt, W48 + now).detail
    assert (f"differs from the platform's by {minutes} min: set it." in detail) == bool(minutes)


def test_a_receipt_is_believed_under_the_platforms_signature_only(world: World, nation: NationalStore) -> None:
    world.answer({"supply": "yes"})
    data, platform = carried(world, nation), nation.identity().public
    body = json.loads(data)
    body["held"][0]["seq"] += 1
    cases: list[tuple[bytes, str, bytes, str]] = [
        (data, "fes", platform, "for gateway “demo”, this one is “fes”"),
        (data, "demo", Identity(PLATFORM_SEED).public, "by platform-.*awal-national keys"),
        (data, "demo", bytes(31) + b"\xff", "by platform-"),
        (canonical(body), "demo", platform, "changed after the platform signed it"),
        (data[:-40], "demo", platform, "no whole receipt"),
        (b"", "demo", platform, "no whole receipt"),
        (b"[]", "demo", platform, "no whole receipt"),
        (b'{"held": []}', "demo", platform, "no whole receipt"),
        (b'{"signature": 3}', "demo", platform, "no whole receipt"),
        (b"[" * 100_000, "demo", platform, "no whole receipt"),
    ]
    for given_data, gateway, key, told in cases:
        with pytest.raises(ReceiptRefused, match=told):
            read(given_data, gateway, key)


def test_a_later_form_of_receipt_is_refused_and_more_members_are_not(nation: NationalStore) -> None:
    identity = nation.identity()

    def signed(**changes: object) -> bytes:
        body = {"v": 1, "gateway": "demo", "platform": identity.id, "made_at": 1, "date": 2, "held": []} | changes
        signature = base64.b64encode(identity.sign(b"awal-receipt 1\n" + canonical(body))).decode()
        return canonical(body | {"signature": signature})

    assert read(signed(weather="fine"), "demo", identity.public).date == 2
    with pytest.raises(ReceiptRefused, match="form 2"):
        read(signed(v=2), "demo", identity.public)
    with pytest.raises(ReceiptRefused, match="cannot be read"):
        read(signed(held="all"), "demo", identity.public)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.data())
def test_every_flipped_byte_of_a_receipt_is_refused_or_means_nothing(
    world: World, nation: NationalStore, data: st.DataObject
) -> None:
    identity = nation.identity()
    body = {"v": 1, "gateway": "demo", "platform": identity.id, "made_at": 1, "date": 2, "held": []}
    signature = base64.b64encode(identity.sign(b"awal-receipt 1\n" + canonical(body))).decode()
    whole = canonical(body | {"signature": signature})
    changed = bytearray(whole)
    changed[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read(bytes(changed), "demo", identity.public)
    except ReceiptRefused:
        return
    assert json.loads(bytes(changed)) | {"signature": signature} == json.loads(whole)


def test_a_receipt_of_another_signer_is_refused(nation: NationalStore) -> None:
    forger = Identity(base64.b64decode(OTHER_SIGNING))
    body = {"v": 1, "gateway": "demo", "platform": nation.identity().id, "made_at": 1, "date": 2, "held": []}
    signature = base64.b64encode(forger.sign(b"awal-receipt 1\n" + canonical(body))).decode()
    with pytest.raises(ReceiptRefused):
        read(canonical(body | {"signature": signature}), "demo", nation.identity().public)
