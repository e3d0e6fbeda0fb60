"""Channels that fetch what citizens send, or hold a link open: a modem, an SMSC bind. They have no webhook.

`start` is called once the gateway is ready, with the door to the conversation transaction; `close` ends it. What
`hand` returns for an SMS is on disk; where it raises, the message must stay where it came from and be handed again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from logging import ERROR
from typing import TYPE_CHECKING, ClassVar, Protocol

from flows.errors import AwalError
from gateway import log
from gateway.channels.base import (
    BadRequest,
    Channel,
    Ended,
    ForeignSession,
    Receipt,
    Received,
    Refused,
    Route,
)
from storage.errors import StoreBusy

if TYPE_CHECKING:
    from werkzeug.wrappers import Request


class Door(Protocol):
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


class LiveChannel(Channel):
    """The base of an adapter without webhooks: nothing can reach it from outside, so nothing is verified here."""

    routes: ClassVar[tuple[Route, ...]] = ()
    secret_in_path = False
    door: Door | None = None
    has_link = True
    remedy: ClassVar[str] = "Run `awal doctor` again once the gateway is running, and see its log."
    last_message = ""
    """When a citizen was last heard on it, in this process; ISO 8601."""

    def start(self, door: Door) -> None:
        """Begin to receive, in threads of its own; subclasses extend it. A second call changes nothing."""
        self.door = door

    def hand(self, event: Received | Receipt | Ended) -> bytes:
        """Hand one event over and return the body to answer.

        USSD always gets a screen, be it an apology. For anything else an error is raised: it was not kept.
        """
        if self.door is None:
            raise AwalError(f"Channel {self.name} was not started.")
        match event:
            case Receipt():
                self.door.receipt(self, event)
            case Ended():
                self.door.ended(self, event)
            case Received():
                answer = self._screen(self.door, event) if event.bearer == "ussd" else self.door.take(self, event)
                self.last_message = datetime.now(UTC).isoformat(timespec="seconds")
                return answer
        return b""

    def _screen(self, door: Door, received: Received) -> bytes:
        try:
            return door.take(self, received)
        except Exception as error:  # whatever it was, the citizen gets a screen and the operator a line
            foreign = isinstance(error, ForeignSession)
            told = str(error) if isinstance(error, AwalError) else type(error).__name__
            log.event("foreign-session" if foreign else "inbound-fault", ERROR, channel=self.name, error=told)
            words = door.again if isinstance(error, StoreBusy) else door.apology
            return self.render_ussd(words(received), ends=True)

    def verify(self, request: Request, route: Route, secret: str) -> None:  # noqa: ARG002
        """Refuse: this channel has no address."""
        raise Refused("This channel takes no requests.")

    def parse(self, request: Request, route: Route) -> list[Received | Receipt | Ended]:  # noqa: ARG002
        """Refuse: this channel has no address."""
        raise BadRequest("This channel takes no requests.")
