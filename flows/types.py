"""What goes into the engine and what comes out: all frozen values, safe to save and compare.

No value can hold itself, hence `gc=False` here and wherever a step makes values: Python need not look for such cycles.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from flows.model import Bearer, Value

Event = Literal["start", "reply", "drop"]
Phase = Literal["new", "language", "script", "consent", "resume", "steps", "closing"]
Status = Literal["active", "done", "stopped", "refused", "failed", "expired", "partial"]
"""How a conversation stands. Left open too long it is `partial` where it holds answers, else `expired`."""


class Limits(Struct, frozen=True, gc=False):
    """How much one screen may hold on a channel, in GSM-7 septets and in UCS-2 units (16 bits each)."""

    gsm: int = 160
    ucs2: int = 70


class Inbound(Struct, frozen=True, kw_only=True, gc=False):
    """What the citizen did: dialled or sent the keyword (`start`), replied, or lost the session (`drop`)."""

    bearer: Bearer
    event: Event = "reply"
    text: str = ""
    limits: Limits = Limits()
    ahead: tuple[str, ...] = ()
    """Replies that came with the start, to the questions in their order: `EAU 1 4 2` in one SMS."""
    within: str = ""
    """HCP code of the gateway's own region: place menus open there first."""
    sms: bool = False
    """Whether an SMS can be sent to a citizen who dials."""
    kept: int = 0
    """How many of the citizen's answers are kept, for the reply to `my data`."""
    since: str = ""
    """The day since which the citizen agrees, as it is written; empty where they never did."""


class Conversation(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One citizen's walk through one flow version, over any bearer. Saved whole between two inbounds."""

    id: str
    bearer: Bearer
    flow: str = ""
    """The flow's id; empty while the citizen has not chosen one."""
    version: int = 0
    flow_hash: str = ""
    language: str = ""
    """The tag chosen; empty while unknown."""
    phase: Phase = "new"
    status: Status = "active"
    at: int = -1
    """Index in `flow.steps` of the step that waits for a reply; -1 before the first."""
    said: str = ""
    """Words shown ahead of the current question, kept so that its pages stay the same."""
    page: int = 0
    more: bool = False
    """The last words go on: the conversation is over, but the citizen still reads."""
    path: tuple[str, ...] = ()
    """The keys opened so far inside a menu, or the codes opened inside a place question."""
    tries: int = 0
    pending: tuple[str, ...] = ()
    """Replies sent ahead, not yet asked for."""
    trail: tuple[int, ...] = ()
    """Indexes of the questions already answered, for the way back."""
    answers: dict[str, Value] = {}
    consented: bool = False
    place: str = ""
    """HCP code of the last place answered, or remembered from an earlier conversation."""
    started_at: datetime
    updated_at: datetime

    @property
    def open(self) -> bool:
        """True while a reply of the citizen belongs to this conversation."""
        return self.status == "active" or self.more


class Answer(Struct, frozen=True, gc=False):
    """One value kept: the step, what was understood, and what was written."""

    step: str
    value: Value
    raw: str


class Screen(Struct, frozen=True, gc=False):
    """What one USSD page or one SMS shows. `ends` says that nothing is expected after it."""

    text: str
    ends: bool = False


class Happening(Struct, frozen=True, gc=False):
    """Something the gateway must know besides the answers.

    kinds: `language` (detail = tag), `consent`, `refusal`, `stop`, `started` (messages may come again), `erase`,
    `my-data`, `restart` (earlier answers of this conversation no longer count), `place` (HCP code), `unclear` (step
    id), `failed` (step id),
    `withdraw` (step id: its answer no longer counts, the citizen went back), `look-up` (path in a menu), `fallback`
    (detail = `asked>served`).
    """

    kind: str
    detail: str = ""


class Turn(Struct, frozen=True, kw_only=True, gc=False):
    """The outcome of one inbound: the new state, what to show, what to keep."""

    conversation: Conversation
    screens: tuple[Screen, ...]
    answers: tuple[Answer, ...] = ()
    events: tuple[Happening, ...] = ()
    messages: tuple[str, ...] = ()
    """What is sent by SMS besides the screen of a USSD session."""

    @property
    def ends(self) -> bool:
        """True when the citizen is not expected to reply."""
        return bool(self.screens) and self.screens[-1].ends
