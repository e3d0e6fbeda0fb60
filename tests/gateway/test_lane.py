"""The webhook lane: what a path opens, what the status says, and what a flood or a log may learn. See also the
adapters' conformance suite, which drives every adapter through this lane."""

from __future__ import annotations

import logging
from io import BytesIO
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorder import Recorder
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from gateway.channels.base import Channel, ForeignSession, Received, Settings
from gateway.channels.registry import create
from gateway.lane import MOST_BYTES, REFUSALS_EVERY, Lane, pairs
from storage.errors import StoreError, StoreFull

SECRET = "f3a9c1d7e5b04682a1c3e5f708192a3b"
USSD = {"sessionId": "ATUid_1", "phoneNumber": "+212612345678", "text": "1", "serviceCode": "*1#", "networkCode": "6"}
SMS = {"id": "m-1", "from": "+212612345678", "to": "28028", "text": "EAU"}


def recorder(failure: Exception | None = None) -> Recorder:
    """Return what the lane hands over to, with the words these tests look for."""
    return Recorder(failure, "Avez-vous de l'eau ?", "Désolé, réessayez plus tard.")


def channels() -> dict[str, Channel]:
    at = Settings(name="at", type="africastalking", secret=SECRET)
    sms = Settings(name="diaspora", type="twilio", account_sid="AC1", auth_token="t0ken")
    return {settings.name: create(settings, "https://awal.example") for settings in (at, sms)}


def lane(failure: Exception | None = None) -> tuple[Lane, Recorder]:
    conversations = recorder(failure)
    return Lane(channels(), conversations), conversations


def test_a_ussd_callback_is_answered_with_the_next_screen() -> None:
    application, conversations = lane()
    response = Client(application).post(f"/in/at/{SECRET}/ussd", data=USSD)
    assert (response.status_code, response.text) == (200, "CON Avez-vous de l'eau ?")
    assert response.content_type == "text/plain; charset=utf-8"
    assert len(conversations.taken) == 1


def test_an_sms_is_answered_with_nothing_because_replies_leave_from_the_outbox() -> None:
    application, conversations = lane()
    response = Client(application).post(f"/in/at/{SECRET}/sms", data=SMS)
    assert (response.status_code, response.data) == (200, b"")
    assert isinstance(conversations.taken[0], Received)


@pytest.mark.parametrize(
    "path",
    [
        "/in/",
        "/in",
        "/in/at",
        "/in/nobody/sms",
        f"/in/nobody/{SECRET}/ussd",
        f"/in/at/{SECRET}/voice",
        f"/in/at/{SECRET}/ussd/",
        f"/in/at/{SECRET}/ussd/more",
        f"/in/at/{SECRET}",
        f"/in/at/{SECRET}/extra/ussd",
        "/in/diaspora/x/sms",
        "/in/diaspora/ussd",
        "/in/../etc/passwd",
        "/elsewhere",
        "/in/%00/%ff",
    ],
)
def test_a_path_that_opens_nothing_says_no_more_than_that(path: str) -> None:
    application, conversations = lane()
    response = Client(application).post(path, data=USSD)
    assert (response.status_code, response.text) == (404, "There is nothing here.\n")
    assert conversations.taken == []


def test_the_lane_can_be_mounted_in_front_of_another_application() -> None:
    def console(environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"console"]

    application, conversations = lane()
    client = Client(DispatcherMiddleware(console, {"/in": application}))
    assert client.post(f"/in/at/{SECRET}/ussd", data=USSD).status_code == 200
    assert client.get("/").data == b"console"
    assert len(conversations.taken) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_providers_post(method: str) -> None:
    application, conversations = lane()
    response = Client(application).open(f"/in/at/{SECRET}/ussd", method=method, query_string=USSD)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert conversations.taken == []


def test_a_multipart_form_is_a_form() -> None:
    application, conversations = lane()
    response = Client(application).post(f"/in/at/{SECRET}/ussd", data=USSD, content_type="multipart/form-data")
    assert response.status_code == 200
    assert len(conversations.taken) == 1


