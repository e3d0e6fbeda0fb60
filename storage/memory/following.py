"""The conversations of the memory store that wait for their citizens."""

from __future__ import annotations

from collections.abc import Sequence

from storage.following import CALLED
from storage.memory.rows import MemoryRows, Walk, aware, is_open
from storage.store import Awaited, Follow, Session


class MemoryFollowing(MemoryRows):
    """Looking after conversations."""

    def awaited(self, now: int, limit: int = 100) -> Sequence[Awaited]:
        """Return the open conversations whose moment has come."""
        with self._lock:
            due = [walk for walk in self._walks.values() if 0 < walk.due_at <= now]
            return [self._awaited(walk) for walk in sorted(due, key=lambda walk: walk.due_at)[:limit]]

    def _awaited(self, walk: Walk) -> Awaited:
        mine = [one.row for one in self._inbound.values() if one.row and one.row.conversation == walk.state.id]
        spoken = [row.channel for row in mine if row.citizen == walk.citizen]
        sessions = [one for one in self._sessions.values() if one.conversation == walk.state.id]
        sessions = sorted((one for one in sessions if one.citizen == walk.citizen), key=_opened)
        return Awaited(
            state=walk.state,
            revision=walk.revision,
            citizen=walk.citizen,
            recipient=walk.recipient,
            channel=spoken[-1] if spoken else walk.channel,
            service=sessions[-1].service if sessions else "",
            due_at=walk.due_at,
            lost_at=walk.lost_at,
            asked_at=walk.asked_at,
            asked=walk.asked,
        )

    def follow(self, step: Follow) -> bool:
        """Do something about an awaited conversation."""
        with self._lock:
            walk, before = self._walks.get(step.before.state.id), step.before
            if walk is None or (walk.revision, walk.due_at) != (before.revision, before.due_at) or not is_open(walk):
                return False
            if step.ends is not None:
                walk.state, walk.revision, walk.recipient, walk.due_at = step.ends, walk.revision + 1, b"", 0
                return True
            walk.due_at, walk.asked = step.due_at, step.asked
            if step.outbound is not None:
                walk.asked_at = step.now
                self._outbox.enqueue([step.outbound], self._citizens)
            return True

    def lost(self, channel: str, session: str, now: int, due_at: int) -> bool:
        """Note that a provider lost a session."""
        with self._lock:
            found = self._sessions.get((channel, session))
            walk = self._walks.get(found.conversation) if found and not found.closed else None
            if found is None or walk is None or not is_open(walk) or not walk.due_at:
                return False
            if walk.citizen != (found.person or found.citizen):
                return False
            others = [one for one in self._sessions.values() if one.citizen == found.citizen]
            if any(one.conversation == walk.state.id and one.opened_at > found.opened_at for one in others):
                return False
            if walk.asked_at > aware(walk.state.updated_at).timestamp() * 1000:
                return False
            walk.lost_at, walk.due_at = now, due_at
            return True

    def late(self, citizen: str) -> Awaited | None:
        """Return a citizen's newest conversation, where it was closed as partial."""
        with self._lock:
            walk = self._newest(citizen)
            return self._awaited(walk) if walk and walk.state.status == "partial" else None

    def _newest(self, citizen: str) -> Walk | None:
        mine = [walk for walk in self._walks.values() if walk.citizen == citizen]
        return mine[-1] if mine else None

    def wishes(self, citizen: str, since: int) -> int:
        """Count a citizen's calls since a moment."""
        with self._lock:
            rows = [one.row for one in self._inbound.values() if one.row and one.row.citizen == citizen]
            return sum(row.received_at >= since and row.external_id.startswith(CALLED) for row in rows)


def _opened(session: Session) -> tuple[int, str]:
    return session.opened_at, session.session
