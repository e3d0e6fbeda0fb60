"""Turns inside the one transaction that writes: read, decide, keep, and on to the next one that shares the commit.

Whoever runs them has the connection alone: what was read still holds when it is written, so that no turn meets a
conflict of its own making.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from zoneinfo import ZoneInfo

from storage.sqlite import lane
from storage.sqlite.reserve import Reserve
from storage.store import Accepted, Change, Dialogue
from storage.turns import Asked, Decide, Instead


class Turn:
    """One operation: an inbound, worked out on what the transaction sees and kept in it."""

    __slots__ = ("ahead", "asked", "decide", "keeper")

    def __init__(self, asked: Asked, decide: Decide, keeper: Keeper) -> None:
        self.asked = asked
        self.decide = decide
        self.keeper = keeper
        self.ahead: tuple[Dialogue, Change | None] | None = None
        """What was decided before its turn came, and on what: it holds while that very dialogue is still at hand.

        None where nothing plain came of it.
        """

    def __call__(self, connection: sqlite3.Connection) -> Accepted:
        """Read, decide and keep."""
        _, read, made = self.decided(connection, look(connection, self.asked))
        if isinstance(made, Accepted):
            return made
        self.keeper.admit(made)
        return lane.accept(connection, made, self.keeper.zone, read)

    def decided(self, connection: sqlite3.Connection, read: Dialogue) -> tuple[Asked, Dialogue, Change | Accepted]:
        """Return who spoke, what was read of them, and what is to be kept; or how it ended without anything to keep."""
        asked, made = self.asked, self.decide(read)
        if isinstance(made, Instead):
            asked = made.asked
            read = look(connection, asked)
            made = made.decide(read)
        if isinstance(made, bytes):
            return asked, read, Accepted("repeat", made)
        return asked, read, made


def look(connection: sqlite3.Connection, asked: Asked) -> Dialogue:
    """Read the dialogue that an inbound belongs to."""
    return lane.dialogue(connection, asked.channel, asked.external_id, asked.citizen, asked.session)


class Keeper:
    """What all turns of a store share. `forgets` notes outside the database that a citizen is about to be forgotten."""

    def __init__(self, zone: ZoneInfo, reserve: Reserve, forgets: Callable[[str, int], None]) -> None:
        self.zone = zone
        self.reserve = reserve
        self.forgets = forgets

    def admit(self, change: Change) -> None:
        """Raise StoreFull for who begins on a full disk; note an erasure before anything of it is written."""
        self.reserve.admit(change)
        if change.erase:
            self.forgets(change.inbound.citizen, change.inbound.received_at)
