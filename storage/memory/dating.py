"""Dates for what was kept while the clock was not known, on plain dicts. The caller holds the lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from storage.memory.claims import WAITING
from storage.undated import Undated

if TYPE_CHECKING:
    from storage.memory.outbox import MemoryOutbox

SEALED = ("accepted", "failed", "dead")


class MemoryDating:
    """The times without a clock, and what happens to rows that get their date."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.spans: list[Undated] = []
        self._zone = zone

    def lose(self, boot: str, base: int, since: int) -> Undated:
        """Begin a time without a clock, or go on in this boot's."""
        for at, span in enumerate(self.spans):
            if span.boot == boot and span.shift is None:
                self.spans[at] = replace(span, until=0)
                return self.spans[at]
        self.spans.append(Undated(len(self.spans) + 1, boot, base, since))
        return self.spans[-1]

    def end_boots(self, boot: str, newest: int) -> None:
        """Note where the times of other boots ended."""
        for at, span in enumerate(self.spans):
            if span.until == 0 and span.boot != boot:
                self.spans[at] = replace(span, until=max(span.since, newest))

    def find(self, number: int, shift: int, until: int, newest: int) -> Undated | None:
        """Decide what is added; None when it was decided before, or there is no such time."""
        if not 1 <= number <= len(self.spans) or self.spans[number - 1].shift is not None:
            return None
        span = self.spans[number - 1]
        span = replace(span, shift=shift, until=until or span.until or max(span.since, newest))
        self.spans[number - 1] = span
        return span

    def decided(self) -> list[Undated]:
        """Return the times whose clock was found."""
        return [span for span in self.spans if span.shift is not None]

    def civil(self, moment: int) -> str:
        """Return the civil date of a moment."""
        return datetime.fromtimestamp(moment / 1000, UTC).astimezone(self._zone).date().isoformat()

    def walk(self, span: Undated, walk: Any) -> None:
        """Date one conversation of the memory store."""
        shift, state = timedelta(milliseconds=span.shift or 0), walk.state
        if walk.day == span.day:
            state = replace(state, started_at=state.started_at + shift)
            walk.day = self.civil(milliseconds(state.started_at))
        if span.covers(milliseconds(state.updated_at)):
            state = replace(state, updated_at=state.updated_at + shift)
        walk.state = state
        walk.revision += 1

    def sending(self, span: Undated, outbox: MemoryOutbox) -> None:
        """Date the messages that wait, and those whose number is still there."""
        for id, row in outbox.rows.items():
            beside = outbox._beside[id]
            if row.state in WAITING or (row.state in SEALED and row.recipient):
                outbox.rows[id] = replace(
                    row,
                    next_at=row.next_at + (span.shift or 0)
                    if row.next_at and span.covers(beside.changed)
                    else row.next_at,
                    not_after=_plus(row.not_after, span.shift) if span.covers(row.created_at) else row.not_after,
                    created_at=span.true(row.created_at),
                )
                beside.claimed, beside.changed = span.true(beside.claimed), span.true(beside.changed)


def milliseconds(moment: datetime) -> int:
    """Return whole milliseconds of the Unix epoch."""
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _plus(moment: int | None, shift: int | None) -> int | None:
    return None if moment is None else moment + (shift or 0)


def last(moments: Iterable[int], wanted: Callable[[int], bool] = bool) -> int:
    """Return the last of some moments; 0 where there is none."""
    return next((moment for moment in reversed(list(moments)) if wanted(moment)), 0)
