"""What is kept while the clock is not known: it has no day yet, and gets one when the clock is.

A board without a battery boots in 1970. The gateway then counts on by itself, from the newest moment kept, by the
kernel's count since the boot; what it keeps has `unknown 1` for a day. Once the clock is known, the difference is
added to the moments of that time: exactly for the boot that runs, and for an earlier one only as far as its day is
certain, or as somebody who was there tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

UNKNOWN = "unknown"
"""What the day of undated rows begins with. It sorts after every date, and lies in no period."""


class Undated(Struct, frozen=True):
    """One time in which a gateway did not know the clock. Moments are of its own count until it is dated."""

    number: int
    boot: str
    """The kernel's id of the boot."""
    base: int
    """The moment, in that count, at which the boot began: add the kernel's count since the boot."""
    since: int
    """The first moment of the count that may be in a row; later than all that was kept before."""
    until: int = 0
    """The last; 0 while it goes on."""
    shift: int | None = None
    """What is added to those moments; None while it is not known."""
    answers: int = 0
    """How many answers still wait for their day."""
    conversations: int = 0

    @property
    def day(self) -> str:
        """What its rows have for a day."""
        return day_of(self.number)

    def covers(self, moment: int) -> bool:
        """Tell whether a moment is of this count."""
        return self.since <= moment <= self.until

    def true(self, moment: int) -> int:
        """Return what the clock showed at a moment; one that is not of this count is right as it is."""
        return moment + (self.shift or 0) if self.covers(moment) else moment


def day_of(number: int) -> str:
    """Return what the rows of an undated time have for a day."""
    return f"{UNKNOWN} {number}"


class Dating(Protocol):
    """The operations of `Store` for a clock that is not known. Each is one durable transaction."""

    def newest(self) -> int:
        """Return the newest moment kept, in milliseconds; 0 where nothing is. What was kept last counts as such."""

    def undated(self) -> Sequence[Undated]:
        """Return every time without a clock there ever was, oldest first, with what still waits for its day."""

    def lose_clock(self, boot: str, base: int, since: int) -> Undated:
        """Begin a time without a clock; a boot that is in one already goes on in it, by its first count."""

    def end_boots(self, boot: str) -> None:
        """Note that what other boots began has ended with the newest moment kept."""

    def find_clock(self, number: int, shift: int, until: int = 0) -> bool:
        """Tell once and for all what is added to the moments of an undated time; False when it was told before.

        What must be right at once is dated with it: messages that wait, open conversations, events. `date` does the
        rest. `until` is the count's last moment, where it has not ended yet.
        """

    def date(self, limit: int = 100) -> int:
        """Give up to `limit` conversations and their answers the day they were kept on; return how many got it.

        Called again until it returns 0. Each is taken out of `unknown` and into its day in one step.
        """
