"""One channel's sending: claim what may go now, hand it to the adapter one by one, and record what became of it.

Each outcome is on disk before the next message is begun. So a crash leaves at most one message unknown per thread:
the first of its claim that has no outcome.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from logging import ERROR, INFO, WARNING
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from flows.errors import AwalError
from gateway import log
from gateway.channels.base import Channel, Sendable, Sent
from gateway.sending.alarm import alarm
from gateway.sending.budget import Budget
from gateway.sending.civil import Civil, Quiet
from gateway.sending.health import STOPPED, Health
from gateway.sending.pace import Pace
from gateway.sending.routing import choose
from storage.errors import StoreError
from storage.outgoing import LATE, UNASKED, OutboxRow, OutboxState, Terms
from storage.store import Store

ATTEMPTS = 8
"""How often a provider may say "later" to a message before it is given up."""
LONGEST_WAIT = 3_600_000
LONGEST_OUTAGE_WAIT = 300_000
"""Milliseconds between two tries to reach a provider: they cost nothing, and the queue should move soon after."""
LEASE = 60_000
"""Milliseconds a claim holds."""
MARGIN = 20_000
"""Milliseconds before the end of a lease after which nothing of it is begun: more than the longest an adapter takes."""
PATIENCE = 3 * 86_400_000
"""Milliseconds a message waits for a channel that cannot be reached or was stopped."""
FRESH = 900_000
"""Milliseconds after which what a citizen asked for counts as unasked: in quiet hours it waits for the morning."""
BATCH, FEWEST = 20, 5
"""Messages claimed at once by one thread; where a channel has several, they share them, down to so few each."""


class Phones(Protocol):
    """What opens sealed numbers: `gateway.phones.Phones`."""

    def unseal(self, sealed: bytes) -> str:
        """Return the E.164 number; raises AwalError when it cannot be opened."""


class Means(Struct, frozen=True):
    """What all lines share. `cap` is unasked messages a citizen a day; `failover` milliseconds, 0 never."""

    store: Store
    phones: Phones
    clock: Callable[[], int]
    jitter: Callable[[], float]
    civil: Civil
    stopping: threading.Event
    prefixes: Sequence[str] = ()
    cap: int = 0
    failover: int = 0
    known: Callable[[], bool] = lambda: True
    """Whether the clock can be believed. Where it cannot, it is always night: nobody is written to unasked."""


class Line:
    """Sends what waits for one channel. Any number of threads may `serve` it; claims are made one after the other."""

    def __init__(self, channel: Channel, means: Means, others: Mapping[str, Line]) -> None:
        self.channel = channel
        self.means = means
        self.others = others
        self.health = Health()
        self.pace = Pace(channel.settings.rate)
        self.quiet = Quiet(channel.settings.quiet_hours, means.civil)
        self.budget = Budget(channel.settings, means.store, means.civil)
        self.turn = threading.Lock()
        """Held while something is claimed."""

    @property
    def name(self) -> str:
        """The channel's name."""
        return self.channel.name

    def serve(self, now: int) -> int:
        """Claim what may go at `now`, send it, and return how many messages were begun."""
        with self.turn:
            now = max(now, self.means.clock())
            if self.health.rests(now) or self.budget.rests(now):
                self.means.store.claim_outbox(self.name, now, LEASE, 0)  # what comes too late dies meanwhile
                return self._move_away(now)
            rows, terms = self._claim(now)
            known = self.means.known()
        for begun, row in enumerate(rows):
            now = max(now, self.means.clock())
            if self.means.stopping.is_set() or now > row.next_at - MARGIN or self.means.known() != known:
                self._hand_back(rows[begun:], now)
                return begun
            if not self._deal(row, terms, now):
                self._hand_back(rows[begun + 1 :], now)
                return begun + 1
        return len(rows)

    def idle(self, now: int, poll: float) -> float:
        """Return the seconds to wait before looking again, when the last look found nothing to send."""
        return min(poll, self.pace.wait(now) or poll)

    # claiming --------------------------------------------------------------------------------------------------
    def _claim(self, now: int) -> tuple[Sequence[OutboxRow], Terms]:
        terms, room = self.terms(now), self.pace.room(now)
        if room == 0:
            return (), terms
        settings = self.channel.settings
        limit = 1 if self.health.misses else max(FEWEST, BATCH // settings.window)
        if room > 0:
            limit, terms = min(limit, room), self.terms(now, room)
        rows = self.means.store.claim_outbox(self.name, now, LEASE, limit, terms)
        self.pace.took(sum(row.segments for row in rows))
        if not rows and self.budget.limits:
            self.budget.look(terms, now)
        return rows, terms

    def terms(self, now: int, most: int = 0) -> Terms:
        """Return the limits that hold at a moment, for a claim of at most `most` segments."""
        settings, civil = self.channel.settings, self.means.civil
        return Terms(
            most=most,
            quiet=self.night(now),
            fresh=now - FRESH,
            cap=self.means.cap,
            today=civil.today(now),
            hour=civil.hour(now),
            most_hour=settings.budget_hour,
            most_day=settings.budget_day,
        )

    def night(self, now: int) -> bool:
        """Tell whether citizens are left in peace at this moment."""
        return not self.means.known() or self.quiet.now(now)

    def _move_away(self, now: int) -> int:
        """While the channel is down for long, give its messages to others that serve their numbers."""
        able = self._stand_ins(now)
        rows = self.means.store.claim_outbox(self.name, now, LEASE, BATCH) if able else ()
        self._move_all(rows, able, now)
        return len(rows)

    def _stand_ins(self, now: int) -> list[Channel]:
        """Return the channels that carry this one's messages now: none before it is down for long."""
        if not self.means.failover or self.health.down_for(now) < self.means.failover:
            return []
        return [line.channel for line in self.others.values() if line is not self and line.stands_in(now)]

    def _move_all(self, rows: Sequence[OutboxRow], able: Sequence[Channel], now: int) -> None:
        """Let messages leave by other channels, and tell the operator once each time this one goes down."""
        if rows and self.means.store.claim_slot(f"failover of {self.name}", str(self.health.since), now):
            told = f"{self.name}: nothing goes through; messages leave by {', '.join(one.name for one in able)}"
            self.means.store.log_event("channel-down", told, now)
        for row in rows:
            self._move(row, able, now)

    def stands_in(self, now: int) -> bool:
        """Tell whether this channel may carry what another cannot."""
        return self.channel.stands_in and not self.health.misses and not self.budget.rests(now)

    def _move(self, row: OutboxRow, able: Sequence[Channel], now: int) -> None:
        """Let a message leave by another channel, or wait here where none serves its number."""
        try:
            to = choose(able, self.means.phones.unseal(row.recipient))
        except AwalError as error:
            self._record(row, "failed", Sent("failed", error=str(error)), now)
            return
        name, at = (to.name, 0) if to else ("", self.health.until)
        self.means.store.finish_outbox(
            row.id, row.fence, "queued", now, error=row.last_error, retry_at=at, tried=False, channel=name
        )
        if to:
            log.event("rerouted", WARNING, id=row.id, channel=self.name, to=name)

    # sending ---------------------------------------------------------------------------------------------------
    def _deal(self, row: OutboxRow, terms: Terms, now: int) -> bool:
        """Send one message unless its moment is over; False when the rest of the claim should not be begun."""
        if row.not_after is not None and row.not_after < now:
            return self._record(row, "dead", Sent("failed", error=LATE), now, tried=False)
        if not terms.quiet and self.night(now) and (row.kind in UNASKED or row.created_at < now - FRESH):
            self._hand_back([row], now)
            return True
        sent = self._found(row) or self._send(row)
        return self._conclude(row, sent, max(now, self.means.clock()), now - row.created_at)

    def _found(self, row: OutboxRow) -> Sent | None:
        """Ask the provider about a message that may have left already, where the adapter can."""
        if not row.lost:
            return None
        try:
            found = self.channel.status(row.id)
        except Exception as error:  # not being told is no reason not to send
            log.event("status-unknown", WARNING, channel=self.name, id=row.id, error=type(error).__name__)
            return None
        return found if found is not None and found.outcome == "accepted" else None

    def _send(self, row: OutboxRow) -> Sent:
        """Open the number and send; whatever an adapter raises is a reason to try again."""
        try:
            to = self.means.phones.unseal(row.recipient)
        except AwalError as error:
            return Sent("failed", error=str(error))
        if row.kind in UNASKED and self.means.prefixes and not to.startswith(tuple(self.means.prefixes)):
            return Sent("failed", error="[sending] prefixes does not name this number; nobody asked for the message")
        message = Sendable(id=row.id, to=to, text=row.text, encoding=row.encoding, segments=row.segments)
        try:
            return self.channel.send(message)
        except Exception as error:  # an adapter's bug may not stop the others' messages
            return Sent("retry", error=f"the adapter failed: {type(error).__name__}")

    def _conclude(self, row: OutboxRow, sent: Sent, now: int, age: int) -> bool:
        """Record what became of a message, and what it says about the channel; False when the channel rests now.

        `age` is how old it was when it was begun: the clock may have become known since, and its moments with it.
        """
        state: OutboxState = "queued"
        retry_at, goes_on = 0, True
        match sent.outcome:
            case "accepted":
                state = "accepted"
                self.health.works()
            case "failed" | "opted-out":
                state = "failed"
            case "retry" if row.attempts >= ATTEMPTS:
                state = "dead"
            case "retry":
                retry_at = now + self.wait(row.attempts)
            case "unreachable" | "stop-channel":
                state = "dead" if age > PATIENCE else "queued"
                retry_at, goes_on = self._pause(sent, now), False
                able = self._stand_ins(now) if state == "queued" else []
                if able:  # it was sent to see whether the channel works again, and need not wait for that
                    self._move_all([replace(row, last_error=sent.error)], able, now)
                    self._tell(row, sent, state, now)
                    return False
        kept = self._record(row, state, sent, now, retry_at, tried=goes_on)
        self._tell(row, sent, state, now)
        return kept and goes_on

    def wait(self, failures: int, longest: int = LONGEST_WAIT) -> int:
        """Return a random wait up to `retry_first` doubled with each failure, `longest` at most (full jitter)."""
        most = min(longest, self.channel.settings.retry_first * 1000 * 2 ** min(failures - 1, 30))
        return int(self.means.jitter() * most)

    def _pause(self, sent: Sent, now: int) -> int:
        """Leave the channel alone for a while and return until when."""
        if sent.outcome == "stop-channel":
            return self.health.fails(now, lambda misses: STOPPED)  # noqa: ARG005
        return self.health.fails(now, lambda misses: self.wait(misses, LONGEST_OUTAGE_WAIT))

    def _hand_back(self, rows: Sequence[OutboxRow], now: int) -> None:
        """Return messages that were claimed and not begun: no attempt, no segment is counted."""
        for row in rows:
            self._record(row, "queued", Sent("retry", error=row.last_error), now, tried=False)

    def _record(
        self, row: OutboxRow, state: OutboxState, sent: Sent, now: int, retry_at: int = 0, *, tried: bool = True
    ) -> bool:
        """Write the outcome down, trying again when the store is busy: a lost record is a message sent twice."""
        for pause in (0.1, 1.0, 5.0, 0.0):
            try:
                self.means.store.finish_outbox(
                    row.id,
                    row.fence,
                    state,
                    now,
                    provider_id=sent.provider_id,
                    error=sent.error,
                    retry_at=retry_at,
                    tried=tried,
                )
            except StoreError as error:
                log.event("outcome-not-kept", ERROR, id=row.id, state=state, error=str(error))
                self.means.stopping.wait(pause)
            else:
                return True
        return False

    def _tell(self, row: OutboxRow, sent: Sent, state: OutboxState, now: int) -> None:
        """Log the outcome, and keep for the operator what only an operator can put right."""
        level = WARNING if sent.error else INFO
        log.event("sent", level, channel=self.name, id=row.id, state=state, error=sent.error or "-")
        try:
            self._keep_event(row, sent, now)
        except StoreError as error:  # the message's own outcome is kept; the rest of the claim must go on
            log.event("event-not-kept", ERROR, channel=self.name, error=str(error))

    def _keep_event(self, row: OutboxRow, sent: Sent, now: int) -> None:
        store = self.means.store
        if sent.outcome == "opted-out":
            if row.citizen:
                store.stop(row.citizen, now, self.name)
            store.log_event("opted-out", f"{self.name}: a citizen told the provider to stop", now)
        elif sent.outcome == "stop-channel" and store.claim_slot(f"stop of {self.name}", str(self.health.since), now):
            store.log_event("channel-stopped", f"{self.name}: {sent.error}", now)
        elif sent.alarm:
            alarm(store, self.name, sent.error, now)
