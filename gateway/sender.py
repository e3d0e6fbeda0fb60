"""The sender: one thread that takes what is due from the outbox and hands it to the adapters.

Nothing is sent inside a webhook. A crash between a sending and its record sends the message again when its lease runs
out: answers are counted exactly once, messages are sent at least once.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from logging import ERROR, INFO, WARNING
from typing import Protocol

from flows.errors import AwalError
from gateway import log
from gateway.channels.base import Channel, Sendable, Sent
from storage.errors import StoreError
from storage.store import OutboxRow, OutboxState, Store

ATTEMPTS = 8
"""How often a provider may say "later" to a message before it is given up."""
LONGEST_WAIT = 3_600_000
LONGEST_OUTAGE_WAIT = 300_000
"""Milliseconds between two tries to reach a provider: they cost nothing, and the queue should move soon after."""
LEASE = 60_000
"""Milliseconds a claim holds: more than the longest an adapter may take."""
STOPPED = 900_000
"""Milliseconds a channel rests when its account or settings must be put right."""
PATIENCE = 3 * 86_400_000
"""Milliseconds a message waits for a channel that cannot be reached or was stopped."""


class Phones(Protocol):
    """What opens sealed numbers: `gateway.phones.Phones`."""

    def unseal(self, sealed: bytes) -> str:
        """Return the E.164 number; raises AwalError when it cannot be opened."""


class Rest:
    """A channel that is left alone until `until`, after `misses` failures in a row."""

    def __init__(self) -> None:
        self.until = 0
        self.misses = 0


class Sender:
    """Sends the outbox. `clock` returns milliseconds UTC, `jitter` a number in [0, 1), `poll` is in seconds."""

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        phones: Phones,
        clock: Callable[[], int],
        *,
        jitter: Callable[[], float] = random.random,
        poll: float = 1.0,
    ) -> None:
        self.store = store
        self.channels = {name: channel for name, channel in channels.items() if "sms" in channel.bearers}
        self.phones = phones
        self.clock = clock
        self.jitter = jitter
        self.poll = poll
        self._unheard: dict[str, int] = {}
        """Claims of a waiting message that the provider never heard of: they are no attempts."""
        self._rests = {name: Rest() for name in self.channels}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin sending in a thread of its own; a second call changes nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="sender", daemon=True)
            self._thread.start()

    def notify(self) -> None:
        """Say that the outbox grew, so that it is looked at now."""
        self._wake.set()

    def stop(self, timeout: float = 15.0) -> None:
        """Let the message in hand finish, then end the thread; what is left stays queued."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def run_once(self, now: int) -> int:
        """Send at most one due message per channel, and return how many were taken up.

        One by one, a slow or dead provider costs the others one message's time, and a message that cannot be sent
        never holds back the next.
        """
        return sum(self._serve(channel, now) for channel in self.channels.values())

    def resting(self, now: int) -> list[str]:
        """Return the channels that are left alone at this moment."""
        return [name for name, rest in self._rests.items() if rest.until > now]

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                taken = self.run_once(self.clock())
            except Exception as error:  # the thread must outlive whatever one message or one full disk does to it
                told = str(error) if isinstance(error, AwalError) else type(error).__name__
                log.event("sender-fault", ERROR, error=told)
                taken = 0
            if not taken:
                self._wake.wait(self.poll)
                self._wake.clear()

    def _serve(self, channel: Channel, now: int) -> int:
        if self._rests[channel.name].until > now:
            return 0
        rows = self.store.claim_outbox(channel.name, now, LEASE, 1)
        for row in rows:
            self._conclude(channel, row, self._send(channel, row), now)
        return len(rows)

    def _send(self, channel: Channel, row: OutboxRow) -> Sent:
        """Open the number and send; whatever an adapter raises is a reason to try again."""
        try:
            to = self.phones.unseal(row.recipient)
        except AwalError as error:
            return Sent("failed", error=str(error))
        message = Sendable(id=row.id, to=to, text=row.text, encoding=row.encoding, segments=row.segments)
        try:
            return channel.send(message)
        except Exception as error:  # an adapter's bug may not stop the others' messages
            return Sent("retry", error=f"the adapter failed: {type(error).__name__}")

    def _conclude(self, channel: Channel, row: OutboxRow, sent: Sent, now: int) -> None:
        """Record what became of a message, and what it says about its channel."""
        unheard = self._unheard.pop(row.id, 0)
        attempts = row.attempts - unheard
        state: OutboxState = "queued"
        retry_at = 0
        match sent.outcome:
            case "accepted":
                state = "accepted"
                self._rests[channel.name] = Rest()
            case "failed" | "opted-out":
                state = "failed"
            case "retry" if attempts >= ATTEMPTS:
                state = "dead"
            case "retry":
                retry_at = now + self._wait(channel, attempts)
                self._unheard[row.id] = unheard
            case "unreachable" | "stop-channel" if now - row.created_at > PATIENCE:
                state = "dead"
            case "unreachable" | "stop-channel":
                retry_at = self._pause(channel, sent, now)
                self._unheard[row.id] = unheard + 1
        self._record(row, state, sent, retry_at, now)
        self._tell(channel, row, sent, state, now)

    def _wait(self, channel: Channel, failures: int, longest: int = LONGEST_WAIT) -> int:
        """Return a random wait up to `retry_first` doubled with each failure, `longest` at most (full jitter)."""
        most = min(longest, channel.settings.retry_first * 1000 * 2 ** min(failures - 1, 30))
        return int(self.jitter() * most)

    def _pause(self, channel: Channel, sent: Sent, now: int) -> int:
        """Leave the channel alone for a while and return until when."""
        rest = self._rests[channel.name]
        rest.misses += 1
        stopped = sent.outcome == "stop-channel"
        rest.until = now + (STOPPED if stopped else self._wait(channel, rest.misses, LONGEST_OUTAGE_WAIT))
        return rest.until

    def _record(self, row: OutboxRow, state: OutboxState, sent: Sent, retry_at: int, now: int) -> None:
        """Write the outcome down, trying again when the store is busy: a lost record is a message sent twice."""
        for pause in (0.1, 1.0, 5.0, 0.0):
            try:
                self.store.finish_outbox(
                    row.id, row.fence, state, now, provider_id=sent.provider_id, error=sent.error, retry_at=retry_at
                )
            except StoreError as error:
                log.event("outcome-not-kept", ERROR, id=row.id, state=state, error=str(error))
                self._stopping.wait(pause)
            else:
                return

    def _tell(self, channel: Channel, row: OutboxRow, sent: Sent, state: OutboxState, now: int) -> None:
        """Log the outcome, and keep for the operator what only an operator can put right."""
        level = WARNING if sent.error else INFO
        log.event("sent", level, channel=channel.name, id=row.id, state=state, error=sent.error or "-")
        if sent.outcome == "opted-out":
            self.store.log_event("opted-out", f"{channel.name}: citizen {row.citizen} told the provider to stop", now)
        elif sent.outcome == "stop-channel" and self._rests[channel.name].misses == 1:
            self.store.log_event("channel-stopped", f"{channel.name}: {sent.error}", now)
