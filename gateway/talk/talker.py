"""One simulated citizen, in memory: the real conversation transaction on a store that forgets, no HTTP, no network."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from flows import engine
from flows.model import Bearer, Flow, Value
from flows.texts import Texts
from flows.types import Conversation, Inbound, Turn
from gateway.channels.base import Ended, Received, Settings
from gateway.channels.simulator import Simulator
from gateway.conversation import Conversations
from gateway.following import Follower
from gateway.intake import own_sms
from gateway.library import Library
from gateway.phones import Phones
from storage.memory import MemoryStore
from storage.store import Citizen

PHONE = "+212600000001"
MORNING = 1_767_261_600_000
"""Where the clock of a talk begins: 1 January 2026, 10:00 UTC."""
Step = Callable[[Flow, Conversation, Inbound, datetime, Texts], Turn]


class Taken(Struct, frozen=True):
    """An inbound that was delivered, and what it was answered."""

    received: Received
    body: bytes


class Talker:
    """Dials, replies, loses the session, waits. `screen` is what the phone shows; `ended` says nothing is awaited.
    `segments` is what was sent by SMS. `step` may be an engine that watches.

    With a `language` the citizen is known: they chose it and consented before. Without, it is the first contact.
    """

    def __init__(
        self,
        flows: Sequence[Flow],
        texts: Texts,
        *,
        opens: str = "",
        language: str = "",
        bearer: Bearer = "ussd",
        phone: str = PHONE,
        within: str = "",
        now: int = MORNING,
        step: Step = engine.step,
    ) -> None:
        self.bearer = bearer
        self.phone = phone
        self.now = now
        self.screen = ""
        self.ended = False
        self.opens = opens
        self.segments = 0
        self._count = 0
        self._session = 0
        self._begun = 0
        self._taken: list[Taken] = []
        self._sent: set[str] = set()
        self.messages: list[str] = []
        """Every SMS received, the oldest first."""
        key = base64.b64decode("A" * 43 + "=")
        phones = Phones(key, key)
        self.citizen = phones.pseudonym(phone)
        self.store = MemoryStore()
        library = Library(self.store, sorted({tag for flow in flows for tag in flow.languages}))
        library.serve(flows)
        self.library = library
        self.channel = Simulator(Settings(name="talk", type="simulator", secret="talk", flow=opens), "http://talk")  # noqa: S106
        self.conversations = Conversations(
            self.store,
            library,
            texts,
            phones,
            lambda: self.now,
            timezone="Africa/Casablanca",
            within=within,
            languages=library.languages,
            step=step,
            new_id=self._new_id,
        )
        channels = {"talk": self.channel}
        self.follower = Follower(self.store, library, texts, phones, channels, own_sms, "Africa/Casablanca")
        if language:
            self.store.remember(Citizen(self.citizen, language, consented_at=now))

    # what the citizen does -------------------------------------------------------------------------------------
    def start(self) -> None:
        """Dial the code, or send the flow's keyword by SMS."""
        self._session += 1
        self._send(self._keyword() if self.bearer == "sms" else "", opens=True)

    def reply(self, text: str) -> None:
        """Reply to the last screen."""
        self._send(text)

    def repeat(self) -> bool:
        """Let the provider deliver the last inbound a second time; tell whether it changed nothing, as it must."""
        return self._redeliver(1)

    def late(self, text: str = "") -> bool:
        """Let something older arrive after what is newer; False when it changed what it must not.

        Without a text it is the inbound before the last one, delivered again. With one it is a message that was on
        its way: over USSD in the session before, if there was one, whose screen nobody sees any more.
        """
        if not text:
            return self._redeliver(2)
        lost = self.bearer == "ussd" and self._session > 1
        shown = (self.screen, self.ended)
        received = self._received(text)
        self._deliver(replace(received, session=f"session-{self._session - 1}") if lost else received)
        if lost:
            self.screen, self.ended = shown
        return True

    def drop(self) -> None:
        """Lose the USSD session, as the provider tells; the next `start` dials again."""
        self.conversations.ended(
            self.channel, Ended(session=f"session-{self._session}", sender=self.phone, dropped=True)
        )
        self.screen, self.ended = "", False

    def wait(self, seconds: float) -> None:
        """Let time pass; whoever is silent meanwhile is told what a gateway tells, at decent hours."""
        until = self.now + int(seconds * 1000)
        while due := [one.due_at for one in self.store.awaited(until, 1)]:
            self.now = max(self.now, due[0])
            self.follower.look(self.now)
        self.now = until
        self._receive()

    def switch(self, bearer: Bearer) -> None:
        """Go on over the other bearer; by SMS the citizen reads what has come meanwhile."""
        self.bearer = bearer
        if bearer == "sms" and self.messages:
            self.screen, self.ended = self.messages[-1], self.over

    # what came of it -------------------------------------------------------------------------------------------
    @property
    def inbounds(self) -> int:
        """Count what the citizen has sent."""
        return len(self._taken)

    def answers(self) -> dict[str, Value]:
        """Return the answers kept, by step."""
        return {row.step: row.value for row in self.store.answers()}

    # how it works ----------------------------------------------------------------------------------------------
    def _keyword(self) -> str:
        flow = self.library.first(self.opens)
        return flow.keywords[0] if flow.keywords else flow.id

    def _new_id(self, _: int) -> str:
        """Return the id of a conversation: the same in each run of a test, and so its receipt number."""
        self._begun += 1
        return f"talk-{self._begun}"

    def _send(self, text: str, *, opens: bool = False) -> None:
        self._deliver(self._received(text, opens=opens))

    def _received(self, text: str, *, opens: bool = False) -> Received:
        self.now += 1000
        self._count += 1
        ussd = self.bearer == "ussd"
        return Received(
            channel="talk",
            bearer=self.bearer,
            external_id=str(self._count),
            sender=self.phone,
            text=text,
            session=f"session-{self._session}" if ussd else "",
            opens=opens and ussd,
        )

    def _deliver(self, received: Received) -> None:
        body = self.conversations.take(self.channel, received)
        self._taken.append(Taken(received, body))
        if received.bearer == "ussd":
            verb, _, self.screen = body.decode().partition(" ")
            self.ended = verb == "END"
            self._receive()
        else:
            self._receive()
            self.screen = self.messages[-1] if self.messages else ""
            self.ended = self.over

    @property
    def over(self) -> bool:
        """Tell whether no answer is awaited any more, over whatever bearer."""
        return self.store.dialogue("talk", "", self.citizen).current is None

    def _receive(self) -> None:
        """Take the SMS that are new, and count their segments."""
        rows = [row for row in self.store.outbox(citizen=self.citizen, limit=10) if row.id not in self._sent]
        self.segments += sum(row.segments for row in rows)
        self._sent.update(row.id for row in rows)
        self.messages += [row.text for row in reversed(rows)]

    def _redeliver(self, back: int) -> bool:
        """Deliver again what was delivered `back` inbounds ago; the same reply must come, and nothing else."""
        taken, before = self._taken[-back], (self.answers(), self.segments)
        body = self.conversations.take(self.channel, taken.received)
        self._receive()
        return body == taken.body and (self.answers(), self.segments) == before
