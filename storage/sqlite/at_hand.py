"""Dialogues at hand: what a citizen's last inbound left, kept beside the database for the next one.

One connection writes: what it has written is what it would read, until something else is written. Hence everything is
let go of when any other operation comes, when a transaction is undone, and for a citizen whose turn was no plain one.
"""

from __future__ import annotations

from collections import OrderedDict

from storage.store import Change, Dialogue, Saved, Session
from storage.turns import Asked

ROOM = 2_000
"""So many citizens at once; beyond it whoever was heard least lately is let go of, and read again."""


class AtHand:
    """One dialogue for each citizen, as a read would return it to an inbound that was never taken."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[str, str, str, Dialogue]] = OrderedDict()

    def get(self, asked: Asked) -> Dialogue | None:
        """Return the dialogue of a citizen who goes on in the session that they were last heard in.

        It says nothing of an inbound that was taken before, but for the last one: that is never at hand.
        """
        left = self._left.get(asked.citizen)
        if left is None or left[0] != asked.channel or left[1] != asked.session or left[2] == asked.external_id:
            return None
        return left[3]

    def put(self, asked: Asked, change: Change, before: Dialogue) -> None:
        """Keep what a change left that was made of `before`; let go of what only a read can tell."""
        left = _left(asked, change, before)
        if left is None:
            self.drop(asked.citizen)
            return
        self._left[asked.citizen] = (asked.channel, asked.session, asked.external_id, left)
        self._left.move_to_end(asked.citizen)
        if len(self._left) > ROOM:
            self._left.popitem(last=False)

    def drop(self, citizen: str) -> None:
        """Let go of one."""
        self._left.pop(citizen, None)

    def clear(self) -> None:
        """Let go of all."""
        self._left.clear()


def _left(asked: Asked, change: Change, before: Dialogue) -> Dialogue | None:
    """Return what a read would find after a change; None where only a read can tell."""
    state, session, current = change.conversation, change.session, before.current
    if state is None or state.status != "active":  # an older conversation may be open
        return None
    if change.base and (current is None or current.state.id != state.id):  # a closed one was taken up again
        return None
    if change.citizen.pseudonym != asked.citizen or _shared(session) or _shared(before.session):
        return None  # a phone that several people share
    spoken = current.asked_at if change.base and current else 0
    saved = Saved(state, change.base + 1, spoken)
    return Dialogue(citizen=change.citizen, session=session or before.session, current=saved)


def _shared(session: Session | None) -> bool:
    return session is not None and bool(session.person)
