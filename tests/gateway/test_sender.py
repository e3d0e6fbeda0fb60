"""The sender on a real store: what is sent, when it is tried again, and when it is given up."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from africastalking_fake import AfricasTalkingFake
from hypothesis import given
from hypothesis import strategies as st
from sending_bench import NOW, Bench, Phones, Scripted
from vendor import Reply

from gateway.channels.base import Channel, Sendable, Sent, Settings
from gateway.channels.registry import create
from gateway.sender import Sender
from gateway.sending.health import STOPPED
from gateway.sending.line import ATTEMPTS, LEASE, LONGEST_OUTAGE_WAIT, LONGEST_WAIT, PATIENCE
from storage.errors import StoreBusy
from storage.open import open_store
from storage.outgoing import Terms
from storage.store import OutboxRow

HOUR = 3_600_000


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    store = open_store("sqlite:awal.db", tmp_path)

    def make(*channels: Channel) -> Bench:
        return Bench(store, {channel.name: channel for channel in channels})

    yield make
    store.close()


Make = Callable[..., Bench]


def test_a_due_message_goes_to_the_number_it_was_sealed_for(bench: Make) -> None:
    channel = Scripted()
    on = bench(channel)
    on.queue("m1")
    assert on.run() == 1
    assert channel.sent == [Sendable(id="m1", to="+212661234567", text="Merci m1", encoding="gsm7", segments=1)]
    row = on.row("m1")
    assert (row.state, row.provider_id, row.attempts) == ("accepted", "p-m1", 1)


def test_one_round_takes_a_claim_of_each_channel(bench: Make) -> None:
    first, second = Scripted("first"), Scripted("second")
    on = bench(first, second)
    for id in ("a", "b", "c"):
        on.queue(id, "first")
    on.queue("d", "second")
    assert on.sender.run_once(NOW) == 4
    assert [message.id for message in second.sent] == ["d"]
    assert [message.id for message in first.sent] == ["a", "b", "c"]


def test_a_provider_that_says_later_is_tried_again_later_and_later_then_given_up(bench: Make) -> None:
    on = bench(Scripted("sms", *[Sent("retry", error="HTTP 500: Internal error")] * 20))
    on.queue("m1")
    waits = []
    while on.row("m1").state != "dead":
        assert on.sender.run_once(on.now) == 1
        if on.row("m1").state == "queued":
            waits.append(on.row("m1").next_at - on.now)
            assert on.sender.run_once(on.now + waits[-1] - 1) == 0
            on.now += waits[-1]
    assert waits == [5_000 * 2**n for n in range(ATTEMPTS - 1)]
    assert (on.row("m1").attempts, on.row("m1").last_error) == (ATTEMPTS, "HTTP 500: Internal error")


@given(failures=st.integers(1, 200), draw=st.floats(0, 1, exclude_max=True))
def test_a_wait_is_anything_up_to_its_bound_and_never_over_an_hour(failures: int, draw: float) -> None:
    channel = Scripted()
    sender = Sender(NoStore(), {"sms": channel}, Phones(), lambda: NOW, jitter=lambda: draw)
    wait = sender.lines["sms"].wait(failures)
    assert 0 <= wait <= min(LONGEST_WAIT, 5_000 * 2 ** (failures - 1))


def test_a_message_that_waits_holds_back_nobody_else(bench: Make) -> None:
    on = bench(Scripted("sms", Sent("retry", error="HTTP 500")))
    on.queue("poison")
    on.queue("next")
    on.run()
    assert (on.row("poison").state, on.row("next").state) == ("queued", "accepted")


@pytest.mark.parametrize("sent", [Sent("failed", error="403 InvalidPhoneNumber"), Sent("opted-out", error="406")])
def test_what_cannot_succeed_is_not_tried_again(bench: Make, sent: Sent) -> None:
    on = bench(Scripted("sms", sent))
    on.queue("m1")
    on.run()
    on.now += 30 * HOUR
    assert on.run() == 0
    assert (on.row("m1").state, on.row("m1").last_error) == ("failed", sent.error)


def test_a_citizen_who_told_the_provider_to_stop_is_noted_by_pseudonym(bench: Make) -> None:
    on = bench(Scripted("sms", Sent("opted-out", error="21610")))
    on.queue("m1", citizen="c-77")
    on.run()
    assert on.events() == [("opted-out", "sms: a citizen told the provider to stop")]


def test_a_refusal_only_an_operator_can_mend_is_told_once_an_hour(bench: Make) -> None:
    on = bench(Scripted("sms", *[Sent("failed", error="30007 filtered", alarm=True)] * 4))
    for id in ("m1", "m2", "m3"):
        on.queue(id)
    on.run()
    assert on.events() == [("sending-refused", "sms: 30007 filtered")]
    on.now += HOUR
    on.queue("m4")
    on.run()
    assert len(on.events()) == 2


class TestStoppedChannel:
    def test_it_rests_and_its_messages_keep_their_place(self, bench: Make) -> None:
        other = Scripted("other")
        on = bench(
            Scripted("sms", Sent("stop-channel", error="HTTP 401"), Sent("stop-channel", error="HTTP 401")), other
        )
        for id in ("m1", "m2"):
            on.queue(id)
        on.queue("o1", "other")
        assert on.run() == 2
        assert on.sender.resting(on.now) == ["sms"]
        assert (on.row("m1").state, on.row("m2").attempts, on.row("o1").state) == ("queued", 0, "accepted")
        on.now += STOPPED
        assert on.sender.run_once(on.now) == 2, "tried once more, it leaves by the other one"
        assert (on.row("m1").channel, on.row("m1").state) == ("other", "accepted")
        assert [kind for kind, _ in on.events()] == ["channel-down", "channel-stopped"]

    def test_once_put_right_everything_goes(self, bench: Make) -> None:
        on = bench(Scripted("sms", *[Sent("stop-channel", error="HTTP 401")] * 12))
        for id in ("m1", "m2"):
            on.queue(id)
        for _ in range(12):
            on.run()
            on.now += STOPPED
        on.run()
        assert {on.row(id).state for id in ("m1", "m2")} == {"accepted"}
        assert on.sender.resting(on.now) == []


class TestUnreachableProvider:
    def test_a_long_outage_costs_no_message(self, bench: Make) -> None:
        on = bench(Scripted("sms", *[Sent("unreachable", error="network: ConnectionError")] * 20))
        for id in ("m1", "m2", "m3"):
            on.queue(id)
        for _ in range(20):
            on.run()
            assert {on.row(id).state for id in ("m1", "m2", "m3")} == {"queued"}
            on.now += HOUR
        on.run()
        assert {on.row(id).state for id in ("m1", "m2", "m3")} == {"accepted"}

    def test_the_outage_does_not_use_up_the_attempts(self, bench: Make) -> None:
        unreachable, later = Sent("unreachable", error="network"), Sent("retry", error="HTTP 500")
        on = bench(Scripted("sms", *[unreachable] * 12, *[later] * 3))
        on.queue("m1")
        while on.row("m1").state == "queued":
            on.run()
            on.now += HOUR
        assert (on.row("m1").state, on.row("m1").attempts) == ("accepted", 4)

    def test_the_waits_grow_with_the_outage_up_to_five_minutes(self, bench: Make) -> None:
        on = bench(Scripted("sms", *[Sent("unreachable", error="network")] * 9))
        on.queue("m1")
        waits = []
        for _ in range(9):
            on.run()
            waits.append(on.row("m1").next_at - on.now)
            on.now = on.row("m1").next_at
        assert waits == [5_000 * 2**n for n in range(6)] + [LONGEST_OUTAGE_WAIT] * 3

    def test_one_success_ends_the_outage(self, bench: Make) -> None:
        unreachable = Sent("unreachable", error="network")
        on = bench(Scripted("sms", unreachable, unreachable, unreachable, Sent("accepted"), unreachable))
        for id in ("m1", "m2"):
            on.queue(id)
        for _ in range(3):
            on.run()
            on.now += LONGEST_OUTAGE_WAIT
        on.run()
        assert {on.row(id).next_at - on.now for id in ("m1", "m2")} == {-on.now, 5_000}

    def test_patience_ends(self, bench: Make) -> None:
        on = bench(Scripted("sms", *[Sent("unreachable", error="network")] * 2))
        on.queue("m1")
        on.run()
        on.now += PATIENCE + 1
        on.run()
        assert on.row("m1").state == "dead"


def test_a_number_that_cannot_be_opened_is_given_up_with_its_reason(bench: Make) -> None:
    channel = Scripted()
    on = bench(channel)
    on.queue("m1", recipient=b"?")
    on.run()
    assert on.row("m1").state == "failed"
    assert "keys" in on.row("m1").last_error
    assert channel.sent == []


def test_a_bug_in_an_adapter_is_a_reason_to_try_again(bench: Make) -> None:
    on = bench(Scripted("sms", KeyError("+212661234567")))
    on.queue("m1")
    on.run()
    assert (on.row("m1").state, on.row("m1").last_error) == ("queued", "the adapter failed: KeyError")


def test_a_message_whose_sender_died_is_sent_again_when_its_lease_ends(bench: Make) -> None:
    channel = Scripted()
    on = bench(channel)
    on.queue("m1")
    assert len(on.store.claim_outbox("sms", NOW, LEASE, 1)) == 1
    assert on.run() == 0
    on.now += LEASE
    assert on.run() == 1
    assert on.row("m1").state == "accepted"


def test_channels_without_sms_are_left_alone(bench: Make) -> None:
    class UssdOnly(Scripted):
        bearers = ("ussd",)

    on = bench(UssdOnly("ussd"))
    on.queue("m1", "ussd")
    assert on.run() == 0


def test_no_number_is_logged(bench: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="awal")
    on = bench(Scripted("sms", Sent("retry", error="HTTP 500")))
    on.queue("m1")
    on.queue("m2")
    on.run()
    told = " ".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "'id': 'm1'" in told
    assert "661234567" not in told
    assert "Merci" not in told


class NoStore:
    """A store that fails as told, then claims nothing; it counts the calls it gets."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = deque(failures)
        self.finished: list[str] = []
        self.claimed = threading.Event()
        self.rows: deque[OutboxRow] = deque()

    def claim_outbox(self, channel: str, now: int, lease: int, limit: int, terms: Terms) -> list[OutboxRow]:
        if not self.failures and not self.rows:
            self.claimed.set()
        if self.failures and not self.rows:
            raise self.failures.popleft()
        return [self.rows.popleft()] if self.rows else []

    def finish_outbox(self, id: str, fence: int, state: str, now: int, **rest: object) -> bool:
        if self.failures:
            raise self.failures.popleft()
        self.finished.append(f"{id} {state}")
        return True

    def log_event(self, kind: str, detail: str, now: int) -> None:
        """Keep nothing."""


