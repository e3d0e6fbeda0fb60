"""The store as the rest of the program sees it: operations, not tables.

Every method that changes something is one durable transaction: when it returns, the change is on disk. Times are
whole milliseconds of the Unix epoch, UTC; `day` is the civil date in the gateway's timezone (`2026-11-23`), because
reports count civil days. Phone numbers never enter: citizens are pseudonyms, recipients are sealed bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from storage.campaigns import Campaigns
from storage.consents import Consent as Consent
from storage.consents import Consents
from storage.following import Awaited as Awaited
from storage.following import Follow as Follow
from storage.following import Following
from storage.outgoing import ANYTHING
from storage.outgoing import OutboundKind as OutboundKind
from storage.outgoing import OutboundRow as OutboundRow
from storage.outgoing import OutboxRow as OutboxRow
from storage.outgoing import OutboxState as OutboxState
from storage.outgoing import Spent as Spent
from storage.outgoing import Terms as Terms
from storage.outgoing import Waiting as Waiting
from storage.receipts import Receipts
from storage.rows import Accepted as Accepted
from storage.rows import AnswerRow as AnswerRow
from storage.rows import Change as Change
from storage.rows import Citizen as Citizen
from storage.rows import Dialogue as Dialogue
from storage.rows import Held as Held
from storage.rows import InboundRow as InboundRow
from storage.rows import Room as Room
from storage.rows import Saved as Saved
from storage.rows import Session as Session
from storage.rows import SyncRow as SyncRow
from storage.rows import Tally as Tally
from storage.rows import Walks as Walks
from storage.rows import Writing as Writing
from storage.turns import Turns
from storage.undated import Dating
from storage.undated import Undated as Undated


class Store(Campaigns, Consents, Dating, Following, Receipts, Turns, Protocol):
    """The operations. Implementations: `storage.sqlite.SqliteStore`, `storage.postgres.PostgresStore`."""

    # the conversation lane -------------------------------------------------------------------------------------
    def dialogue(self, channel: str, external_id: str, citizen: str, session: str = "") -> Dialogue:
        """Read what one inbound needs. `session` empty for SMS."""

    def accept(self, change: Change) -> Accepted:
        """Keep one inbound with all it changes, in one durable transaction."""

    # flows -----------------------------------------------------------------------------------------------------
    def keep_flow(self, flow_hash: str, flow: str, version: int, data: bytes, now: int) -> None:
        """Keep a flow version (JSON of `flows.model.dump`) so that conversations begun on it can end on it."""

    def flow_data(self, flow_hash: str) -> bytes | None:
        """Return what `keep_flow` kept."""

    # the outbox ------------------------------------------------------------------------------------------------
    def enqueue(self, messages: Sequence[OutboundRow]) -> int:
        """Queue messages that answer no inbound (digests, reminders); return how many were queued.

        Dropped are those whose `dedupe_key` is known, those of a citizen who said stop, and those on the ground
        `wrote` of a citizen who never did. An unasked message without a ground raises StoreError.
        """

    def claim_outbox(
        self, channel: str, now: int, lease: int, limit: int, terms: Terms = ANYTHING
    ) -> Sequence[OutboxRow]:
        """Take up to `limit` due messages of a channel for `lease` ms: asked ones first, then oldest first.

        One at a time per citizen; an unasked message never holds back a reply. Each claim counts an attempt and its
        segments, and draws a new `fence`. Messages past `not_after` become `dead`. The claimer sends in the order
        given: of a claim whose lease ran out, the first that was not finished is unknown (`lost`), the rest were
        never begun. An unknown one is taken again once; a second time, or of a kind in `ONCE`, it is `dead`.
        A `limit` of 0 takes nothing, and settles what is late or was lost.
        """

    def finish_outbox(
        self,
        id: str,
        fence: int,
        state: OutboxState,
        now: int,
        *,
        provider_id: str = "",
        error: str = "",
        retry_at: int = 0,
        tried: bool = True,
        channel: str = "",
    ) -> bool:
        """Record what became of a claimed message; False when the fence is no longer ours. `queued` = retry later.

        `tried` False: the provider never heard of it, and the attempt and its segments are given back. `channel`:
        it leaves by another one from now on.
        """

    def receipt(
        self, channel: str, provider_id: str, state: OutboxState, detail: str, now: int, again_at: int = 0
    ) -> bool:
        """Record a delivery report. States only move forward; False when the message is unknown or already further.

        `again_at`: a failed one is queued again for then, with its attempts and under the same limits.
        """

    def addressee(self, channel: str, provider_id: str) -> str:
        """Return the citizen a message went to; empty when it is unknown."""

    def stop(self, citizen: str, now: int, channel: str = "") -> bool:
        """Note that a citizen told the provider to stop; False when it is known. Their unasked messages die.

        It is kept as a proof, with the channel whose provider told it.
        """

    def spent(self, channel: str, hour: str) -> Spent:
        """Return the segments a channel claimed in a civil hour (`2026-11-23T14`) and in that day."""

    def waiting(self) -> Mapping[str, Waiting]:
        """Return what waits on each channel that ever had a message to send."""

    def outbox(self, states: Sequence[str] = (), limit: int = 100, citizen: str = "") -> Sequence[OutboxRow]:
        """List messages, newest first."""

    def outbox_counts(self) -> Mapping[str, int]:
        """Return the number of messages by state."""

    def retry_outbox(self, id: str, now: int) -> bool:
        """Queue a failed or dead message again."""

    def discard_outbox(self, id: str, now: int) -> bool:
        """Give a message up: it becomes `dead`."""

    # reading ---------------------------------------------------------------------------------------------------
    def answers(self, flow: str = "", since: int = 0) -> Iterator[AnswerRow]:
        """Stream answers in the order they were kept."""

    def words(self, flow: str, steps: Sequence[str], since: int = 0, limit: int = 20) -> Sequence[AnswerRow]:
        """Return the newest answers in the citizens' own words (`free`) to some steps of a flow, newest first.

        Costs by the free answers since then, not by all that was ever answered.
        """

    def tallies(self, first_day: str, last_day: str, flow: str = "", steps: Sequence[str] = ()) -> Sequence[Tally]:
        """Count the answers of civil days `first_day`..`last_day` (both included); a `choices` counts each key.

        `steps` keeps the count to those steps. Answers in the citizen's own words (`free`) count under an empty value.
        """

    def walks(self, first_day: str, last_day: str, flow: str = "") -> Sequence[Walks]:
        """Count conversations begun on those days, and those of them completed, partial and open."""

    def spread(self, first_day: str, last_day: str) -> Mapping[str, Mapping[str, int]]:
        """Return conversations begun, by `language`, by `bearer` and by `flow`."""

    def answer_days(self) -> Sequence[str]:
        """Return the civil days that hold answers or conversations, oldest first."""

    def fallbacks(self) -> Mapping[str, int]:
        """Return how many texts were served by a fallback, by `asked>served`."""

    def counts(self) -> Mapping[str, int]:
        """Return totals: citizens, conversations, open, inbound, answers, steps.

        A citizen who only saw the first menu has begun no conversation.
        """

    def roll(self, now: int, limit: int = 100) -> int:
        """Count up to `limit` settled conversations ahead, so that figures cost by cells and not by answers.

        Changes no figure, ever. Called again and again until it returns 0: nothing more has settled.
        """

    # citizens' rights ------------------------------------------------------------------------------------------
    def erase(self, citizen: str, now: int) -> int:
        """Forget a citizen; return how many rows went. Counters fall with them."""

    def mydata(self, citizen: str) -> Mapping[str, object]:
        """Return everything kept of a citizen, as plain data."""

    # national sync ---------------------------------------------------------------------------------------------
    def epoch(self) -> int:
        """Return the sync epoch; a restore from backup raises it."""

    def held(self) -> Sequence[Held]:
        """Return the newest snapshot made for each (flow_hash, period)."""

    def hold(self, flow_hash: str, period: str, digest: str) -> Held:
        """Number a snapshot: the same digest keeps its `seq`, a new one draws the next."""

    def acknowledge(self, flow_hash: str, period: str, epoch: int, seq: int) -> None:
        """Record that the platform holds this snapshot."""

    def log_sync(self, row: SyncRow) -> None:
        """Keep the outcome of one attempt."""

    def syncs(self, limit: int = 10) -> Sequence[SyncRow]:
        """Return the last attempts, newest first."""

    # jobs and the rest -----------------------------------------------------------------------------------------
    def claim_slot(self, job: str, slot: str, now: int) -> bool:
        """Take a due slot of a job; True for exactly one caller, ever."""

    def lead(self) -> bool:
        """Take or keep the lead among the processes that share this store; True while the scheduled jobs are ours."""

    def log_event(self, kind: str, detail: str, now: int) -> None:
        """Keep something an operator should be able to read later (a refused request, a failed job)."""

    def events(self, limit: int = 50) -> Sequence[tuple[int, str, str]]:
        """Return (at, kind, detail), newest first."""

    def get(self, key: str) -> str | None:
        """Return a small setting of the program's own (demo link used, rehearsal done)."""

    def put(self, key: str, value: str) -> None:
        """Keep such a setting."""

    def check(self) -> None:
        """Prove that an answer could be kept now, by a real durable write; raises StoreError with the reason."""

    def room(self) -> Room | None:
        """Return the room on the store's disk, and renew the reserve there; None where the disk is not ours to watch.

        A write that finds the disk full takes the reserve's room; who begins then hears StoreFull, who goes on is kept.
        """

    def writing(self) -> Writing | None:
        """Return how writing goes; None where no queue of ours is in between."""

    def close(self) -> None:
        """Finish what is queued, checkpoint, and let the file go."""
