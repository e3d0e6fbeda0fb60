"""The webhook lane: a WSGI application for `/in/…`, mounted in front of Flask and independent of it.

    /in/{channel}/{secret}/{route}      a secret in the path
    /in/{channel}/{route}               signed requests

The status is chosen for the provider's retry logic: refused 403, senseless 400, too long 413, our fault 503. A citizen
on USSD never sees one of these: once the request is verified and its session and phone are sound, the answer is 200
with a screen, be it an apology. 200 goes out only after `Conversations.take` has committed.
"""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from logging import ERROR
from threading import Lock
from typing import IO, TYPE_CHECKING, Protocol
from urllib.parse import unquote_to_bytes

from msgspec import Struct
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import ClientDisconnected, HTTPException
from werkzeug.wrappers import Request, Response

from flows.errors import AwalError
from gateway import log
from gateway.channels.base import BadRequest, Channel, Ended, ForeignSession, Receipt, Received, Refused, Reply, Route
from storage.errors import StoreBusy

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MOST_BYTES = 16 * 1024
MOST_FIELDS = 100
RETRY_AFTER = 10
"""Seconds after which a provider may try again what we could not keep."""
REFUSALS_EVERY = 60.0
"""Seconds between two notes about refused requests of one channel: a flood of them writes one line."""
SORRY = "Service indisponible. الخدمة غير متاحة. Réessayez plus tard."
"""The last words where even the apology in the citizen's language cannot be had; fits one UCS-2 screen."""
URLENCODED = "application/x-www-form-urlencoded"


class Conversations(Protocol):
    """What takes the inbounds: `gateway.conversation.Conversations`."""

    def take(self, channel: Channel, received: Received) -> bytes:
        """Keep an inbound, then return the body to answer; empty for SMS."""

    def receipt(self, channel: Channel, receipt: Receipt) -> None:
        """Keep a delivery report."""

    def ended(self, channel: Channel, ended: Ended) -> None:
        """Keep the end of a USSD session."""

    def again(self, received: Received) -> str:
        """Return the words that ask to dial again, in the citizen's language where it is known."""

    def apology(self, received: Received) -> str:
        """Return the words for a citizen we could not serve, in their language where it is known."""


class Target(Struct, frozen=True):
    """What a path names: a channel, one of its routes, and the secret it carried."""

    channel: Channel
    route: Route
    secret: str


class InboundRequest(Request):
    """A request held to what a webhook may need; url-encoded forms are read without Werkzeug's machinery for files."""

    max_content_length = MOST_BYTES
    max_form_memory_size = MOST_BYTES
    max_form_parts = MOST_FIELDS

    @property
    def mimetype(self) -> str:
        """The kind of body: what nearly all providers write is known at sight."""
        return URLENCODED if self.environ.get("CONTENT_TYPE") == URLENCODED else super().mimetype

    def _load_form_data(self) -> None:
        """Keep the form; what is no UTF-8 in it is replaced, where Werkzeug would drop the whole form."""
        if "form" in self.__dict__ or self.mimetype != URLENCODED:
            super()._load_form_data()
            return
        text = self._whole_body().decode("utf-8", "replace")
        self.__dict__.update(form=ImmutableMultiDict(pairs(text)), files=ImmutableMultiDict())

    def _whole_body(self) -> bytes:
        """Read the body at once where its length is told, and by Werkzeug's guarded stream where it is not."""
        environ = self.environ
        told = environ.get("CONTENT_LENGTH", "")
        if "wsgi.input_terminated" not in environ and told.isdecimal() and int(told) <= MOST_BYTES:
            return exactly(environ["wsgi.input"], int(told))
        body = self.stream.read()
        self.stream.read(1)  # a chunked body is cut at the limit in silence; asking for more says that it was too long
        return body


def exactly(stream: IO[bytes], length: int) -> bytes:
    """Read so many bytes; raise ClientDisconnected when there are fewer."""
    body = stream.read(length)
    while len(body) < length:
        more = stream.read(length - len(body))
        if not more:
            raise ClientDisconnected
        body += more
    return body


def pairs(text: str) -> list[tuple[str, str]]:
    """Return the fields of a url-encoded form in their order, the empty ones too."""
    parts = text.split("&")
    if len(parts) > MOST_FIELDS:
        raise BadRequest("The form has too many fields.")
    split = [part.partition("=") for part in parts if part]
    return [(decoded(name), decoded(value)) for name, _, value in split]


def decoded(text: str) -> str:
    """Undo the encoding of one name or value; most need none."""
    if "%" in text or "+" in text:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")
    return text


