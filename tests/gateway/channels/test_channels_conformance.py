"""The conformance suite, run on every registered adapter: a type without recorded requests fails here."""

from __future__ import annotations

import dataclasses
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from conformance import ENVELOPES, FORMER, PUBLIC, SECRET, Case, Letter, Recorder, deliver, genuine, post, recorded
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.channels.base import Channel
from gateway.channels.live import LiveChannel
from gateway.channels.registry import ADAPTERS, adapter
from gateway.lane import MOST_BYTES, SORRY, Lane
from gateway.settings import SettingsError
from storage.errors import StoreBusy

TYPES = sorted(type for type in ADAPTERS if not issubclass(adapter(type), LiveChannel))
ROUTES = [(type, route) for type in TYPES for route in adapter(type).routes]
FORMS = [(type, route) for type, route in ROUTES if ENVELOPES[type].carrier == "form"]
QUERIES = [(type, route) for type, route in ROUTES if ENVELOPES[type].carrier == "query"]
OBJECTS = [(type, route) for type, route in ROUTES if ENVELOPES[type].carrier == "json"]
CASES = [case for type in TYPES for case in recorded(type)]


@pytest.fixture(params=TYPES)
def channel(request: pytest.FixtureRequest) -> Channel:
    return ENVELOPES[request.param].channel(request.param)


@pytest.mark.parametrize(("type", "route"), ROUTES)
def test_every_route_of_every_registered_type_has_recorded_requests(type: str, route: str) -> None:
    assert type in ENVELOPES, f"say in conformance.py what an authentic request of {type} looks like"
    kinds = {case.expected.get("type", "refused") for case in recorded(type) if case.letter.route == route}
    assert "refused" in kinds, f"tests/data/requests/{type}-{route}.json records no senseless request"
    assert len(kinds) > 1, f"tests/data/requests/{type}-{route}.json records no request that is taken"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.type}-{case.letter.route}: {case.description}")
def test_a_recorded_request_becomes_what_it_says(case: Case) -> None:
    channel, conversations = ENVELOPES[case.type].channel(case.type), Recorder()
    response = deliver(channel, case.letter, SECRET, conversations)
    if "status" in case.expected:
        assert response.status_code == case.expected["status"]
        assert case.expected["names"] in response.text
        assert conversations.taken == []
    else:
        assert response.status_code == 200
        assert conversations.taken == [case.event(channel)]


@pytest.mark.parametrize(("type", "route"), ROUTES)
class TestAuthenticity:
    def test_a_wrong_secret_is_refused_and_nothing_is_taken(self, type: str, route: str) -> None:
        conversations = Recorder()
        response = deliver(ENVELOPES[type].channel(type), genuine(type, route).letter, "wrong", conversations)
        assert (response.status_code, conversations.taken) == (403, [])

    def test_a_missing_secret_is_refused_and_nothing_is_taken(self, type: str, route: str) -> None:
        channel, conversations = ENVELOPES[type].channel(type), Recorder()
        lane = Lane({channel.name: channel}, conversations)
        response = post(lane, f"/in/{channel.name}/{route}", genuine(type, route).letter, {})
        assert (response.status_code, conversations.taken) == (403, [])

    def test_the_former_secret_holds_while_it_is_rotated_out_and_no_longer(self, type: str, route: str) -> None:
        envelope, letter = ENVELOPES[type], genuine(type, route).letter
        rotating = envelope.channel(type)
        rotated = envelope.channel(type, **{envelope.old_key: ""})
        assert deliver(rotating, letter, SECRET, Recorder()).status_code == 200
        assert deliver(rotating, letter, FORMER, Recorder()).status_code == 200
        assert deliver(rotated, letter, SECRET, Recorder()).status_code == 200
        assert deliver(rotated, letter, FORMER, Recorder()).status_code == 403

    def test_an_empty_secret_never_matches_an_empty_setting(self, type: str, route: str) -> None:
        envelope = ENVELOPES[type]
        channel = envelope.channel(type, **{envelope.old_key: ""})
        response = post(
            Lane({channel.name: channel}, Recorder()),
            f"/in/{channel.name}//{route}",
            genuine(type, route).letter,
            {"X-Twilio-Signature": ""},
        )
        assert response.status_code in (403, 404)


@pytest.mark.parametrize("type", TYPES)
def test_no_channel_starts_without_the_setting_that_authenticates(type: str) -> None:
    envelope = ENVELOPES[type]
    with pytest.raises(SettingsError, match=rf"\[channels\.my-{type}\] {envelope.key}"):
        envelope.channel(type, **{envelope.key: ""})


def test_no_secret_shows_in_a_text_form(channel: Channel) -> None:
    shown = f"{channel!r} {channel} {channel.settings!r} {channel.settings} {[channel.settings]}"
    for secret in (SECRET, FORMER, "atsk_9f8e7d6c"):
        assert secret not in shown


