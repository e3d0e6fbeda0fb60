"""A sender on a store with channels that answer as a test says, and a clock that only tests move."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace
from werkzeug.wrappers import Request

from flows.errors import AwalError
from gateway.channels.base import Channel, Ended, Receipt, Received, Route, Sendable, Sent, Settings
from gateway.sender import Sender
from gateway.sending.civil import Civil
from gateway.settings import Sending
from storage.store import OutboundRow, OutboxRow, Store

CASABLANCA = Civil("Africa/Casablanca")
NOW = 1_795_420_800_000


class Phones:
    """Sealed numbers that are no secret."""

    def unseal(self, sealed: bytes) -> str:
        if not sealed.startswith(b"+"):
            raise AwalError("a number cannot be opened: were the keys replaced?")
        return sealed.decode()


class Scripted(Channel):
    """A channel that answers as a test says, `accepted` when it says nothing."""

    type = "scripted"
    bearers = ("sms",)
    routes = ()

    def __init__(self, name: str = "sms", *answers: Sent | Exception, **limits: object) -> None:
        settings = {"retry_first": 5.0, "quiet_hours": "", **limits}
        super().__init__(Settings(name=name, type="scripted", **settings), "https://awal.example")
        self.answers = deque(answers)
        self.sent: list[Sendable] = []
        self.called = threading.Event()
        self.known: set[str] = set()
        """What it says it has, when it is asked."""
        self.during: Callable[[Sendable], None] = lambda message: None
        """What happens while a message is on its way."""

    def require(self) -> None:
        """Need nothing."""

    def verify(self, request: Request, route: Route, secret: str) -> None:
        """Trust everybody."""

    def parse(self, request: Request, route: Route) -> list[Received | Receipt | Ended]:
        return []

    def send(self, message: Sendable) -> Sent:
        self.sent.append(message)
        self.during(message)
        answer = self.answers.popleft() if self.answers else Sent("accepted", provider_id=f"p-{message.id}")
        self.called.set()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def status(self, id: str) -> Sent | None:
        return Sent("accepted", provider_id=f"known-{id}") if id in self.known else None


@dataclass
class Bench:
    """A store, a sender with the largest jitter, and a clock that only tests move."""

    store: Store
    channels: dict[str, Channel]
    now: int = NOW
    rules: Sending = field(default_factory=Sending)
    sender: Sender = field(init=False)

    def __post_init__(self) -> None:
        self.sender = self.restarted()

    def restarted(self) -> Sender:
        """Return a new sender on the same store, as after a crash."""
        self.sender = Sender(
            self.store, self.channels, Phones(), lambda: self.now, jitter=lambda: 1.0, poll=0.01, rules=self.rules
        )
        return self.sender

    def at(self, civil: str) -> None:
        """Move the clock to a civil time in Morocco, `2026-11-23 20:59`."""
        self.now = int(datetime.fromisoformat(civil).replace(tzinfo=CASABLANCA.zone).timestamp() * 1000)

    def queue(
        self,
        id: str,
        channel: str = "sms",
        citizen: str = "",
        recipient: bytes = b"+212661234567",
        **more: object,
    ) -> None:
        """Queue a message of one segment now."""
        row = OutboundRow(
            id=id,
            citizen=citizen or f"c-{id}",
            channel=channel,
            recipient=recipient,
            text=f"Merci {id}",
            encoding="gsm7",
            segments=1,
            created_at=self.now,
        )
        assert self.store.enqueue([replace(row, **more)]) == 1

    def run(self) -> int:
        """Send until nothing is due."""
        total = 0
        while taken := self.sender.run_once(self.now):
            total += taken
        return total

    def row(self, id: str) -> OutboxRow:
        return next(row for row in self.store.outbox(limit=1000) if row.id == id)

    def events(self) -> list[tuple[str, str]]:
        return [(kind, detail) for _, kind, detail in self.store.events()]
