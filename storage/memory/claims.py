"""Claiming on plain dicts: what is due, under which limits, and what a dead sender left, for `outbox`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from storage.outgoing import ANSWERED, LATE, LOST, ONCE, STOPPED, UNASKED, OutboxRow, Spent, Terms, Waiting

if TYPE_CHECKING:
    from storage.store import Citizen

WAITING = ("queued", "sending")
KEEP_NUMBER = 7 * 86_400_000


def asked(row: OutboxRow) -> bool:
    """Tell whether a citizen, or an official, is waiting for this message."""
    return row.kind not in UNASKED


class Beside(Struct):
    """What the store keeps of a message beside its row: `batch` and `rank` are of the claim that holds it."""

    changed: int
    key: str
    conversation: str
    claimed: int = 0
    hour: str = ""
    batch: str = ""
    rank: int = 0


class MemoryClaims:
    """Messages by id, oldest first, and what is kept beside them. The caller holds the lock."""

    def __init__(self) -> None:
        self.rows: dict[str, OutboxRow] = {}
        self._beside: dict[str, Beside] = {}
        self._spend: Counter[tuple[str, str]] = Counter()
        self._short: set[tuple[str, str]] = set()

    def _set(self, row: OutboxRow, now: int, **changes: object) -> OutboxRow:
        self._beside[row.id].changed = now
        self.rows[row.id] = replace(row, **changes)
        return self.rows[row.id]

    def claim(
        self,
        channel: str,
        now: int,
        lease: int,
        limit: int,
        terms: Terms,
        citizens: Mapping[str, Citizen],
        moved_at: Callable[[str, str], int | None],
    ) -> list[OutboxRow]:
        """Lease due messages. `moved_at` tells when a citizen's conversation last moved, None for one that ended."""
        mine = [row for row in self.rows.values() if row.channel == channel]
        late = [row for row in mine if row.state == "queued" and row.not_after is not None and row.not_after < now]
        lost = [row for row in mine if row.state == "sending" and row.next_at <= now]
        if not late and not lost and not self._due(channel, now, terms)[:limit]:
            return []
        self._settle_abandoned(lost, now)
        self._expire(channel, now)
        self._wipe_old(now)
        due = self._due(channel, now, terms)[:limit]
        unwanted = [row for row in due if row.kind != "reply" and _has_stopped(citizens.get(row.citizen))]
        for row in unwanted:
            self._set(row, now, state="dead", last_error=STOPPED, recipient=b"")
        due = [row for row in due if row not in unwanted]
        outdated = [row for row in due if row.kind == "reminder" and self._outdated(row, moved_at)]
        for row in outdated:
            self._set(row, now, state="dead", last_error=ANSWERED, recipient=b"")
        rows = self._fitting(channel, [row for row in due if row not in outdated], terms)
        if rows and terms.hour:
            self._spend[channel, terms.hour] += sum(row.segments for row in rows)
        return [
            self._lease(row, now, lease, terms, f"{rows[0].id}/{rows[0].fence}", place)
            for place, row in enumerate(rows)
        ]

    def _lease(self, row: OutboxRow, now: int, lease: int, terms: Terms, batch: str, place: int) -> OutboxRow:
        beside = self._beside[row.id]
        beside.claimed, beside.hour, beside.batch, beside.rank = now, terms.hour, batch, place
        return self._set(row, now, state="sending", attempts=row.attempts + 1, fence=row.fence + 1, next_at=now + lease)

    def _outdated(self, row: OutboxRow, moved_at: Callable[[str, str], int | None]) -> bool:
        moved = moved_at(row.citizen, self._beside[row.id].conversation)
        return moved is None or moved > row.created_at

    def _settle_abandoned(self, rows: Sequence[OutboxRow], now: int) -> None:
        begun = {row.id for row in rows if self._is_first(row)}
        for row in rows:
            beside = self._beside[row.id]
            beside.batch = ""
            if row.id in begun and (row.lost or row.kind in ONCE):
                self._set(row, now, state="dead", last_error=LOST, lost=row.lost + 1)
            elif row.id in begun:
                self.rows[row.id] = replace(row, state="queued", lost=row.lost + 1)
            else:
                self.rows[row.id] = replace(row, state="queued", attempts=row.attempts - 1)
                self._give_back(row)

    def _is_first(self, row: OutboxRow) -> bool:
        mine = self._beside[row.id]
        ranks = [
            self._beside[one.id].rank
            for one in self.rows.values()
            if one.state == "sending" and self._beside[one.id].batch == mine.batch
        ]
        return not mine.batch or mine.rank == min(ranks)

    def _give_back(self, row: OutboxRow) -> None:
        """Take the segments of a message that never left out of the hour they were counted in."""
        if hour := self._beside[row.id].hour:
            self._spend[row.channel, hour] -= row.segments

    def _expire(self, channel: str, now: int) -> None:
        for row in list(self.rows.values()):
            late = row.not_after is not None and row.not_after < now
            if row.channel == channel and row.state == "queued" and late:
                self._set(row, now, state="dead", last_error=LOST if row.lost else LATE, recipient=b"")

    def _wipe_old(self, now: int) -> None:
        for row in list(self.rows.values()):
            if row.state in ("accepted", "failed", "dead") and self._beside[row.id].changed < now - KEEP_NUMBER:
                self.rows[row.id] = replace(row, recipient=b"")

    def _due(self, channel: str, now: int, terms: Terms) -> list[OutboxRow]:
        rows = [row for row in self.rows.values() if row.channel == channel and self._is_due(row, now, terms)]
        return sorted(rows, key=lambda row: not asked(row))

    def _is_due(self, row: OutboxRow, now: int, terms: Terms) -> bool:
        if row.state not in WAITING or row.next_at > now or self._never_fits(row, terms):
            return False
        waiting = [one for one in self.rows.values() if one.citizen == row.citizen and one.state in WAITING]
        here = [one for one in waiting if one.channel == row.channel]
        if self._held(row, here, terms):
            return False
        ahead = [one for one in here[: here.index(row)] if asked(one) or not asked(row)]
        return not row.citizen or not ahead

    def _held(self, row: OutboxRow, here: Sequence[OutboxRow], terms: Terms) -> bool:
        """Tell whether quiet hours or the daily cap hold a message back."""
        if not asked(row):
            return terms.quiet or self._capped(row, terms)
        awake = any(asked(one) and one.created_at >= terms.fresh for one in here)
        return terms.quiet and row.created_at < terms.fresh and not (row.citizen and awake)

    def _capped(self, row: OutboxRow, terms: Terms) -> bool:
        told = [
            one for one in self.rows.values() if one.citizen == row.citizen and not asked(one) and one.state != "queued"
        ]
        today = [one for one in told if self._beside[one.id].claimed >= terms.today]
        return bool(terms.cap and row.citizen) and len(today) >= terms.cap

    def _never_fits(self, row: OutboxRow, terms: Terms) -> bool:
        return any(limit and row.segments > limit for limit in (terms.most_hour, terms.most_day))

    def _fitting(self, channel: str, rows: Sequence[OutboxRow], terms: Terms) -> list[OutboxRow]:
        before, total = self.spent(channel, terms.hour), 0
        taken: list[OutboxRow] = []
        for row in rows:
            after = total + row.segments
            if taken and terms.most and after > terms.most:
                break
            left = [terms.most_hour - before.hour] if terms.most_hour else []
            left += [terms.most_day - before.day] if terms.most_day else []
            if left and after > min(left):
                self._short.add((channel, terms.hour))
            else:
                taken.append(row)
                total = after
        return taken

    def spent(self, channel: str, hour: str) -> Spent:
        """Return the segments claimed in a civil hour and in its day."""
        if not hour:
            return Spent()
        day = sum(count for (one, when), count in self._spend.items() if one == channel and when[:10] == hour[:10])
        return Spent(self._spend[channel, hour], day, (channel, hour) in self._short)

    def waiting(self) -> Mapping[str, Waiting]:
        """Return what waits on each channel, and what it ever sent."""
        found: dict[str, Waiting] = {}
        waits = [row for row in self.rows.values() if row.state in WAITING]
        for channel in sorted({row.channel for row in waits} | {channel for channel, _ in self._touched()}):
            ages = [row.created_at for row in waits if row.channel == channel]
            sent = sum(count for (one, _), count in self._spend.items() if one == channel)
            found[channel] = Waiting(len(ages), min(ages, default=0), sent)
        return found

    def _touched(self) -> set[tuple[str, str]]:
        return set(self._spend) | self._short


def _has_stopped(citizen: Citizen | None) -> bool:
    return citizen is not None and citizen.stopped_at > 0
