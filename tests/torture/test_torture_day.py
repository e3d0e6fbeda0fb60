"""A day of 50,000 messages with everything that goes wrong in one: each answer counts once, each prompt has its end."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from day import HOUR, Day, counted, kept, spending, texts_of
from sending_bench import CASABLANCA

from gateway.sending.line import FRESH
from storage.outgoing import UNASKED
from storage.store import OutboxRow

MESSAGES = int(os.environ.get("AWAL_TORTURE_DAY", "600"))


def test_a_day_ends_with_every_answer_counted_once_and_every_prompt_accounted_for(
    swift: Path, figures: Callable[..., None]
) -> None:
    day = Day(swift, MESSAGES)
    day.run()
    rows = {row.id: row for row in day.store.outbox((), 10_000_000)}
    assert len(rows) >= MESSAGES

    models = [one.store for one in day.models]
    assert kept(day.store) == kept(*models), "each answer once, as where nothing fails"
    assert counted(day.store) == counted(*models), "and so it is counted"
    assert texts_of(day.store) == texts_of(*models), "each prompt was written once"
    assert day.store.counts()["inbound"] == len(day.taken)

    states = ended(rows)
    times = Counter(sms.id for _, sms in day.took())
    assert {id for id, row in rows.items() if row.state in ("accepted", "delivered")} <= set(times), "it left"
    spared(day, rows)
    within_budgets(day)
    again = sum(times.values()) - len(times)
    figures(citizens=len(day.citizens), inbound=len(day.taken), answers=len(kept(day.store)), sent_again=again)
    figures(**day.met, **states)
    for what in ("unreachable", "timeouts", "refused for now", "repeats", "restarts", "crashes while taking"):
        assert day.met[what], f"the day met no {what}"
    day.store.close()


def ended(rows: Mapping[str, OutboxRow]) -> dict[str, int]:
    """Count the ends of all messages: each arrived or left, or failed or died with a cause."""
    for row in rows.values():
        assert row.state in ("accepted", "delivered", "failed", "dead"), (row.state, row.kind, row.last_error)
        assert row.last_error or row.state in ("accepted", "delivered"), row.state
    return dict(Counter(row.state for row in rows.values()))


def spared(day: Day, rows: Mapping[str, OutboxRow]) -> None:
    """Hold quiet hours: nothing unasked, and no late reply but to who wrote again just before."""
    wrote: dict[str, list[int]] = {}
    for row in rows.values():
        if row.kind not in UNASKED:
            wrote.setdefault(row.citizen, []).append(row.created_at)
    for _, sms in day.took():
        row = rows[sms.id]
        if 8 <= CASABLANCA.at(sms.at).hour < 21:
            continue
        assert row.kind not in UNASKED, (row.kind, CASABLANCA.at(sms.at))
        assert any(0 <= sms.at - moment <= FRESH for moment in wrote[row.citizen]), CASABLANCA.at(sms.at)


def within_budgets(day: Day) -> None:
    """Hold budgets by what the providers took, and see that they bound."""
    hours, days = spending(day.took())
    for name, road in day.roads.items():
        for count, limit in ((hours, road.settings.budget_hour), (days, road.settings.budget_day)):
            most = max((spent for (one, _), spent in count.items() if one == name), default=0)
            assert not limit or most <= limit, (name, most, limit)
    assert any(kind == "budget-spent" for _, kind, _ in day.store.events(1_000)), "a budget bound"
    assert day.now - day.begins >= 96 * HOUR
