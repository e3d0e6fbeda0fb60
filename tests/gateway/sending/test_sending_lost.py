"""What becomes of messages whose sender died: sent again once, asked about, or left to an operator."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sending_bench import Bench, Scripted

from gateway.channels.base import Sendable, Sent
from gateway.sending.line import LEASE, MARGIN
from storage.outgoing import LOST, Terms

Make = Callable[..., Bench]


class Crash(BaseException):
    """The process ends here; no `except Exception` may hide it."""


def crashes(channel: Scripted, *at: str) -> None:
    """Let the process end while a message is at the provider, the first time each."""
    left = list(at)

    def during(message: object) -> None:
        if left and getattr(message, "id", "") == left[0]:
            left.pop(0)
            raise Crash

    channel.during = during


def crashed(on: Bench) -> None:
    with pytest.raises(Crash):
        on.run()
    on.restarted()
    on.now += LEASE


def ids(channel: Scripted) -> list[str]:
    return [message.id for message in channel.sent]


@pytest.mark.parametrize("kind", ["reply", "question", "digest", "reminder"])
def test_a_message_on_its_way_is_sent_once_more(bench: Make, kind: str) -> None:
    channel = Scripted()
    on = bench(channel)
    on.queue("m1", kind=kind, ground="form 7")
    crashes(channel, "m1")
    crashed(on)
    on.run()
    assert ids(channel) == ["m1", "m1"]
    assert (on.row("m1").state, on.row("m1").lost) == ("accepted", 1)


@pytest.mark.parametrize("kind", ["notice", "campaign"])
def test_what_goes_once_asks_an_operator_who_may_send_it_again(bench: Make, kind: str) -> None:
    channel = Scripted()
    on = bench(channel)
    on.queue("m1", kind=kind, ground="form 7")
    crashes(channel, "m1")
    crashed(on)
    on.run()
    assert ids(channel) == ["m1"]
    assert (on.row("m1").state, on.row("m1").last_error) == ("dead", LOST)
    assert on.store.retry_outbox("m1", on.now)
    on.run()
    assert (ids(channel), on.row("m1").state) == (["m1", "m1"], "accepted")


def test_only_the_message_on_its_way_is_in_doubt(bench: Make) -> None:
    channel = Scripted()
    on = bench(channel)
    for at in range(6):
        on.queue(f"m{at}", kind="notice", ground="form 7")
    crashes(channel, "m2")
    crashed(on)
    on.run()
    assert ids(channel) == ["m0", "m1", "m2", "m3", "m4", "m5"]
    assert {at: on.row(f"m{at}").state for at in (1, 2, 3)} == {1: "accepted", 2: "dead", 3: "accepted"}
    assert on.row("m5").attempts == 1


def test_a_message_that_kills_its_sender_each_time_is_given_up(bench: Make) -> None:
    channel = Scripted()
    on = bench(channel)
    on.queue("poison")
    on.queue("next")
    crashes(channel, "poison", "poison")
    crashed(on)
    crashed(on)
    on.run()
    assert ids(channel) == ["poison", "poison", "next"]
    assert (on.row("poison").state, on.row("poison").last_error) == ("dead", LOST)


def test_a_provider_that_knows_the_message_is_not_given_it_again(bench: Make) -> None:
    channel = Scripted()
    channel.known = {"m1"}
    on = bench(channel)
    on.queue("m1")
    crashes(channel, "m1")
    crashed(on)
    on.run()
    assert ids(channel) == ["m1"]
    assert (on.row("m1").state, on.row("m1").provider_id) == ("accepted", "known-m1")


def test_a_provider_that_cannot_be_asked_is_given_it_again(bench: Make) -> None:
    channel = Scripted()
    on = bench(channel)
    on.queue("m1")
    crashes(channel, "m1")
    crashed(on)

    def broken(_: str) -> Sent | None:
        raise OSError("no route")

    channel.status = broken  # type: ignore[method-assign]
    on.run()
    assert on.row("m1").state == "accepted"


def test_messages_that_were_not_begun_before_their_lease_ends_are_handed_back(bench: Make) -> None:
    channel = Scripted()
    on = bench(channel)
    for at in range(4):
        on.queue(f"m{at}", kind="notice", ground="form 7")

    left: list[int] = []

    def slow(message: Sendable) -> None:
        left.append(on.row(message.id).next_at - on.now)
        on.now += 25_000

    channel.during = slow
    on.run()
    assert min(left) >= MARGIN
    assert ids(channel) == ["m0", "m1", "m2", "m3"]
    assert {on.row(f"m{at}").attempts for at in range(4)} == {1}


def test_segments_of_messages_never_begun_are_given_back(bench: Make) -> None:
    channel = Scripted(budget_day=10)
    on = bench(channel)
    for at in range(4):
        on.queue(f"m{at}")
    crashes(channel, "m1")
    crashed(on)
    on.store.claim_outbox("sms", on.now, 1, 0, Terms())
    assert on.store.spent("sms", "2026-11-23T09").day == 2
    on.run()
    assert on.store.spent("sms", "2026-11-23T09").day == 5, "the one in doubt counts twice: it may have been billed"
