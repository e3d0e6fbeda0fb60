"""Holds back who guesses passwords: per address, for all together, and never more than two checks at once."""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

WINDOW = 300.0
"""Seconds for which a failure counts."""
MOST_HERE = 5
MOST_ANYWHERE = 60
MOST_CHECKS = 2
"""A check costs 32 MB and a tenth of a second: a small board bears no more at the same time."""
MOST_ADDRESSES = 1000


class Throttle:
    """Counts failures in memory; a restart forgets them."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self._lock = Lock()
        self._all: deque[float] = deque(maxlen=MOST_ANYWHERE)
        self._here: dict[str, deque[float]] = {}
        self._checks = BoundedSemaphore(MOST_CHECKS)

    def wait(self, address: str) -> int:
        """Return the whole seconds this address must still wait; 0 when it may try."""
        now = self.monotonic()
        with self._lock:
            return max(_wait(self._here.get(_who(address)), MOST_HERE, now), _wait(self._all, MOST_ANYWHERE, now))

    def failed(self, address: str) -> None:
        """Count a failure."""
        now = self.monotonic()
        with self._lock:
            self._all.append(now)
            if len(self._here) >= MOST_ADDRESSES:
                self._forget(now)
            self._here.setdefault(_who(address), deque(maxlen=MOST_HERE)).append(now)

    def passed(self, address: str) -> None:
        """Forget this address's failures: whoever knows the password may mistype it again."""
        with self._lock:
            self._here.pop(_who(address), None)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Take one of the places for a check; False when both are taken."""
        free = self._checks.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self._checks.release()

    def _forget(self, now: float) -> None:
        """Make room: addresses whose failures are over go first, then whoever is oldest."""
        self._here = {who: seen for who, seen in self._here.items() if now - seen[-1] < WINDOW}
        while len(self._here) >= MOST_ADDRESSES:
            del self._here[next(iter(self._here))]


def _wait(failures: deque[float] | None, most: int, now: float) -> int:
    """Return how long until fewer than `most` failures count."""
    if failures is None or len(failures) < most:
        return 0
    return max(0, int(failures[-most] + WINDOW - now + 0.999))


def _who(address: str) -> str:
    """Return what counts as one visitor: an IPv4 address, or an IPv6 network that one subscriber holds."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
