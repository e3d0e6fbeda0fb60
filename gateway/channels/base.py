"""What every adapter is: the envelope of an inbound, the receipt, the send result, and the base class that verifies.

An adapter only translates between a provider's requests and these values. No database, no session logic, no
language choice. Verification happens here, before `parse` is called, so that no adapter can forget it.
"""

from __future__ import annotations

import hmac
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from msgspec import Struct

from flows.model import Bearer
from flows.types import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.wrappers import Request, Response

Route = Literal["ussd", "sms", "delivery", "ussd-end", "call"]
State = Literal["accepted", "delivered", "failed", "unknown"]
"""What a delivery report says."""
Cause = Literal["", "passing", "opted-out", "alarm"]
"""What a failure asks for: `passing`, send again later; `opted-out`, the citizen told the provider to stop; `alarm`,
only an operator can put it right."""


class Received(Struct, frozen=True, kw_only=True, gc=False):
    """An inbound with its envelope, as the provider told it.

    `external_id` is unique per channel: the message id of an SMS; for USSD a digest of the session id and all it
    sent, so that a repeat has the same one. `path` is the cumulative text of providers that send all inputs each
    time (None where `text` is just the last input). `sender` is E.164 with the plus sign.
    """

    channel: str
    bearer: Bearer
    external_id: str
    sender: str
    recipient: str = ""
    text: str = ""
    path: str | None = None
    session: str = ""
    opens: bool = False
    """The provider said that this USSD session begins here (only where it says so)."""
    network: str = ""
    call: bool = False
    """A missed call, not an SMS: its caller wishes to be written to. `external_id` begins with `call:`."""
    sent_at: int | None = None
    """Provider's time, milliseconds UTC: for display only, never for order."""

    def __repr__(self) -> str:
        """Show no phone number and no text: this may end in a log."""
        return f"Received(channel={self.channel!r}, bearer={self.bearer!r}, characters={len(self.path or self.text)})"


class Receipt(Struct, frozen=True, kw_only=True, gc=False):
    """A delivery report: what became of an outbound, in our words; `detail` keeps the provider's."""

    provider_id: str
    state: State
    detail: str = ""
    cause: Cause = ""
    """Why it failed, where that asks for something."""
    sender: str = ""
    """Whose phone it is about, in E.164, where the provider names no message: it was told to send none."""

    def __repr__(self) -> str:
        """Show no phone number."""
        return f"Receipt(provider_id={self.provider_id!r}, state={self.state!r}, detail={self.detail!r})"


class Ended(Struct, frozen=True, kw_only=True, gc=False):
    """The provider says a USSD session is over, and whether the citizen was lost on the way."""

    session: str
    sender: str
    dropped: bool
    detail: str = ""

    def __repr__(self) -> str:
        return f"Ended(dropped={self.dropped}, detail={self.detail!r})"


class Sendable(Struct, frozen=True, kw_only=True):
    """One SMS for an adapter to send: `to` is E.164, `id` our outbox id."""

    id: str
    to: str
    text: str
    encoding: str
    segments: int

    def __repr__(self) -> str:
        return f"Sendable(id={self.id!r}, encoding={self.encoding!r}, segments={self.segments})"


class Sent(Struct, frozen=True):
    """What the provider answered; `error` is for the operator and holds no phone number (`brief`).

    `outcome`: `accepted`; `retry` later; `failed` for good; `opted-out`, the citizen told the provider to stop;
    `unreachable`, the provider never heard of it; `stop-channel`, no message of this channel can go until an
    operator has put its settings or account right.
    """

    outcome: Literal["accepted", "retry", "failed", "opted-out", "unreachable", "stop-channel"]
    provider_id: str = ""
    error: str = ""
    alarm: bool = False
    """Only an operator can put right what failed: it is kept among the events."""


