"""What the platform takes from a stick, and every bundle it refuses whole."""

from __future__ import annotations

import base64
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bundle_world import MADE_AT, example, files, honest, manifest, sealed, signed, zipped
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_world import OTHER_SIGNING, PUBLIC, W47, Clock

from national import bundle as reading
from national.app import create_app
from national.bundle import header_of, open_bundle
from national.cli import main
from national.errors import Refused
from national.receipt import take, written
from national.seal import Identity, shared_key
from national.store import CursorRow, Merged, Store, Totals, open_store
from reports.carriers.receipt import read as read_receipt
from reports.keys import public_key
from reports.wire import canonical, content_digest

NOW = MADE_AT + 3600_000
KEPT = {"02": Totals(43, 40, 102)}
fresh_enough = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:{tmp_path / 'national.db'}")
    made.enrol("oriental", "02", PUBLIC, W47)
    yield made
    made.close()


@pytest.fixture
def platform(store: Store) -> bytes:
    return store.identity().public


@pytest.fixture
def client(store: Store) -> FlaskClient:
    return create_app(store, clock=Clock(NOW)).test_client()


def test_a_bundle_brings_what_a_put_would(store: Store, platform: bytes) -> None:
    week = example() | {"period": "2026-W46", "seq": 6}
    taken = take(store, honest([example(), week], platform).data, NOW)
    assert (taken.merged.accepted, taken.merged.held, taken.ahead) == (2, 0, 0)
    assert [one.period for one in store.cursor("oriental")] == ["2026-W46", "2026-W47"]
    [kept] = store.shown("2026-W47", running=False)
    assert kept.cells == example()["cells"]
    assert store.gateways()[0].last_contact == NOW


def test_the_days_on_the_road_are_no_skew(store: Store, platform: bytes) -> None:
    take(store, honest([example()], platform).data, NOW + 40 * 86_400_000)
    assert store.gateways()[0].skew == 0


def test_a_bundle_from_the_future_tells_of_a_wrong_clock(store: Store, platform: bytes) -> None:
    assert take(store, honest([example()], platform, NOW + 11 * 60_000).data, NOW).ahead == 11
    assert store.gateways()[0].skew == 11 * 60_000
    assert take(store, honest([example()], platform, NOW + 9 * 60_000).data, NOW).ahead == 0


def test_the_same_stick_again_changes_nothing(store: Store, platform: bytes) -> None:
    data = honest([example()], platform).data
    take(store, data, NOW)
    again = take(store, data, NOW + 1)
    assert (again.merged.accepted, again.merged.held) == (0, 1)
    assert store.totals() == KEPT


def test_sticks_in_any_order_leave_the_newest(store: Store, platform: bytes) -> None:
    older, newer = example(), example() | {"seq": 8, "walks": {"started": [1, 0, 0], "completed": [0, 0, 0]}}
    newer["cells"] = {name: [[0, 0, 0]] * len(rows) for name, rows in newer["cells"].items()}
    take(store, honest([newer], platform).data, NOW)
    late = take(store, honest([older], platform).data, NOW)
    assert (late.merged.accepted, late.merged.older, late.merged.refused) == (0, 1, [])
    assert store.totals() == {"02": Totals(1, 0, 0)}


def test_one_number_with_two_figures_is_named_and_the_rest_kept(store: Store, platform: bytes) -> None:
    other = example() | {"walks": {"started": [9, 0, 0], "completed": [0, 0, 0]}}
    take(store, honest([example()], platform).data, NOW)
    taken = take(store, honest([other, example() | {"period": "2026-W46", "seq": 6}], platform).data, NOW)
    assert taken.merged.accepted == 1
    [conflict] = taken.merged.refused
    assert (conflict.period, conflict.seq) == ("2026-W47", 7)
    assert "two machines" in conflict.message
    assert [one.period for one in read_receipt(taken.receipt, "oriental", platform).refused] == ["2026-W47"]


