"""One inbound between the adapter and the store: what is asked of the store, how it is decided, how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from gateway.channels.base import Channel, ForeignSession, Received
from gateway.intake import Stale
from gateway.persons import holds_code, sms_session
from storage.errors import StoreBusy
from storage.store import Accepted, Change, Dialogue
from storage.turns import Asked, Instead

if TYPE_CHECKING:
    from gateway.conversation import Conversations


class Taking:
    """One inbound on its way through the store: what is asked of it, how it is decided, how it ended."""

    __slots__ = ("asked", "change", "channel", "conversations", "received")

    def __init__(self, conversations: Conversations, channel: Channel, received: Received) -> None:
        citizen = conversations.phones.pseudonym(received.sender)
        session = received.session
        if conversations.persons is not None:
            if received.bearer == "sms":
                session = sms_session(citizen)
            elif received.path and holds_code(received.path):  # the provider's id may be made of all that was typed
                received = replace(received, external_id=conversations.phones.veiled(received.external_id))
        self.asked = Asked(channel.name, received.external_id, citizen, session)
        self.conversations = conversations
        self.channel = channel
        self.received = received
        self.change: Change | None = None

    def decide(self, read: Dialogue) -> Change | bytes | Instead:
        """Return what the inbound changes, or what was answered to it before; on a shared phone, first who speaks."""
        persons = self.conversations.persons
        spoken = persons.turn(self.channel, self.received, self.asked, read) if persons is not None else ""
        if not spoken:
            return self._decided(read)
        if isinstance(spoken, str):
            person = spoken
            return Instead(replace(self.asked, citizen=person), lambda other: self._decided(other, person))
        self.change = spoken
        return spoken

    def _decided(self, read: Dialogue, person: str = "") -> Change | bytes:
        self.change = None
        if read.foreign:
            raise ForeignSession(self.received.external_id)
        if read.reply is not None:
            return read.reply or self.conversations.forgotten(self.channel, self.received)
        try:
            self.change = change = self.conversations.change(self.channel, self.received, read, person)
        except Stale as stale:
            return stale.reply
        if not person:
            self.conversations.remember(self.asked.citizen, change.citizen.language)
        return change

    def kept(self, accepted: Accepted) -> bytes:
        """Return the body to answer; raises StoreBusy where nothing was kept because others were first."""
        if accepted.outcome == "conflict":
            raise StoreBusy("this citizen's conversation is being moved by others; the provider may try again")
        if self.change is not None and self.change.outbound:
            self.conversations.sent()
        if self.change is not None and self.change.erase:
            self.conversations.phones.forget()
        return accepted.reply

    def ended(self, outcome: Accepted | Exception) -> bytes | Exception:
        """Return the body to answer, or why there is none."""
        if isinstance(outcome, Exception):
            return outcome
        try:
            return self.kept(outcome)
        except StoreBusy as busy:
            return busy
