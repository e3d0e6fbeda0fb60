"""The spend breaker: a channel whose hourly or daily segments are spent rests until the next civil hour or day.

The store counts and never lets a claim pass a budget; here is only when to look again, and what the operator hears.
"""

from __future__ import annotations

from logging import WARNING

from gateway import log
from gateway.channels.base import Settings
from gateway.sending.civil import Civil
from storage.outgoing import Terms
from storage.store import Store

LONGEST = 10
"""Segments of the longest message: where less is left and a message did not fit, the budget counts as spent."""


class Budget:
    """One channel's budgets; replies count and wait like everything else."""

    def __init__(self, settings: Settings, store: Store, civil: Civil) -> None:
        self.name = settings.name
        self.limits = bool(settings.budget_hour or settings.budget_day)
        self.store = store
        self.civil = civil
        self.resumes = 0
        """When the next budget begins, after this one was spent."""

    def rests(self, now: int) -> bool:
        """Tell whether the channel waits for its next budget."""
        return self.resumes > now

    def look(self, terms: Terms, now: int) -> None:
        """After a claim that brought nothing: rest if that was for want of budget, and tell the operator once."""
        spent = self.store.spent(self.name, terms.hour)
        used_up = ((spent.day, terms.most_day), (spent.hour, terms.most_hour))
        left = [(limit - used, used, limit) for used, limit in used_up if limit]
        if not spent.short or not left or min(left)[0] >= LONGEST:
            return
        _, used, limit = min(left)
        by_day = (used, limit) == (spent.day, terms.most_day)
        self.resumes = self.civil.tomorrow(now) if by_day else self.civil.next_hour(now)
        told = f"{used} of {limit} segments are spent {'today' if by_day else 'in this hour'}"
        log.event("budget-spent", WARNING, channel=self.name, told=told)
        if self.store.claim_slot(f"budget of {self.name}", terms.hour[:10] if by_day else terms.hour, now):
            self.store.log_event("budget-spent", f"{self.name}: {told}; its messages wait for the next", now)
