"""What a campaign would do, before anything is sent: how many, where, in which language, what it costs, how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from gateway.campaigns.audience import LENGTH, Person, draw, select
from gateway.campaigns.files import flow_of
from gateway.campaigns.hours import Hours
from gateway.campaigns.plan import Campaign
from gateway.campaigns.price import Cost, Tariff, by_channel
from gateway.campaigns.record import Record
from reports.suppression import K, publish

if TYPE_CHECKING:
    from gateway.project import Project

DAY = 86_400_000


class WavePlan(Struct, frozen=True):
    """One wave of the first round: its size, its begin, and when its messages have left (0: not to be foreseen)."""

    size: int
    begins: int
    sent_by: int


class Preview(Struct, frozen=True):
    """A campaign's plan worked out. `members` are the citizens in the order in which they would be asked."""

    campaign: Campaign
    record: Record
    members: tuple[Person, ...]
    fitting: int
    """Citizens who fit the audience; more than `members` where a most or a quota holds."""
    cost: Cost
    """Of one round."""
    waves: tuple[WavePlan, ...]
    ends: int
    """When the last round has been asked; 0: not to be foreseen."""
    two: bool
    """Whether two people must approve."""

    @property
    def size(self) -> int:
        """Citizens asked in one round."""
        return len(self.members)

    @property
    def total(self) -> Cost:
        """Return what all rounds cost."""
        return self.cost.times(self.campaign.rounds)

    def languages(self) -> dict[str, int]:
        """Count the members by the language they chose; empty: they have not yet."""
        return dict(sorted(Counter(one.language for one in self.members).items()))

    def channels(self) -> dict[str, int]:
        """Count the members by the channel that reaches them."""
        return dict(sorted(Counter(one.channel for one in self.members).items()))

    def places(self, level: str = "province", k: int = K) -> Mapping[str, int | None]:
        """Count the members by place; None is a count too small to be shown, or one that would give it away."""
        cut = LENGTH[level]
        counts = Counter(one.place[:cut] if len(one.place) >= cut else "" for one in self.members)
        return publish(dict(sorted(counts.items())), k).cells


def preview(project: Project, plan: Campaign, now: int) -> Preview:
    """Work a campaign out on the citizens there are now; raises AwalError where the flow is not served."""
    flow = flow_of(project, plan)
    found = select(project, plan, now)
    members = tuple(found[one] for one in draw(plan, found, seed_of(plan)))
    tariff = Tariff(project, flow, now)
    cost = tariff.total(members)
    record = Record(
        plan=plan,
        flow_hash=flow.hash,
        seed=seed_of(plan),
        size=len(members),
        cost=str(cost.times(plan.rounds)),
        reserve=tariff.dearest(members),
    )
    waves, ends = _schedule(project, plan, members, tariff, now)
    two = len(members) > project.settings.campaigns.threshold
    return Preview(plan, record, members, len(found), cost, waves, ends, two)


def seed_of(plan: Campaign, round: int = 0) -> str:
    """Return the seed of a round's lot: whoever has the file draws the same citizens again."""
    return f"{plan.id}/{round}"


def sizes(plan: Campaign, total: int) -> list[int]:
    """Return how many citizens each wave asks."""
    found, left = [], total
    for wave in plan.waves:
        wanted = wave.size or (round(wave.share * total) if wave.share else left)
        found.append(min(left, wanted))
        left -= found[-1]
    return found


def _schedule(
    project: Project, plan: Campaign, members: Sequence[Person], tariff: Tariff, now: int
) -> tuple[tuple[WavePlan, ...], int]:
    """Return the waves of the first round, and when all rounds have been asked."""
    hours = Hours(project, plan)
    begins, at, found = max(hours.start, now), 0, []
    for wave, size in zip(plan.waves, sizes(plan, len(members)), strict=True):
        begins += wave.after * 1000
        asked = members[at : at + size]
        loads = by_channel(asked, tariff).items()
        done = [hours.sent_by(begins, load, project.channels[name]) for name, load in loads]
        found.append(WavePlan(size, begins, 0 if 0 in done else max(done, default=begins)))
        at += size
    last = 0 if any(one.sent_by == 0 for one in found) else max(one.sent_by for one in found)
    later = (plan.rounds - 1) * plan.panel.every * 1000 if plan.panel else 0
    return tuple(found), last and last + later
