"""Which channel carries a message: the citizen's own while it works, another that serves the number when it is down."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sending_bench import Bench, Scripted

from flows.errors import AwalError
from gateway.channels.base import Sent
from gateway.channels.simulator import Simulator
from gateway.phones import Phones
from gateway.sending.compose import compose
from gateway.sending.routing import choose

Make = Callable[..., Bench]
MINUTE = 60_000
GONE = Sent("unreachable", error="network")


def outage(bench: Make, *others: Scripted, **rules: object) -> tuple[Bench, Scripted]:
    """Return a bench whose channel `modem` cannot be reached since more than ten minutes."""
    modem = Scripted("modem", *[GONE] * 1_000)
    on = bench(modem, *others, **rules)
    on.queue("first", "modem", recipient=b"+447700900123")
    for _ in range(4):
        on.run()
        on.now += 4 * MINUTE
    on.run()
    return on, modem


def test_a_channel_that_is_down_for_long_hands_its_messages_on(bench: Make) -> None:
    other = Scripted("other", prefixes=("+212",))
    on, _ = outage(bench, other)
    on.queue("m1", "modem")
    on.run()
    assert [message.id for message in other.sent] == ["m1"]
    row = on.row("m1")
    assert (row.channel, row.state, row.attempts, row.provider_id) == ("other", "accepted", 1, "p-m1")
    assert on.store.receipt("other", "p-m1", "delivered", "", on.now), "its report comes by the channel it left by"
    assert on.row("first").channel == "modem", "no other serves its number"
    assert on.events() == [("channel-down", "modem: nothing goes through; messages leave by other")]


def test_the_message_that_showed_the_channel_down_leaves_by_the_other_too(bench: Make) -> None:
    other = Scripted("other")
    on = bench(Scripted("modem", *[GONE] * 1_000), other)
    on.queue("only", "modem")
    for _ in range(60):
        on.run()
        on.now += MINUTE
    row = on.row("only")
    assert ([message.id for message in other.sent], row.channel, row.state) == (["only"], "other", "accepted")


def test_a_short_outage_moves_nothing(bench: Make) -> None:
    other = Scripted("other")
    on = bench(Scripted("modem", *[GONE] * 3), other)
    on.queue("m1", "modem")
    for _ in range(4):
        on.run()
        on.now += 2 * MINUTE
    on.run()
    assert other.sent == []
    assert on.row("m1").channel == "modem"


def test_once_it_works_again_citizens_hear_from_their_own_number(bench: Make) -> None:
    other = Scripted("other", prefixes=("+212",))
    on, modem = outage(bench, other)
    modem.answers.clear()
    on.now += 5 * MINUTE
    on.queue("m1", "modem")
    on.run()
    assert [message.id for message in modem.sent][-2:] == ["first", "m1"]
    assert other.sent == []


@pytest.mark.parametrize("failover", [0.0, 60.0])
def test_how_long_is_long_is_a_setting(bench: Make, failover: float) -> None:
    other = Scripted("other")
    on, _ = outage(bench, other, failover=failover)
    on.queue("m1", "modem")
    on.run()
    assert other.sent == []


def test_nothing_is_moved_to_a_channel_that_is_ill_itself(bench: Make) -> None:
    ill = Scripted("ill", *[Sent("stop-channel", error="HTTP 401")] * 50)
    on, _ = outage(bench, ill)
    on.queue("own", "ill")
    on.run()
    on.queue("m1", "modem")
    on.run()
    assert on.row("m1").channel == "modem"


def test_a_simulated_phone_never_stands_in_for_a_real_one() -> None:
    assert not Simulator.stands_in


def test_one_number_that_cannot_be_opened_ends_there(bench: Make) -> None:
    on, _ = outage(bench, Scripted("other"))
    on.queue("m1", "modem", recipient=b"?")
    on.queue("m2", "modem")
    on.run()
    assert (on.row("m1").state, on.row("m2").channel) == ("failed", "other")


@pytest.mark.parametrize(
    ("number", "wanted", "chosen"),
    [
        ("+212661234567", "", "iam"),
        ("+212671234567", "", "all"),
        ("+212671234567", "iam", "all"),
        ("+212661234567", "all", "all"),
        ("+212621234567", "", "inwi"),
        ("+33612345678", "inwi", "all"),
    ],
)
def test_the_longest_prefix_wins_unless_a_channel_is_asked_for(number: str, wanted: str, chosen: str) -> None:
    channels = [
        Scripted("all"),
        Scripted("iam", prefixes=("+212661", "+212662")),
        Scripted("inwi", prefixes=("+21262", "+21270")),
    ]
    found = choose(channels, number, wanted)
    assert found is not None
    assert found.name == chosen


def test_no_channel_is_an_answer_too() -> None:
    assert choose([Scripted("iam", prefixes=("+212661",))], "+33612345678") is None


def test_an_unasked_message_is_priced_and_routed_before_it_is_queued(bench: Make) -> None:
    phones = Phones(b"p" * 32, b"s" * 32)
    channels = [Scripted("iam", prefixes=("+212661",)), Scripted("fr", prefixes=("+33",))]
    made = compose(
        "+212661234567", "ⴰⵣⵓⵍ " * 20, "campaign", "form 7", phones=phones, channels=channels, now=1, wanted="fr"
    )
    assert (made.channel, made.segments, made.encoding, made.kind) == ("iam", 2, "UCS-2", "campaign")
    assert (made.citizen, phones.unseal(made.recipient)) == (phones.pseudonym("+212661234567"), "+212661234567")
    assert bench(*channels).store.enqueue([made]) == 1
    with pytest.raises(AwalError, match="prefixes"):
        compose("+4915112345678", "x", "campaign", "form 7", phones=phones, channels=channels, now=1)