def test_bytes_that_are_no_text_do_not_lose_the_session() -> None:
    application, conversations = lane()
    body = b"sessionId=ATUid_1&phoneNumber=%2B212612345678&text=1*\xff\xfe%C3%28"
    client = Client(application)
    response = client.post(f"/in/at/{SECRET}/ussd", data=body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 200
    assert isinstance(conversations.taken[0], Received)
    assert (conversations.taken[0].path or "").startswith("1*\ufffd")


@given(
    st.lists(st.sampled_from([*"a=&+%é\ufffd2AB3", "%2A", "%23", "%C3", "%A9", "%2B", "%zz", "%00", "%E2%82%AC"])).map(
        "".join
    )
)
def test_a_form_is_read_as_the_standard_library_reads_it(text: str) -> None:
    assert pairs(text) == parse_qsl(text, keep_blank_values=True, errors="replace")


@pytest.mark.parametrize(("sent", "status"), [(52, 200), (51, 400)])
def test_a_body_that_broke_off_is_not_taken_for_the_whole(sent: int, status: int) -> None:
    application, conversations = lane()
    body = b"sessionId=ATUid_1&phoneNumber=%2B212612345678&text=1"
    broken = {"wsgi.input": BytesIO(body[:sent]), "CONTENT_LENGTH": str(len(body))}
    response = Client(application).post(
        f"/in/at/{SECRET}/ussd", content_type="application/x-www-form-urlencoded", environ_overrides=broken
    )
    assert (response.status_code, len(conversations.taken)) == (status, status == 200)


def test_a_body_whose_length_nobody_told_is_senseless_not_endless() -> None:
    application, _ = lane()
    environ = {"HTTP_TRANSFER_ENCODING": "chunked"}
    assert Client(application).post(f"/in/at/{SECRET}/sms", environ_overrides=environ).status_code == 400


@pytest.mark.parametrize(("size", "status"), [(100, 200), (MOST_BYTES * 3, 413)])
def test_a_chunked_body_is_held_to_the_same_length(size: int, status: int) -> None:
    application, conversations = lane()
    body = b"sessionId=ATUid_1&phoneNumber=%2B212612345678&text=" + b"a" * size
    chunked = {"wsgi.input": BytesIO(body), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    response = Client(application).post(
        f"/in/at/{SECRET}/ussd", content_type="application/x-www-form-urlencoded", environ_overrides=chunked
    )
    assert response.status_code == status
    assert len(conversations.taken) == (status == 200)


@pytest.mark.parametrize("failure", [StoreFull("the disk is full"), KeyError("+212612345678"), ForeignSession("s")])
def test_a_caller_always_gets_a_screen(failure: Exception) -> None:
    application, _ = lane(failure)
    response = Client(application).post(f"/in/at/{SECRET}/ussd", data=USSD)
    assert (response.status_code, response.text) == (200, "END Désolé, réessayez plus tard.")


def test_a_session_that_ends_from_another_phone_is_refused() -> None:
    application, _ = lane(ForeignSession("s"))
    form = {"sessionId": "ATUid_1", "phoneNumber": "+212612345678", "status": "Failed"}
    assert Client(application).post(f"/in/at/{SECRET}/ussd-end", data=form).status_code == 403


@pytest.mark.parametrize("failure", [StoreFull("the disk is full"), ZeroDivisionError("division")])
def test_what_is_not_kept_is_never_acknowledged(failure: Exception) -> None:
    application, _ = lane(failure)
    response = Client(application).post(f"/in/at/{SECRET}/sms", data=SMS)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert "disk" not in response.text


class TestLog:
    def lines(self, caplog: pytest.LogCaptureFixture, failure: Exception | None = None) -> list[str]:
        caplog.set_level(logging.INFO, logger="awal")
        application, _ = lane(failure)
        client = Client(application)
        client.post(f"/in/at/{SECRET}/ussd", data=USSD)
        client.post(f"/in/at/{SECRET}wrong/sms", data=SMS)
        client.post(f"/in/nobody-{SECRET}/sms", data=SMS)
        return [f"{record.getMessage()} {getattr(record, 'with', {})}" for record in caplog.records]

    def test_each_request_is_one_line_with_channel_route_status_and_time(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        requests = [line for line in self.lines(caplog) if line.startswith("inbound ")]
        assert len(requests) == 3
        assert "'channel': 'at', 'route': 'ussd', 'status': 200, 'ms': " in requests[0]
        assert "'channel': 'at', 'route': 'sms', 'status': 403" in requests[1]
        assert "'channel': '-', 'route': '-', 'status': 404" in requests[2]

    @pytest.mark.parametrize("failure", [None, KeyError("+212612345678"), StoreError("busy")])
    def test_no_number_no_text_and_no_secret_is_logged(
        self, caplog: pytest.LogCaptureFixture, failure: Exception | None
    ) -> None:
        told = "\n".join(self.lines(caplog, failure))
        for private in ("612345678", "EAU", SECRET, "ATUid_1"):
            assert private not in told

    def test_our_fault_says_where_it_arose(self, caplog: pytest.LogCaptureFixture) -> None:
        told = "\n".join(self.lines(caplog, KeyError("+212612345678")))
        assert "KeyError" in told
        assert "recorder.py:" in told


class TestRefusals:
    def test_a_flood_of_refused_requests_writes_one_note_a_minute(self) -> None:
        notes: list[tuple[str, str]] = []
        now = [0.0]

        def note(kind: str, detail: str) -> None:
            notes.append((kind, detail))

        client = Client(Lane(channels(), recorder(), note=note, monotonic=lambda: now[0]))
        for _ in range(50):
            assert client.post("/in/at/wrong/sms", data=SMS).status_code == 403
        assert notes == [("refused-request", "at/sms: 1 since the last note")]
        now[0] = REFUSALS_EVERY + 1
        client.post("/in/at/wrong/ussd", data=USSD)
        assert notes[1:] == [("refused-request", "at/ussd: 50 since the last note")]

    def test_each_channel_has_its_own_count(self) -> None:
        notes: list[str] = []
        client = Client(Lane(channels(), recorder(), note=lambda kind, detail: notes.append(detail)))
        client.post("/in/at/wrong/sms", data=SMS)
        client.post("/in/diaspora/sms", data=SMS)
        assert [note.split("/")[0] for note in notes] == ["at", "diaspora"]

    def test_a_session_taken_up_by_another_phone_is_noted(self) -> None:
        notes: list[tuple[str, str]] = []
        stranger = recorder(ForeignSession("ATUid_1"))
        client = Client(Lane(channels(), stranger, note=lambda kind, detail: notes.append((kind, detail))))
        client.post(f"/in/at/{SECRET}/ussd", data=USSD)
        assert notes == [("foreign-session", "at/ussd: 1 since the last note")]

    def test_a_note_that_cannot_be_kept_changes_nothing_for_the_stranger(self) -> None:
        def full(kind: str, detail: str) -> None:
            raise StoreFull("the disk is full")

        client = Client(Lane(channels(), recorder(), note=full))
        assert client.post("/in/at/wrong/sms", data=SMS).status_code == 403
