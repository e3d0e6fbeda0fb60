"""The JSON channel: signatures, dialogues through real conversations, sending to a relay, and its document."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from channel_world import AMINA, BRAHIM, WATER, WATER_KEPT, ChannelWorld, Relay
from hypothesis import given, settings
from hypothesis import strategies as st
from recorder import Recorder
from werkzeug.test import Client, TestResponse

from gateway.channels import http
from gateway.channels.base import Sendable, Settings
from gateway.channels.http import SIGNATURE, TIMESTAMP, Http, outcome, signature
from gateway.lane import Lane

ROOM = Path(http.__file__).parent
SECRET, FORMER = "f3a9c1d7e5b04682a1c3e5f708192a3b", "0b1c2d3e4f5a69788796a5b4c3d2e1f0"
NOW = 1_795_435_200
SMS = {"id": "m1", "bearer": "sms", "from": AMINA, "to": "1234", "text": "EAU", "session": "", "sent_at": NOW * 1000}
FORGERIES = int(os.environ.get("AWAL_FORGERIES", "300"))


def made(now: float = NOW, **changes: str) -> Http:
    known = {"secret": SECRET, "number": "1234"} | changes
    return Http(Settings(name="relay", type="http", **known), "https://awal.example", lambda: now)


def signed(body: bytes, secret: str = SECRET, now: int = NOW) -> dict[str, str]:
    return {TIMESTAMP: str(now), SIGNATURE: signature(secret, str(now), body)}


def post(client: Client, route: str, body: bytes, headers: dict[str, str]) -> TestResponse:
    return client.post(f"/in/relay/{route}", data=body, headers=headers, content_type="application/json")


def status(channel: Http, body: bytes, headers: dict[str, str], route: str = "sms") -> int:
    return post(Client(Lane({"relay": channel}, Recorder())), route, body, headers).status_code


# authenticity ----------------------------------------------------------------------------------------------------
BODY = json.dumps(SMS).encode()


@pytest.mark.parametrize(
    ("away", "expected"), [(0, 200), (300, 200), (-300, 200), (301, 403), (-301, 403), (10**9, 403)]
)
def test_a_signature_holds_for_five_minutes_before_and_after(away: int, expected: int) -> None:
    assert status(made(NOW + away), BODY, signed(BODY)) == expected


@pytest.mark.parametrize("stamp", ["", " ", "x", "1.0", "-1", "+1", "1e9", "٣", "9" * 40, f" {NOW}", f"{NOW}0"])
def test_a_timestamp_that_is_none_is_refused_however_it_is_signed(stamp: str) -> None:
    given = {TIMESTAMP: stamp.encode().decode("latin-1"), SIGNATURE: signature(SECRET, stamp, BODY)}
    assert status(made(), BODY, given) == 403


def test_both_secrets_hold_during_rotation_and_neither_header_may_be_missing() -> None:
    rotating = made(secret_old=FORMER)
    assert status(rotating, BODY, signed(BODY, FORMER)) == status(rotating, BODY, signed(BODY)) == 200
    assert status(made(), BODY, signed(BODY, FORMER)) == 403
    assert status(made(), BODY, signed(BODY, "")) == 403
    for name in (TIMESTAMP, SIGNATURE):
        assert status(made(), BODY, {key: value for key, value in signed(BODY).items() if key != name}) == 403


@given(
    at=st.integers(0, 10_000),
    flip=st.integers(1, 255),
    part=st.sampled_from(["body", "signature", "timestamp", "cut", "longer", "secret", "garbage"]),
    noise=st.binary(min_size=1, max_size=64),
)
@settings(max_examples=FORGERIES, deadline=None)
def test_forged_and_mutated_requests_are_never_taken(at: int, flip: int, part: str, noise: bytes) -> None:
    body, headers = BODY, signed(BODY)
    if part == "body":
        body = mutated(BODY, at, flip)
    elif part == "signature":
        headers[SIGNATURE] = mutated(headers[SIGNATURE].encode(), at, 1 + flip % 15).decode("latin-1")
    elif part == "timestamp":
        headers[TIMESTAMP] = str(NOW + 1 + at % 299)
    elif part == "cut":
        body = BODY[: at % len(BODY)]
    elif part == "longer":
        body = BODY + noise
    elif part == "secret":
        headers = signed(BODY, noise.hex())
    else:
        headers[SIGNATURE] = noise.hex()
    if headers[SIGNATURE].lower() == signed(BODY)[SIGNATURE] and (body, headers[TIMESTAMP]) == (BODY, str(NOW)):
        return  # it was mutated into itself
    printable = {name: re.sub(r"[^\x20-\x7e]", "?", value) for name, value in headers.items()}
    recorder = Recorder()
    answer = post(Client(Lane({"relay": made()}, recorder)), "sms", body, printable)
    assert (answer.status_code, recorder.taken) == (403, [])


def mutated(text: bytes, at: int, flip: int) -> bytes:
    at %= len(text)
    return text[:at] + bytes([text[at] ^ flip]) + text[at + 1 :]


def test_what_we_send_is_nobodys_word_when_it_is_sent_back() -> None:
    channel, relay = made(), Relay()
    try:
        made(api_url=relay.url).send(Sendable(id="o1", to=AMINA, text="Salam", encoding="GSM-7", segments=1))
    finally:
        relay.stop()
    heads, body = relay.heard[0]
    headers = {TIMESTAMP: heads["HTTP_X_AWAL_TIMESTAMP"], SIGNATURE: heads["HTTP_X_AWAL_SIGNATURE"]}
    assert {status(channel, body, headers, route) for route in channel.routes} == {400}


# conversations ---------------------------------------------------------------------------------------------------
@pytest.fixture
def world(tmp_path: Path) -> Iterator[ChannelWorld]:
    one = ChannelWorld(tmp_path, made())
    yield one
    one.store.close()


def told(world: ChannelWorld, route: str, **fields: Any) -> TestResponse:
    body = json.dumps({"bearer": route, "from": AMINA, "to": "1234"} | fields, ensure_ascii=False).encode()
    return post(world.client, route, body, signed(body))


def test_a_citizen_completes_a_flow_by_ussd_and_a_repeat_gets_the_same_bytes(world: ChannelWorld) -> None:
    answers = []
    for number, text in enumerate(["", *WATER]):
        first = told(world, "ussd", id=str(number), session="S1", text=text)
        again = told(world, "ussd", id=str(number), session="S1", text=text)
        assert (first.status_code, first.content_type, again.data) == (200, "application/json", first.data)
        answers.append(first.json)
    assert [one["end"] for one in answers] == [False] * len(WATER) + [True]
    assert "Français" in answers[0]["text"]
    assert "Merci" in answers[-1]["text"]
    assert set(world.answers()) >= WATER_KEPT - {"satisfaction"}


def test_a_session_of_another_phone_shows_nothing_of_it(world: ChannelWorld) -> None:
    told(world, "ussd", id="1", session="S1", text="")
    stranger = told(world, "ussd", id="2", session="S1", text="1", **{"from": BRAHIM})
    assert (stranger.status_code, stranger.json["end"]) == (200, True)


def test_a_citizen_completes_a_flow_by_sms_and_duplicates_count_once(world: ChannelWorld) -> None:
    for number, text in enumerate(["EAU", *WATER[1:]]):
        for _ in range(2):
            answer = told(world, "sms", id=str(number), text=text)
            assert (answer.status_code, answer.json) == (200, {})
    sent = world.store.outbox(limit=50)
    assert len(sent) == len(WATER)
    assert any("Merci" in one.text for one in sent)
    assert "commune" in world.answers()


# sending ---------------------------------------------------------------------------------------------------------
def test_what_is_sent_is_signed_and_whole() -> None:
    relay = Relay(body=b'{"id": "P-7"}')
    try:
        message = Sendable(id="o1", to=AMINA, text="شكرا ⴰⵣⵓⵍ", encoding="UCS-2", segments=1)
        sent = made(api_url=relay.url).send(message)
    finally:
        relay.stop()
    heads, body = relay.heard[0]
    assert (sent.outcome, sent.provider_id) == ("accepted", "P-7")
    assert json.loads(body) == {
        "id": "o1",
        "to": AMINA,
        "from": "1234",
        "text": "شكرا ⴰⵣⵓⵍ",
        "encoding": "UCS-2",
        "segments": 1,
    }
    assert heads["CONTENT_TYPE"] == "application/json"
    assert heads["HTTP_X_AWAL_TIMESTAMP"] == str(NOW)
    assert heads["HTTP_X_AWAL_SIGNATURE"] == signature(SECRET, str(NOW), body)


@pytest.mark.parametrize(
    ("code", "body", "expected", "known"),
    [
        (200, "", "accepted", "o1"),
        (202, '{"id": "P-7"}', "accepted", "P-7"),
        (200, '{"id": 7}', "accepted", "o1"),
        (200, '{"id": " "}', "accepted", "o1"),
        (200, "<html>", "accepted", "o1"),
        (400, "no such number", "failed", ""),
        (404, "", "failed", ""),
        (401, "", "stop-channel", ""),
        (403, "", "stop-channel", ""),
        (429, "", "retry", ""),
        (500, "", "retry", ""),
        (503, "", "retry", ""),
    ],
)
def test_each_answer_has_its_consequence(code: int, body: str, expected: str, known: str) -> None:
    sent = outcome(code, body, "o1")
    assert (sent.outcome, sent.provider_id) == (expected, known)


def test_a_relay_that_is_not_there_never_heard_of_the_message() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{one.getsockname()[1]}/"
        sent = made(api_url=url).send(Sendable(id="o1", to=AMINA, text="x", encoding="GSM-7", segments=1))
    assert (sent.outcome, sent.error) == ("unreachable", "network: ConnectionRefusedError")


def test_a_relay_without_address_stops_the_channel_and_tells_no_secret() -> None:
    sent = made().send(Sendable(id="o1", to=AMINA, text="x", encoding="GSM-7", segments=1))
    assert (sent.outcome, sent.error) == ("stop-channel", "api_url is not set")


# the document ----------------------------------------------------------------------------------------------------
DOCUMENT: dict[str, Any] = json.loads((ROOM / "http.openapi.json").read_text("utf-8"))
REQUESTS = Path(__file__).resolve().parents[2] / "data" / "requests"


def schema(name: str) -> jsonschema.Draft202012Validator:
    whole = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())


def test_the_document_names_every_route_and_no_other() -> None:
    assert set(DOCUMENT["paths"]) == {f"/in/{{channel}}/{route}" for route in Http.routes}
    assert set(DOCUMENT["webhooks"]) == {"send"}
    for name in DOCUMENT["components"]["schemas"]:
        schema(name).check_schema(DOCUMENT["components"]["schemas"][name])
        assert f"#/components/schemas/{name}" in json.dumps(DOCUMENT), name


@pytest.mark.parametrize(
    ("route", "name"), [("sms", "Sms"), ("call", "Call"), ("ussd", "Ussd"), ("delivery", "Delivery")]
)
def test_the_document_agrees_with_what_is_taken_and_what_is_refused(route: str, name: str) -> None:
    recorded = json.loads((REQUESTS / f"http-{route}.json").read_text("utf-8"))
    for case in recorded:
        refused = case["expected"].get("status") == 400
        if case["expected"].get("names") not in ("from", "session", "id") and case["description"] != "a time in words":
            assert schema(name).is_valid(case["json"]) != refused, case["description"]
        elif not refused:
            assert schema(name).is_valid(case["json"]), case["description"]


def test_the_document_agrees_with_what_is_answered_and_sent(world: ChannelWorld) -> None:
    schema("Screen").validate(told(world, "ussd", id="1", session="S1", text="").json)
    relay = Relay()
    try:
        made(api_url=relay.url).send(Sendable(id="o1", to=AMINA, text="x", encoding="GSM-7", segments=1))
    finally:
        relay.stop()
    schema("Outbound").validate(json.loads(relay.heard[0][1]))


def test_the_worked_example_of_the_readme_holds() -> None:
    readme = (ROOM / "README.md").read_text("utf-8")
    example = readme.split("<!-- signature -->")[1]
    names: dict[str, Any] = {}
    exec("\n".join(line.strip() for line in re.findall(r"^    (.*)$", example, re.M)), names)
    expected = re.search(rf"`{SIGNATURE}: ([0-9a-f]{{64}})`", example)
    assert expected
    assert names["signature"] == expected[1] == signature(names["secret"], names["timestamp"], names["body"])
    given = {TIMESTAMP: names["timestamp"], SIGNATURE: names["signature"]}
    assert status(made(int(names["timestamp"]), secret=names["secret"]), names["body"], given) == 200