def test_a_receipt_says_what_is_held(store: Store, platform: bytes) -> None:
    taken = take(store, honest([example()], platform).data, NOW)
    receipt = read_receipt(taken.receipt, "oriental", platform)
    assert receipt.numbers() == {(example()["flow_hash"], "2026-W47"): (1, 7)}
    assert (receipt.made_at, receipt.date) == (MADE_AT, NOW)


def test_the_recorded_stick_is_read_as_it_stands(root: Path) -> None:
    """For whoever writes another platform: a bundle with the platform's seed, and the receipt it must answer."""
    wire = root / "tests/data/wire"
    told = json.loads((wire / "platform.json").read_text())
    identity = Identity(base64.b64decode(told["seed"]))
    assert (identity.id, identity.public_key) == (told["id"], told["public_key"])
    data = (wire / "awal-oriental-1-7.awal").read_bytes()
    [snapshot] = open_bundle(data, header_of(data), identity, PUBLIC, "02").snapshots()
    row = CursorRow(snapshot.flow_hash, snapshot.period, *snapshot.number)
    receipt = written(identity, "oriental", MADE_AT, MADE_AT + 86_400_000, [row], Merged(1, 0, 0, []))
    assert receipt == (wire / "awal-oriental-1-7.receipt").read_bytes()
    assert read_receipt(receipt, "oriental", identity.public).numbers() == {(row.flow_hash, row.period): (1, 7)}
    shared = told["shared_key"]
    context = shared["context"].encode()
    assert shared_key(identity.seed, base64.b64decode(PUBLIC), context).hex() == shared["hex"]


# what is refused -----------------------------------------------------------------------------------------------
BODY = example()
OTHERS = canonical(BODY | {"gateway": "fes"})
ELSEWHERE = canonical(BODY | {"region": "03"})
NAME = f"snapshots/{BODY['flow_hash']}-2026-W47.json"
BOMB = b"\0" * 2_000_000


def built(platform: bytes, parts: list[tuple[str, bytes]], **changes: Any) -> bytes:
    return sealed(zipped(parts + signed(manifest(parts, platform, **changes))), platform)


def lying(packed: bytes) -> bytes:
    """Say in the zip's directory that every file is one byte long."""
    out, at = bytearray(packed), 0
    while (at := out.find(b"PK\x01\x02", at)) >= 0:
        struct.pack_into("<L", out, at + 24, 1)
        at += 4
    return bytes(out)


def encrypted(packed: bytes) -> bytes:
    out, at = bytearray(packed), packed.find(b"PK\x01\x02")
    out[at + 8] |= 1
    return bytes(out)


