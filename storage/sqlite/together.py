"""All that shares a commit, run in its order: turns side by side, what they change kept with one statement per table.

Turns of different citizens do not touch each other. They are read and decided first, and then kept as one pile. What
touches a citizen, a session or an inbound of the turns before waits until those are kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable, Iterator, Sequence
from typing import cast

from storage.sqlite import lane
from storage.sqlite.at_hand import AtHand
from storage.sqlite.handed import Job
from storage.sqlite.pile import Pile, plain
from storage.sqlite.turns import Keeper, Turn, look
from storage.store import Accepted, Change, Dialogue
from storage.turns import Asked


class Waits(Exception):
    """Something would make a thread wait for the disk that must not."""


class Together:
    """Runs jobs in one transaction and sets their results; raises what one of them failed with."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._at_hand = AtHand()
        self._briefly = False

    def run(self, connection: sqlite3.Connection, jobs: Sequence[Job], *, briefly: bool = False) -> None:
        """Run jobs in their order; `briefly` raises Waits where one of them syncs something outside the database."""
        self._briefly = briefly
        for batch in batches(jobs):
            if isinstance(batch[0].operation, Turn):
                self._take(connection, batch)
            else:
                self._at_hand.clear()
                for job in batch:
                    job.result, job.error = job.operation(connection), None

    def ahead(self, job: Job) -> None:
        """Decide a turn before it is run, on what is at hand; whoever has the connection, it is not used."""
        turn = job.operation
        if isinstance(turn, Turn) and (known := self._at_hand.get(turn.asked)) is not None:
            turn.ahead = known, _quick(turn, known)

    def undone(self) -> None:
        """Let go of what is at hand: it was never kept."""
        self._at_hand.clear()

    def _take(self, connection: sqlite3.Connection, jobs: Sequence[Job]) -> None:
        """Take the inbounds of turns that do not touch each other."""
        pile = Pile(self._keeper.zone)
        for job in jobs:
            job.result, job.error = None, None
            try:
                asked, read, made = self._decided(connection, cast(Turn, job.operation))
            except (sqlite3.Error, Waits):
                raise
            except Exception as error:
                job.error = error
                continue
            job.result = made if isinstance(made, Accepted) else self._keep(connection, pile, asked, read, made)
        pile.keep(connection)

    def _decided(self, connection: sqlite3.Connection, turn: Turn) -> tuple[Asked, Dialogue, Change | Accepted]:
        """Decide on what is at hand where a plain change comes of it; else on what is read.

        What is at hand tells of no inbound that was taken before: to pile such a one up fails, and all are run apart.
        """
        known = self._at_hand.get(turn.asked)
        quick = _quick(turn, known) if known is not None else None
        if known is not None and quick is not None:
            self._keeper.admit(quick)
            return turn.asked, known, quick
        asked, read, made = turn.decided(connection, look(connection, turn.asked))
        if isinstance(made, Change):
            if made.erase and self._briefly:  # an erasure is noted in files of its own first
                raise Waits
            self._keeper.admit(made)
        return asked, read, made

    def _keep(
        self, connection: sqlite3.Connection, pile: Pile, asked: Asked, read: Dialogue, change: Change
    ) -> Accepted:
        """Pile a plain change up, and keep any other by itself."""
        if change.conversation is not None and plain(change):
            pile.add(change, change.conversation, read.citizen)
            self._at_hand.put(asked, change, read)
            return Accepted("taken", change.reply)
        self._at_hand.drop(asked.citizen)
        pile.keep(connection)  # what came before it is kept before it
        return lane.accept(connection, change, self._keeper.zone, read)


def _quick(turn: Turn, known: Dialogue) -> Change | None:
    """Return the plain change that comes of what is at hand; None where another comes of it, or where it fails."""
    if turn.ahead is not None and turn.ahead[0] is known:
        return turn.ahead[1]
    try:
        made = turn.decide(known)
        return made if isinstance(made, Change) and plain(made) else None
    except Exception:  # what is read will tell
        return None


def batches(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Yield jobs in their order: turns that do not touch each other side by side, and what lies between."""
    batch: list[Job] = []
    touched: set[Hashable] = set()
    for job in jobs:
        touches = _touches(job)
        if batch and (not touches or not touched or not touched.isdisjoint(touches)):
            yield batch
            batch, touched = [], set()
        batch.append(job)
        touched.update(touches)
    if batch:
        yield batch


def _touches(job: Job) -> tuple[Hashable, ...]:
    """Return what a turn reads and writes that another could too; nothing for any other operation."""
    if not isinstance(job.operation, Turn):
        return ()
    asked = job.operation.asked
    inbound, session = ("inbound", asked.channel, asked.external_id), ("session", asked.channel, asked.session)
    return (asked.citizen, inbound, session) if asked.session else (asked.citizen, inbound)
