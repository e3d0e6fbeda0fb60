"""Campaigns as the store keeps them: what was started, who was drawn for it, and what became of each who was asked.

A citizen is drawn once into a round and asked at most once in it, whatever dies or runs twice: the same transaction
that queues the first message begins the conversation that its reply belongs to, and marks the member as asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from flows.types import Conversation
from storage.outgoing import OutboundRow

CampaignState = Literal["waiting", "running", "paused", "stopped", "done"]
"""`waiting`: for a second person; `stopped`: by its rule or by a person; `done`: all is asked and answered."""
MemberState = Literal["drawn", "asked", "skipped"]
AskOutcome = Literal["asked", "busy", "skipped", "gone"]
"""`busy`: in the middle of another conversation, ask later; `skipped`: said stop; `gone`: not to be asked any more."""
ENDED: tuple[CampaignState, ...] = ("stopped", "done")


class CampaignRow(Struct, frozen=True):
    """One campaign that was started. `data` is the program's own record of it; `revision` counts its changes."""

    name: str
    state: CampaignState
    data: str
    revision: int = 0
    changed_at: int = 0


class Member(Struct, frozen=True):
    """One citizen drawn into a round of a campaign, in the order of the draw."""

    citizen: str
    rank: int
    state: MemberState = "drawn"
    wave: int = -1
    """The wave they were asked in."""
    reason: str = ""
    asked_at: int = 0


class Asking(Struct, frozen=True, kw_only=True):
    """One citizen asked: the first message, and the conversation that stands where it leaves them."""

    campaign: str
    round: int
    wave: int
    message: OutboundRow
    conversation: Conversation
    closes: str = ""
    """An older conversation that nobody goes on with."""
    due_at: int = 0
    """When the conversation is first looked after (`storage.following`)."""
    reminds: bool = False
    """Whether who does not answer may be reminded: the conversation then knows the number."""


class Figures(Struct, frozen=True, kw_only=True):
    """How many citizens of a campaign came how far."""

    drawn: int = 0
    skipped: int = 0
    asked: int = 0
    waiting: int = 0
    """Asked, and still in the outbox."""
    sent: int = 0
    """Taken by the provider, delivered ones included."""
    delivered: int = 0
    failed: int = 0
    answered: int = 0
    """Who wrote anything after they were asked."""
    completed: int = 0
    stopped: int = 0
    """Who said stop or refused."""
    unclear: int = 0
    """Who wrote what a question did not understand."""
    open: int = 0
    """Whose conversation goes on, or may still begin: the message was not given up."""


class Progress(Figures, frozen=True):
    """How one wave of one round goes; `wave` -1 are those drawn and not asked yet, or skipped."""

    round: int
    wave: int

    @classmethod
    def of(cls, row: Sequence[int]) -> Progress:
        """Return what a store's row tells: the round, the wave, and the figures in their order."""
        round, wave, *figures = row
        return cls(round, wave, **dict(zip(Figures.__struct_fields__, figures, strict=True)))


class Segments(Struct, frozen=True):
    """The segments of a campaign's conversations on one channel: those sent, and those still to be sent."""

    sent: int = 0
    waiting: int = 0
    received: int = 0
    """Messages that citizens sent."""


class Reached(Struct, frozen=True):
    """Where a citizen who wrote can be written to: the sealed number and the channel of their last beginning."""

    citizen: str
    number: bytes
    channel: str
    language: str = ""
    place: str = ""
    consented_at: int = 0


class Campaigns(Protocol):
    """The operations on campaigns; a part of `storage.store.Store`."""

    def reached(self, after: str = "", limit: int = 1_000) -> Sequence[Reached]:
        """Return citizens who wrote, whose number is kept, and who have not said stop, by pseudonym after `after`."""

    def forget_numbers(self, before: int) -> int:
        """Forget the numbers of who last began before a moment; return how many went."""

    def campaigns(self) -> Sequence[CampaignRow]:
        """Return every campaign that was started, by name."""

    def campaign(self, name: str) -> CampaignRow | None:
        """Return one campaign; None when it was never started."""

    def keep_campaign(self, row: CampaignRow) -> bool:
        """Keep a campaign over the revision it was read at (0: it is new); False when somebody was faster."""

    def draw_members(self, name: str, round: int, citizens: Sequence[str]) -> int:
        """Keep who was drawn into a round, in this order, and return how many; a round that was drawn stays as it is.

        What was drawn for a campaign that is not kept yet was never started, and makes room.
        """

    def members(self, name: str, round: int, state: MemberState | None = None, limit: int = -1) -> Sequence[Member]:
        """Return the members of a round in the order of the draw."""

    def ask(self, asking: Asking) -> AskOutcome:
        """Ask a member in one transaction: queue the message, begin the conversation, mark the member.

        Only while the campaign runs, and only who is drawn. Who said stop since is marked as skipped.
        """

    def skip_members(self, name: str, round: int, citizens: Sequence[str], reason: str) -> int:
        """Leave drawn members out for good; return how many."""

    def take_back(self, name: str, *, late: bool = False) -> int:
        """Take back what never left, with its conversations: their members are drawn again; return how many.

        `late`: only what was not sent in time; else also what is queued. What a sender has in hand, or lost, stays.
        """

    def progress(self, name: str, since: int = 0) -> Sequence[Progress]:
        """Return how a campaign goes, by round and wave; a conversation begun before `since` is open no more."""

    def campaign_segments(self, name: str) -> Mapping[str, Segments]:
        """Return the segments of a campaign's conversations, by channel."""

    def last_asked(self, since: int) -> Mapping[str, int]:
        """Return when each citizen asked by any campaign since a moment was asked last."""