Made = Callable[[bytes], bytes]
GOOD = files([BODY])
ANOTHER = base64.b64decode(public_key(OTHER_SIGNING))
REFUSED: dict[str, tuple[Made, str, str]] = {
    "nothing": (lambda p: b"", "no-bundle", r"\*\.awal"),
    "another file": (lambda p: b"%PDF-1.7 a report", "no-bundle", r"\*\.awal"),
    "a later form": (lambda p: b"awal-bundle 2 oriental platform-00000000\n", "no-bundle", "form 2.*Update"),
    "too large": (lambda p: built(p, GOOD) + bytes(reading.MOST_BYTES), "too-large", "larger than"),
    "another platform": (
        lambda p: sealed(b"", ANOTHER),
        "other-platform",
        "awal-national keys",
    ),
    "not enrolled": (lambda p: sealed(b"", p, "fes"), "unknown", "awal-national gateway add fes"),
    "another key": (lambda p: sealed(zipped(GOOD), p, key=OTHER_SIGNING), "forged", "another key"),
    "renamed on the road": (lambda p: swap_line(built(p, GOOD)), "unknown", "gateway add fez-meknes"),
    "no zip": (lambda p: sealed(b"no zip at all", p), "damaged", "zip cannot be read"),
    "no manifest": (lambda p: sealed(zipped(GOOD), p), "damaged", "manifest.json is missing"),
    "no signature": (lambda p: sealed(zipped(GOOD + signed(manifest(GOOD, p))[:1]), p), "damaged", "manifest.sig"),
    "signed with another key": (
        lambda p: sealed(zipped(GOOD + signed(manifest(GOOD, p), OTHER_SIGNING)), p),
        "forged",
        "awal keys",
    ),
    "signed as something else": (
        lambda p: sealed(zipped(GOOD + signed(manifest(GOOD, p), before=b"")), p),
        "forged",
        "awal keys",
    ),
    "a signature that is none": (
        lambda p: sealed(zipped([*GOOD, ("manifest.json", manifest(GOOD, p)), ("manifest.sig", b"x")]), p),
        "forged",
        "awal keys",
    ),
    "a manifest that is no JSON": (lambda p: sealed(zipped(signed(b"{")), p), "damaged", "manifest.json"),
    "a manifest of another form": (lambda p: built(p, GOOD, v=2), "damaged", "form 2"),
    "a manifest of another gateway": (lambda p: built(p, GOOD, gateway="fes"), "mismatch", "“fes”"),
    "a manifest for another platform": (
        lambda p: sealed(zipped(GOOD + signed(manifest(GOOD, ANOTHER))), p),
        "mismatch",
        "another platform",
    ),
    "another region": (lambda p: built(p, GOOD, region="03"), "mismatch", "“03”.*“02”.*enrol"),
    "a missing file": (
        lambda p: sealed(zipped(signed(manifest(GOOD, p))), p),
        "damaged",
        f"{NAME} is missing",
    ),
    "a file too many": (
        lambda p: sealed(zipped([*GOOD, ("more.txt", b"x"), *signed(manifest(GOOD, p))]), p),
        "damaged",
        "more.txt is not listed",
    ),
    "a file twice": (lambda p: sealed(zipped([*GOOD, *GOOD, *signed(manifest(GOOD, p))]), p), "damaged", "twice"),
    "a file listed twice": (
        lambda p: sealed(zipped([*GOOD, *signed(manifest(GOOD * 2, p))]), p),
        "damaged",
        "lists a file twice",
    ),
    "a changed file": (
        lambda p: sealed(zipped([(NAME, OTHERS), *signed(manifest(GOOD, p))]), p),
        "damaged",
        "not the file that was signed",
    ),
    "a name that leads out": (lambda p: built(p, [("../../etc/cron.d/x", b"x")]), "damaged", "no name of a bundle"),
    "an absolute name": (lambda p: built(p, [("/etc/passwd", b"x")]), "damaged", "no name of a bundle"),
    "a hidden name": (lambda p: built(p, [("snapshots/.x", b"x")]), "damaged", "no name of a bundle"),
    "a name with a drive": (lambda p: built(p, [("C:x", b"x")]), "damaged", "no name of a bundle"),
    "a folder": (lambda p: built(p, [("snapshots/", b"")]), "damaged", "no name of a bundle"),
    "another compression": (
        lambda p: sealed(zipped([*GOOD, *signed(manifest(GOOD, p))], zipfile.ZIP_BZIP2), p),
        "damaged",
        "packed in a way",
    ),
    "an encrypted file": (
        lambda p: sealed(zipped([*GOOD, *signed(manifest(GOOD, p))], tamper=encrypted), p),
        "damaged",
        "packed in a way",
    ),
    "sizes that lie": (
        lambda p: sealed(zipped([*GOOD, *signed(manifest(GOOD, p))], tamper=lying), p),
        "damaged",
        "unpacked",
    ),
    "a snapshot as large as a bomb": (lambda p: built(p, [(NAME, BOMB)]), "too-large", "larger than 262144"),
    "another gateway's snapshot": (lambda p: built(p, [(NAME, OTHERS)]), "mismatch", "snapshot of “fes”"),
    "a snapshot of another region": (lambda p: built(p, [(NAME, ELSEWHERE)]), "mismatch", "“03”.*“02”"),
    "a snapshot under another name": (
        lambda p: built(p, [("snapshots/0123456789abcdef-2026-W47.json", canonical(BODY))]),
        "mismatch",
        "another flow or week",
    ),
    "a snapshot that a put would refuse": (
        lambda p: built(p, [(NAME, canonical(BODY | {"areas": ["02"]}))]),
        "invalid",
        "walks.started",
    ),
}


