"""The outbox on every store: leases and fences, order per citizen, no way back, and numbers that do not stay."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from store_changes import change, message

from storage.errors import StoreError
from storage.outgoing import Spent, Terms, Waiting
from storage.store import OutboundRow, OutboxRow, Store

DAY = 86_400_000


def one(store: Store, id: str) -> OutboxRow:
    return next(row for row in store.outbox() if row.id == id)


def claim(store: Store, now: int = 10, limit: int = 10, channel: str = "at") -> list[tuple[str, int]]:
    return [(row.id, row.fence) for row in store.claim_outbox(channel, now, lease=100, limit=limit)]


def test_a_claim_leases_the_oldest_first_and_counts_the_attempt(store: Store) -> None:
    store.enqueue([message("m1", "amina"), message("m2", "badr"), message("m3", "chama"), message("m4", channel="sms")])

    rows = store.claim_outbox("at", 10, lease=100, limit=2)

    assert [row.id for row in rows] == ["m1", "m2"]
    assert (rows[0].state, rows[0].attempts, rows[0].recipient, rows[0].next_at) == ("sending", 1, b"sealed", 110)
    assert rows[0] == one(store, "m1")
    assert claim(store) == [("m3", 1)]
    assert claim(store) == []


def test_messages_of_one_citizen_go_one_at_a_time(store: Store) -> None:
    store.enqueue([message("m1"), message("m2"), message("m3", "badr")])
    assert claim(store) == [("m1", 1), ("m3", 1)]

    store.finish_outbox("m1", 1, "queued", 20, error="busy", retry_at=1_000)
    assert claim(store, 30) == []  # m2 waits for m1's next attempt, or the citizen would read them in the wrong order

    assert claim(store, 1_000) == [("m1", 2), ("m3", 2)]
    store.finish_outbox("m1", 2, "accepted", 1_010, provider_id="p1")
    assert claim(store, 1_020) == [("m2", 1)]


def test_an_earlier_message_on_another_channel_holds_nobody_up(store: Store) -> None:
    store.enqueue([message("m1", channel="sms"), message("m2")])

    assert claim(store) == [("m2", 1)]


def test_a_lease_that_ran_out_is_claimed_again_and_the_first_holder_is_too_late(store: Store) -> None:
    store.enqueue([message("m1")])
    assert claim(store, 10) == [("m1", 1)]
    assert claim(store, 109) == []
    assert claim(store, 110) == [("m1", 2)]

    assert store.finish_outbox("m1", 1, "accepted", 120, provider_id="p1") is False
    assert store.finish_outbox("m1", 2, "accepted", 120, provider_id="p2") is True
    assert one(store, "m1").provider_id == "p2"


def test_a_claim_can_be_finished_once(store: Store) -> None:
    store.enqueue([message("m1")])
    claim(store)

    assert store.finish_outbox("m1", 1, "queued", 20, error="later", retry_at=50)
    assert not store.finish_outbox("m1", 1, "failed", 21)
    assert not store.finish_outbox("none", 1, "failed", 21)
    assert (one(store, "m1").state, one(store, "m1").last_error) == ("queued", "later")


@pytest.mark.parametrize("state", ["sending", "lost"])
def test_a_claim_cannot_end_in_a_state_that_is_no_end(store: Store, state: str) -> None:
    store.enqueue([message("m1")])
    claim(store)

    with pytest.raises(StoreError, match=state):
        store.finish_outbox("m1", 1, state, 20)  # type: ignore[arg-type]


def test_receipts_only_move_forward(store: Store) -> None:
    store.enqueue([message("m1")])
    claim(store)
    store.finish_outbox("m1", 1, "accepted", 20, provider_id="p1")

    assert store.receipt("at", "p1", "delivered", "ok", 30) is True
    assert store.receipt("at", "p1", "failed", "late", 40) is False
    assert store.receipt("at", "p1", "accepted", "later", 50) is False
    assert store.receipt("other", "p1", "delivered", "", 60) is False
    assert (one(store, "m1").state, one(store, "m1").last_error) == ("delivered", "")


def test_a_receipt_that_overtakes_our_own_record_is_not_lost(store: Store) -> None:
    store.enqueue([message("m1"), message("m2", "badr")])
    claim(store)

    assert store.receipt("at", "p1", "delivered", "", 15) is False
    store.finish_outbox("m1", 1, "accepted", 20, provider_id="p1")
    store.finish_outbox("m2", 1, "accepted", 20, provider_id="p2")

    assert (one(store, "m1").state, one(store, "m2").state) == ("delivered", "accepted")


def test_a_message_out_of_time_dies_unsent_and_loses_its_number(store: Store) -> None:
    store.enqueue([message("m1", not_after=50), message("m2")])

    assert claim(store, 51) == [("m2", 1)]
    assert (one(store, "m1").state, one(store, "m1").recipient) == ("dead", b"")
    assert store.retry_outbox("m1", 60) is False


def test_a_message_being_sent_is_not_given_up_under_the_sender(store: Store) -> None:
    store.enqueue([message("m1", not_after=50)])
    claim(store, 40)

    assert claim(store, 60) == []
    assert store.finish_outbox("m1", 1, "accepted", 70, provider_id="p1")


def test_the_number_goes_when_the_message_has_arrived(store: Store) -> None:
    store.enqueue([message("m1")])
    claim(store)
    store.finish_outbox("m1", 1, "accepted", 20, provider_id="p1")
    assert one(store, "m1").recipient == b"sealed"

    store.receipt("at", "p1", "delivered", "", 30)
    assert one(store, "m1").recipient == b""


def test_a_failed_message_can_be_retried_for_a_week_and_then_its_number_goes_too(store: Store) -> None:
    store.enqueue([message("m1"), message("m2", "badr")])
    claim(store)
    for id in ("m1", "m2"):
        store.finish_outbox(id, 1, "failed", 20, error="barred")

    assert store.retry_outbox("m1", 30) is True
    assert store.retry_outbox("m1", 30) is False
    assert one(store, "m1").attempts == 0
    assert claim(store, 8 * DAY) == [("m1", 2)]
    assert one(store, "m2").recipient == b""
    assert store.retry_outbox("m2", 8 * DAY) is False


def test_a_discarded_message_is_dead_and_frees_the_next(store: Store) -> None:
    store.enqueue([message("m1"), message("m2")])
    claim(store)

    assert store.discard_outbox("m1", 20) is True
    assert store.discard_outbox("m1", 20) is False
    assert store.discard_outbox("none", 20) is False
    assert store.finish_outbox("m1", 1, "accepted", 30, provider_id="p1") is False
    assert (one(store, "m1").state, one(store, "m1").recipient) == ("dead", b"")
    assert claim(store) == [("m2", 1)]


def test_what_the_provider_has_cannot_be_discarded(store: Store) -> None:
    store.enqueue([message("m1")])
    claim(store)
    store.finish_outbox("m1", 1, "accepted", 20, provider_id="p1")

    assert store.discard_outbox("m1", 30) is False


def test_a_digest_is_queued_once_by_its_key(store: Store) -> None:
    assert store.enqueue([message("m1", dedupe_key="2026-W47/hakim"), message("m2")]) == 2
    assert store.enqueue([message("m3", dedupe_key="2026-W47/hakim"), message("m4")]) == 1
    assert [row.id for row in store.outbox()] == ["m4", "m2", "m1"]


def test_the_outbox_is_listed_by_state_and_citizen_newest_first(store: Store) -> None:
    store.enqueue([message("m1"), message("m2"), message("m3", "badr")])
    claim(store)

    assert [row.id for row in store.outbox()] == ["m3", "m2", "m1"]
    assert [row.id for row in store.outbox(limit=1)] == ["m3"]
    assert [row.id for row in store.outbox(states=["queued", "dead"])] == ["m2"]
    assert [row.id for row in store.outbox(citizen="amina")] == ["m2", "m1"]
    assert store.outbox_counts() == {
        "queued": 1,
        "sending": 2,
        "accepted": 0,
        "delivered": 0,
        "failed": 0,
        "dead": 0,
    }


WAITS = Terms(hour="2026-11-23T10")


def taken(store: Store, terms: Terms, now: int = 10, limit: int = 10) -> list[str]:
    return [row.id for row in store.claim_outbox("at", now, lease=100, limit=limit, terms=terms)]


def unasked(id: str, citizen: str = "amina", **more: object) -> OutboundRow:
    return message(id, citizen, kind="reminder", ground="form 7", **more)


def test_what_was_asked_for_goes_first_and_never_waits_for_what_was_not(store: Store) -> None:
    store.enqueue([unasked("u1"), unasked("u2", "badr"), message("a1"), message("a2", "chama")])

    assert taken(store, Terms(), limit=2) == ["a1", "a2"]
    store.enqueue([unasked("u3", "chama")])
    assert claim(store) == [("u1", 1), ("u2", 1)]  # u3 waits for a2, as it was written before
    store.finish_outbox("a2", 1, "accepted", 20)
    assert claim(store) == [("u3", 1)]


def test_segments_are_counted_by_civil_hour_and_day_and_no_claim_passes_a_budget(store: Store) -> None:
    store.enqueue([replace(message(f"m{at}", f"c{at}"), segments=2) for at in range(5)])

    ten = Terms(hour="2026-11-23T10", most_hour=5, most_day=7)
    assert taken(store, ten) == ["m0", "m1"]
    assert store.spent("at", "2026-11-23T10") == Spent(4, 4, short=True)
    assert taken(store, ten) == []
    assert taken(store, Terms(hour="2026-11-23T11", most_hour=5, most_day=7)) == ["m2"]
    assert store.spent("at", "2026-11-23T11") == Spent(2, 6, short=True)
    assert taken(store, Terms(hour="2026-11-24T00", most_hour=5, most_day=7)) == ["m3", "m4"]
    assert store.spent("sms", "2026-11-23T10") == Spent()


def test_what_was_not_tried_is_given_back(store: Store) -> None:
    store.enqueue([message("m1")])
    claim_terms = Terms(hour="2026-11-23T10", most_day=1)
    assert taken(store, claim_terms) == ["m1"]

    store.finish_outbox("m1", 1, "queued", 20, tried=False)
    assert (one(store, "m1").attempts, store.spent("at", "2026-11-23T10").day) == (0, 0)
    assert taken(store, claim_terms, 30) == ["m1"]
    store.finish_outbox("m1", 2, "accepted", 40)
    assert (one(store, "m1").attempts, store.spent("at", "2026-11-23T10").day) == (1, 1)


def test_a_message_may_leave_by_another_channel_and_its_report_comes_by_that_one(store: Store) -> None:
    store.enqueue([message("m1")])
    claim(store)
    store.finish_outbox("m1", 1, "queued", 20, tried=False, channel="sms")

    assert claim(store) == []
    assert claim(store, channel="sms") == [("m1", 2)]
    store.finish_outbox("m1", 2, "accepted", 30, provider_id="p1")
    assert (store.addressee("sms", "p1"), store.addressee("at", "p1")) == ("amina", "")
    assert store.receipt("sms", "p1", "delivered", "", 40)


def test_an_unasked_message_is_queued_for_who_wrote_first_and_said_no_stop(store: Store) -> None:
    wrote = [replace(unasked(f"m{at}", name), ground="wrote") for at, name in enumerate(["amina", "badr"])]
    store.accept(change("x1", citizen="amina"))
    assert store.enqueue(wrote) == 1, "badr never wrote"

    assert store.stop("amina", 50) is True
    assert store.stop("amina", 60) is False
    assert (one(store, "m0").state, one(store, "m0").last_error) == ("dead", "the citizen said stop")
    assert store.enqueue([unasked("m2"), message("digest", kind="digest"), message("receipt")]) == 1
    assert store.stop("chama", 70), "who never wrote can want nothing too"
    assert store.enqueue([unasked("m3", "chama")]) == 0


def test_an_unasked_message_without_a_ground_is_refused_with_all_its_company(store: Store) -> None:
    with pytest.raises(StoreError, match="no ground"):
        store.enqueue([message("m1"), message("m2", kind="campaign")])
    assert store.outbox() == []


def test_a_delivery_that_may_succeed_later_is_queued_again_twice(store: Store) -> None:
    store.enqueue([message("m1")])
    for attempt, now in enumerate((10, 1_000, 2_000), 1):
        assert claim(store, now) == [("m1", attempt)]
        store.finish_outbox("m1", attempt, "accepted", now, provider_id=f"p{attempt}")
        assert store.receipt("at", f"p{attempt}", "failed", "absent", now, again_at=now + 900)
    assert (one(store, "m1").state, one(store, "m1").attempts) == ("failed", 3)


def test_what_waits_is_told_by_channel(store: Store) -> None:
    store.enqueue([message("m1"), message("m2", "badr"), message("m3", channel="sms")])
    assert taken(store, WAITS, limit=1) == ["m1"]
    store.finish_outbox("m1", 1, "accepted", 20)
    assert store.waiting() == {"at": Waiting(1, 1_000, 1), "sms": Waiting(1, 1_000, 0)}


def test_what_was_on_its_way_at_a_stop_is_not_tried_again(store: Store) -> None:
    store.enqueue([unasked("m1"), message("m2", "badr")])
    claim(store)
    assert store.stop("amina", 15)
    store.finish_outbox("m1", 1, "queued", 20, error="HTTP 500", retry_at=30)

    assert claim(store, 30) == []
    assert (one(store, "m1").state, one(store, "m1").last_error) == ("dead", "the citizen said stop")
