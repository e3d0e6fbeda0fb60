"""The clock: the machine's where it can be believed, and a count of our own where it cannot.

A board without a battery boots in 1970, or where it was switched off. Its gateway serves all the same: it counts on
from the newest moment kept, by the kernel's clock since the boot, which nobody can set. What it keeps is undated
(`storage.undated`). When the clock is known (NTP, or an operator), the difference is added to those moments, and time
goes on without anything having run twice, expired, or been counted on a wrong day.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flows.errors import AwalError
from gateway import log
from gateway.gate import Gate
from storage.store import Store, Undated

BUILT = datetime(2026, 11, 1, tzinfo=UTC)
"""When this release was made: a clock before this is not set, unless the kernel vouches for it."""
OLDEST = datetime(2024, 1, 1, tzinfo=UTC)
"""A clock before this is never believed."""
TOLERANCE = 10 * 60_000
"""Milliseconds by which the clock may be behind the newest moment seen: a correction is, a lost clock is not."""
MARGIN = 60_000
"""Milliseconds between what was kept before and the first undated moment, so that the two cannot be confused."""
STEPS = 1_000
"""Batches dated at one look."""
SEEN = "clock-seen"
"""The store's note of the newest moment that a believed clock showed."""
TRUSTED = "clock-trusted"
"""The store's note of the last boot whose clock was believed."""
NOTHING: AbstractContextManager[object] = nullcontext()
"""What holds up nobody."""
BOOT = Path("/proc/sys/kernel/random/boot_id")
TIME_ERROR = 5
UNKNOWN = (
    "the clock is not known. Set it (`sudo timedatectl set-time …`, or let NTP reach it), then `awal clock confirm`."
)
"""What is said where something has to wait for it."""


class ClockUnknown(AwalError):
    """The clock is not known, and what was asked for needs it."""


class Machine:
    """What the kernel says of time."""

    def wall(self) -> int:
        """Return what the machine's clock shows, in milliseconds of the Unix epoch."""
        return time.time_ns() // 1_000_000

    def uptime(self) -> int:
        """Return the milliseconds since the boot, sleep included: nobody can set this clock."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def boot(self) -> str:
        """Return the kernel's id of this boot; one of this process alone where there is none."""
        try:
            return BOOT.read_text().strip()
        except OSError:
            return f"process {uuid.uuid4()}"

    def vouches(self) -> bool:
        """Tell whether the kernel says that a time service keeps its clock (adjtimex(2), which only reads here)."""
        import ctypes  # rarely needed: no board should pay for it at each start

        room = ctypes.create_string_buffer(512)  # struct timex, all zero: nothing is set
        ask = getattr(ctypes.CDLL(None), "adjtimex", None)
        return ask is not None and 0 <= int(ask(room)) < TIME_ERROR


MACHINE = Machine()


class Wall:
    """The machine's clock, believed as it is."""

    known = True

    def now(self) -> int:
        """Return now, in milliseconds of the Unix epoch."""
        return MACHINE.wall()

    def day(self, now: int) -> str:  # noqa: ARG002 - that of a clock that may be lost
        """Return what undated rows of a moment have for a day; empty while the clock is known."""
        return ""

    def using(self) -> AbstractContextManager[object]:
        """Keep the clock from becoming known in the middle of something."""
        return NOTHING

    def handing(self, told: Callable[[Any], None]) -> AbstractContextManager[Callable[[Any], None]]:
        """Do so until what is handed over has ended: yields the `told` to give along."""
        return nullcontext(told)