def test_the_urls_to_paste_are_the_ones_that_are_served(channel: Channel) -> None:
    urls = channel.urls()
    assert set(urls) == set(channel.routes)
    for route, url in urls.items():
        case = genuine(channel.type, route)
        path, headers = ENVELOPES[channel.type].seal(channel, case.letter, SECRET)
        assert url.partition("?")[0] == PUBLIC + path
        lane = Lane({channel.name: channel}, Recorder())
        assert post(lane, url.partition("?")[0].removeprefix(PUBLIC), case.letter, headers).status_code == 200


@pytest.mark.parametrize(("type", "route"), ROUTES)
class TestSenselessRequests:
    def test_another_method_is_refused(self, type: str, route: str) -> None:
        letter = dataclasses.replace(genuine(type, route).letter, method="PUT")
        response = deliver(ENVELOPES[type].channel(type), letter, SECRET, Recorder())
        assert response.status_code == 405
        assert response.headers["Allow"] == ", ".join(adapter(type).methods)


@pytest.mark.parametrize(("type", "route"), FORMS)
class TestSenselessForms:
    @pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "application/octet-stream"])
    def test_a_body_that_is_no_form_is_senseless(self, type: str, route: str, content_type: str) -> None:
        body = json.dumps(genuine(type, route).form).encode()
        conversations = Recorder()
        letter = Letter(route, body, content_type=content_type)
        response = deliver(ENVELOPES[type].channel(type), letter, SECRET, conversations)
        assert (response.status_code, response.text) == (400, "The body is no form.\n")
        assert conversations.taken == []

    def test_a_body_that_is_too_long_says_so(self, type: str, route: str) -> None:
        letter = genuine(type, route).letter
        long = dataclasses.replace(letter, body=letter.body + b"&padding=" + b"x" * MOST_BYTES)
        conversations = Recorder()
        path, headers = ENVELOPES[type].seal(ENVELOPES[type].channel(type), letter, SECRET)
        lane = Lane({f"my-{type}": ENVELOPES[type].channel(type)}, conversations)
        assert post(lane, path, long, headers).status_code == 413
        assert conversations.taken == []

    def test_too_many_fields_are_senseless(self, type: str, route: str) -> None:
        letter = genuine(type, route).letter
        many = dataclasses.replace(letter, body=letter.body + b"&a=" * 200)
        path, headers = ENVELOPES[type].seal(ENVELOPES[type].channel(type), letter, SECRET)
        lane = Lane({f"my-{type}": ENVELOPES[type].channel(type)}, Recorder())
        assert post(lane, path, many, headers).status_code == 400


@pytest.mark.parametrize(("type", "route"), QUERIES)
class TestSenselessQueries:
    def test_one_that_is_too_long_says_so(self, type: str, route: str) -> None:
        letter, conversations = genuine(type, route).letter, Recorder()
        long = dataclasses.replace(letter, query=f"{letter.query}&padding={'x' * MOST_BYTES}")
        assert deliver(ENVELOPES[type].channel(type), long, SECRET, conversations).status_code == 413
        assert conversations.taken == []

    def test_too_many_fields_are_senseless(self, type: str, route: str) -> None:
        letter = genuine(type, route).letter
        many = dataclasses.replace(letter, query=letter.query + "&a=" * 200)
        assert deliver(ENVELOPES[type].channel(type), many, SECRET, Recorder()).status_code == 400

    @given(query=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=200))
    @settings(max_examples=60, deadline=None)
    def test_garbage_never_becomes_our_fault(self, type: str, route: str, query: str) -> None:
        letter = dataclasses.replace(genuine(type, route).letter, query=query)
        for whole in (letter, dataclasses.replace(letter, query=f"{genuine(type, route).letter.query}&{query}")):
            assert deliver(ENVELOPES[type].channel(type), whole, SECRET, Recorder()).status_code in (200, 400)


@pytest.mark.parametrize(("type", "route"), OBJECTS)
class TestSenselessObjects:
    @pytest.mark.parametrize(
        "body", [b"", b"from=%2B212", b"[]", b'"x"', b"{", b"\xff", b"[" * 9000, b'{"id":"\\ud800"}']
    )
    def test_a_body_that_is_no_object_is_senseless(self, type: str, route: str, body: bytes) -> None:
        conversations = Recorder()
        letter = Letter(route, body, content_type="application/json")
        assert deliver(ENVELOPES[type].channel(type), letter, SECRET, conversations).status_code == 400
        assert conversations.taken == []

    def test_one_that_is_too_long_says_so(self, type: str, route: str) -> None:
        letter, conversations = genuine(type, route).letter, Recorder()
        long = dataclasses.replace(letter, body=letter.body + b" " * MOST_BYTES)
        assert deliver(ENVELOPES[type].channel(type), long, SECRET, conversations).status_code == 413
        assert conversations.taken == []

    @given(
        told=st.dictionaries(
            st.sampled_from(["id", "bearer", "from", "to", "text", "session", "sent_at", "state", "detail"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
                lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3),
                max_leaves=4,
            ),
        ),
        kept=st.booleans(),
    )
    @settings(max_examples=60, deadline=None)
    def test_garbage_never_becomes_our_fault(self, type: str, route: str, told: dict[str, Any], kept: bool) -> None:
        letter = genuine(type, route).letter
        whole = (json.loads(letter.body) if kept else {}) | told
        body = json.dumps(whole).encode()
        channel = ENVELOPES[type].channel(type)
        sent = dataclasses.replace(letter, body=body)
        assert deliver(channel, sent, SECRET, Recorder()).status_code in (200, 400)
        unproven = Recorder()
        assert deliver(channel, sent, "wrong", unproven).status_code == 403
        assert unproven.taken == []


