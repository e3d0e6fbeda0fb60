"""The outbox of the memory store: the same states, fences and order as on disk, in a dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, get_args

from msgspec import Struct
from msgspec.structs import replace

from storage.errors import StoreError
from storage.memory.claims import WAITING, Beside, MemoryClaims
from storage.outgoing import RESENDS, STOPPED, WROTE, OutboundRow, OutboxRow, OutboxState, refused

if TYPE_CHECKING:
    from storage.store import Citizen

STATES: tuple[OutboxState, ...] = get_args(OutboxState)
FINAL = ("delivered", "failed", "dead")
DAY = 86_400_000


def rank(state: str) -> int:
    """Return how far a state is on the way."""
    return min(STATES.index(state), 3) if state in STATES else -1


class _Early(Struct):
    """A final report of a message not known yet."""

    state: OutboxState
    detail: str
    at: int


class MemoryOutbox(MemoryClaims):
    """Messages, their states and their reports. The caller holds the lock."""

    def __init__(self) -> None:
        super().__init__()
        self._early: dict[tuple[str, str], _Early] = {}

    def enqueue(self, messages: Sequence[OutboundRow], citizens: Mapping[str, Citizen]) -> int:
        """Queue messages; return how many were."""
        for row in messages:
            if wrong := refused(row):
                raise StoreError(wrong)
        return sum(self._insert(row) for row in messages if _welcome(row, citizens.get(row.citizen)))

    def _insert(self, row: OutboundRow) -> bool:
        if row.dedupe_key and any(row.dedupe_key == one.key for one in self._beside.values()):
            return False
        self._beside[row.id] = Beside(row.created_at, row.dedupe_key, row.conversation)
        self.rows[row.id] = OutboxRow(
            id=row.id,
            citizen=row.citizen,
            channel=row.channel,
            recipient=row.recipient,
            text=row.text,
            encoding=row.encoding,
            segments=row.segments,
            state="queued",
            attempts=0,
            created_at=row.created_at,
            not_after=row.not_after,
            kind=row.kind,
        )
        return True

    def end_questions(self, citizen: str, conversations: Sequence[str], until: int) -> None:
        """Let the questions of conversations that have ended be sent until a moment, and no later."""
        for row in list(self.rows.values()):
            ended = row.kind == "question" and self._beside[row.id].conversation in conversations
            if ended and row.citizen == citizen and row.state in WAITING:
                known = until if row.not_after is None else min(row.not_after, until)
                self.rows[row.id] = replace(row, not_after=known)

    def drop(self, citizen: str, now: int) -> None:
        """Give up what waits for a citizen, now that they said stop: all but replies."""
        for row in list(self.rows.values()):
            if row.citizen == citizen and row.state == "queued" and row.kind != "reply":
                self._set(row, now, state="dead", last_error=STOPPED, recipient=b"")

    # what became of it -----------------------------------------------------------------------------------------
    def finish(
        self,
        id: str,
        fence: int,
        state: OutboxState,
        now: int,
        *,
        provider_id: str,
        error: str,
        retry_at: int,
        tried: bool,
        channel: str,
    ) -> bool:
        """Record what became of a claimed message."""
        if state not in STATES or state == "sending":
            raise StoreError(f"a claimed message cannot become {state!r}: use one of {', '.join(STATES)} but sending")
        row = self.rows.get(id)
        if row is None or row.fence != fence or row.state != "sending":
            return False
        if not tried:
            self._give_back(row)
        self._beside[id].batch = ""
        row = self._set(
            row,
            now,
            state=state,
            provider_id="" if state == "queued" else provider_id,
            last_error=error,
            next_at=retry_at,
            recipient=b"" if state == "delivered" else row.recipient,
            attempts=row.attempts - (not tried),
            channel=channel or row.channel,
        )
        early = self._early.pop((row.channel, provider_id), None) if state == "accepted" else None
        if early is not None:
            self._settle(row, early.state, early.detail, now)
        return True

    def _found(self, channel: str, provider_id: str) -> OutboxRow | None:
        found = [row for row in self.rows.values() if (row.channel, row.provider_id) == (channel, provider_id)]
        return found[0] if found and provider_id else None

    def addressee(self, channel: str, provider_id: str) -> str:
        """Return the citizen a message went to."""
        row = self._found(channel, provider_id)
        return row.citizen if row else ""

    def receipt(self, channel: str, provider_id: str, state: OutboxState, detail: str, now: int, again_at: int) -> bool:
        """Move a message forward by a delivery report."""
        if not provider_id or state not in STATES:
            return False
        row = self._found(channel, provider_id)
        if row is None:
            if state in FINAL:
                self._early = {key: one for key, one in self._early.items() if one.at >= now - DAY}
                self._early.setdefault((channel, provider_id), _Early(state, detail, now))
            return False
        if rank(state) <= rank(row.state):
            return False
        if state == "failed" and again_at and row.attempts < RESENDS:
            self._set(row, now, state="queued", next_at=again_at, provider_id="", last_error=detail)
        else:
            self._settle(row, state, detail, now)
        return True

    def _settle(self, row: OutboxRow, state: OutboxState, detail: str, now: int) -> None:
        error = detail if state in ("failed", "dead") else row.last_error
        left = b"" if state == "delivered" else row.recipient
        self._set(row, now, state=state, last_error=error, recipient=left)

    def listing(self, states: Sequence[str], limit: int, citizen: str) -> list[OutboxRow]:
        """Return messages, newest first."""
        rows = [
            row
            for row in reversed(self.rows.values())
            if (not states or row.state in states) and (not citizen or row.citizen == citizen)
        ]
        return rows[:limit]

    def counts(self) -> Mapping[str, int]:
        """Return the number of messages in each state."""
        return {state: sum(row.state == state for row in self.rows.values()) for state in STATES}

    def retry(self, id: str, now: int) -> bool:
        """Queue a failed or dead message again."""
        row = self.rows.get(id)
        if row is None or row.state not in ("failed", "dead") or not row.recipient:
            return False
        until = None if row.not_after is not None and row.not_after < now else row.not_after
        self._set(row, now, state="queued", attempts=0, lost=0, next_at=now, provider_id="", not_after=until)
        return True

    def discard(self, id: str, now: int) -> bool:
        """Give a message up for good."""
        row = self.rows.get(id)
        if row is None or row.state in ("accepted", "delivered"):
            return False
        if row.state not in WAITING and not row.recipient:
            return False
        self._beside[id].batch = ""
        self._set(row, now, state="dead", recipient=b"")
        return True

    def remove(self, id: str) -> None:
        """Delete a message that never left."""
        del self.rows[id], self._beside[id]

    def conversation_of(self, id: str) -> str:
        """Return the conversation that a message belongs to."""
        return self._beside[id].conversation

    def forget(self, citizen: str) -> int:
        """Delete a citizen's messages."""
        gone = [row.id for row in self.rows.values() if row.citizen == citizen]
        for id in gone:
            del self.rows[id], self._beside[id]
        return len(gone)


def _welcome(row: OutboundRow, citizen: Citizen | None) -> bool:
    """Tell whether a message may be queued: it answers something, or its citizen may be written to unasked."""
    if row.kind in ("question", "reply"):
        return True
    return citizen.stopped_at == 0 if citizen else row.ground != WROTE