def sender(store: NoStore, channels: Mapping[str, Channel]) -> Sender:
    return Sender(store, channels, Phones(), lambda: NOW, poll=0.01)


def test_an_outcome_is_recorded_as_soon_as_a_busy_store_takes_it() -> None:
    store = NoStore(StoreBusy("busy"))
    store.rows.append(OutboxRow("m1", "c", "sms", b"+212661234567", "x", "gsm7", 1, "sending", 1, NOW, NOW + LEASE))
    assert sender(store, {"sms": Scripted()}).run_once(NOW) == 1
    assert store.finished == ["m1 accepted"]


def test_an_event_that_is_not_kept_costs_no_message(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    on = bench(Scripted("sms", Sent("opted-out", error="21610")))
    for id in ("m1", "m2"):
        on.queue(id)

    def busy(*_: object) -> None:
        raise StoreBusy("busy")

    monkeypatch.setattr(on.store, "log_event", busy)
    on.run()
    assert (on.row("m1").state, on.row("m2").state) == ("failed", "accepted")


class TestThread:
    def test_what_is_queued_is_sent_at_once_and_the_thread_ends_when_told(self, bench: Make) -> None:
        channel = Scripted()
        on = bench(channel)
        on.sender.poll = 60.0
        on.sender.start()
        on.sender.start()
        on.queue("m1")
        on.sender.notify()
        assert channel.called.wait(10)
        on.sender.stop()
        assert on.row("m1").state == "accepted"
        assert not any(thread.name.startswith("sender") for thread in threading.enumerate())

    def test_nothing_that_happens_to_one_round_ends_the_thread(self) -> None:
        store = NoStore(StoreBusy("busy"), RuntimeError("+212661234567"), ZeroDivisionError())
        running = sender(store, {"sms": Scripted()})
        running.start()
        assert store.claimed.wait(10)
        running.stop()

    def test_stopping_before_starting_is_no_error(self) -> None:
        sender(NoStore(), {}).stop()


def test_the_outbox_reaches_the_vendor_through_its_official_client(bench: Make) -> None:
    with AfricasTalkingFake() as vendor:
        settings = Settings(
            name="at",
            type="africastalking",
            secret="s" * 32,
            username="awal",
            api_key="atsk_9f8e7d6c",
            api_url=vendor.url,
        )
        on = bench(create(settings, "https://awal.example"))
        vendor.says(Reply(500, "Internal error", "text/plain"))
        on.queue("m1", "at")
        assert on.run() == 1
        assert on.row("m1").state == "queued"
        on.now += 5_000
        assert on.run() == 1
    assert on.row("m1").state == "accepted"
    assert on.row("m1").provider_id.startswith("ATXid_")
    assert [asked.form["to"] for asked in vendor.asked] == ["+212661234567"] * 2
