"""When citizens are asked: in the campaign's hours, and never in a channel's quiet ones. And how long it takes then."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.campaigns.plan import Campaign
from gateway.sending.civil import Civil, Quiet

if TYPE_CHECKING:
    from gateway.channels.base import Channel
    from gateway.project import Project

MINUTE = 60_000
LONGEST = 366 * 24 * 60
"""Minutes after which a duration is no more worked out: the channel sends too little."""


def moment(civil: Civil, said: str) -> int:
    """Return the milliseconds of a civil time, `2026-12-01 09:00`."""
    there = datetime.strptime(said, "%Y-%m-%d %H:%M").replace(tzinfo=civil.zone)
    return int(there.timestamp() * 1000)


class Hours:
    """The hours of one campaign on the channels of a project."""

    def __init__(self, project: Project, campaign: Campaign) -> None:
        self.project = project
        self.civil = Civil(project.settings.gateway.timezone)
        self.within = campaign.hours
        self.start = moment(self.civil, campaign.start)
        self.end = moment(self.civil, campaign.end) if campaign.end else 0

    def over(self, now: int) -> bool:
        """Tell whether the campaign's end has passed."""
        return bool(self.end) and now >= self.end

    def open(self, now: int, channel: Channel) -> bool:
        """Tell whether citizens may be asked over a channel at this moment."""
        if now < self.start or self.over(now):
            return False
        time = f"{self.civil.at(now):%H:%M}"
        if self.within and not self.within[:5] <= time < self.within[6:]:
            return False
        return not Quiet(channel.settings.quiet_hours, self.civil).now(now)

    def sent_by(self, begin: int, segments: int, channel: Channel) -> int:
        """Return when so many segments, begun at a moment, have left by a channel's rate, budgets and hours.

        0 where that is not to be foreseen: the campaign's end, or a year, comes first.
        """
        settings = channel.settings
        rate = settings.rate * 60 or segments
        spent: dict[str, float] = defaultdict(float)
        now, left = begin, float(segments)
        for _ in range(LONGEST):
            if left <= 0:
                return now
            if self.over(now):
                return 0
            if self.open(now, channel):
                hour = self.civil.hour(now)
                room = [rate, left]
                room += [settings.budget_hour - spent[hour]] if settings.budget_hour else []
                room += [settings.budget_day - spent[hour[:10]]] if settings.budget_day else []
                leaves = max(0.0, min(room))
                spent[hour] += leaves
                spent[hour[:10]] += leaves
                left -= leaves
            now += MINUTE
        return 0
