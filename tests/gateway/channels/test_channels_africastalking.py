"""Sending through the official africastalking client to a fake of its vendor."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from africastalking_fake import STATUSES, AfricasTalkingFake, recipient, sent
from conformance import ENVELOPES
from vendor import Reply

import gateway.channels.africastalking as adapter
from gateway.channels.base import Channel, Sendable, Sent

TO = "+212661234567"
MESSAGE = Sendable(id="m1", to=TO, text="Merci. Votre avis est transmis. ⴰⵣⵓⵍ", encoding="ucs2", segments=1)


@pytest.fixture
def vendor() -> Iterator[AfricasTalkingFake]:
    with AfricasTalkingFake() as running:
        yield running


@pytest.fixture
def channel(vendor: AfricasTalkingFake) -> Channel:
    return ENVELOPES["africastalking"].channel("africastalking", api_url=vendor.url)


def test_the_vendor_gets_the_message_and_we_its_id(vendor: AfricasTalkingFake, channel: Channel) -> None:
    result = channel.send(MESSAGE)
    assert result.outcome == "accepted"
    assert result.provider_id.startswith("ATXid_")
    (asked,) = vendor.asked
    assert asked.path == "/version1/messaging"
    assert asked.form == {"username": "awal", "to": TO, "message": MESSAGE.text, "bulkSMSMode": "1"}


@pytest.mark.parametrize("sender", ["28028", "COMMUNE", "+212520000000"])
def test_the_number_citizens_write_to_is_the_sender(vendor: AfricasTalkingFake, sender: str) -> None:
    channel = ENVELOPES["africastalking"].channel("africastalking", api_url=f"{vendor.url}/", number=sender)
    assert channel.send(MESSAGE).outcome == "accepted"
    assert vendor.asked[0].form["from"] == sender


def test_an_answer_whose_content_type_names_a_charset_is_read_too(vendor: AfricasTalkingFake, channel: Channel) -> None:
    vendor.says(sent(TO, content_type="application/json; charset=utf-8"))
    assert channel.send(MESSAGE).outcome == "accepted"


EXPECTED = {
    "accepted": {100, 101, 102},
    "retry": {401, 407, 409, 500, 501},
    "stop-channel": {402, 405},
    "opted-out": {406},
    "failed": {403, 404, 502, 999},
}


@pytest.mark.parametrize(("outcome", "code"), [(name, code) for name, codes in EXPECTED.items() for code in codes])
def test_each_status_of_a_recipient_has_its_consequence(
    vendor: AfricasTalkingFake, channel: Channel, outcome: str, code: int
) -> None:
    vendor.says(sent(TO, code))
    result = channel.send(MESSAGE)
    assert result.outcome == outcome
    if outcome != "accepted":
        assert result.error.startswith(f"{code} {STATUSES.get(code, '')}".strip())


def test_each_recipient_of_an_answer_has_a_status_of_its_own(vendor: AfricasTalkingFake, channel: Channel) -> None:
    body = {
        "SMSMessageData": {
            "Message": "Sent to 1/2",
            "Recipients": [recipient("+254711000000", 101), recipient(TO, 406)],
        }
    }
    vendor.says(Reply(201, body))
    assert channel.send(MESSAGE) == Sent("opted-out", error="406 UserInBlacklist")


@pytest.mark.parametrize(("code", "alarm"), [(404, True), (502, True), (403, False), (500, False)])
def test_what_only_an_operator_can_mend_is_marked(
    vendor: AfricasTalkingFake, channel: Channel, code: int, alarm: bool
) -> None:
    vendor.says(sent(TO, code))
    assert channel.send(MESSAGE).alarm is alarm


def test_every_status_the_vendor_documents_is_in_the_table() -> None:
    assert set(STATUSES) == set(adapter.OUTCOMES)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(401, "The supplied authentication is invalid", "text/plain"), "stop-channel"),
        (Reply(403, "Forbidden", "text/plain"), "stop-channel"),
        (Reply(400, "Bad request", "text/plain"), "failed"),
        (Reply(429, "Too many requests", "text/plain"), "retry"),
        (Reply(500, "Internal error for 0661234567", "text/plain"), "retry"),
        (Reply(503, "<html>Bad gateway</html>", "text/html"), "retry"),
        (Reply(200, "<html>Welcome to the hotel</html>", "text/html"), "retry"),
        (Reply(201, "{", "application/json"), "retry"),
        (Reply(201, {"SMSMessageData": None}), "retry"),
        (Reply(201, [1, 2]), "retry"),
        (Reply(201, {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}), "stop-channel"),
        (Reply(201, {"SMSMessageData": {"Message": "Sent to 0/1", "Recipients": []}}), "failed"),
        (Reply(drop=True), "retry"),
    ],
)
def test_an_error_answer_says_whether_to_try_again(
    vendor: AfricasTalkingFake, channel: Channel, reply: Reply, outcome: str
) -> None:
    vendor.says(reply)
    result = channel.send(MESSAGE)
    assert result.outcome == outcome
    assert result.error
    assert "661234567" not in result.error


def test_a_wrong_key_stops_the_channel(vendor: AfricasTalkingFake) -> None:
    channel = ENVELOPES["africastalking"].channel("africastalking", api_url=vendor.url, api_key="atsk_old")
    result = channel.send(MESSAGE)
    assert result == Sent("stop-channel", error="HTTP 401: The supplied authentication is invalid")


def test_a_vendor_that_does_not_answer_is_tried_again(
    vendor: AfricasTalkingFake, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "TIMEOUT", (1.0, 0.05))
    vendor.says(Reply(hang=True))
    assert channel.send(MESSAGE) == Sent("retry", error="network: ReadTimeout")


def test_a_vendor_that_cannot_be_reached_never_heard_of_the_message() -> None:
    with AfricasTalkingFake() as gone:
        url = gone.url
    channel = ENVELOPES["africastalking"].channel("africastalking", api_url=url)
    assert channel.send(MESSAGE) == Sent("unreachable", error="network: ConnectionError")


def test_without_an_account_nothing_is_asked_of_anybody(vendor: AfricasTalkingFake) -> None:
    for missing in ("username", "api_key"):
        settings = {"api_url": vendor.url, missing: ""}
        channel = ENVELOPES["africastalking"].channel("africastalking", **settings)
        assert channel.send(MESSAGE).outcome == "stop-channel"
    assert vendor.asked == []


def test_a_number_the_client_refuses_is_given_up(channel: Channel) -> None:
    unsound = Sendable(id="m1", to="661234567", text="x", encoding="gsm7", segments=1)
    assert channel.send(unsound).outcome == "failed"


def test_the_sandbox_needs_no_warning_and_has_its_own_host(vendor: AfricasTalkingFake) -> None:
    client = adapter._Client("sandbox", "key", "")
    assert client.service._baseUrl == "https://api.sandbox.africastalking.com/version1"
    vendor.username = "sandbox"
    channel = ENVELOPES["africastalking"].channel("africastalking", api_url=vendor.url, username="sandbox")
    assert channel.send(MESSAGE).outcome == "accepted"


def test_timeouts_stay_under_ten_seconds() -> None:
    assert sum(adapter.TIMEOUT) < 10


def test_nothing_is_logged_of_whom_we_write_to(
    vendor: AfricasTalkingFake, channel: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    channel.send(MESSAGE)
    assert "661234567" not in caplog.text
    assert "atsk" not in caplog.text
