"""What leaves by SMS: once, within the day's budget, again only when nobody acknowledged it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from frame_world import link
from wire_world import PUBLIC, SIGNING, W47, W48, WATER, World

from flows.encoding import measure
from national.reception import Reception
from national.store import open_store
from reports.frames.acks import Ack, read_ack
from reports.keys import signing_key
from reports.periods import today_of
from reports.sms import AGAIN, Plan, acknowledge, keep, plan
from reports.snapshots import Sender, snapshots

SENDER = Sender("demo", "02")
HOUR = 3600 * 1000
COMMUNES = 30
CITIZENS = sum(2 + at % 5 for at in range(COMMUNES))


class Pair:
    """A gateway that plans SMS, and a platform that takes them."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.nation = open_store(f"sqlite:{folder / 'national.db'}")
        self.nation.enrol("demo", "02", PUBLIC, W47)
        self.reception = Reception(self.nation)
        self.link = link(self.nation.identity().public)
        self.now = W48

    def plan(self, **changes: Any) -> Plan:
        given: dict[str, Any] = {"budget": 100, **changes}
        made = plan(self.world.store, self.link, SENDER, today_of(self.now), self.now, **given)
        assert all(measure(one.text).segments == 1 for one in made.frames)
        keep(self.world.store, made)
        return made

    def deliver(self, *frames: Any) -> list[Ack]:
        """Have the platform take frames; return its receipts."""
        taken = [self.reception.take(one.text, self.now) for one in frames]
        return [read_ack(text, self.link) for text in self.reception.receipts(taken, self.now)]

    def hear(self, acks: list[Ack]) -> int:
        return sum(acknowledge(self.world.store, ack) for ack in acks)

    def started(self) -> int:
        totals = self.nation.totals()
        return sum(one.started for one in totals.values())

    def pass_(self, milliseconds: int) -> None:
        self.now += milliseconds

    def close(self) -> None:
        self.world.close()
        self.nation.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    for at in range(COMMUNES):
        given = {"supply": "yes", "mark": 1 + at % 5, "recommend": at % 11, "needs": ["cuts", "price"]}
        made.world.many(2 + at % 5, given, place=f"02.411.01.{at:02d}")
    yield made
    made.close()


def test_sent_acknowledged_and_then_nothing_is_left(pair: Pair) -> None:
    first = pair.plan()
    assert first.snapshots == 1
    assert len(first.frames) > 2
    assert first.standing == ["water 2026-W47: sent by SMS"]
    assert pair.hear(pair.deliver(*first.frames)) == 1
    assert pair.started() == CITIZENS
    again = pair.plan(at_once=True)
    assert (again.frames, again.standing, again.detail) == ((), [], "nothing to send by SMS.")


def test_what_another_carrier_brought_does_not_leave(pair: Pair) -> None:
    pair.plan()
    (held,) = pair.world.store.held()
    pair.world.store.acknowledge(held.flow_hash, held.period, held.epoch, held.seq)
    pair.pass_(2 * AGAIN)
    assert pair.plan().frames == ()


def test_a_layout_leaves_once_until_the_platform_asks_for_it(pair: Pair) -> None:
    first = pair.plan()
    layouts = [one for one in first.frames if pair.reception.take(one.text, pair.now).outcome == "layout"]
    assert layouts == list(first.frames[: len(layouts)]), "it goes ahead of the counts"
    pair.hear(pair.deliver(*first.frames))
    pair.world.answer({"supply": "no"})
    second = pair.plan(at_once=True)
    assert not any(pair.reception.take(one.text, pair.now).outcome == "layout" for one in second.frames)
    forgetful = Ack(1, pair.now, frozenset(), {}, frozenset({WATER.hash[:8]}))
    pair.hear([forgetful])
    pair.pass_(AGAIN)
    third = pair.plan()
    assert sum(pair.reception.take(one.text, pair.now).outcome == "layout" for one in third.frames) == len(layouts)


def test_nothing_leaves_twice_within_a_day_and_again_after_one(pair: Pair) -> None:
    first = pair.plan()
    pair.pass_(AGAIN - 1)
    waiting = pair.plan(at_once=True)
    assert (waiting.frames, waiting.unheard) == ((), 1)
    pair.pass_(1)
    second = pair.plan()
    counts = first.frames[-len(second.frames) :]
    assert [one.text for one in second.frames] == [one.text for one in counts], "the layout waits to be asked for"
    assert not {one.key for one in second.frames} & {one.key for one in first.frames}


