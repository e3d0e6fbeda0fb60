"""Conversations that wait for their citizen: when somebody looks after one again, and what is done about it then.

A conversation that begins carries the sealed number and the moment of the first look (`Change.recipient`, `due_at`).
Both are gone when it ends. A look never moves the conversation of a citizen who has spoken since: it is done only on
the revision and the moment that were read, so that of two gateways one does it, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from flows.types import Conversation
from storage.outgoing import OutboundRow

CALLED = "call:"
"""What the message id of a missed call begins with."""


class Awaited(Struct, frozen=True, kw_only=True):
    """A conversation as whoever looks after it finds it. Moments are milliseconds UTC, 0 for never."""

    state: Conversation
    revision: int
    citizen: str
    recipient: bytes = b""
    """The sealed number; empty for one begun before numbers were kept."""
    channel: str = ""
    """Where the citizen spoke last."""
    service: str = ""
    """The code of their last USSD session."""
    due_at: int = 0
    lost_at: int = 0
    """When the provider told that the last session was lost."""
    asked_at: int = 0
    """When a reminder, or the way back to a lost session, was last put out."""
    asked: int = 0
    """How many reminders there were."""


class Follow(Struct, frozen=True, kw_only=True):
    """What is done about an awaited conversation: a later look, words to its citizen, or its end as `partial`."""

    before: Awaited
    now: int
    due_at: int = 0
    """When to look again."""
    asked: int = 0
    """How many reminders there are now."""
    outbound: OutboundRow | None = None
    ends: Conversation | None = None
    """The closed state, where the waiting is over."""


class Following(Protocol):
    """The operations on conversations that wait."""

    def awaited(self, now: int, limit: int = 100) -> Sequence[Awaited]:
        """Return the open conversations whose moment has come, the longest due first."""

    def follow(self, step: Follow) -> bool:
        """Do something about an awaited conversation; False, with nothing done, when it moved or was looked after.

        Its message is queued in the same transaction, and `asked_at` becomes its `now`. It is not sent any more once
        the conversation has moved or ended (`storage.outgoing.ANSWERED`).
        """

    def lost(self, channel: str, session: str, now: int, due_at: int) -> bool:
        """Note that a provider lost a session, and look at its conversation at `due_at`.

        False when nobody is to be told: it had ended, the citizen dialled again since, or was told already.
        """

    def late(self, citizen: str) -> Awaited | None:
        """Return a citizen's newest conversation, where it was closed as `partial`: a late reply may take it up."""

    def wishes(self, citizen: str, since: int) -> int:
        """Return how many calls of a citizen were taken since a moment (`CALLED`)."""