class Refusals:
    """Counts what was refused, and tells about it at most once a minute per kind and channel."""

    def __init__(self, note: Callable[[str, str], None], monotonic: Callable[[], float]) -> None:
        self.note = note
        self.monotonic = monotonic
        self.lock = Lock()
        self.since: Counter[tuple[str, str]] = Counter()
        self.noted: dict[tuple[str, str], float] = {}

    def add(self, kind: str, target: Target) -> None:
        """Count one, and note them when the last note is old enough; a note that fails is left."""
        key, now = (kind, target.channel.name), self.monotonic()
        with self.lock:
            self.since[key] += 1
            if now - self.noted.get(key, -REFUSALS_EVERY) < REFUSALS_EVERY:
                return
            self.noted[key] = now
            count = self.since.pop(key)
        try:
            self.note(kind, f"{target.channel.name}/{target.route}: {count} since the last note")
        except AwalError as error:
            log.event("refusal-not-noted", ERROR, channel=target.channel.name, error=type(error).__name__)


class Lane:
    """The WSGI application. `note(kind, detail)` keeps an event for the operator; `took` hears seconds."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        conversations: Conversations,
        *,
        note: Callable[[str, str], None] = lambda kind, detail: None,  # noqa: ARG005
        monotonic: Callable[[], float] = time.monotonic,
        took: Callable[[float], None] = lambda seconds: None,  # noqa: ARG005
    ) -> None:
        self.channels = channels
        self.conversations = conversations
        self.refusals = Refusals(note, monotonic)
        self.took = took

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request and log it by channel, route and status: no number, no text, no secret."""
        begun = time.perf_counter()
        target = self.target(environ)
        response = self.respond(InboundRequest(environ), target) if target else plain(404, "There is nothing here.")
        seconds = time.perf_counter() - begun
        self.took(seconds)
        log.event(
            "inbound",
            channel=target.channel.name if target else "-",
            route=target.route if target else "-",
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )
        return response(environ, start_response)

    def target(self, environ: WSGIEnvironment) -> Target | None:
        """Return what the path names, or None: an unknown channel and an unknown route look the same."""
        _, _, rest = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}".partition("/in/")
        name, *between, last = rest.split("/") if "/" in rest else (rest, "")
        channel = self.channels.get(name)
        if channel is None or len(between) > channel.secret_in_path:
            return None
        routes = [route for route in channel.routes if route == last]
        return Target(channel, routes[0], "".join(between)) if routes else None

    def respond(self, request: Request, target: Target) -> Reply | Response:
        """Verify and translate; hand over what came; choose the status."""
        channel, route = target.channel, target.route
        if request.method not in channel.methods:
            return plain(405, "Wrong method.", Allow=", ".join(channel.methods))
        try:
            events = channel.open(request, route, target.secret)
        except Refused:
            self.refusals.add("refused-request", target)
            return plain(403, "Refused.")
        except BadRequest as error:
            return plain(400, str(error))
        except HTTPException as error:
            return plain(error.code or 400, error.name)
        except Exception as error:  # nothing a stranger can send may end in a stack trace
            return fault(target, error)
        return self.hand_over(target, events)

    def hand_over(self, target: Target, events: list[Received | Receipt | Ended]) -> Reply | Response:
        """Give each event to the conversations and answer with the last body."""
        body = b""
        for event in events:
            try:
                body = self.give(target.channel, event)
            except Exception as error:
                if isinstance(event, Received) and event.bearer == "ussd":
                    body = self.sorry(target, event, error)
                elif isinstance(error, ForeignSession):
                    self.refusals.add("foreign-session", target)
                    return plain(403, "Refused.")
                else:
                    return fault(target, error)
        return target.channel.reply(body)

    def give(self, channel: Channel, event: Received | Receipt | Ended) -> bytes:
        """Hand one event to the conversations."""
        match event:
            case Received():
                return self.conversations.take(channel, event)
            case Receipt():
                self.conversations.receipt(channel, event)
            case Ended():
                self.conversations.ended(channel, event)
        return b""

    def sorry(self, target: Target, received: Received, error: Exception) -> bytes:
        """Return the screen that ends a USSD session we could not serve, or will not: it came from another phone."""
        if isinstance(error, ForeignSession):
            self.refusals.add("foreign-session", target)
        else:
            report(target, error)
        try:
            slow = isinstance(error, StoreBusy)
            text = self.conversations.again(received) if slow else self.conversations.apology(received)
        except Exception as second:
            report(target, second)
            text = SORRY
        return target.channel.render_ussd(text, ends=True)


def fault(target: Target, error: Exception) -> Response:
    """Answer that we could not keep it, so that the provider sends it again."""
    report(target, error)
    return plain(503, "Not kept. Try again later.", **{"Retry-After": str(RETRY_AFTER)})


def report(target: Target, error: Exception) -> None:
    """Log where our fault arose. Its text is left out unless it is ours: others' may quote the request."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
    told = str(error) if isinstance(error, AwalError) else type(error).__name__
    log.event("inbound-fault", ERROR, channel=target.channel.name, route=target.route, at=where, error=told)


def plain(status: int, text: str, **headers: str) -> Response:
    """Return a short answer for the provider's log."""
    return Response(f"{text}\n", status=status, headers=headers, content_type="text/plain; charset=utf-8")