KEYS = sorted({name for case in CASES for name in case.form})
GARBAGE = st.one_of(
    st.binary(max_size=400),
    st.lists(st.tuples(st.sampled_from(KEYS), st.text(max_size=40)), max_size=12).map(
        lambda pairs: urlencode(pairs, errors="surrogatepass").encode()
    ),
    st.lists(st.tuples(st.sampled_from(KEYS), st.binary(max_size=20)), max_size=6).map(
        lambda pairs: b"&".join(name.encode() + b"=" + value for name, value in pairs)
    ),
)
CONTENT_TYPES = st.sampled_from(
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-16",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json",
        "\x00",
    ]
)


@pytest.mark.parametrize(("type", "route"), FORMS)
@given(body=GARBAGE, content_type=CONTENT_TYPES, encoding=st.sampled_from(["", "gzip", "br"]))
@settings(max_examples=40, deadline=None)
def test_garbage_never_becomes_our_fault(type: str, route: str, body: bytes, content_type: str, encoding: str) -> None:
    letter = Letter(route, body, {"Content-Encoding": encoding} if encoding else {}, content_type=content_type)
    channel = ENVELOPES[type].channel(type)
    assert deliver(channel, letter, SECRET, Recorder()).status_code in (200, 400, 403)
    unproven = Recorder()
    assert deliver(channel, letter, "wrong", unproven).status_code in (400, 403)
    assert unproven.taken == []


DIALS = {
    "africastalking": "phoneNumber=%2B212612345678&sessionId=S1&text=",
    "simulator": "phone=%2B212612345678&session=S1&id=1&text=",
    "ussd-http": "phoneNumber=%2B212612345678&sessionId=S1&text=",
}
USSD = [type for type, route in FORMS if route == "ussd"]


@pytest.mark.parametrize("type", USSD)
@given(text=st.binary(max_size=600))
@settings(max_examples=60, deadline=None)
def test_a_sound_session_and_phone_get_a_screen_whatever_the_text(type: str, text: bytes) -> None:
    raw = text.replace(b"&", b"%26")
    letter = Letter("ussd", DIALS[type].encode() + raw)
    response = deliver(ENVELOPES[type].channel(type), letter, SECRET, Recorder())
    assert response.status_code == 200
    assert ENVELOPES[type].shown(response) == ("Salam", False)


@pytest.mark.parametrize("type", USSD)
def test_a_text_told_twice_is_a_text(type: str) -> None:
    letter = Letter("ussd", DIALS[type].encode() + b"1&text=2")
    assert deliver(ENVELOPES[type].channel(type), letter, SECRET, Recorder()).status_code == 200


@pytest.mark.parametrize("type", USSD)
def test_two_sessions_or_two_phones_in_one_request_are_senseless(type: str) -> None:
    channel = ENVELOPES[type].channel(type)
    for more in (b"&session=S2&sessionId=S2", b"&phone=%2B212699999999&phoneNumber=%2B212699999999"):
        assert deliver(channel, Letter("ussd", DIALS[type].encode() + more), SECRET, Recorder()).status_code == 400


FAULTS: list[Any] = [StoreBusy("too much is waiting"), RuntimeError("+212612345678")]


@pytest.mark.parametrize("failure", FAULTS, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize(("type", "route"), ROUTES)
def test_our_fault_asks_the_provider_to_come_back_and_apologises_to_a_caller(
    type: str, route: str, failure: Exception
) -> None:
    response = deliver(ENVELOPES[type].channel(type), genuine(type, route).letter, SECRET, Recorder(failure))
    if route == "ussd":
        words = "Rappelez." if isinstance(failure, StoreBusy) else "Désolé."
        assert (response.status_code, ENVELOPES[type].shown(response)) == (200, (words, True))
    else:
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0


def test_even_a_failing_apology_leaves_the_caller_a_screen() -> None:
    class Mute(Recorder):
        def apology(self, received: object) -> str:
            raise StoreBusy("too much is waiting")

        again = apology

    channel = ENVELOPES["africastalking"].channel("africastalking")
    response = deliver(channel, genuine("africastalking", "ussd").letter, SECRET, Mute(StoreBusy("busy")))
    assert (response.status_code, response.text) == (200, f"END {SORRY}")
    assert len(SORRY) <= 70
