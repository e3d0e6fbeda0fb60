"""How a campaign goes: its figures, its money, and whether its stop rule holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from gateway.campaigns.plan import Stop
from gateway.campaigns.price import prices_of, spent
from gateway.campaigns.record import Kept
from storage.campaigns import Figures, Progress

if TYPE_CHECKING:
    from gateway.project import Project


class Standing(Struct, frozen=True):
    """A campaign as it stands now."""

    kept: Kept
    waves: tuple[Progress, ...]
    spent: float
    """Money, with what is on its way."""
    currency: str
    segments: int
    resume: int
    """Seconds for which a conversation may go on."""

    def of(self, round: int | None = None) -> Figures:
        """Return the figures of one round, or of all."""
        ours = [one for one in self.waves if round in (None, one.round)]
        return Figures(**{name: sum(getattr(one, name) for one in ours) for name in Figures.__struct_fields__})

    @property
    def done(self) -> int:
        """Citizens who need no more asking: asked or skipped, in all rounds so far."""
        all_ = self.of()
        return all_.asked + all_.skipped

    @property
    def total(self) -> int:
        """Citizens to be asked in all rounds, as far as it is known."""
        later = self.kept.record.plan.rounds - 1 - self.kept.record.round
        all_ = self.of()
        return all_.drawn + self.done + max(0, later) * self.kept.record.size


def standing(project: Project, kept: Kept, now: int) -> Standing:
    """Return how a campaign stands."""
    record, store = kept.record, project.store
    flow = project.library.pinned(record.flow_hash)
    resume = flow.resume * (1 + len(flow.reminders)) if flow else 86_400
    waves: Sequence[Progress] = store.progress(record.plan.id, now - resume * 1000)
    found = store.campaign_segments(record.plan.id)
    names = [name for name in found if name in project.settings.channels] or list(project.settings.channels)[:1]
    currency = prices_of(project, names[0]).currency if names else ""
    sent = sum(one.sent for one in found.values())
    return Standing(kept, tuple(waves), spent(project, found), currency, sent, resume)


def verdict(stop: Stop, figures: Figures) -> str:
    """Return why no more citizens are to be asked, in words for operators; empty when nothing speaks against it.

    That enough have completed is `enough`; money is looked at before each asking.
    """
    if figures.asked < stop.least:
        return ""
    for name, count, most in (
        ("said stop or refused", figures.stopped, stop.stopped),
        ("wrote what no question understood", figures.unclear, stop.unclear),
        ("could not be reached", figures.failed, stop.failed),
    ):
        if most and count > most * figures.asked:
            return f"{count} of {figures.asked} citizens {name}, more than {most:.0%}"
    return ""
