"""The outbox on every store: leases and fences, order per citizen, no way back, and numbers that do not stay."""

from __future__ import annotations

import pytest
from store_changes import message

from storage.errors import StoreError
from storage.store import OutboxRow, Store

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
