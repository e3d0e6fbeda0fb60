"""What every adapter must do, whoever wrote it. `TestConformance` in `test_channels_conformance.py` runs it on each.

A new type with webhooks needs two things here: an entry in `ENVELOPES` (its settings, and how an authentic request of
its provider looks) and recorded requests in `tests/data/requests/<type>-<route>.json`. A new type without webhooks
has its own `test_channels_<type>.py`, which shows on its real counterpart what `test_channels_gammu.py` shows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
from recorder import Recorder
from twilio.request_validator import RequestValidator
from werkzeug.test import Client, EnvironBuilder, TestResponse

from gateway.channels.base import Channel, Ended, Receipt, Received, Settings
from gateway.channels.http import SIGNATURE, TIMESTAMP, signature
from gateway.channels.registry import create
from gateway.lane import InboundRequest, Lane

REQUESTS = Path(__file__).resolve().parents[2] / "data" / "requests"
PUBLIC = "https://awal.example/gateway"
FORM = "application/x-www-form-urlencoded"
KINDS = {"Received": Received, "Receipt": Receipt, "Ended": Ended}


@dataclass(frozen=True)
class Letter:
    """One request on its way to a channel, before anything vouches for it."""

    route: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""
    method: str = "POST"
    content_type: str = FORM


@dataclass(frozen=True)
class Envelope:
    """A type's settings, the settings that hold its current and former secret, and how a letter is made authentic."""

    settings: dict[str, str]
    key: str
    old_key: str
    seal: Callable[[Channel, Letter, str], tuple[str, dict[str, str]]]
    carrier: Literal["form", "query", "json"] = "form"
    """Where its requests hold their fields."""
    shown: Callable[[TestResponse], tuple[str, bool]] = lambda response: by_word(response)
    """How its answer tells a screen, and whether that ends the session."""

    def channel(self, type: str, **changes: str) -> Channel:
        return create(Settings(name=f"my-{type}", type=type, **(self.settings | changes)), PUBLIC)


def by_word(response: TestResponse) -> tuple[str, bool]:
    """Read a screen that CON or END stands in front of."""
    assert response.content_type == "text/plain; charset=utf-8"
    mark, _, text = response.text.partition(" ")
    assert mark in ("CON", "END")
    return text, mark == "END"


def by_field(response: TestResponse) -> tuple[str, bool]:
    """Read a screen in our own JSON."""
    assert response.content_type == "application/json"
    answer = json.loads(response.data)
    assert set(answer) == {"text", "end"}
    return answer["text"], answer["end"]


def in_path(channel: Channel, letter: Letter, secret: str) -> tuple[str, dict[str, str]]:
    """Put the secret in the path."""
    return f"/in/{channel.name}/{secret}/{letter.route}", {}


def by_twilio(channel: Channel, letter: Letter, secret: str) -> tuple[str, dict[str, str]]:
    """Sign with Twilio's own validator, over the public URL and whatever fields the body holds."""
    path = f"/in/{channel.name}/{letter.route}"
    url = f"{PUBLIC}{path}" + (f"?{letter.query}" if letter.query else "")
    environ = EnvironBuilder(method="POST", input_stream=None, data=letter.body, content_type=letter.content_type)
    form = InboundRequest(environ.get_environ()).form
    return path, {"X-Twilio-Signature": RequestValidator(secret).compute_signature(url, form)}


def by_time(channel: Channel, letter: Letter, secret: str) -> tuple[str, dict[str, str]]:
    """Sign the time and the body."""
    stamp = str(int(time.time()))
    return f"/in/{channel.name}/{letter.route}", {TIMESTAMP: stamp, SIGNATURE: signature(secret, stamp, letter.body)}


SECRET, FORMER = "f3a9c1d7e5b04682a1c3e5f708192a3b", "0b1c2d3e4f5a69788796a5b4c3d2e1f0"

ENVELOPES: dict[str, Envelope] = {
    "africastalking": Envelope(
        {"secret": SECRET, "secret_old": FORMER, "username": "awal", "api_key": "atsk_9f8e7d6c", "bip": "water"},
        "secret",
        "secret_old",
        in_path,
    ),
    "http": Envelope(
        {"secret": SECRET, "secret_old": FORMER, "bip": "water"}, "secret", "secret_old", by_time, "json", by_field
    ),
    "kannel": Envelope(
        {"secret": SECRET, "secret_old": FORMER, "username": "awal", "password": "atsk_9f8e7d6c", "number": "1234"},
        "secret",
        "secret_old",
        in_path,
        "query",
    ),
    "simulator": Envelope({"secret": SECRET, "secret_old": FORMER}, "secret", "secret_old", in_path),
    "twilio": Envelope(
        {
            "account_sid": "AC00112233445566778899aabbccddeeff",
            "auth_token": SECRET,
            "auth_token_old": FORMER,
            "number": "+33644600000",
            "bip": "water",
        },
        "auth_token",
        "auth_token_old",
        by_twilio,
    ),
    "ussd-http": Envelope(
        {"secret": SECRET, "secret_old": FORMER, "profile": "plain"}, "secret", "secret_old", in_path
    ),
}


@dataclass(frozen=True)
class Case:
    """One recorded request and what it must become."""

    description: str
    type: str
    letter: Letter
    form: dict[str, str]
    expected: dict[str, Any]

    def event(self, channel: Channel) -> Received | Receipt | Ended:
        named = dict(self.expected)
        kind = KINDS[named.pop("type")]
        given = {"channel": channel.name} | named if kind is Received else named
        return msgspec.convert(given, kind)


def recorded(type: str) -> list[Case]:
    """Return the recorded requests of a type, in the order of its files."""
    cases = []
    for route in ("ussd", "sms", "delivery", "ussd-end", "call"):
        path = REQUESTS / f"{type}-{route}.json"
        for told in json.loads(path.read_text("utf-8")) if path.exists() else []:
            headers = {name: value for name, value in told["headers"].items() if name != "Content-Type"}
            form = told.get("form", {})
            body = json.dumps(told["json"], ensure_ascii=False) if "json" in told else urlencode(form)
            letter = Letter(
                told["route"],
                body.encode(),
                headers,
                told.get("query", ""),
                told["method"],
                told["headers"].get("Content-Type", ""),
            )
            cases.append(Case(told["description"], type, letter, form, told["expected"]))
    return cases


def genuine(type: str, route: str) -> Case:
    """Return the first recorded request of a route: one that is taken."""
    return next(case for case in recorded(type) if case.letter.route == route)


def post(lane: Lane, path: str, letter: Letter, headers: dict[str, str]) -> TestResponse:
    """Send a letter through the lane."""
    return Client(lane).open(
        path,
        method=letter.method,
        data=letter.body,
        content_type=letter.content_type,
        headers=letter.headers | headers,
        query_string=letter.query,
    )


def deliver(channel: Channel, letter: Letter, secret: str, conversations: Recorder) -> TestResponse:
    """Seal a letter with a secret and send it through a lane with this one channel."""
    path, headers = ENVELOPES[channel.type].seal(channel, letter, secret)
    return post(Lane({channel.name: channel}, conversations), path, letter, headers)
