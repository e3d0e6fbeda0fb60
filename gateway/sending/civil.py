"""Civil time: the hours in which budgets are counted, and those in which citizens are left in peace.

Offsets come from the timezone database at each moment, so that a change of clocks (in Morocco, twice around Ramadan)
moves quiet hours with the people's clocks and opens no gap.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

HOUR = 3_600_000


class Civil:
    """The civil time of one timezone; moments are milliseconds UTC."""

    def __init__(self, timezone: str) -> None:
        self.zone = ZoneInfo(timezone)

    def at(self, now: int) -> datetime:
        """Return the civil time of a moment."""
        return datetime.fromtimestamp(now / 1000, self.zone)

    def hour(self, now: int) -> str:
        """Return the civil hour, `2026-11-23T14`; one that comes twice, when clocks go back, is one hour."""
        return f"{self.at(now):%Y-%m-%dT%H}"

    def today(self, now: int) -> int:
        """Return when the civil day began."""
        return self._midnight(now, 0)

    def tomorrow(self, now: int) -> int:
        """Return when the next civil day begins."""
        return self._midnight(now, 1)

    def next_hour(self, now: int) -> int:
        """Return when the next civil hour begins."""
        local = self.at(now)
        into = (local.minute * 60 + local.second) * 1000 + local.microsecond // 1000
        return now - into + HOUR

    def _midnight(self, now: int, later: int) -> int:
        day = self.at(now).date() + timedelta(days=later)
        return int(datetime.combine(day, time(), self.zone).timestamp() * 1000)


class Quiet:
    """Hours without unasked messages, `21:00-08:00`: from the first minute, up to the last and not in it."""

    def __init__(self, hours: str, civil: Civil) -> None:
        self.civil = civil
        self.begins, self.ends = (_minute(one) for one in hours.split("-")) if hours else (0, 0)

    def now(self, now: int) -> bool:
        """Tell whether citizens are left in peace at this moment."""
        local = self.civil.at(now)
        minute = local.hour * 60 + local.minute
        if self.begins <= self.ends:
            return self.begins <= minute < self.ends
        return minute >= self.begins or minute < self.ends


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)