def swap_line(data: bytes) -> bytes:
    return data.replace(b" oriental ", b" fez-meknes ", 1)


@pytest.mark.parametrize("case", REFUSED)
def test_a_bundle_refused_leaves_nothing(store: Store, platform: bytes, case: str) -> None:
    made, code, told = REFUSED[case]
    data = made(platform)
    with pytest.raises(Refused, match=told) as refused:
        take(store, data, NOW)
    assert refused.value.code == code
    assert str(refused.value).count("\n") == 0
    assert (store.cursor("oriental"), store.gateways()[0].last_contact) == ([], 0)


def test_a_bundle_as_forged_here_is_taken_when_nothing_is_wrong(store: Store, platform: bytes) -> None:
    assert take(store, built(platform, GOOD), NOW).merged.accepted == 1


def test_the_second_snapshot_being_wrong_undoes_the_first(store: Store, platform: bytes) -> None:
    with pytest.raises(Refused):
        take(store, built(platform, [*GOOD, ("snapshots/0123456789abcdef-2026-W47.json", OTHERS)]), NOW)
    assert store.cursor("oriental") == []


def test_a_gateway_renamed_by_hand_is_not_believed(store: Store, platform: bytes) -> None:
    store.enrol("fez-meknes", "03", PUBLIC, W47)
    with pytest.raises(Refused, match="cut short or changed"):
        take(store, swap_line(built(platform, GOOD)), NOW)


