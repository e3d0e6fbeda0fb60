"""The rows of one change: an inbound, what it answered, and what it shows, ready for the store."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from flows.encoding import measure, sms_safe
from gateway.channels.base import Channel, Received
from gateway.ids import uuid7
from gateway.intake import HIDDEN, Opening
from gateway.outcome import Outcome
from gateway.phones import Phones
from storage.consents import Consent
from storage.store import AnswerRow, Change, Citizen, Dialogue, InboundRow, OutboundRow, Session

MOST_WORDS = 200
"""The signs of a citizen's words that are kept with a proof."""


class Draft(Struct, frozen=True, gc=False):
    """One inbound on its way into the store."""

    channel: Channel
    received: Received
    read: Dialogue
    opening: Opening
    outcome: Outcome
    phones: Phones
    now: int
    zone: ZoneInfo
    carrier: str = ""
    """The channel that carries SMS to a citizen who dialled."""
    resume: int = 86_400
    """Seconds for which the conversation can be taken up again: no later is its question worth sending."""
    day: str = ""
    """What it has for a day while the clock is not known; empty: the civil day of `now`."""

    keeps: bool = True
    """Whether a campaign may reach later who begins now."""
    look: int = 0
    """Milliseconds after which a conversation that begins is first looked after; 0 for never."""
    before: Citizen | None = None
    """The citizen as known until now; None looks at the number."""
    person: str = ""
    """Who speaks, on a phone that others have too."""

    def change(self) -> Change:
        """Return everything this inbound changes, to be kept whole or not at all."""
        inbound, outcome = uuid7(self.now), self.outcome
        before = self.before or self.read.citizen or Citizen(self.phones.pseudonym(self.received.sender))
        citizen = outcome.citizen(before, self.now, self.opening.told)
        state = outcome.state
        texts = [sms_safe(screen.text) for screen in outcome.screens]
        reply = self._screen(texts)
        begins = not self.opening.base or self.opening.reopens
        reach = self._reach(before, citizen)
        waits = begins and bool(self.look) and state.status == "active" and not outcome.erased
        return Change(
            inbound=self._inbound(inbound, citizen, state.id),
            reply=reply,
            citizen=citizen,
            conversation=state,
            base=self.opening.base,
            channel=self.channel.name,
            day=self.day,
            closes=self.opening.closes,
            recipient=(reach or self.phones.seal(self.received.sender)) if waits and not self.person else b"",
            due_at=self.now + self.look if waits else 0,
            reopens=self.opening.reopens,
            answers=self._answers(citizen, state.id),
            forget_answers=outcome.restarted,
            withdrawn=tuple(outcome.withdrawn),
            outbound=self._outbound(texts, inbound, citizen, state.id),
            session=self._session(citizen, state.id, reply),
            fallbacks=outcome.fallbacks,
            events=outcome.logged,
            consents=self._proofs(before, citizen, inbound),
            reach=reach,
            erase=outcome.erased,
        )

    def _reach(self, before: Citizen, citizen: Citizen) -> bytes:
        """Return the sealed number for campaigns: of who agrees, or has agreed and begins, on their own phone."""
        agrees = citizen.consented_at != before.consented_at
        begins = bool(citizen.consented_at) and not self.opening.base and not self.received.call
        if not self.keeps or self.outcome.erased or not (agrees or begins):
            return b""
        return b"" if self.person else self.phones.seal(self.received.sender)

    def _screen(self, texts: list[str]) -> bytes:
        """Return the body for the provider: a USSD screen; an SMS is answered from the outbox, never here."""
        if self.received.bearer == "sms":
            return self.channel.render_call() if self.received.call else b""
        return self.channel.render_ussd("\n".join(texts), self.outcome.ends)

    def _inbound(self, id: str, citizen: Citizen, conversation: str) -> InboundRow:
        received = self.received
        return InboundRow(
            id=id,
            channel=self.channel.name,
            external_id=received.external_id,
            citizen=citizen.pseudonym,
            bearer=received.bearer,
            text=self._text(),
            received_at=self.now,
            session=received.session,
            sent_at=received.sent_at,
            conversation=conversation,
        )

    def _text(self) -> str:
        """Return the words to keep: all of a session's where the provider sends all, but never one that was a code."""
        received = self.received
        if received.path is None:
            return received.text
        return self.opening.inputs[-1].text if self._hides else received.path

    @property
    def _hides(self) -> bool:
        """Whether a code was given in this session, so that what was typed in it is not kept whole."""
        session = self.read.session
        hidden = session is not None and session.path.startswith(HIDDEN)
        return hidden or bool(self.person) or (self.received.path or "").startswith(HIDDEN)

    def _answers(self, citizen: Citizen, conversation: str) -> list[AnswerRow]:
        if not self.outcome.answers:
            return []
        state = self.outcome.state
        day = self.day or datetime.fromtimestamp(self.now / 1000, self.zone).date().isoformat()
        return [
            AnswerRow(
                id=uuid7(self.now),
                conversation=conversation,
                citizen=citizen.pseudonym,
                flow=state.flow,
                flow_version=state.version,
                flow_hash=state.flow_hash,
                step=answer.step,
                value=answer.value,
                raw=answer.raw,
                language=state.language,
                bearer=state.bearer,
                channel=self.channel.name,
                answered_at=self.now,
                day=day,
                place=state.place,
                free=answer.step in self.outcome.free,
            )
            for answer in self.outcome.answers.values()
        ]

    def _proofs(self, before: Citizen, citizen: Citizen, inbound: str) -> list[Consent]:
        """Return the proof of what the citizen agreed to, began again or stopped: when, where, in which words."""
        proven = self.outcome.proven(before)
        if not proven:
            return []
        words = self.opening.inputs[-1].text[:MOST_WORDS]
        return [
            Consent(citizen.pseudonym, self.now, act, self.channel.name, words, inbound, self.outcome.state.language)
            for act in proven
        ]

    def _outbound(self, texts: list[str], inbound: str, citizen: Citizen, conversation: str) -> list[OutboundRow]:
        """Return what is sent by SMS: the screens to who wrote one, and to who dialled what does not end with USSD."""
        if self.received.bearer == "ussd":
            messages = [sms_safe(text) for text in self.outcome.messages] if self.carrier else []
            return [self._message(text, inbound, citizen, conversation, self.carrier) for text in messages]
        return [self._message(text, inbound, citizen, conversation, self.channel.name) for text in texts]

    def _message(self, text: str, inbound: str, citizen: Citizen, conversation: str, channel: str) -> OutboundRow:
        size = measure(text)
        asks = self.outcome.state.status == "active" and (bool(self.outcome.messages) or not self.outcome.ends)
        return OutboundRow(
            id=uuid7(self.now),
            citizen=citizen.pseudonym,
            channel=channel,
            recipient=self.phones.seal(self.received.sender),
            text=text,
            encoding=size.encoding,
            segments=size.segments,
            created_at=self.now,
            in_reply_to=inbound,
            not_after=self.now + self.resume * 1000 if asks else None,
            kind="question" if asks and not citizen.stopped_at else "reply",  # who said stop and asks is answered
            conversation=conversation,
        )

    def _session(self, citizen: Citizen, conversation: str, reply: bytes) -> Session | None:
        if self.received.bearer == "sms":
            return self._private_sms(conversation) if self.person else None
        before = self.read.session
        path = self.received.path or ""
        return Session(
            channel=self.channel.name,
            session=self.received.session,
            citizen=before.citizen if before and self.person else citizen.pseudonym,
            service=self.received.recipient,
            path=f"{HIDDEN}{len(path)}" if path and self._hides else path,
            reply=reply,
            conversation=conversation,
            opened_at=before.opened_at if before else self.now,
            closed=self.outcome.ends,
            person=self.person,
        )

    def _private_sms(self, conversation: str) -> Session | None:
        """Return how long a person goes on speaking by SMS: until their conversation ends, or nothing comes."""
        before = self.read.session
        if before is None:
            return None
        goes_on = self.outcome.state.status == "active"
        return replace(before, conversation=conversation, opened_at=self.now, person=self.person if goes_on else "")
