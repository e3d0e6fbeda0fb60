"""The outbox of `storage.memory`: the same states, fences and order as on disk, in a dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace

from storage.errors import StoreError
from storage.store import OutboundRow, OutboxRow, OutboxState

STATES: tuple[OutboxState, ...] = get_args(OutboxState)
FINAL = ("delivered", "failed", "dead")
WAITING = ("queued", "sending")
DAY = 86_400_000
KEEP_NUMBER = 7 * DAY


def rank(state: str) -> int:
    """Return how far a state is on the way."""
    return min(STATES.index(state), 3) if state in STATES else -1


class _Early(Struct):
    """A final report of a message not known yet."""

    state: OutboxState
    detail: str
    at: int


class MemoryOutbox:
    """Messages by id, oldest first. The caller holds the lock."""

    def __init__(self) -> None:
        self.rows: dict[str, OutboxRow] = {}
        self._changed: dict[str, int] = {}
        self._keys: dict[str, str] = {}
        self._early: dict[tuple[str, str], _Early] = {}

    def enqueue(self, messages: Sequence[OutboundRow]) -> int:
        """Queue messages; return how many were new."""
        new = 0
        for row in messages:
            if row.dedupe_key and row.dedupe_key in self._keys.values():
                continue
            new += 1
            self._keys[row.id] = row.dedupe_key
            self._changed[row.id] = row.created_at
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
            )
        return new

    def _set(self, row: OutboxRow, now: int, **changes: object) -> OutboxRow:
        self._changed[row.id] = now
        self.rows[row.id] = replace(row, **changes)
        return self.rows[row.id]

    def claim(self, channel: str, now: int, lease: int, limit: int) -> list[OutboxRow]:
        """Lease due messages."""
        self._give_up(channel, now)
        due = [row for row in self.rows.values() if row.channel == channel and self._due(row, now)]
        return [
            self._set(row, now, state="sending", attempts=row.attempts + 1, fence=row.fence + 1, next_at=now + lease)
            for row in due[:limit]
        ]

    def _give_up(self, channel: str, now: int) -> None:
        touched = False
        for row in list(self.rows.values()):
            waits = row.channel == channel and row.state in WAITING
            late = row.not_after is not None and row.not_after < now
            touched = touched or (waits and (late or row.next_at <= now))
            if waits and late and (row.state == "queued" or row.next_at <= now):
                self._set(row, now, state="dead", last_error="not sent in time", recipient=b"")
        if touched:
            self._wipe_old(now)

    def _wipe_old(self, now: int) -> None:
        for row in list(self.rows.values()):
            if row.state in ("accepted", "failed", "dead") and self._changed[row.id] < now - KEEP_NUMBER:
                self.rows[row.id] = replace(row, recipient=b"")

    def _due(self, row: OutboxRow, now: int) -> bool:
        if row.state not in WAITING or row.next_at > now:
            return False
        if not row.citizen:
            return True
        same = [one for one in self.rows.values() if (one.citizen, one.channel) == (row.citizen, row.channel)]
        first = next(one for one in same if one.state in WAITING)
        return first.id == row.id

    def finish(
        self, id: str, fence: int, state: OutboxState, now: int, provider_id: str, error: str, retry_at: int
    ) -> bool:
        """Record what became of a claimed message."""
        if state not in STATES or state == "sending":
            raise StoreError(f"a claimed message cannot become {state!r}: use one of {', '.join(STATES)} but sending")
        row = self.rows.get(id)
        if row is None or row.fence != fence or row.state != "sending":
            return False
        known = "" if state == "queued" else provider_id
        left = b"" if state == "delivered" else row.recipient
        row = self._set(row, now, state=state, provider_id=known, last_error=error, next_at=retry_at, recipient=left)
        early = self._early.pop((row.channel, provider_id), None) if state == "accepted" else None
        if early is not None:
            self._settle(row, early.state, early.detail, now)
        return True

    def receipt(self, channel: str, provider_id: str, state: OutboxState, detail: str, now: int) -> bool:
        """Move a message forward by a delivery report."""
        if not provider_id or state not in STATES:
            return False
        found = [row for row in self.rows.values() if (row.channel, row.provider_id) == (channel, provider_id)]
        if not found:
            if state in FINAL:
                self._early = {key: one for key, one in self._early.items() if one.at >= now - DAY}
                self._early.setdefault((channel, provider_id), _Early(state, detail, now))
            return False
        if rank(state) <= rank(found[0].state):
            return False
        self._settle(found[0], state, detail, now)
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
        self._set(row, now, state="queued", attempts=0, next_at=now, provider_id="", not_after=until)
        return True

    def discard(self, id: str, now: int) -> bool:
        """Give a message up for good."""
        row = self.rows.get(id)
        if row is None or row.state in ("accepted", "delivered"):
            return False
        if row.state not in WAITING and not row.recipient:
            return False
        self._set(row, now, state="dead", recipient=b"")
        return True

    def forget(self, citizen: str) -> int:
        """Delete a citizen's messages."""
        gone = [row.id for row in self.rows.values() if row.citizen == citizen]
        for id in gone:
            del self.rows[id], self._changed[id], self._keys[id]
        return len(gone)
