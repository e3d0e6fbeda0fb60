"""What an inbound means before the engine sees it: which inputs it carries, and which conversation they belong to.

No store and no clock here: it decides on what `Store.dialogue` has read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from flows.engine import step
from flows.model import Ask, Flow
from flows.texts import Texts
from flows.types import Conversation, Inbound
from gateway.calls import wished
from gateway.channels.base import Channel, ForeignSession, Received
from gateway.ids import uuid7
from gateway.library import Library
from locales.folding import fold
from storage.store import Citizen, Dialogue, Saved, Session

HIDDEN = "#"
"""Stands before the length of a session's inputs, where they are not kept themselves."""


class Stale(Exception):
    """The request is older than what the session has already sent; `reply` is its current screen."""

    def __init__(self, reply: bytes) -> None:
        super().__init__()
        self.reply = reply


class Opening(Struct, frozen=True, gc=False):
    """The flow and conversation that take the inputs; `base` is the revision read (0 when new)."""

    flow: Flow
    state: Conversation
    inputs: tuple[Inbound, ...]
    base: int = 0
    closes: str = ""
    reopens: bool = False
    """A late reply takes up what was closed as partial."""

    @property
    def told(self) -> str:
        """The language that a new conversation begins in: remembered, or told by the keyword; empty when it goes on."""
        return "" if self.base else self.state.language


def session_inputs(received: Received, session: Session | None, citizen: str) -> tuple[str | None, ...]:
    """Return what a USSD request adds to its session: None stands for the dial, a text for each reply.

    Africa's Talking sends all inputs so far, joined by `*`, which a citizen may type too: only what follows the
    known prefix is new, as one reply. A first request with inputs is a direct dial (`*384*1*2#`): one reply each.
    """
    if session is None:
        path = received.path if received.path is not None else received.text
        return (None, *path.split("*")) if path else (None,)
    if session.citizen != citizen:
        raise ForeignSession(received.session)
    if session.closed:
        raise Stale(session.reply)
    added = received.text if received.path is None else _added(received.path, session)
    # Somebody else has just taken the phone: whatever they press, they begin where they stand.
    dials = (received.path is None and received.opens) or not session.conversation
    return (None if dials else added,)


def _added(path: str, session: Session) -> str:
    """Return what a cumulative text adds to the one before; of a private session only the length is known."""
    known = session.path
    if known.startswith(HIDDEN):
        length = int(known.removeprefix(HIDDEN))
        if path[length : length + 1] != "*":
            raise Stale(session.reply)
        return path[length + 1 :]
    before = f"{known}*" if known else ""
    if not path.startswith(before) or path == known:
        raise Stale(session.reply)
    return path.removeprefix(before)


def own_sms(channel: Channel, number: str) -> str:  # noqa: ARG001 - the shape of a carrier
    """Return the channel that carries an SMS to who wrote over `channel`: itself, where it can; else none."""
    return channel.name if "sms" in channel.bearers else ""