def test_parts_that_arrived_do_not_leave_again(pair: Pair) -> None:
    """Every second frame is lost; what is sent again is what is missing, and then the snapshot is whole."""
    pair.hear(pair.deliver(*pair.plan().frames))
    pair.world.answer({"supply": "no", "mark": 5}, place="02.411.01.00")
    pair.pass_(AGAIN)
    second = pair.plan()
    assert len(second.frames) >= 3
    arrived, lost = second.frames[::2], second.frames[1::2]
    pair.hear(pair.deliver(*arrived))
    pair.pass_(AGAIN)
    third = pair.plan()
    assert [one.text for one in third.frames] == [one.text for one in lost]
    assert pair.hear(pair.deliver(*third.frames)) == 1
    assert pair.started() == CITIZENS + 1


def test_a_small_budget_takes_days_and_loses_nothing(pair: Pair) -> None:
    days = 0
    while pair.hear([ack for one in [pair.plan(budget=1)] for ack in pair.deliver(*one.frames)]) == 0:
        days += 1
        pair.pass_(HOUR)
        assert pair.plan(budget=1).frames == (), "the day's budget is spent"
        pair.pass_(AGAIN - HOUR)
        assert days < 20
    assert days >= 3
    assert pair.started() == CITIZENS


def test_without_a_budget_nothing_leaves_and_it_is_said(pair: Pair) -> None:
    made = pair.plan(budget=0)
    assert made.frames == ()
    assert "tomorrow's budget" in made.detail


def test_a_running_week_waits_for_its_end_and_then_for_a_day_behind_itself(pair: Pair) -> None:
    pair.now = W47 + HOUR
    assert pair.plan(final_only=True).frames == ()
    first = pair.plan()
    assert first.snapshots == 1
    pair.pass_(HOUR)
    pair.world.answer({"supply": "no"})
    assert (pair.plan().frames, pair.plan().later) == ((), 1)
    assert pair.plan(at_once=True).snapshots == 1


def test_weeks_that_are_over_go_first(pair: Pair) -> None:
    pair.world.answer({"supply": "no"}, now=W48)
    texts = {one.period: one for one in snapshots(pair.world.store, SENDER, today_of(W48), W48)}
    made = pair.plan()
    pair.deliver(*made.frames)
    assert {one.period for one in pair.nation.cursor("demo")} == set(texts)
    taken = [pair.reception.take(one.text, pair.now) for one in made.frames]
    numbers = [one.numbers[0] for one in taken if one.numbers]
    final = (texts["2026-W47"].epoch, texts["2026-W47"].seq)
    assert numbers[0] == final
    assert numbers[-1] != final


def test_lost_notes_cost_nothing_but_a_look(pair: Pair) -> None:
    """The notes are written after the outbox: planned anew, the frames have the keys that the outbox knows."""
    first = pair.plan()
    pair.world.store.put("sms-sent", "{}")
    assert [one.key for one in pair.plan().frames] == [one.key for one in first.frames]


def test_a_receipt_of_another_epoch_acknowledges_nothing(pair: Pair) -> None:
    pair.plan()
    assert pair.hear([Ack(2, pair.now, frozenset({1}), {}, frozenset())]) == 0
    assert pair.hear([Ack(1, pair.now, frozenset({1}), {}, frozenset())]) == 1


def test_erased_answers_leave_as_zeros(pair: Pair) -> None:
    citizen = pair.world.answer({"supply": "no", "mark": 1}, place="02.411.01.30")
    pair.hear(pair.deliver(*pair.plan().frames))
    before = pair.started()
    pair.world.store.erase(citizen, pair.now)
    pair.pass_(AGAIN)
    assert pair.hear(pair.deliver(*pair.plan().frames)) == 1
    assert pair.started() == before - 1


def test_the_signing_key_alone_opens_the_link() -> None:
    assert "secret" not in repr(link(signing_key(SIGNING).public_key().public_bytes_raw()))
    assert timedelta(milliseconds=AGAIN) == timedelta(days=1)
