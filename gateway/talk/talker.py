"""One simulated citizen, in memory: the real conversation transaction on a store that forgets, no HTTP, no network."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from flows.model import Bearer, Flow, Value
from flows.texts import Texts
from gateway.channels.base import Received, Settings
from gateway.channels.simulator import Simulator
from gateway.conversation import Conversations
from gateway.library import Library
from gateway.phones import Phones
from storage.memory import MemoryStore
from storage.store import Citizen

PHONE = "+212600000001"
MORNING = 1_767_261_600_000
"""Where the clock of a talk begins: 1 January 2026, 10:00 UTC."""


class Talker:
    """Dials, replies, loses the session, waits. `screen` is what the phone shows; `ended` says nothing is awaited.

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
        now: int = MORNING,
    ) -> None:
        self.bearer = bearer
        self.phone = phone
        self.now = now
        self.screen = ""
        self.ended = False
        self.opens = opens
        self._count = 0
        self._session = 0
        self._last: Received | None = None
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
            within="",
            languages=library.languages,
        )
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

    def repeat(self) -> None:
        """Let the provider deliver the last inbound a second time."""
        if self._last is not None:
            self._deliver(self._last)

    def drop(self) -> None:
        """Lose the USSD session; the next `start` dials again."""
        self.screen, self.ended = "", False

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds * 1000)

    def switch(self, bearer: Bearer) -> None:
        """Go on over the other bearer."""
        self.bearer = bearer

    # what came of it -------------------------------------------------------------------------------------------
    def answers(self) -> dict[str, Value]:
        """Return the answers kept, by step."""
        return {row.step: row.value for row in self.store.answers()}

    # how it works ----------------------------------------------------------------------------------------------
    def _keyword(self) -> str:
        flow = self.library.first(self.opens)
        return flow.keywords[0] if flow.keywords else flow.id

    def _send(self, text: str, *, opens: bool = False) -> None:
        self.now += 1000
        self._count += 1
        ussd = self.bearer == "ussd"
        received = Received(
            channel="talk",
            bearer=self.bearer,
            external_id=str(self._count),
            sender=self.phone,
            text=text,
            session=f"session-{self._session}" if ussd else "",
            opens=opens and ussd,
        )
        self._last = received
        self._deliver(received)

    def _deliver(self, received: Received) -> None:
        body = self.conversations.take(self.channel, received)
        if received.bearer == "ussd":
            verb, _, self.screen = body.decode().partition(" ")
            self.ended = verb == "END"
        else:
            rows = self.store.outbox(citizen=self.citizen, limit=1)
            self.screen = rows[0].text if rows else ""
            self.ended = self.store.dialogue("talk", "", self.citizen).current is None
