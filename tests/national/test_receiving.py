"""What the platform takes and what it refuses, by requests as gateways sign them and as others forge them."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse
from wire_world import OTHER_SIGNING, PUBLIC, SIGNING, W47, W48, Clock

from national.app import create_app
from national.store import Store, open_store
from national.wire import MOST_BYTES
from reports.keys import signing_key
from reports.wire import canonical, cursor_path, idempotency_key, signed_headers, snapshot_path

Body = dict[str, Any]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:{tmp_path / 'national.db'}")
    made.enrol("oriental", "02", PUBLIC, W47)
    yield made
    made.close()


@pytest.fixture
def client(store: Store) -> FlaskClient:
    return create_app(store, clock=Clock(W48)).test_client()


@pytest.fixture
def example(root: Path) -> Body:
    return json.loads((root / "tests/data/wire/snapshot.json").read_bytes())  # type: ignore[no-any-return]


def put(
    client: FlaskClient,
    body: Body,
    *,
    key: str = SIGNING,
    path: str = "",
    change: Callable[[dict[str, str]], object] | None = None,
    data: bytes | None = None,
) -> TestResponse:
    """Sign a snapshot as its gateway does, then let `change` and `data` tamper with what is sent."""
    path = path or snapshot_path(body["gateway"], body["flow_hash"], body["period"])
    sound = canonical(body)
    number = idempotency_key(body["gateway"], body["epoch"], body["seq"])
    headers = signed_headers(signing_key(key), body["gateway"], "PUT", path, sound, number)
    if change is not None:
        change(headers)
    return client.put(path, data=sound if data is None else data, headers=headers, content_type="application/json")


def test_the_worked_example_is_taken_as_it_stands(client: FlaskClient, store: Store, root: Path) -> None:
    request = json.loads((root / "tests/data/wire/request.json").read_text())
    data = (root / "tests/data/wire/snapshot.json").read_bytes()
    answer = client.open(request["path"], method=request["method"], data=data, headers=request["headers"])
    assert (answer.status_code, answer.json) == (200, {"status": "accepted", "epoch": 1, "seq": 7, "date": W48})
    [kept] = store.shown("2026-W47", running=False)
    assert kept.cells == json.loads(data)["cells"]


def test_a_repeat_is_held_already(client: FlaskClient, example: Body) -> None:
    assert put(client, example).json["status"] == "accepted"
    assert put(client, example).json["status"] == "held"


def test_an_older_number_is_refused_with_the_one_held(client: FlaskClient, example: Body) -> None:
    put(client, example)
    answer = put(client, example | {"seq": 6})
    assert answer.status_code == 409
    assert (answer.json["error"], answer.json["held"]) == ("older", {"epoch": 1, "seq": 7})


def test_a_new_epoch_beats_any_number(client: FlaskClient, example: Body, store: Store) -> None:
    put(client, example)
    fewer = example | {"epoch": 2, "seq": 1, "cells": {name: [[0, 0, 0]] * len(rows) for name, rows in cells(example)}}
    assert put(client, fewer).json["status"] == "accepted"
    assert [(one.epoch, one.seq) for one in store.cursor("oriental")] == [(2, 1)]
    assert store.totals()["02"].answers == 0


def cells(body: Body) -> list[tuple[str, list[list[int]]]]:
    return list(body["cells"].items())


def test_one_number_with_other_figures_means_two_machines(client: FlaskClient, example: Body) -> None:
    put(client, example)
    other = json.loads(json.dumps(example))
    other["cells"]["supply"][0][0] += 1
    answer = put(client, other)
    assert (answer.status_code, answer.json["error"]) == (409, "conflict")


def test_the_same_figures_in_other_words_are_no_conflict(client: FlaskClient, example: Body) -> None:
    put(client, example)
    assert put(client, example | {"title": {"fr": "L'eau"}, "made_at": W48}).json["status"] == "held"


FORGERIES: dict[str, tuple[dict[str, Any], int]] = {
    "another gateway's key": ({"key": OTHER_SIGNING}, 403),
    "no signature": ({"change": lambda headers: headers.pop("Signature")}, 401),
    "no signature input": ({"change": lambda headers: headers.pop("Signature-Input")}, 401),
    "no digest": ({"change": lambda headers: headers.pop("Content-Digest")}, 403),
    "another number": ({"change": lambda headers: headers.update({"Idempotency-Key": "oriental:9:9"})}, 403),
    "another signer's name": (
        {"change": lambda h: h.update({"Signature-Input": h["Signature-Input"].replace("oriental", "other")})},
        403,
    ),
    "another algorithm": (
        {"change": lambda h: h.update({"Signature-Input": h["Signature-Input"].replace("ed25519", "hmac-sha256")})},
        403,
    ),
    "a digest that is not signed": (
        {"change": lambda h: h.update({"Signature-Input": h["Signature-Input"].replace(' "content-digest"', "")})},
        401,
    ),
    "a parameter more": (
        {"change": lambda h: h.update({"Signature-Input": h["Signature-Input"] + ";created=1"})},
        403,
    ),
    "an unknown component": (
        {"change": lambda h: h.update({"Signature-Input": h["Signature-Input"].replace('("', '("@query" "')})},
        401,
    ),
    "a component twice": (
        {"change": lambda h: h.update({"Signature-Input": h["Signature-Input"].replace('("', '("@method" "')})},
        401,
    ),
    "another body": ({"data": b"{}"}, 400),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_request_is_refused_and_leaves_nothing(
    client: FlaskClient, store: Store, example: Body, name: str
) -> None:
    tampering, status = FORGERIES[name]
    answer = put(client, example, **tampering)
    assert answer.status_code == status, answer.json
    assert answer.json["message"]
    assert store.cursor("oriental") == []


def test_a_sound_request_does_not_serve_at_another_address(client: FlaskClient, example: Body, store: Store) -> None:
    path = snapshot_path("oriental", example["flow_hash"], "2026-W46")
    headers = signed_headers(
        signing_key(SIGNING),
        "oriental",
        "PUT",
        snapshot_path("oriental", example["flow_hash"], "2026-W47"),
        canonical(example),
        "oriental:1:7",
    )
    assert client.put(path, data=canonical(example), headers=headers).status_code == 403
    assert store.cursor("oriental") == []


@pytest.mark.parametrize(
    ("flow_hash", "period", "field"), [("", "2026-W46", "period"), ("aa00aa00", "2026-W47", "flow_hash")]
)
def test_the_address_must_name_what_the_body_holds(
    client: FlaskClient, example: Body, store: Store, flow_hash: str, period: str, field: str
) -> None:
    answer = put(client, example, path=snapshot_path("oriental", flow_hash or example["flow_hash"], period))
    assert (answer.status_code, answer.json["error"]) == (422, "mismatch")
    assert [one["field"] for one in answer.json["fields"]] == [field]
    assert store.cursor("oriental") == []


def test_the_idempotency_key_must_name_the_number(client: FlaskClient, example: Body, store: Store) -> None:
    path, data = snapshot_path("oriental", example["flow_hash"], "2026-W47"), canonical(example)
    headers = signed_headers(signing_key(SIGNING), "oriental", "PUT", path, data, "oriental:1:8")
    answer = client.put(path, data=data, headers=headers)
    assert (answer.status_code, answer.json["fields"][0]["field"]) == (422, "Idempotency-Key")
    assert store.cursor("oriental") == []


def test_a_signature_made_in_another_name_is_not_taken(client: FlaskClient, example: Body, store: Store) -> None:
    path, data = snapshot_path("oriental", example["flow_hash"], "2026-W47"), canonical(example)
    headers = signed_headers(signing_key(SIGNING), "other", "PUT", path, data, "oriental:1:7")
    assert client.put(path, data=data, headers=headers).status_code == 403
    assert store.cursor("oriental") == []


def test_a_week_that_a_fast_clock_calls_over_is_not_published_yet(client: FlaskClient, example: Body) -> None:
    assert put(client, example | {"period": "2026-W48"}).status_code == 200
    assert client.get("/v1/regions/02").json["period"] is None
    assert client.get("/v1/regions/02?period=2026-W48").status_code == 404
    assert put(client, example).status_code == 200
    assert client.get("/v1/regions/02").json["period"]["label"] == "2026-W47"


def test_a_gateway_cannot_speak_for_another(client: FlaskClient, example: Body, store: Store) -> None:
    store.enrol("other", "02", PUBLIC, W47)
    path = snapshot_path("oriental", example["flow_hash"], "2026-W47")
    data = canonical(example | {"gateway": "other"})
    answer = client.put(
        path, data=data, headers=signed_headers(signing_key(SIGNING), "oriental", "PUT", path, data, "other:1:7")
    )
    assert (answer.status_code, answer.json["error"]) == (422, "mismatch")
    assert store.cursor("other") == store.cursor("oriental") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.data())
def test_no_changed_byte_of_body_or_headers_is_taken(
    client: FlaskClient, store: Store, example: Body, data: st.DataObject
) -> None:
    sound = canonical(example)
    path = snapshot_path("oriental", example["flow_hash"], "2026-W47")
    headers = signed_headers(signing_key(SIGNING), "oriental", "PUT", path, sound, "oriental:1:7")
    where = data.draw(st.sampled_from(["body", *headers]))
    whole = sound if where == "body" else headers[where].encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    mutated = whole[:at] + bytes([data.draw(st.sampled_from(range(33, 127)))]) + whole[at + 1 :]
    if mutated == whole or (where == "Signature" and base64_same(mutated, whole)):
        return
    body = mutated if where == "body" else sound
    sent = headers if where == "body" else {**headers, where: mutated.decode()}
    assert client.put(path, data=body, headers=sent).status_code in (400, 401, 403)
    assert store.cursor("oriental") == []


def base64_same(one: bytes, other: bytes) -> bool:
    """Tell whether two spellings decode to one signature: base64 leaves the last bits of a group free."""
    try:
        return base64.b64decode(one[6:-1]) == base64.b64decode(other[6:-1])
    except ValueError:
        return False


MISMATCHES: dict[str, tuple[Body, str]] = {
    "another region than enrolled": ({"region": "05"}, "region"),
    "a region that is none": ({"region": "13"}, "region"),
    "a week that is none": ({"period": "2026-W54"}, "period"),
    "a month": ({"period": "2026-11"}, "period"),
    "another version of the format": ({"v": 2}, "v"),
    "a negative number": ({"seq": -1}, "seq"),
    "a fraction": ({"seq": 1.5}, "seq"),
    "a count that is text": ({"walks": {"started": ["3", 4, 5], "completed": [1, 1, 1]}}, "walks.started["),
    "a count below zero": ({"walks": {"started": [-3, 4, 5], "completed": [0, 1, 1]}}, "walks.started["),
    "more completed than begun": ({"walks": {"started": [1, 1, 1], "completed": [2, 1, 1]}}, "walks.completed"),
    "too few counts": ({"walks": {"started": [1], "completed": [1]}}, "walks.started"),
    "an area outside Morocco's codes": ({"areas": ["02", "99.1"]}, "areas["),
    "an area twice": ({"areas": ["02", "02"]}, "areas"),
    "cells of an unknown question": ({"cells": {"other": [[1, 1]]}}, "cells"),
    "a question without options": ({"questions": [{"id": "a", "type": "choice", "options": []}]}, "questions["),
    "free text as a question": ({"questions": [{"id": "a", "type": "text", "options": [{"key": "x"}]}]}, "questions"),
    "a gateway id with a line break": ({"gateway": "oriental\n"}, "gateway"),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_a_wrong_body_is_refused_naming_its_field(client: FlaskClient, store: Store, example: Body, name: str) -> None:
    change, field = MISMATCHES[name]
    body = example | change
    path = snapshot_path("oriental", body["flow_hash"], str(body["period"]))
    data = canonical(body)
    number = idempotency_key("oriental", body["epoch"], body["seq"])
    headers = signed_headers(signing_key(SIGNING), "oriental", "PUT", path, data, number)
    answer = client.put(path, data=data, headers=headers)
    assert answer.status_code == 422, answer.json
    assert answer.json["fields"][0]["field"].startswith(field), answer.json
    assert store.cursor("oriental") == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'"' + b"a" * 1000])
def test_garbage_is_refused_politely(client: FlaskClient, data: bytes) -> None:
    path = snapshot_path("oriental", "aa00aa00", "2026-W47")
    headers = signed_headers(signing_key(SIGNING), "oriental", "PUT", path, data, "oriental:1:1")
    answer = client.put(path, data=data, headers=headers)
    assert (answer.status_code, answer.json["error"]) == (422, "invalid")


def test_wrong_counts_of_one_question_are_all_named(client: FlaskClient, example: Body) -> None:
    broken = json.loads(json.dumps(example))
    broken["cells"]["supply"].pop()
    broken["cells"]["mark"][0].pop()
    answer = put(client, broken)
    assert [one["field"] for one in answer.json["fields"]] == ["cells.supply", "cells.mark"]


def test_a_body_that_is_too_large_is_not_read(client: FlaskClient, example: Body) -> None:
    answer = put(client, example | {"title": {"fr": "x" * MOST_BYTES}})
    assert (answer.status_code, answer.json["error"]) == (413, "request-entity-too-large")


def test_members_this_version_does_not_know_are_not_kept(client: FlaskClient, store: Store, example: Body) -> None:
    assert put(client, example | {"phones": ["+212612345678"]}).status_code == 200
    rows = store._database.read("SELECT body FROM snapshots")
    assert "212612345678" not in rows[0][0]


def test_the_cursor_is_for_its_gateway_alone(client: FlaskClient, example: Body, store: Store) -> None:
    put(client, example)
    path = cursor_path("oriental")
    assert client.get(path).status_code == 401
    assert (
        client.get(path, headers=signed_headers(signing_key(OTHER_SIGNING), "oriental", "GET", path)).status_code == 403
    )
    answer = client.get(path, headers=signed_headers(signing_key(SIGNING), "oriental", "GET", path))
    held = {"flow_hash": example["flow_hash"], "period": "2026-W47", "epoch": 1, "seq": 7}
    assert answer.json == {"gateway": "oriental", "date": W48, "held": [held]}
    assert client.get(cursor_path("nobody")).status_code == 401


def test_a_replaced_key_ends_the_old_one(client: FlaskClient, example: Body, store: Store) -> None:
    from reports.keys import public_key

    assert store.enrol("oriental", "02", public_key(OTHER_SIGNING), W48) == "replaced"
    assert put(client, example).status_code == 403
    assert put(client, example, key=OTHER_SIGNING).status_code == 200


def test_a_locked_database_asks_to_come_back(client: FlaskClient, example: Body, store: Store, tmp_path: Path) -> None:
    import sqlite3

    store._database.read("PRAGMA busy_timeout=1")
    other = sqlite3.connect(tmp_path / "national.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    answer = put(client, example)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert client.get("/health").status_code == 503
    other.execute("ROLLBACK")
    other.close()
    assert put(client, example).status_code == 200
    assert client.get("/health").status_code == 200


def test_what_was_answered_200_is_on_disk(client: FlaskClient, example: Body, tmp_path: Path) -> None:
    put(client, example)
    again = open_store(f"sqlite:{tmp_path / 'national.db'}")  # beside the open one, as a restarted platform reads it
    assert [(one.epoch, one.seq) for one in again.cursor("oriental")] == [(1, 7)]
    again.close()


# closed weeks do not change by a citizen at a time ------------------------------------------------------------------


def supply(store: Store) -> list[list[int]]:
    return store.shown("2026-W47", running=False)[0].cells["supply"]


def answers(body: Body) -> int:
    return sum(sum(row) for _, rows in cells(body) for row in rows)


def with_supply(body: Body, yes: int, seq: int, **more: Any) -> Body:
    changed = json.loads(json.dumps(body)) | {"seq": seq} | more
    changed["cells"]["supply"] = [[yes, 0, 0], [0, 0, 0]]
    return changed


def test_a_closed_week_is_republished_only_when_enough_changed(
    client: FlaskClient, example: Body, store: Store
) -> None:
    put(client, with_supply(example, 50, 8))
    put(client, with_supply(example, 49, 9))  # one citizen was erased
    assert supply(store) == [[50, 0, 0], [0, 0, 0]]
    assert store.totals()["02"].answers == answers(example) - 43 + 49
    put(client, with_supply(example, 45, 10))
    assert supply(store) == [[50, 0, 0], [0, 0, 0]]
    put(client, with_supply(example, 40, 11))
    assert supply(store) == [[40, 0, 0], [0, 0, 0]]


def test_while_the_week_runs_every_change_counts(client: FlaskClient, example: Body, store: Store) -> None:
    put(client, with_supply(example, 50, 8, final=False))
    put(client, with_supply(example, 49, 9, final=False))
    put(client, with_supply(example, 48, 10, final=True))
    assert supply(store) == [[48, 0, 0], [0, 0, 0]]
