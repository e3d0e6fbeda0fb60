"""The webhook lane: what `/in/…` answers, in front of Flask and independent of it.

    /in/{channel}/{secret}/{route}      a secret in the path
    /in/{channel}/{route}               signed requests

The status is chosen for the provider's retry logic: refused 403, senseless 400, too long 413, our fault 503. A citizen
on USSD never sees one of these: once the request is verified and its session and phone are sound, the answer is 200
with a screen, be it an apology. 200 goes out only after the conversations have committed. `Lane` is a WSGI application;
`gateway.front` asks it the same things where nobody need wait.
"""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from logging import ERROR
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from flows.errors import AwalError
from gateway import log
from gateway.channels.base import BadRequest, Channel, Ended, ForeignSession, Receipt, Received, Refused, Reply, Route
from gateway.envelope import MOST_BYTES as MOST_BYTES
from gateway.request import InboundRequest as InboundRequest
from gateway.request import arrived
from gateway.request import pairs as pairs
from storage.errors import StoreBusy
from storage.turns import Soon

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

RETRY_AFTER = 10
"""Seconds after which a provider may try again what we could not keep."""
REFUSALS_EVERY = 60.0
"""Seconds between two notes about refused requests of one channel: a flood of them writes one line."""
SORRY = "Service indisponible. الخدمة غير متاحة. Réessayez plus tard."
"""The last words where even the apology in the citizen's language cannot be had; fits one UCS-2 screen."""


class Conversations(Protocol):
    """What takes the inbounds: `gateway.conversation.Conversations`."""

    def take(self, channel: Channel, received: Received) -> bytes:
        """Keep an inbound, then return the body to answer; empty for SMS."""

    def hands_over(self, received: Received) -> bool:
        """Tell whether `hand_over` takes it; what it does not take may make its caller wait."""

    def hand_over(
        self,
        channel: Channel,
        received: Received,
        told: Callable[[bytes | Exception], None],
        soon: Soon | None = None,
    ) -> None:
        """Do the same without making the caller wait; `told` hears the body, or the error."""

    def receipt(self, channel: Channel, receipt: Receipt) -> None:
        """Keep a delivery report."""

    def ended(self, channel: Channel, ended: Ended) -> None:
        """Keep the end of a USSD session."""

    def again(self, received: Received) -> str:
        """Return the words that ask to dial again, in the citizen's language where it is known."""

    def apology(self, received: Received) -> str:
        """Return the words for a citizen we could not serve, in their language where it is known."""


class Target(Struct, frozen=True, gc=False):
    """What a path names: a channel, one of its routes, and the secret it carried."""

    channel: Channel
    route: Route
    secret: str

    def __repr__(self) -> str:
        """Show no secret."""
        return f"Target(channel={self.channel.name!r}, route={self.route!r})"


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

    arrived = staticmethod(arrived)
    """Makes the request where there is no environ yet."""

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
        """Answer one request."""
        begun = time.perf_counter()
        target = self.target(f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}")
        if target is None:
            response: Reply | Response = self.nothing()
        else:
            opened = self.open(InboundRequest(environ), target)
            response = self.hand_over(target, opened) if isinstance(opened, list) else opened
        self.note(target, response, begun)
        return response(environ, start_response)

    def target(self, path: str) -> Target | None:
        """Return what a path names, or None: an unknown channel and an unknown route look the same."""
        _, _, rest = path.partition("/in/")
        name, *between, last = rest.split("/") if "/" in rest else (rest, "")
        channel = self.channels.get(name)
        if channel is None or len(between) > channel.secret_in_path:
            return None
        routes = [route for route in channel.routes if route == last]
        return Target(channel, routes[0], "".join(between)) if routes else None

    def nothing(self) -> Response:
        """Answer that a path opens nothing."""
        return plain(404, "There is nothing here.")

    def note(self, target: Target | None, response: Reply | Response, begun: float) -> None:
        """Log one request by channel, route and status: no number, no text, no secret."""
        seconds = time.perf_counter() - begun
        self.took(seconds)
        log.event(
            "inbound",
            channel=target.channel.name if target else "-",
            route=target.route if target else "-",
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )

    def open(self, request: InboundRequest, target: Target) -> list[Received | Receipt | Ended] | Response:
        """Verify and translate; return what came, or the answer to what is refused."""
        channel, route = target.channel, target.route
        if request.method not in channel.methods:
            return plain(405, "Wrong method.", Allow=", ".join(channel.methods))
        try:
            return channel.open(request, route, target.secret)
        except Refused:
            self.refusals.add("refused-request", target)
            return plain(403, "Refused.")
        except BadRequest as error:
            return plain(400, str(error))
        except HTTPException as error:
            return plain(error.code or 400, error.name)
        except Exception as error:  # nothing a stranger can send may end in a stack trace
            return fault(target, error)

    def hand_over(self, target: Target, events: Sequence[Received | Receipt | Ended]) -> Reply | Response:
        """Give each event to the conversations and answer with the last body."""
        answer: Reply | Response = target.channel.reply(b"")
        for event in events:
            outcome: bytes | Exception
            try:
                outcome = self.give(target.channel, event)
            except Exception as error:  # the answer says whose fault it was
                outcome = error
            answer = self.answer(target, event, outcome)
            if answer.status_code != HTTPStatus.OK:
                break
        return answer

    def answer(self, target: Target, event: Received | Receipt | Ended, outcome: bytes | Exception) -> Reply | Response:
        """Return the answer to an event that was kept, with this body, or failed."""
        if not isinstance(outcome, Exception):
            return target.channel.reply(outcome)
        if isinstance(event, Received) and event.bearer == "ussd":
            return target.channel.reply(self.sorry(target, event, outcome))
        if isinstance(outcome, ForeignSession):
            self.refusals.add("foreign-session", target)
            return plain(403, "Refused.")
        return fault(target, outcome)

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
