"""What the store takes and gives: citizens, sessions, inbounds, answers, one change, counts, and how writing goes.

Messages are in `storage.outgoing`, conversations that wait in `storage.following`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from flows.model import Bearer, Value
from flows.types import Conversation
from storage.consents import Consent
from storage.histogram import Spread
from storage.outgoing import OutboundRow


class Citizen(Struct, frozen=True, gc=False):
    """What is remembered of one citizen between conversations."""

    pseudonym: str
    language: str = ""
    consented_at: int = 0
    place: str = ""
    stopped_at: int = 0


class Session(Struct, frozen=True, gc=False):
    """A provider's USSD session: whose it is, what it has sent so far, and what was last shown."""

    channel: str
    session: str
    citizen: str
    service: str = ""
    path: str = ""
    """The cumulative text already taken (Africa's Talking sends the whole path each time)."""
    reply: bytes = b""
    conversation: str = ""
    """What is talked about in it. While that is open, it is of `person`, or of `citizen` where there is no person."""
    opened_at: int = 0
    closed: bool = False
    person: str = ""
    """Whose turn it is on a shared phone, while somebody has given a code; empty for the phone's own citizen."""


class Saved(Struct, frozen=True, gc=False):
    """A conversation as saved, with the row version that a later `accept` must still find (`revision`)."""

    state: Conversation
    revision: int
    asked_at: int = 0
    """When its citizen was last reminded of it; 0 for never."""


class Dialogue(Struct, frozen=True, gc=False):
    """All that is needed to take one inbound, read in one go."""

    citizen: Citizen | None = None
    session: Session | None = None
    current: Saved | None = None
    """The citizen's newest conversation whose state is `open`, if any."""
    reply: bytes | None = None
    """The stored reply, when this very inbound was taken before: send it again and change nothing."""
    foreign: bool = False
    """An inbound of this very id was taken from another citizen: there is nothing to keep and nothing to tell."""


class InboundRow(Struct, frozen=True, gc=False):
    """One inbound as kept. `external_id` is unique per channel for good."""

    id: str
    channel: str
    external_id: str
    citizen: str
    bearer: Bearer
    text: str
    received_at: int
    session: str = ""
    sent_at: int | None = None
    conversation: str = ""


class AnswerRow(Struct, frozen=True, gc=False):
    """One answer as kept; a later answer of the same conversation and step replaces it."""

    id: str
    conversation: str
    citizen: str
    flow: str
    flow_version: int
    flow_hash: str
    step: str
    value: Value
    raw: str
    language: str
    bearer: Bearer
    channel: str
    answered_at: int
    day: str
    place: str = ""
    """The conversation's place when read back, whenever it was answered."""
    free: bool = False
    """The citizen's own words, a phone number or a date: counted, but never tallied by value."""


class Change(Struct, frozen=True, kw_only=True, gc=False):
    """Everything one inbound changes. Applied whole or not at all."""

    inbound: InboundRow
    reply: bytes
    """The body to send to the provider now, and again on every repeat."""
    citizen: Citizen
    conversation: Conversation | None = None
    base: int = 0
    """The revision read in `Dialogue.current`; 0 for a new conversation."""
    channel: str = ""
    day: str = ""
    """What a new conversation has for a day while the clock is not known (`Undated.day`); empty: that of its start."""
    closes: str = ""
    """Id of an older open conversation that this one replaces; it becomes `expired`."""
    recipient: bytes = b""
    """The sealed number, kept while a conversation that begins, or is taken up again, waits for its citizen."""
    due_at: int = 0
    """When somebody first looks after it (`storage.following`); 0 leaves what is planned."""
    reopens: bool = False
    """A late reply takes a `partial` conversation up again: a conflict where a newer one has begun."""
    answers: Sequence[AnswerRow] = ()
    forget_answers: bool = False
    """The citizen restarted: the conversation's earlier answers no longer count."""
    withdrawn: Sequence[str] = ()
    """Steps whose earlier answers are taken back, before `answers` are kept."""
    outbound: Sequence[OutboundRow] = ()
    session: Session | None = None
    fallbacks: Mapping[str, int] = {}
    """`asked>served` to how many texts fell back."""
    events: Sequence[tuple[str, str]] = ()
    """(kind, detail) kept for the operator: refused sessions, stops, unclear replies."""
    consents: Sequence[Consent] = ()
    """What this inbound proves: that the citizen agreed, said stop, or began again."""
    reach: bytes = b""
    """The sealed number of a citizen who agreed to take part, kept for campaigns; empty keeps what is there."""
    erase: bool = False
    """The citizen asked to be forgotten: everything of theirs goes, this inbound's text too."""


class Accepted(Struct, frozen=True, gc=False):
    """How `accept` ended. `taken`: kept, send `reply`. `repeat`: taken before, send the stored `reply`.

    `conflict`: somebody else moved the conversation first; read the dialogue again and retry.
    """

    outcome: Literal["taken", "repeat", "conflict"]
    reply: bytes = b""


class Tally(Struct, frozen=True):
    """One count: how many conversations gave `value` to `step`, on one flow version, in one place."""

    flow: str
    flow_hash: str
    step: str
    value: str
    place: str
    count: int


class Walks(Struct, frozen=True):
    """How many conversations of one flow version and place were begun, and what became of them so far.

    `partial` ended before the last question, and hold answers; `open` may still go on; the rest ended without one.
    """

    flow: str
    flow_hash: str
    place: str
    started: int
    completed: int
    partial: int = 0
    open: int = 0


class Room(Struct, frozen=True):
    """The bytes free on the store's disk and in all of it, and those that its reserve keeps for a full one.

    `full`: the disk was full, and is until there is room for the reserve again; nobody new is taken.
    """

    free: int
    total: int
    reserve: int = 0
    full: bool = False

    @property
    def low(self) -> bool:
        """Tell whether less than a tenth is free."""
        return self.full or self.free * 10 < self.total


class Writing(Struct, frozen=True):
    """How writing goes in this process: what waits, how many changes shared a commit, how long commits took."""

    waiting: int
    sizes: Spread
    seconds: Spread


class SyncRow(Struct, frozen=True):
    """One attempt to reach the national platform, for the console."""

    at: int
    carrier: str
    ok: bool
    detail: str


class Held(Struct, frozen=True):
    """The newest snapshot made for (flow_hash, period): its numbers, its digest, and whether it was acknowledged."""

    flow_hash: str
    period: str
    epoch: int
    seq: int
    digest: str
    acked: bool