class Clock(Wall):
    """The clock of one gateway on its store, from `begin`. `still` pauses whoever holds moments in memory.

    Call `look` now and then: it notices that the clock is known, and dates what waited. `battery`: the machine keeps
    the time while it is off. Where it does not, a boot's clock has to be vouched for once, however right it looks: it
    may go on from the hour at which the machine was switched off.
    """

    def __init__(
        self,
        store: Store,
        timezone: str,
        *,
        still: Callable[[], AbstractContextManager[None]] = nullcontext,
        machine: Machine = MACHINE,
        battery: bool = True,
    ) -> None:
        self.store = store
        self.zone = ZoneInfo(timezone)
        self.still = still
        self.boot = machine.boot()
        self._wall, self._uptime, self._vouched = machine.wall, machine.uptime, machine.vouches
        self._battery, self._trusted = battery, False
        self._gate = Gate()
        self._turn = threading.RLock()
        self._lost: Undated | None = None
        self._seen = self._noted = 0
        self._least = milliseconds(BUILT)
        self._boot_at = 0

    @property
    def known(self) -> bool:  # type: ignore[override]
        """True while the machine's clock is believed."""
        return self._lost is None

    # telling the time ------------------------------------------------------------------------------------------
    def begin(self, keep: bool = True) -> None:
        """Decide whether the clock can be believed. `keep` False only looks, beside the gateway that decides."""
        if keep:
            self.store.end_boots(self.boot)
        self._trusted = self._battery or self.store.get(TRUSTED) == self.boot
        self._noted = int(self.store.get(SEEN) or 0)
        self._seen = self._noted or self.store.newest()
        self._least = max(milliseconds(BUILT), self._seen - TOLERANCE)
        if not self._believed(self._wall()):
            self._lose(keep)
            return
        self._believe(self._wall())
        self._trust(keep)
        going = self._going() if keep else None
        if going is not None:
            self._find(going)
        if keep:
            self._settle_earlier()

    def now(self) -> int:
        """Return now, in milliseconds of the Unix epoch; while the clock is not known, in the count of our own.

        A clock that was just set back is not followed before the next `look` has decided what to make of it.
        """
        lost = self._lost
        if lost is not None:
            return lost.base + self._uptime()
        moment = self._wall()
        return moment if moment >= self._least else self._boot_at + self._uptime()

    def day(self, now: int) -> str:
        """Return what undated rows of a moment have for a day; empty for one of a clock that was known."""
        lost = self._lost
        return lost.day if lost is not None and now >= lost.since else ""

    def using(self) -> AbstractContextManager[object]:
        """Keep the clock from becoming known in the middle of something; what begins meanwhile waits a moment."""
        return NOTHING if self._lost is None else closing(self._gate.enter())

    def handing(self, told: Callable[[Any], None]) -> AbstractContextManager[Callable[[Any], None]]:
        """Do so until what is handed over has ended: yields the `told` to give along."""
        return nullcontext(told) if self._lost is None else self._gate.handing(told)

    def _believed(self, moment: int) -> bool:
        """Tell whether a clock that shows this is to be believed."""
        if moment < milliseconds(OLDEST):
            return False
        sound = self._trusted and moment >= max(milliseconds(BUILT), self._seen - TOLERANCE)
        return sound or self._vouched()

    def _believe(self, moment: int) -> None:
        """Go by the machine's clock from this moment on."""
        self._seen, self._least, self._boot_at = moment, moment - TOLERANCE, moment - self._uptime()

    # losing and finding it -------------------------------------------------------------------------------------
    def _lose(self, keep: bool = True) -> Undated:
        """Count on our own from now on; the store knows of it before anything is kept so."""
        with self._turn:
            if self._lost is None:
                since = max(self.store.newest(), self._seen, milliseconds(BUILT)) + MARGIN
                base = since - self._uptime()
                if keep:
                    self._lost = self.store.lose_clock(self.boot, base, since)
                    log.event("clock unknown", level=40, shows=self._wall(), newest=self._seen)
                    if self._lost.base == base:  # else this boot has been told of it
                        told = "the clock cannot be believed: what is kept waits for its day"
                        self.store.log_event("clock-unknown", told, base + self._uptime())
                else:
                    self._lost = self._going() or Undated(0, self.boot, base, since)
            return self._lost

    def _going(self) -> Undated | None:
        """Return the time without a clock that this boot is in, as the store knows it."""
        return next((span for span in self.store.undated() if span.boot == self.boot and span.shift is None), None)

    def look(self) -> None:
        """Notice that the clock is lost or known again, and give what was kept meanwhile its day."""
        with self._turn:
            moment = self._wall()
            believed = self._believed(moment)
            if self._lost is not None and believed:
                self._find_again()
            elif self._lost is None and believed:
                self._note(moment)
            elif self._lost is None:
                self._lose()
        for _ in range(STEPS):
            if not self.store.date():
                return

    def _trust(self, keep: bool = True) -> None:
        """Remember that this boot's clock was believed once: the time service that vouched for it may go."""
        if not self._trusted:
            self._trusted = True
            if keep:
                self.store.put(TRUSTED, self.boot)

    def _note(self, moment: int) -> None:
        """Remember the newest moment seen, now and then: an idle gateway must not wear the disk."""
        self._believe(moment)
        if not self._noted <= moment < self._noted + TOLERANCE:
            self.store.put(SEEN, str(moment))
            self._noted = moment

    def _find_again(self) -> None:
        """Believe the clock again, while nobody holds a moment of the other count."""
        with self._gate.alone(), self.still():
            if self._lost is not None:
                self._find(self._lost)
            self._believe(self._wall())
            self._lost = None
        self._trust()
        self._note(self._wall())
        self._settle_earlier()

    def _find(self, span: Undated) -> None:
        count = span.base + self._uptime()
        shift = self._wall() - count
        self.store.find_clock(span.number, shift, count)
        log.event("clock known", shift=shift)
        self.store.log_event("clock-known", "the clock is known: what waited gets its day", self._wall())

    def _settle_earlier(self) -> None:
        """Date what earlier boots left, where its day is certain: it began and ended on one and the same."""
        for span in self.store.undated():
            earliest, latest = self.bounds(span)
            if span.shift is None and span.boot != self.boot and self.civil(earliest) == self.civil(latest):
                self.store.find_clock(span.number, 0)

    # what operators ask ----------------------------------------------------------------------------------------
    def bounds(self, span: Undated) -> tuple[int, int]:
        """Return between which moments an earlier boot's time began and ended: what was kept before, and this boot."""
        return span.since - MARGIN, self._wall() - self._uptime()

    def civil(self, moment: int) -> str:
        """Return the civil day of a moment."""
        return datetime.fromtimestamp(moment / 1000, UTC).astimezone(self.zone).date().isoformat()

    def confirm(self) -> None:
        """Believe what the machine's clock shows, since an operator says that it is right. Raises AwalError."""
        with self._turn:
            moment = self._wall()
            if moment < milliseconds(BUILT):
                raise AwalError(
                    f"the machine's clock shows {self.shown(moment)}, before this release was made. Set it first: "
                    f"`sudo timedatectl set-time '2026-11-23 08:00'`, or `sudo date --set=…`."
                )
            if self._lost is None:
                self._note(moment)
                return
            self._find_again()
        self.look()

    def tell(self, number: int, began: int) -> None:
        """Date an earlier boot's time by when it began, as somebody knows who was there. Raises AwalError."""
        if self._lost is not None:
            raise ClockUnknown(f"{UNKNOWN[0].upper()}{UNKNOWN[1:]}")
        span = next((one for one in self.store.undated() if one.number == number and one.shift is None), None)
        if span is None:
            raise AwalError(f"there is no time {number} that waits for its date. `awal clock` lists them.")
        earliest, latest = self.bounds(span)
        if not earliest <= began <= latest - max(0, span.until - span.since):
            raise AwalError(
                f"{self.shown(began)} cannot be: time {number} began after {self.shown(earliest)}, and its "
                f"{(span.until - span.since) // 60_000} minutes were over by {self.shown(latest)}."
            )
        self.store.find_clock(number, began - span.since)
        self.look()

    def shown(self, moment: int) -> str:
        """Return a moment in civil time, for people."""
        return f"{datetime.fromtimestamp(moment / 1000, UTC).astimezone(self.zone):%Y-%m-%d %H:%M %Z}"

    def state(self) -> dict[str, object]:
        """Return what is known of the clock, for `awal clock`, the doctor and the console."""
        waiting = [span for span in self.store.undated() if span.answers or span.conversations or span.shift is None]
        return {
            "known": self.known,
            "now": self.now(),
            "shows": self.shown(self._wall()),
            "synchronised": self._vouched(),
            "answers": sum(span.answers for span in waiting),
            "times": [self._told(span) for span in waiting],
        }

    def _told(self, span: Undated) -> dict[str, object]:
        earliest, latest = self.bounds(span)
        lost = self._lost
        current = lost is not None and lost.number == span.number
        return {
            "time": span.number,
            "answers": span.answers,
            "minutes": ((self.now() if current else span.until) - span.since) // 60_000,
            "after": self.shown(earliest),
            "before": "" if lost is not None else self.shown(latest),
            "state": "goes on" if current else "waits" if span.shift is None else "is being dated",
        }


def milliseconds(moment: datetime) -> int:
    """Return whole milliseconds of the Unix epoch."""
    return int(moment.timestamp()) * 1000
