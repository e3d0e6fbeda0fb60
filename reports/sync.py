"""The synchronisation with the national platform: ask what it holds, send what it does not hold yet.

Loss, repetition and disorder do no harm: a snapshot is absolute and numbered, the highest number wins. So a failed
attempt is simply made again, later, with full jitter.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from flows.errors import AwalError
from flows.texts import Texts
from reports.periods import MOROCCO, today_of
from reports.snapshots import Sender, Snapshot, snapshots
from reports.wire_client import Number, Platform
from reports.wire_http import Carrier, HttpCarrier, Interrupted
from storage.store import Store, SyncRow

RETRY_FIRST = 30.0
RETRY_MOST = 3600.0
DENIALS_BEFORE_PAUSE = 5
PAUSE_MS = 6 * 3600 * 1000
SKEW_SECONDS = 600
NOTHING: Number = (-1, -1)


class SyncOutcome(Struct, frozen=True, kw_only=True):
    """How one attempt ended. `detail` is one line for the operator, with the remedy where there is one."""

    ok: bool
    detail: str
    sent: int = 0
    """Snapshots the platform accepted now."""
    held: int = 0
    """Snapshots it held already."""
    refused: int = 0
    """Snapshots it will not take as they are; they are not sent again until their figures change."""
    waiting: int = 0
    """Snapshots still to send."""
    skew: int = 0
    """Seconds by which the gateway's clock is ahead of the platform's."""


class Syncer:
    """Brings the platform up to date, one attempt at a time. Keep one per process: it remembers failures."""

    def __init__(
        self,
        store: Store,
        *,
        gateway: str,
        region: str,
        signing: str,
        carrier: Carrier,
        texts: Texts | None = None,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        rng: random.Random | None = None,
        timezone: str = MOROCCO,
    ) -> None:
        if not region:
            raise AwalError("The gateway's region is not set. Write its HCP code under [gateway] region in awal.toml.")
        self.failures = 0
        self._store = store
        self._sender = Sender(gateway, region)
        self._platform = Platform(carrier, self._sender, signing)
        self._texts = texts
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._timezone = timezone
        self._wait = 0.0
        self._denials = 0
        self._paused_until = 0
        self._refused: set[tuple[str, str, Number]] = set()

    def once(self) -> SyncOutcome:
        """Make one attempt and log it; never raises for what the link or the platform does.

        After five attempts in a row that were denied (unknown key, bad signature) the link is left alone for hours.
        """
        now = self._clock()
        if now < self._paused_until:
            return SyncOutcome(ok=False, detail=f"Paused after {self._denials} denials. {self._platform.enrolment}")
        made = snapshots(self._store, self._sender, today_of(now, self._timezone), now, self._texts)
        attempt = _Attempt(self._store, self._platform, self._refused, made)
        try:
            attempt.run(now)
        except Interrupted as fault:
            attempt.faults.append(str(fault))
            self._failed(fault, now)
        else:
            self.failures, self._wait, self._denials = 0, 0.0, 0
        finally:
            self._platform.close()
        outcome = attempt.outcome()
        self._store.log_sync(SyncRow(at=now, carrier="https", ok=outcome.ok, detail=outcome.detail))
        return outcome

    def next_delay(self) -> float:
        """Return the seconds to wait before a retry: full jitter, capped, never less than the platform asked for.

        0 when the last attempt went through: the regular schedule is enough.
        """
        if not self.failures:
            return 0.0
        ceiling = min(RETRY_MOST, RETRY_FIRST * 2.0 ** min(self.failures - 1, 20))
        return max(self._wait, self._rng.uniform(0, ceiling))

    def _failed(self, fault: Interrupted, now: int) -> None:
        self.failures += 1
        self._wait = fault.wait
        self._denials = self._denials + 1 if fault.denied else 0
        if self._denials >= DENIALS_BEFORE_PAUSE:
            self._paused_until = now + PAUSE_MS


class _Attempt:
    """One exchange with the platform: what was sent, what it held, what went wrong."""

    def __init__(
        self, store: Store, platform: Platform, refused: set[tuple[str, str, Number]], todo: list[Snapshot]
    ) -> None:
        self.faults: list[str] = []
        self._store = store
        self._platform = platform
        self._never = refused
        self._todo = todo
        self._sent = self._held = self._refused = self._skew = 0

    def run(self, now: int) -> None:
        """Ask what is held, send the rest; raises Interrupted and keeps what was done so far."""
        cursor = self._platform.cursor()
        self._skew = (now - cursor.date) // 1000
        theirs = cursor.numbers()
        while self._todo:
            snapshot = self._todo[0]
            self._bring(snapshot, theirs.get((snapshot.flow_hash, snapshot.period), NOTHING))
            self._todo.pop(0)

    def outcome(self) -> SyncOutcome:
        """Sum the attempt up."""
        return summed_up(
            self.faults,
            sent=self._sent,
            held=self._held,
            refused=self._refused,
            waiting=len(self._todo),
            skew=self._skew,
        )

    def _bring(self, snapshot: Snapshot, theirs: Number) -> None:
        """Have the platform hold this snapshot, unless it does already or never will."""
        ours = (snapshot.epoch, snapshot.seq)
        if theirs == ours:
            self._held += 1
            self._acknowledge(snapshot)
        elif theirs > ours:
            self._newer(snapshot, theirs)
        elif (snapshot.flow_hash, snapshot.period, ours) in self._never:
            self._refuse(snapshot, "refused before, and not changed since.")
        else:
            self._put(snapshot)

    def _put(self, snapshot: Snapshot) -> None:
        verdict = self._platform.put(snapshot)
        if verdict.outcome == "held":
            self._sent += 1
            self._acknowledge(snapshot)
        elif verdict.outcome == "newer":
            self._newer(snapshot, verdict.theirs)
        else:
            self._never.add((snapshot.flow_hash, snapshot.period, (snapshot.epoch, snapshot.seq)))
            self._refuse(snapshot, verdict.why)

    def _acknowledge(self, snapshot: Snapshot) -> None:
        if not snapshot.acked:
            self._store.acknowledge(snapshot.flow_hash, snapshot.period, snapshot.epoch, snapshot.seq)

    def _newer(self, snapshot: Snapshot, theirs: Number) -> None:
        self._refuse(snapshot, newer((snapshot.epoch, snapshot.seq), theirs))

    def _refuse(self, snapshot: Snapshot, why: str) -> None:
        self._refused += 1
        self.faults.append(f"Not taken: {snapshot.flow} {snapshot.period}: {why}")


def summed_up(
    faults: Sequence[str], *, sent: int = 0, held: int = 0, refused: int = 0, waiting: int = 0, skew: int = 0
) -> SyncOutcome:
    """Return how an attempt ended, told in one line; the same words whatever carried it."""
    counts = {"sent": sent, "already held": held, "refused": refused, "waiting": waiting}
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing to send"
    lines = [f"{told}.", *faults]
    if abs(skew) > SKEW_SECONDS:
        lines.append(f"This clock differs from the platform's by {abs(skew) // 60} min: set it.")
    return SyncOutcome(
        ok=not faults,
        detail=" ".join(lines),
        sent=sent,
        held=held,
        refused=refused,
        waiting=waiting,
        skew=skew,
    )


def newer(ours: Number, theirs: Number) -> str:
    """Say that this database is an old copy, or that two machines share one id."""
    return (
        f"it holds {theirs[0]}:{theirs[1]}, this gateway has {ours[0]}:{ours[1]}. If this database was "
        "copied back, use `awal restore FILE`, which raises the epoch; if two machines send as this gateway, give "
        "one of them another id."
    )


def open_syncer(
    store: Store, *, url: str, gateway: str, region: str, signing: str, texts: Texts | None = None, **more: Any
) -> Syncer:
    """Return a Syncer over HTTP(S) to the platform at `url`; `more` as in Syncer (clock, rng, timezone)."""
    return Syncer(store, gateway=gateway, region=region, signing=signing, carrier=HttpCarrier(url), texts=texts, **more)
