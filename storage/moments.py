"""Moments as the stores keep them: whole milliseconds of the Unix epoch, and the civil day they fall on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def milliseconds(moment: datetime) -> int:
    """Return whole milliseconds of the Unix epoch, exactly; a moment without a timezone is UTC."""
    return (aware(moment) - EPOCH) // MILLISECOND


def civil_day(moment: int, zone: ZoneInfo) -> str:
    """Return the civil date of a moment in the gateway's timezone, `2026-11-23`."""
    return datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone).date().isoformat()


def civil_day_of(moment: datetime, zone: ZoneInfo) -> str:
    """Return the same of a datetime; one without a timezone is UTC."""
    return aware(moment).astimezone(zone).date().isoformat()


def aware(moment: datetime) -> datetime:
    """Return a moment with its timezone; one that has none is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
