"""What goes out by SMS, as the outbox keeps it: the message, its state, and the limits under which it is claimed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

OutboxState = Literal["queued", "sending", "accepted", "delivered", "failed", "dead"]
OutboundKind = Literal["question", "reply", "digest", "reminder", "campaign", "notice"]
"""`question` and `reply` answer a citizen; `digest` goes to an official on a schedule; the others nobody asked for."""

UNASKED: tuple[OutboundKind, ...] = ("reminder", "campaign", "notice")
"""What quiet hours and the daily cap hold back, and what never goes to a citizen who said stop."""
ONCE: tuple[OutboundKind, ...] = ("notice", "campaign")
"""What is not sent a second time by itself when nobody knows whether it left: an operator decides."""
WROTE = "wrote"
"""The ground of an unasked message to a citizen who wrote first; the store verifies it."""
LOST = "unknown: may have been sent"
"""The cause of a message that is not sent again by itself after a crash while it was on its way."""
RESENDS = 3
"""Attempts after which a failed delivery report is final, even where its cause may pass."""
LATE = "not sent in time"
STOPPED = "the citizen said stop"
ANSWERED = "the citizen went on meanwhile"
"""The cause of a reminder that is not sent: its conversation has moved or ended since."""
GRACE = 60_000
"""Milliseconds for which a question is still sent once its conversation has ended."""


class OutboundRow(Struct, frozen=True, gc=False):
    """One SMS to send. `recipient` is the sealed dialable number, wiped once the message is final."""

    id: str
    citizen: str
    channel: str
    recipient: bytes
    text: str
    encoding: str
    segments: int
    created_at: int
    in_reply_to: str = ""
    dedupe_key: str = ""
    """Unique when not empty: a second message with the same key is dropped (weekly digests)."""
    not_after: int | None = None
    kind: OutboundKind = "reply"
    ground: str = ""
    """Why an unasked message may be sent: `wrote`, which the store verifies, or the words of a proof kept elsewhere."""
    conversation: str = ""
    """The conversation of its citizen that it belongs to: a `question` of one that has ended is soon not sent any more.

    Another citizen's holds nothing back: PostgreSQL keeps each citizen's rows in one part, and looks nowhere else.
    """


class OutboxRow(Struct, frozen=True):
    """One message of the outbox as operators see it, and as a sender claims it."""

    id: str
    citizen: str
    channel: str
    """The channel it leaves by, which may become another than it was queued for."""
    recipient: bytes
    text: str
    encoding: str
    segments: int
    state: OutboxState
    attempts: int
    created_at: int
    next_at: int = 0
    fence: int = 0
    provider_id: str = ""
    last_error: str = ""
    not_after: int | None = None
    kind: OutboundKind = "reply"
    lost: int = 0
    """How often a sender died while it was on its way: it may have been sent already."""


class Terms(Struct, frozen=True, kw_only=True):
    """Under which limits a sender claims; 0 is no limit. The default claims whatever is due."""

    most: int = 0
    """Segments of this claim; its first message goes in any case."""
    quiet: bool = False
    """Only what a citizen asked for since `fresh` goes now."""
    fresh: int = 0
    cap: int = 0
    """Unasked messages a citizen gets since `today`."""
    today: int = 0
    hour: str = ""
    """The civil hour, `2026-11-23T14`, that the segments are counted in; empty counts nothing."""
    most_hour: int = 0
    most_day: int = 0


ANYTHING = Terms()


class Spent(Struct, frozen=True):
    """The segments that a channel claimed in a civil hour and in its day; `short` when a message did not fit."""

    hour: int = 0
    day: int = 0
    short: bool = False


class Waiting(Struct, frozen=True):
    """What waits on a channel: how many messages, since when the oldest; and all segments it ever sent."""

    messages: int = 0
    oldest: int = 0
    segments: int = 0


def refused(row: OutboundRow) -> str:
    """Return why a message may not be queued at all, with the remedy; empty when it may."""
    if row.kind in UNASKED and not row.ground:
        return f"message {row.id} ({row.kind}) has no ground: nobody asked for it. Name the opt-in, or {WROTE!r}."
    return ""