@pytest.mark.parametrize(("limit", "value"), [("MOST_MEMBERS", 2), ("MOST_UNPACKED", 1000)])
def test_what_unpacks_to_too_much_is_refused_unread(
    store: Store, platform: bytes, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    data = built(platform, GOOD)
    monkeypatch.setattr(reading, limit, value)
    with pytest.raises(Refused, match="unpacks to more"):
        take(store, data, NOW)


@fresh_enough
@given(st.data())
def test_every_bundle_cut_short_or_flipped_is_refused(store: Store, platform: bytes, data: st.DataObject) -> None:
    whole = built(platform, GOOD)
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    for changed in (whole[:at], bytes(flipped)):
        with pytest.raises(Refused):
            take(store, changed, NOW)
    assert store.cursor("oriental") == []


@fresh_enough
@given(st.binary(max_size=300), st.integers(0, 10_000), st.integers(0, 255))
def test_no_zip_that_a_gateway_could_seal_crashes_the_platform(
    store: Store, platform: bytes, junk: bytes, at: int, byte: int
) -> None:
    """The seal is honest here, what it holds is not: every byte of the zip is somebody's wish."""
    packed = bytearray(zipped([*GOOD, *signed(manifest(GOOD, platform))]))
    packed[at % len(packed)] = byte
    for inside in (junk, bytes(packed), bytes(packed[: at % len(packed)]) + junk):
        fault = refusal(store, sealed(inside, platform))
        assert fault is None or fault.status < 500
    assert [(one.epoch, one.seq) for one in store.cursor("oriental")] in ([], [(1, 7)])


def refusal(store: Store, data: bytes) -> Refused | None:
    try:
        take(store, data, NOW)
    except Refused as fault:
        return fault
    return None


# over HTTP and by the command ----------------------------------------------------------------------------------
def test_an_upload_is_answered_with_the_receipt(client: FlaskClient, store: Store, platform: bytes) -> None:
    answer = client.post("/v1/bundles", data=honest([example()], platform).data)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.json is not None
    assert (answer.json["accepted"], answer.json["already"]) == (1, 0)
    assert read_receipt(answer.data, "oriental", platform).gateway == "oriental"
    assert store.totals() == KEPT
    assert client.post("/v1/bundles", data=honest([example()], platform).data).json["already"] == 1  # type: ignore[index]


def test_an_upload_may_be_larger_than_a_put_but_not_endless(
    client: FlaskClient, platform: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.post("/v1/bundles", data=bytes(400_000)).status_code == 400
    monkeypatch.setattr("national.api.MOST_BUNDLE", 1000)
    answer = client.post("/v1/bundles", data=bytes(1001))
    assert answer.status_code == 413
    assert "1000 bytes" in answer.text
    path = "/v1/gateways/oriental/snapshots/5d41d585afa47fa1/2026-W47"
    big = bytes(300_000)
    answer = client.put(path, data=big, headers={"Content-Digest": content_digest(big)})
    assert (answer.status_code, "262144" in answer.text) == (413, True)


@pytest.mark.parametrize(("case", "status"), [("another file", 400), ("not enrolled", 401), ("another key", 403)])
def test_a_refusal_has_the_status_of_its_cause(client: FlaskClient, platform: bytes, case: str, status: int) -> None:
    answer = client.post("/v1/bundles", data=REFUSED[case][0](platform))
    assert (answer.status_code, answer.json is not None and "message" in answer.json) == (status, True)


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(main, [str(one) for one in args], prog_name="awal-national")


@pytest.fixture
def stick(tmp_path: Path, platform: bytes) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    made = honest([example()], platform)
    (folder / made.name).write_bytes(made.data)
    return folder


def test_import_takes_a_folder_and_leaves_receipts(stick: Path, store: Store, tmp_path: Path) -> None:
    at = ("--store", f"sqlite:{tmp_path / 'national.db'}")
    done = run("import", stick, *at)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "oriental: 1 kept." in done.stdout
    receipt = stick / "awal-oriental-1-7.receipt"
    assert json.loads(receipt.read_text())["accepted"] == 1
    again = run("import", stick / "awal-oriental-1-7.awal", *at)
    assert "1 held already; nothing changed." in again.stdout
    assert sorted(one.name for one in stick.iterdir()) == ["awal-oriental-1-7.awal", "awal-oriental-1-7.receipt"]


def test_import_tells_each_file_refused_and_takes_the_others(stick: Path, store: Store, tmp_path: Path) -> None:
    (stick / "awal-broken.awal").write_bytes(b"half a file")
    done = run("import", stick, "--store", f"sqlite:{tmp_path / 'national.db'}")
    assert done.exit_code == 1
    assert (done.stdout.count("\n"), done.stderr.count("\n")) == (1, 1)
    assert "awal-broken.awal: This is no bundle" in done.stderr
    assert not (stick / "awal-broken.receipt").exists()
    assert store.totals() == KEPT


def test_import_of_an_empty_folder_says_how_to_fill_it(tmp_path: Path, store: Store) -> None:
    (tmp_path / "empty").mkdir()
    done = run("import", tmp_path / "empty", "--store", f"sqlite:{tmp_path / 'national.db'}")
    assert (done.exit_code, "awal sync --carrier bundle" in done.stderr) == (1, True)


def test_a_receipt_that_cannot_be_written_is_told_and_nothing_is_lost(
    stick: Path, store: Store, tmp_path: Path
) -> None:
    done = run("import", stick, "--receipts", tmp_path / "nowhere", "--store", f"sqlite:{tmp_path / 'national.db'}")
    assert (done.exit_code, "--receipts FOLDER" in done.stderr) == (1, True)
    assert store.totals() == KEPT


def test_the_first_line_says_whose_it_is_and_the_rest_says_nothing(platform: bytes) -> None:
    data = honest([example()], platform).data
    assert data.split(b"\n")[0].startswith(b"awal-bundle 1 oriental platform-")
    for word in (b"Eau", b"snapshots/", b"2026-W47", b"PK\x03\x04", example()["flow_hash"].encode()):
        assert word not in data
