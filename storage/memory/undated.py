"""A clock that is not known, in the memory store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from storage.memory.dating import milliseconds
from storage.memory.rows import MemoryRows, Walk, is_open
from storage.store import Undated


class MemoryClock(MemoryRows):
    """The times without a clock, and the rows that get their day."""

    def newest(self) -> int:
        """Return the newest moment kept."""
        with self._lock:
            inbound = [one.row.received_at for one in self._inbound.values() if one.row is not None]
            walks = [milliseconds(walk.state.started_at) for walk in self._walks.values()]
            sent = [row.created_at for row in self._outbox.rows.values()]
            events, syncs = [at for _, (at, _, _) in self._events], [row.at for row in self._syncs]
            return max((kept[-1] for kept in (inbound, walks, sent, events, syncs) if kept), default=0)

    def undated(self) -> Sequence[Undated]:
        """Return every time without a clock, with what still waits for its day."""
        with self._lock:
            answers = Counter(row.day for row in self._answers.values())
            walks = Counter(walk.day for walk in self._walks.values() if walk.state.flow)
            return [
                replace(span, answers=answers[span.day], conversations=walks[span.day]) for span in self._dating.spans
            ]

    def lose_clock(self, boot: str, base: int, since: int) -> Undated:
        """Begin a time without a clock, or go on in this boot's."""
        with self._lock:
            begun = self._dating.lose(boot, base, since)
            return next(replace(span, until=0) for span in self.undated() if span.number == begun.number)

    def end_boots(self, boot: str) -> None:
        """Note that what other boots began has ended."""
        with self._lock:
            self._dating.end_boots(boot, self.newest())

    def find_clock(self, number: int, shift: int, until: int = 0) -> bool:
        """Tell once and for all what is added to the moments of an undated time."""
        with self._lock:
            span = self._dating.find(number, shift, until, self.newest())
            if span is None:
                return False
            for walk in self._walks.values():
                if is_open(walk) and span.covers(milliseconds(walk.state.updated_at)):
                    self._date(span, walk)
            self._dating.sending(span, self._outbox)
            self._events = [(who, (span.true(at), *told)) for who, (at, *told) in self._events]  # type: ignore[misc]
            self._consents = [replace(proof, at=span.true(proof.at)) for proof in self._consents]
            for name, one in self._citizens.items():
                agreed, stopped = span.true(one.consented_at), span.true(one.stopped_at)
                self._citizens[name] = replace(one, consented_at=agreed, stopped_at=stopped)
            return True

    def date(self, limit: int = 100) -> int:
        """Give the next conversations their day."""
        with self._lock:
            done = 0
            for span in self._dating.decided():
                told = {row.conversation for row in self._answers.values() if row.day == span.day}
                waits = [walk for id, walk in self._walks.items() if walk.day == span.day or id in told]
                for walk in waits[: limit - done]:
                    self._date(span, walk)
                    done += 1
            return done

    def _date(self, span: Undated, walk: Walk) -> None:
        """Date one conversation with its answers and what was received for it."""
        self._dating.walk(span, walk)
        for key, row in self._answers.items():
            if row.conversation == walk.state.id and row.day == span.day:
                at = row.answered_at + (span.shift or 0)
                self._answers[key] = replace(row, answered_at=at, day=self._dating.civil(at))
        for taken in self._inbound.values():
            if taken.row is not None and taken.row.conversation == walk.state.id:
                taken.row = replace(taken.row, received_at=span.true(taken.row.received_at))
