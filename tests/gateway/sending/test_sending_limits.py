"""What citizens are spared, and what a channel may cost: quiet hours, the daily cap, stops, grounds, budgets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sending_bench import Bench, Scripted

from gateway.channels.base import Sent
from gateway.sending.line import FRESH
from storage.errors import StoreError

Make = Callable[..., Bench]
UNASKED = ["reminder", "campaign", "notice"]
NIGHT = "2026-11-23 22:15"


def sent(channel: Scripted) -> list[str]:
    return [message.id for message in channel.sent]


class TestQuietHours:
    @pytest.mark.parametrize("kind", UNASKED)
    def test_what_nobody_asked_for_waits_for_the_morning(self, bench: Make, kind: str) -> None:
        channel = Scripted(quiet_hours="21:00-08:00")
        on = bench(channel)
        on.at(NIGHT)
        on.queue("m1", kind=kind, ground="form 7")
        assert on.run() == 0
        on.at("2026-11-24 07:59")
        assert on.run() == 0
        on.at("2026-11-24 08:00")
        assert on.run() == 1
        assert (sent(channel), on.row("m1").attempts) == (["m1"], 1)

    @pytest.mark.parametrize("kind", ["reply", "question", "digest"])
    def test_what_was_just_asked_for_goes_at_once(self, bench: Make, kind: str) -> None:
        on = bench(Scripted(quiet_hours="21:00-08:00"))
        on.at(NIGHT)
        on.queue("m1", kind=kind)
        assert on.run() == 1

    def test_a_reply_that_is_late_waits_for_the_morning(self, bench: Make) -> None:
        channel = Scripted("sms", *[Sent("retry", error="HTTP 500")] * 3, quiet_hours="21:00-08:00", retry_first=600)
        on = bench(channel)
        on.at("2026-11-23 20:50")
        on.queue("m1")
        on.run()
        on.now += FRESH + 60_000
        assert on.run() == 0, "it is 21:06"
        on.at("2026-11-24 08:00")
        assert on.run() == 1

    def test_who_writes_again_at_night_is_awake_and_reads_in_order(self, bench: Make) -> None:
        channel = Scripted("sms", Sent("retry", error="HTTP 500"), quiet_hours="21:00-08:00")
        on = bench(channel)
        on.at(NIGHT)
        on.queue("m1", citizen="amina")
        on.run()
        on.now += FRESH + 1
        on.queue("m2", citizen="amina")
        on.run()
        assert sent(channel) == ["m1", "m1", "m2"]

    def test_a_reminder_in_waiting_holds_back_no_reply(self, bench: Make) -> None:
        channel = Scripted(quiet_hours="21:00-08:00")
        on = bench(channel)
        on.at(NIGHT)
        on.queue("nudge", citizen="amina", kind="reminder", ground="form 7")
        on.queue("answer", citizen="amina")
        on.run()
        assert sent(channel) == ["answer"]

    def test_a_claim_that_runs_into_the_night_ends_with_it(self, bench: Make) -> None:
        channel = Scripted(quiet_hours="21:00-08:00")
        on = bench(channel)
        on.at("2026-11-23 20:59:58")
        for at in range(5):
            on.queue(f"m{at}", kind="campaign", ground="form 7")

        def takes_a_second(_: object) -> None:
            on.now += 1_000

        channel.during = takes_a_second
        on.run()
        assert sent(channel) == ["m0", "m1"]
        assert {on.row(f"m{at}").attempts for at in (2, 3, 4)} == {0}


class TestDailyCap:
    def test_a_citizen_gets_so_many_unasked_messages_a_civil_day(self, bench: Make) -> None:
        channel = Scripted()
        on = bench(channel, unasked_day=2)
        on.at("2026-11-23 23:00")
        for at in range(5):
            on.queue(f"m{at}", citizen="amina", kind=UNASKED[at % 3], ground="form 7")
        on.queue("badr", citizen="badr", kind="notice", ground="form 7")
        on.queue("asked", citizen="amina")
        on.run()
        assert set(sent(channel)) == {"m0", "m1", "badr", "asked"}
        on.at("2026-11-24 00:00")
        on.run()
        assert set(sent(channel)) == {"m0", "m1", "badr", "asked", "m2", "m3"}

    def test_it_counts_on_all_channels_together_and_after_a_restart(self, bench: Make) -> None:
        on = bench(Scripted("first"), Scripted("second"), unasked_day=1)
        on.queue("m1", "first", "amina", kind="reminder", ground="form 7")
        on.run()
        on.restarted()
        on.queue("m2", "second", "amina", kind="reminder", ground="form 7")
        assert on.run() == 0

    def test_what_never_left_is_not_counted(self, bench: Make) -> None:
        channel = Scripted("sms", Sent("unreachable", error="network"), Sent("failed", error="403"))
        on = bench(channel, unasked_day=1)
        on.queue("m1", citizen="amina", kind="reminder", ground="form 7")
        on.run()
        on.now += 300_000
        assert on.run() == 1


class TestConsent:
    def test_an_unasked_message_needs_a_ground(self, bench: Make) -> None:
        on = bench(Scripted())
        with pytest.raises(StoreError, match=r"m1 \(campaign\) has no ground.*opt-in"):
            on.queue("m1", kind="campaign")

    @pytest.mark.parametrize("kind", UNASKED)
    def test_who_said_stop_at_the_provider_gets_nothing_unasked(self, bench: Make, kind: str) -> None:
        channel = Scripted("sms", Sent("opted-out", error="21610"))
        on = bench(channel)
        on.queue("m1", citizen="amina")
        on.queue("waits", citizen="amina", kind=kind, ground="form 7")
        on.run()
        assert (on.row("waits").state, on.row("waits").last_error) == ("dead", "the citizen said stop")
        assert on.row("waits").recipient == b""
        with pytest.raises(AssertionError):
            on.queue("later", citizen="amina", kind=kind, ground="form 7")
        assert on.store.dialogue("sms", "", "amina").citizen.stopped_at == on.now

    def test_numbers_nobody_named_get_nothing_unasked_but_their_replies(self, bench: Make) -> None:
        channel = Scripted()
        on = bench(channel)
        for id, number in (("fr", b"+33612345678"), ("fixed", b"+212522123456"), ("mobile", b"+212612345678")):
            on.queue(f"{id}-ad", recipient=number, kind="campaign", ground="form 7")
            on.queue(f"{id}-reply", recipient=number)
        on.run()
        assert set(sent(channel)) == {"mobile-ad", "mobile-reply", "fr-reply", "fixed-reply"}
        assert "[sending] prefixes" in on.row("fr-ad").last_error
        assert on.row("fixed-ad").state == "failed"


class TestBudget:
    def test_an_hour_spent_waits_for_the_next_one_also_after_a_restart(self, bench: Make) -> None:
        channel = Scripted(budget_hour=5)
        on = bench(channel)
        on.at("2026-11-23 10:10")
        for at in range(8):
            on.queue(f"m{at}")
        on.run()
        on.restarted()
        on.run()
        assert len(channel.sent) == 5
        on.at("2026-11-23 10:59")
        on.run()
        assert len(channel.sent) == 5
        on.at("2026-11-23 11:00")
        on.run()
        assert len(channel.sent) == 8

    def test_a_day_spent_waits_for_the_next_one_and_the_operator_hears_once(self, bench: Make) -> None:
        channel = Scripted(budget_hour=4, budget_day=6)
        on = bench(channel)
        for at in range(20):
            on.queue(f"m{at}")
        for hour in range(10, 24):
            on.at(f"2026-11-23 {hour}:30")
            on.run()
            on.restarted()
            on.run()
        assert len(channel.sent) == 6
        assert on.events() == [
            ("budget-spent", "sms: 6 of 6 segments are spent today; its messages wait for the next"),
            ("budget-spent", "sms: 4 of 4 segments are spent in this hour; its messages wait for the next"),
        ]
        on.at("2026-11-24 00:00")
        on.run()
        assert len(channel.sent) == 10

    def test_no_message_passes_it_and_short_ones_use_what_is_left(self, bench: Make) -> None:
        channel = Scripted(budget_day=5)
        on = bench(channel)
        for id, segments in (("a", 3), ("b", 3), ("c", 2), ("d", 1)):
            on.queue(id, segments=segments)
        on.run()
        assert sent(channel) == ["a", "c"]

    def test_a_message_larger_than_the_whole_budget_holds_back_nobody(self, bench: Make) -> None:
        channel = Scripted(budget_hour=2)
        on = bench(channel)
        on.queue("huge", segments=3)
        for at in range(30):
            on.queue(f"m{at}")
        on.run()
        assert sent(channel) == ["m0", "m1"]

    def test_what_the_provider_never_heard_of_costs_nothing(self, bench: Make) -> None:
        channel = Scripted("sms", *[Sent("unreachable", error="network")] * 6, budget_day=2)
        on = bench(channel)
        on.queue("m1")
        on.queue("m2")
        for _ in range(10):
            on.run()
            on.now += 300_000
        assert {on.row(id).state for id in ("m1", "m2")} == {"accepted"}

    def test_more_budget_after_a_restart_counts_at_once(self, bench: Make) -> None:
        on = bench(Scripted(budget_day=2))
        for at in range(4):
            on.queue(f"m{at}")
        on.run()
        larger = Scripted(budget_day=50)
        on.channels["sms"] = larger
        on.restarted()
        on.run()
        on.queue("asked")
        on.run()
        assert sent(larger) == ["m2", "m3", "asked"]


def test_what_citizens_asked_for_goes_before_a_campaign(bench: Make) -> None:
    channel = Scripted()
    on = bench(channel)
    for at in range(25):
        on.queue(f"c{at}", kind="campaign", ground="form 7")
    on.queue("asked")
    on.sender.run_once(on.now)
    assert sent(channel)[0] == "asked"


def test_a_question_of_no_use_any_more_is_not_sent(bench: Make) -> None:
    channel = Scripted()
    on = bench(channel)
    on.queue("m1", not_after=on.now + 1_000, kind="question")
    on.queue("m2")

    def takes_two_seconds(_: object) -> None:
        on.now += 2_000

    channel.during = takes_two_seconds
    on.queue("m3", not_after=on.now + 1_000, kind="question")
    on.run()
    assert sent(channel) == ["m1", "m2"]
    assert (on.row("m3").state, on.row("m3").last_error, on.row("m3").attempts) == ("dead", "not sent in time", 0)