class Reply(Struct, frozen=True, gc=False):
    """An HTTP answer of 200, as plain as nearly all are: Werkzeug's Response costs ten times as much."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status_code: ClassVar[int] = 200

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:  # noqa: ARG002
        """Answer, as a WSGI application."""
        start_response("200 OK", [("Content-Type", self.content_type), ("Content-Length", str(len(self.body)))])
        return [self.body]


class Refused(Exception):
    """The secret or signature is missing or wrong: 403, nothing kept."""


class BadRequest(Exception):
    """The body lacks what an inbound needs, or is no form: 400, nothing kept. Its text names fields, never values."""


class ForeignSession(Exception):
    """A known session or message id came from another phone: refused, nothing kept."""


class Settings(Struct, frozen=True, kw_only=True):
    """One `[channels.NAME]` of awal.toml, `env:` values already read."""

    name: str
    type: str
    secret: str = ""
    secret_old: str = ""
    """The former path secret, still valid while it is being rotated."""
    account_sid: str = ""
    auth_token: str = ""
    auth_token_old: str = ""
    username: str = ""
    password: str = ""
    api_key: str = ""
    number: str = ""
    api_url: str = ""
    sendsms_url: str = ""
    database: str = ""
    """The whole path of gammu-smsd's own SQLite file; for SMPP, of the spool (empty keeps it in memory)."""
    host: str = ""
    port: int = 0
    system_id: str = ""
    tls: bool = False
    tls_ca: str = ""
    """The whole path of the certificate that an SMSC's must be signed with; empty trusts what this machine does."""
    bearers: tuple[Bearer, ...] = ()
    dialect: str = ""
    """A shipped SMPP dialect, or the path of a YAML file."""
    profile: str = ""
    """A shipped `ussd-http` profile, or the whole path of the project's own."""
    flow: str = ""
    """The flow this channel's USSD code opens; empty offers a menu when there are several."""
    gsm_limit: int = 160
    ucs2_limit: int = 70
    retry_first: float = 5.0
    rate: float = 0.0
    budget_hour: int = 0
    budget_day: int = 0
    window: int = 1
    quiet_hours: str = "21:00-08:00"
    bip: str = ""
    """The flow that a missed call opens; empty takes no calls."""
    prefixes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show no secret."""
        return f"Settings(name={self.name!r}, type={self.type!r})"


def brief(text: str, most: int = 160) -> str:
    """Return a provider's words on one short line, with every number long enough to be a phone's left out."""
    return re.sub(r"\+?\d[\d .-]{5,}\d", "…", " ".join(text.split()))[:most]


def same(given: str, *expected: str) -> bool:
    """Tell whether `given` is one of the non-empty `expected`, in constant time."""
    matches = 0
    for one in expected:
        matches += bool(one) and hmac.compare_digest(given.encode(), one.encode())
    return bool(matches)


class Channel(ABC):
    """One configured connection. Subclasses set `type` and `routes`, and translate what has been verified."""

    type: ClassVar[str]
    bearers: tuple[Bearer, ...]
    routes: ClassVar[tuple[Route, ...]]
    methods: ClassVar[tuple[str, ...]] = ("POST",)
    secret_in_path: ClassVar[bool] = True
    stands_in: ClassVar[bool] = True
    """Whether it may carry another channel's SMS while that one is down."""
    has_link: ClassVar[bool] = False
    """Whether `state` tells of a link."""
    remedy: ClassVar[str] = "See the gateway's log."
    """What an operator does about a link that is down."""

    def __init__(self, settings: Settings, public_url: str) -> None:
        self.settings = settings
        self.name = settings.name
        self.public_url = public_url.rstrip("/")
        self.limits = Limits(settings.gsm_limit, settings.ucs2_limit)
        self.clock_known: Callable[[], bool] = lambda: True
        """Whether this machine's clock can be believed, for what is signed with a time."""
        self.require()

    @abstractmethod
    def require(self) -> None:
        """Raise `gateway.settings.SettingsError` when a setting that authenticity needs is missing.

        It runs when the channel is made, so that no channel starts without one.
        """

    @abstractmethod
    def verify(self, request: Request, route: Route, secret: str) -> None:
        """Raise Refused unless the request is authentic. `secret` is what the path carried, maybe empty."""

    @abstractmethod
    def parse(self, request: Request, route: Route) -> list[Received | Receipt | Ended]:
        """Translate a verified request; raise BadRequest when what it must hold is missing."""

    def urls(self) -> dict[str, str]:
        """Return the full inbound URL to paste at the provider, by event."""
        return {route: self.url(route) for route in self.routes if route != "call" or self.settings.bip}

    def url(self, route: Route) -> str:
        """Return the full inbound URL of one event."""
        secret = f"/{self.settings.secret}" if self.secret_in_path else ""
        return f"{self.public_url}/in/{self.name}{secret}/{route}"

    def open(self, request: Request, route: Route, secret: str) -> list[Received | Receipt | Ended]:
        """Verify, then translate. The only door into an adapter."""
        self.verify(request, route, secret)
        return self.parse(request, route)

    def render_ussd(self, text: str, ends: bool) -> bytes:
        """Return the body that shows a USSD screen: `CON text` or `END text`, as most aggregators want it."""
        return f"{'END' if ends else 'CON'} {text}".encode()

    def render_call(self) -> bytes:
        """Return the body that leaves a call unanswered, so that it costs nobody anything."""
        return b""

    def reply(self, body: bytes) -> Reply | Response:
        """Return the HTTP answer to an inbound; `body` is empty where the provider only needs to hear 200."""
        return Reply(body)

    @abstractmethod
    def send(self, message: Sendable) -> Sent:
        """Send one SMS now, by the provider's own client; never raises for what the provider answers."""

    def status(self, id: str) -> Sent | None:  # noqa: ARG002  # most providers cannot be asked by our id
        """Return `accepted` when the provider already has the message of this outbox id; None when nobody can tell."""
        return None

    def state(self) -> Mapping[str, object]:
        """Return what an operator should see of the link: `connected`, and what else the adapter knows."""
        return {}

    def close(self) -> None:  # noqa: B027  # most adapters hold nothing open
        """Let go of connections that were kept open for sending."""
