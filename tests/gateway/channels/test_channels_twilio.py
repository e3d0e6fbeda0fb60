"""Twilio's signatures, by the official validator, and sending through the official client to a fake of its vendor."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import requests
from conformance import ENVELOPES, FORMER, PUBLIC, SECRET, Letter, Recorder, deliver, genuine, post
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from twilio_fake import TwilioFake, error
from vendor import Reply
from werkzeug.test import EnvironBuilder

import gateway.channels.twilio as adapter
from gateway.channels.base import Channel, Refused, Sendable, Sent, Settings
from gateway.channels.twilio import Twilio
from gateway.lane import InboundRequest, Lane

TO = "+212661234567"
MESSAGE = Sendable(id="m1", to=TO, text="شكرا", encoding="ucs2", segments=1)
ACCOUNT = ENVELOPES["twilio"].settings["account_sid"]
PATH = "/in/my-twilio/sms"
CASE = genuine("twilio", "sms")


def signed(
    secret: str, algorithm: str | None = None, url: str = PUBLIC + PATH, form: dict[str, str] | None = None
) -> str:
    return RequestValidator(secret).compute_signature(url, CASE.form if form is None else form, algorithm)


def knock(headers: dict[str, str], letter: Letter = CASE.letter, path: str = PATH) -> int:
    channel = ENVELOPES["twilio"].channel("twilio")
    conversations = Recorder()
    status = post(Lane({channel.name: channel}, conversations), path, letter, headers).status_code
    assert bool(conversations.taken) == (status == 200)
    return status


def test_the_public_test_vector_of_the_vendor_is_genuine() -> None:
    channel = Twilio(Settings(name="t", type="twilio", account_sid="AC1", auth_token="12345"), PUBLIC)
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    builder = EnvironBuilder(method="POST", data=form, headers={"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="})
    request = InboundRequest(builder.get_environ())
    assert channel.genuine(request, "https://mycompany.com/myapp.php?foo=1&bar=2")
    assert not channel.genuine(request, "https://mycompany.com/myapp.php?foo=1&bar=3")


class TestSignatures:
    def test_the_url_signed_is_the_configured_one_whatever_the_host_header_says(self) -> None:
        headers = {"X-Twilio-Signature": signed(SECRET)}
        assert knock(headers | {"Host": "evil.example", "X-Forwarded-Proto": "http"}) == 200
        host = "https://evil.example" + PATH
        assert knock({"X-Twilio-Signature": signed(SECRET, url=host), "Host": "evil.example"}) == 403

    @pytest.mark.parametrize("secret", [SECRET, FORMER])
    def test_the_newer_algorithm_is_taken_where_the_request_names_it(self, secret: str) -> None:
        headers = {
            "X-Twilio-Signature": signed(secret, "HMAC_SHA256"),
            "X-Twilio-Webhooks-Signature-Settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256",
        }
        assert knock(headers) == 200

    def test_a_signature_of_the_other_algorithm_is_refused(self) -> None:
        named = {"X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_SHA256"}
        assert knock({"X-Twilio-Signature": signed(SECRET)} | named) == 403
        assert knock({"X-Twilio-Signature": signed(SECRET, "HMAC_SHA256")}) == 403

    @pytest.mark.parametrize("name", ["HMAC_MD5", "none", "é", "HMAC_SHA1,algorithm=none", "=" * 50])
    def test_an_algorithm_nobody_knows_is_refused_without_a_word_in_the_log(
        self, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        headers = {"X-Twilio-Webhooks-Signature-Settings": f"algorithm={name}", "X-Twilio-Signature": signed(SECRET)}
        expected = 200 if name.startswith("HMAC_SHA1,") else 403
        assert knock(headers) == expected
        assert "Unsupported" not in caplog.text

    @pytest.mark.parametrize("signature", ["", "é", "AAAA", "=" * 5000, "\x7f"])
    def test_a_senseless_signature_is_refused(self, signature: str) -> None:
        assert knock({"X-Twilio-Signature": signature}) == 403

    def test_the_query_is_part_of_what_is_signed(self) -> None:
        letter = dataclasses.replace(CASE.letter, query="a=1&b=%20x&c")
        headers = {"X-Twilio-Signature": signed(SECRET, url=f"{PUBLIC}{PATH}?a=1&b=%20x&c")}
        assert knock(headers, letter) == 200
        assert knock(headers, dataclasses.replace(letter, query="a=1&b=%20x&c=2")) == 403
        assert knock(headers, CASE.letter) == 403

    def test_a_secret_in_the_path_opens_nothing(self) -> None:
        assert knock({"X-Twilio-Signature": signed(SECRET)}, path=f"/in/my-twilio/{SECRET}/sms") == 404

    def test_a_channel_opened_by_another_door_than_the_lane_takes_no_path_secret_either(self) -> None:
        channel = ENVELOPES["twilio"].channel("twilio")
        builder = EnvironBuilder(method="POST", data=CASE.form, headers={"X-Twilio-Signature": signed(SECRET)})
        request = InboundRequest(builder.get_environ())
        assert len(channel.open(request, "sms", "")) == 1
        with pytest.raises(Refused):
            channel.open(request, "sms", SECRET)

    @given(
        name=st.sampled_from([*CASE.form, "Added"]),
        value=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20),
    )
    @settings(max_examples=80, deadline=None)
    def test_one_changed_field_breaks_the_signature(self, name: str, value: str) -> None:
        changed = CASE.form | {name: value}
        letter = dataclasses.replace(CASE.letter, body=urlencode(changed).encode())
        expected = 200 if changed == CASE.form else 403
        assert knock({"X-Twilio-Signature": signed(SECRET)}, letter) == expected

    @given(
        st.dictionaries(
            st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10),
            st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30),
            max_size=8,
        )
    )
    @settings(max_examples=80, deadline=None)
    def test_whatever_fields_the_vendor_adds_its_signature_holds(self, added: dict[str, str]) -> None:
        form = added | CASE.form
        letter = dataclasses.replace(CASE.letter, body=urlencode(form).encode())
        assert knock({"X-Twilio-Signature": signed(SECRET, form=form)}, letter) == 200


@pytest.mark.parametrize(
    "way", ["the id takes the next field in", "the id leaves its end to one that swallows the rest"]
)
def test_words_moved_between_fields_under_one_signature_make_no_new_message(way: str) -> None:
    sid, form = "SM0f3c1d2e4b5a69788796a5b4c3d2e1f0", {"From": TO, "To": "+33644600000", "Body": "EAU", "NumMedia": "0"}
    caught = signed(SECRET, form=form | {"MessageSid": sid})
    if way.startswith("the id takes"):
        longer = f"{sid}NumMedia{form.pop('NumMedia')}"
        forged = form | {"MessageSid": longer}
    else:
        tail = "".join(name + form.pop(name) for name in ("NumMedia", "To"))
        forged = form | {"MessageSid": "SM0", "f3c1d2e4b5a69788796a5b4c3d2e1f0": tail}
    assert signed(SECRET, form=forged) == caught, "the vendor's own validator takes it"
    letter = dataclasses.replace(CASE.letter, body=urlencode(forged).encode())
    assert knock({"X-Twilio-Signature": caught}, letter) == 400


def test_the_answer_to_an_inbound_is_empty_twiml() -> None:
    channel = ENVELOPES["twilio"].channel("twilio")
    for route in ("sms", "delivery"):
        response = deliver(channel, genuine("twilio", route).letter, SECRET, Recorder())
        assert response.content_type == "text/xml; charset=utf-8"
        assert response.text.endswith("<Response/>")


@pytest.fixture
def vendor() -> Iterator[TwilioFake]:
    with TwilioFake(ACCOUNT, SECRET) as running:
        yield running


@pytest.fixture
def channel(vendor: TwilioFake) -> Iterator[Channel]:
    channel = ENVELOPES["twilio"].channel("twilio", api_url=vendor.url)
    yield channel
    channel.close()


def test_the_vendor_gets_the_message_and_we_its_sid(vendor: TwilioFake, channel: Channel) -> None:
    result = channel.send(MESSAGE)
    assert result.outcome == "accepted"
    assert result.provider_id.startswith("SM")
    (asked,) = vendor.asked
    assert asked.form == {
        "To": TO,
        "From": "+33644600000",
        "Body": "شكرا",
        "StatusCallback": f"{PUBLIC}/in/my-twilio/delivery",
    }


@pytest.mark.parametrize(
    ("number", "name"), [("MG00112233445566778899aabbccddeeff", "MessagingServiceSid"), ("COMMUNE", "From")]
)
def test_the_sender_may_be_a_service_or_a_name(vendor: TwilioFake, number: str, name: str) -> None:
    channel = ENVELOPES["twilio"].channel("twilio", api_url=vendor.url, number=number)
    assert channel.send(MESSAGE).outcome == "accepted"
    channel.close()
    assert vendor.asked[0].form[name] == number


@pytest.mark.parametrize("code", adapter.OUTCOMES)
def test_each_error_code_has_its_consequence(vendor: TwilioFake, channel: Channel, code: int) -> None:
    vendor.says(error(400, code, f"About {TO}, {TO[1:]} and 06 61 23 45 67"))
    result = channel.send(MESSAGE)
    assert result.outcome == adapter.OUTCOMES[code]
    assert result.alarm is (code in adapter.ALARMS)
    assert result.error.startswith(str(code))
    assert "661234567" not in result.error
    assert "61 23 45" not in result.error


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (error(401, 20003, "Authenticate"), "stop-channel"),
        (error(403, 99999, "Forbidden"), "stop-channel"),
        (error(400, 99999, "Senseless"), "failed"),
        (error(404, 20404, "Not found"), "failed"),
        (error(429, 20429, "Too many requests"), "retry"),
        (error(429, 99999, "Too many requests"), "retry"),
        (error(500, 20500, "Internal error"), "retry"),
        (Reply(503, "<html>Bad gateway</html>", "text/html"), "retry"),
        (Reply(201, "<html>Welcome to the hotel</html>", "text/html"), "retry"),
        (Reply(201, "[]"), "retry"),
        (Reply(201, "null"), "retry"),
        (Reply(302, "", headers={"Location": "https://evil.example/"}), "failed"),
        (Reply(429, {"type": "https://t", "title": "Slow down", "status": 429, "code": 20429}), "retry"),
        (Reply(400, {"type": "https://t", "title": "Stopped", "status": 400, "code": 21610}), "opted-out"),
        (Reply(drop=True), "retry"),
    ],
)
def test_an_error_answer_says_whether_to_try_again(
    vendor: TwilioFake, channel: Channel, reply: Reply, outcome: str
) -> None:
    vendor.says(reply)
    result = channel.send(MESSAGE)
    assert result.outcome == outcome
    assert result.error


def test_a_wrong_token_stops_the_channel(vendor: TwilioFake) -> None:
    channel = ENVELOPES["twilio"].channel("twilio", api_url=vendor.url, auth_token="another")
    assert channel.send(MESSAGE).outcome == "stop-channel"
    channel.close()


def test_a_vendor_that_does_not_answer_is_tried_again(
    vendor: TwilioFake, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "TIMEOUT", 0.05)
    vendor.says(Reply(hang=True))
    assert channel.send(MESSAGE) == Sent("retry", error="network: ReadTimeout")


def test_a_vendor_that_cannot_be_reached_never_heard_of_the_message() -> None:
    with TwilioFake(ACCOUNT, SECRET) as gone:
        url = gone.url
    channel = ENVELOPES["twilio"].channel("twilio", api_url=url)
    assert channel.send(MESSAGE) == Sent("unreachable", error="network: ConnectionError")


def test_without_a_number_nothing_is_asked_of_anybody(vendor: TwilioFake) -> None:
    channel = ENVELOPES["twilio"].channel("twilio", api_url=vendor.url, number="")
    assert channel.send(MESSAGE).outcome == "stop-channel"
    assert vendor.asked == []


def test_without_an_address_of_ours_the_client_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    def answer(session: requests.Session, prepared: requests.PreparedRequest, **_: object) -> requests.Response:
        seen.append(prepared.url)
        response = requests.Response()
        response.status_code = 204
        return response

    monkeypatch.setattr(requests.Session, "send", answer)
    client = adapter.http_client("")
    client.request("POST", "https://api.twilio.com/2010-04-01/Accounts.json")
    client.session.close()
    assert seen == ["https://api.twilio.com/2010-04-01/Accounts.json"]
    assert client.timeout <= 10


def test_nothing_is_logged_of_whom_we_write_to(
    vendor: TwilioFake, channel: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel.send(MESSAGE)
    assert "661234567" not in caplog.text
    assert SECRET not in caplog.text
    assert not [record for record in caplog.records if record.name == "awal.twilio"]
