"""HTTP: JSON both ways, signed, for aggregators and Android relays. `http.openapi.json` describes it to them.

A request carries `X-Awal-Timestamp`, in seconds since 1970, and `X-Awal-Signature`, the hexadecimal HMAC-SHA256 of
`timestamp.body` under the secret. What we send is signed in the same way. The path is not signed: a body says which
bearer it is for, and what we send never reads as something a citizen wrote.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping

import msgspec
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request, Response

from gateway.channels.base import (
    BadRequest,
    Ended,
    Receipt,
    Received,
    Route,
    Sendable,
    Sent,
    Settings,
    State,
    brief,
    same,
)
from gateway.channels.forms import Form, identity, moment, phone, words
from gateway.channels.network import Unanswered, Unheard, ask, by_status
from gateway.channels.verification import SignedChannel
from gateway.settings import SettingsError

TIMESTAMP, SIGNATURE = "X-Awal-Timestamp", "X-Awal-Signature"
PATIENCE = 300
"""Seconds that a signature holds, before and after its timestamp."""
LATEST = 253_402_300_799_999
"""The last millisecond of the year 9999."""

STATES: dict[str, State] = {"accepted": "accepted", "delivered": "delivered", "failed": "failed"}
"""The `state` of a delivery report."""


class Http(SignedChannel):
    """One aggregator or relay that speaks our own JSON."""

    type = "http"
    bearers = ("ussd", "sms")
    routes = ("ussd", "sms", "delivery", "call")

    def __init__(self, settings: Settings, public_url: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(settings, public_url)
        self.clock = clock

    def require(self) -> None:
        """Raise SettingsError when there is no secret to sign with."""
        if not self.settings.secret:
            raise SettingsError(f"[channels.{self.name}] secret is missing. Make one with `openssl rand -hex 32`.")

    def genuine(self, request: Request, url: str) -> bool:  # noqa: ARG002 - the address is not signed
        """Tell whether the body was signed within five minutes of now, under the secret or the former one."""
        stamp, given = request.headers.get(TIMESTAMP, ""), request.headers.get(SIGNATURE, "")
        if not re.fullmatch(r"[0-9]{1,12}", stamp):
            return False
        if self.clock_known() and abs(self.clock() - int(stamp)) > PATIENCE:
            return False  # without a clock an old request passes: kept once under its id, it changes nothing again
        body = request.get_data()
        keys = (self.settings.secret, self.settings.secret_old)
        return same(given.lower(), *(signature(key, stamp, body) for key in keys if key))

    def parse(self, request: Request, route: Route) -> list[Received | Receipt | Ended]:
        """Translate an input of USSD, an SMS, a missed call, or what became of an SMS."""
        fields = decoded(request.get_data())
        if route == "delivery":
            return [reported(texts(fields, "id", "state", "detail"))]
        return [self.heard(fields, route)]

    def heard(self, fields: Mapping[str, object], route: Route) -> Received:
        """Read what a citizen sent; `text` is the last input of a USSD session, empty for the dial."""
        told = texts(fields, "id", "bearer", "from", "to", "text", "session")
        if told.get("bearer") != route:
            raise BadRequest(f"bearer is not {route}, which this address takes.")
        if route == "sms" and "text" not in told:
            raise BadRequest("text is missing.")
        session = identity(told, "session") if route == "ussd" else ""
        kind = f"ussd:{session}" if session else route
        return Received(
            channel=self.name,
            bearer="ussd" if route == "ussd" else "sms",
            external_id=f"{kind}:{identity(told, 'id')}",
            session=session,
            sender=phone(told, "from"),
            recipient=words(told, "to"),
            text=words(told, "text") if route != "call" else "",
            call=route == "call",
            sent_at=sent_at(fields.get("sent_at")),
        )

    def reply(self, body: bytes) -> Response:
        """Return the screen as `{"text": …, "end": …}`, or an empty object where nothing is to be shown."""
        shown: dict[str, object] = {}
        if body:
            mark, _, text = body.decode().partition(" ")
            shown = {"text": text, "end": mark == "END"}
        return Response(msgspec.json.encode(shown), status=200, content_type="application/json")

    def send(self, message: Sendable) -> Sent:
        """Post one SMS to `api_url`; the other side takes an id once, however often it comes."""
        if not self.settings.api_url:
            return Sent("stop-channel", error="api_url is not set")
        if not self.clock_known():
            return Sent("unreachable", error="the clock is not known, and what is sent is signed with it")
        body = msgspec.json.encode(
            {
                "id": message.id,
                "to": message.to,
                "from": self.settings.number,
                "text": message.text,
                "encoding": message.encoding,
                "segments": message.segments,
            }
        )
        try:
            return outcome(*ask(self.settings.api_url, body, self.headers(body)), message.id)
        except Unheard as error:
            return Sent("unreachable", error=f"network: {error}")
        except Unanswered as error:
            return Sent("retry", error=f"network: {error}")

    def headers(self, body: bytes) -> dict[str, str]:
        """Return what vouches for a body of ours."""
        stamp = str(int(self.clock()))
        signed = signature(self.settings.secret, stamp, body)
        return {"Content-Type": "application/json", TIMESTAMP: stamp, SIGNATURE: signed}


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Return the signature of a body at a moment, in lower-case hexadecimal."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def decoded(body: bytes) -> Mapping[str, object]:
    """Return the object that a body holds; raises BadRequest when it holds none."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise BadRequest("The body is no JSON.") from None
    if not isinstance(found, dict):
        raise BadRequest("The body is no JSON object.")
    return found


def texts(fields: Mapping[str, object], *names: str) -> Form:
    """Return the texts of these names; null is as good as missing, another kind is refused."""
    told: Form = MultiDict()
    for name in names:
        value = fields.get(name)
        if value is not None and not isinstance(value, str):
            raise BadRequest(f"{name} is no text.")
        if value is not None:
            told[name] = value
    return told


def sent_at(given: object) -> int | None:
    """Return the other side's time: ISO 8601, or milliseconds since 1970."""
    found = moment(given) if isinstance(given, str) else given
    if given is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= LATEST:
        raise BadRequest("sent_at is neither ISO 8601 nor milliseconds since 1970.")
    return found


def reported(told: Form) -> Receipt:
    """Read a delivery report; a state not in the table is kept as `unknown`."""
    state = identity(told, "state")
    return Receipt(
        provider_id=identity(told, "id"),
        state=STATES.get(state, "unknown"),
        detail=brief(f"{'' if state in STATES else state} {words(told, 'detail')}"),
    )


def outcome(status: int, body: str, id: str) -> Sent:
    """Say what an answer means; the message is known there by our id unless the answer gives another."""
    if not 200 <= status < 300:
        return by_status(status, brief(f"HTTP {status}: {body}"))
    try:
        given = decoded(body.encode()).get("id")
    except BadRequest:
        given = None
    sound = isinstance(given, str) and given.strip() == given and 0 < len(given) <= 128 and given.isprintable()
    return Sent("accepted", provider_id=str(given) if sound else id)