class Intake:
    """Finds the conversation that an inbound belongs to, or begins one.

    `carrier` names the channel by which an SMS reaches a citizen who dialled another; empty where there is none.
    """

    def __init__(
        self,
        library: Library,
        texts: Texts,
        within: str,
        carrier: Callable[[Channel, str], str] = own_sms,
        new_id: Callable[[int], str] = uuid7,
    ) -> None:
        self.library = library
        self.texts = texts
        self.within = within
        self.carrier = carrier
        self.new_id = new_id

    def open(
        self,
        channel: Channel,
        received: Received,
        citizen: Citizen,
        dialogue: Dialogue,
        now: datetime,
        late: Saved | None = None,
    ) -> Opening:
        """Return what takes this inbound; `late` is what a late reply by SMS may take up again."""
        if received.bearer == "ussd":
            session = dialogue.session
            private = session is not None and session.person == citizen.pseudonym
            owner = session.citizen if private and session else citizen.pseudonym
            texts = session_inputs(received, session, owner)
            sms = not private and bool(self.carrier(channel, received.sender))
            inputs = tuple([self.inbound(channel, "ussd", text, sms=sms) for text in texts])
            return self._dialled(channel, citizen, dialogue, inputs, now)
        if received.call:
            return self._called(channel, citizen, dialogue, now)
        opening = self._texted(channel, received.text, citizen, dialogue, now)
        return (late and not opening.base and self._taken_up(late, opening, now)) or opening

    def inbound(self, channel: Channel, bearer: str, text: str | None, *, sms: bool = False) -> Inbound:
        """Return one input for the engine; no text is a start. `sms`: an SMS reaches who dialled."""
        return Inbound(
            bearer="ussd" if bearer == "ussd" else "sms",
            event="start" if text is None else "reply",
            text=text or "",
            limits=channel.limits,
            within=self.within,
            sms=sms,
        )

    def _dialled(
        self, channel: Channel, citizen: Citizen, dialogue: Dialogue, inputs: tuple[Inbound, ...], now: datetime
    ) -> Opening:
        flow = self.library.first(channel.settings.flow)
        going = self._going(dialogue, now)
        if going and (inputs[0].event == "reply" or self._comes_back(going)):
            return self._goes_on(going, inputs, dialogue)
        if inputs[0].event == "reply":
            inputs = (replace(inputs[0], event="start", text=""),)
        return self._begins(flow, citizen, dialogue, inputs, now)

    def _texted(self, channel: Channel, text: str, citizen: Citizen, dialogue: Dialogue, now: datetime) -> Opening:
        """An SMS is a keyword, or a reply to what is open; the open question goes first where it understands."""
        going = self._going(dialogue, now)
        reply = self.inbound(channel, "sms", text)
        flow, ahead = self._meant(text, asked=bool(going and going[1].flow))
        if going and (flow is None or self._understood(going, reply, now, alone=not ahead)):
            return self._goes_on(going, (reply,), dialogue)
        if flow is None:
            return self._begins(self.library.home, citizen, dialogue, (reply,), now)
        start = replace(self.inbound(channel, "sms", None), ahead=ahead)
        if going and not ahead and going[1].flow == flow.id and self._comes_back(going):
            return self._goes_on(going, (start,), dialogue)
        told = self.library.told_language(text.removesuffix(" ".join(ahead)), flow)
        return self._begins(flow, citizen, dialogue, (start,), now, told)

    def _taken_up(self, late: Saved, opening: Opening, now: datetime) -> Opening | None:
        """Return the conversation that a late reply answers; None for a keyword, and what it does not understand."""
        flow = self.library.pinned(late.state.flow_hash)
        if flow is None or opening.flow is not self.library.home:
            return None
        state = replace(late.state, status="active")
        if not self._understood((flow, state), opening.inputs[0], now, alone=False):
            return None
        return Opening(flow, state, opening.inputs, late.revision, reopens=late.state.status == "partial")

    def _called(self, channel: Channel, citizen: Citizen, dialogue: Dialogue, now: datetime) -> Opening:
        """A call goes on with what is open, or opens the channel's flow."""
        start, going = self.inbound(channel, "sms", None), self._going(dialogue, now)
        if going and self._comes_back(going):
            return self._goes_on(going, (start,), dialogue)
        return self._begins(wished(channel, self.library) or self.library.home, citizen, dialogue, (start,), now)

    def _meant(self, text: str, *, asked: bool) -> tuple[Flow | None, tuple[str, ...]]:
        """Return the flow that a text starts, and the replies that came with its keyword.

        While a flow asks a question, only numbers after a keyword start one anew: `Eau coupée` may be an answer.
        """
        flow = self.library.by_keyword(text)
        found = self.library.by_first_words(text) if flow is None else None
        if found is None or (asked and not fold(found[1][0]).isdigit()):
            return flow, ()
        return found

    def _going(self, dialogue: Dialogue, now: datetime) -> tuple[Flow, Conversation] | None:
        """Return the open conversation and its own flow version, unless it has waited too long."""
        if dialogue.current is None:
            return None
        state = dialogue.current.state
        flow = self.library.pinned(state.flow_hash)
        asked_at, said = dialogue.current.asked_at, state.updated_at
        if asked_at:
            said = max(said, datetime.fromtimestamp(asked_at / 1000, UTC))
        if flow is None or (now - said).total_seconds() > flow.resume:
            return None
        return flow, state

    def _comes_back(self, going: tuple[Flow, Conversation]) -> bool:
        """Tell whether a new dial takes the conversation up again: it had begun, and it is no mere menu."""
        _, state = going
        return bool(state.flow) and state.status == "active"

    def _understood(self, going: tuple[Flow, Conversation], reply: Inbound, now: datetime, *, alone: bool) -> bool:
        """Tell whether a keyword is first of all an answer to the question that is open (an option `Eau`).

        To a question that takes any words, a keyword that stands `alone` is no answer, a sentence is.
        """
        flow, state = going
        asked = flow.steps[state.at] if state.phase == "steps" and state.at >= 0 else None
        if asked is None:
            return False
        if isinstance(asked, Ask) and asked.type == "text":
            return not alone
        turn = step(flow, state, reply, now, self.texts)
        return bool(turn.answers) or any(event.kind == "look-up" for event in turn.events)

    def _goes_on(self, going: tuple[Flow, Conversation], inputs: tuple[Inbound, ...], dialogue: Dialogue) -> Opening:
        flow, state = going
        return Opening(flow, state, inputs, dialogue.current.revision if dialogue.current else 0)

    def _begins(
        self,
        flow: Flow,
        citizen: Citizen,
        dialogue: Dialogue,
        inputs: tuple[Inbound, ...],
        now: datetime,
        told: str = "",
    ) -> Opening:
        remembered = citizen.language if citizen.language in flow.languages else ""
        state = Conversation(
            id=self.new_id(int(now.timestamp() * 1000)),
            bearer=inputs[0].bearer,
            flow="" if flow is self.library.home else flow.id,
            version=flow.version,
            flow_hash=flow.hash,
            language=remembered or told,
            consented=bool(citizen.consented_at),
            place=citizen.place,
            started_at=now,
            updated_at=now,
        )
        return Opening(flow, state, inputs, 0, dialogue.current.state.id if dialogue.current else "")
