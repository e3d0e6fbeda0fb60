"""What leaves as figures, and what the sync and the jobs remember, on every store."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from store_changes import DAY, answer, change, conversation

from flows.model import Value
from storage.sqlite import SqliteStore
from storage.sqlite.reading import WORDS
from storage.store import Held, Store, SyncRow, Tally, Walks
from storage.values import from_columns, to_columns


def tally(step: str, value: str, count: int = 1, place: str = "02") -> Tally:
    return Tally("water", "hash-water", step, value, place, count)


def test_answers_are_tallied_by_value_and_by_the_conversations_place(store: Store) -> None:
    first = [answer("supply", "yes"), answer("age", 41), answer("rate", 2.5), answer("needs", ["road", "school"])]
    second = [answer("supply", "no", "c2"), answer("needs", ["road", "road"], "c2")]
    store.accept(change("x1", conversation("c1"), answers=first))
    store.accept(change("x2", conversation("c1", place="02"), base=1))
    store.accept(change("x3", conversation("c2", place="02"), citizen="badr", answers=second))

    assert store.tallies(DAY, DAY) == [
        tally("age", "41"),
        tally("needs", "road", 2),
        tally("needs", "school"),
        tally("rate", "2.5"),
        tally("supply", "no"),
        tally("supply", "yes"),
    ]
    assert store.tallies(DAY, DAY, steps=["age", "rate"]) == [tally("age", "41"), tally("rate", "2.5")]
    assert store.tallies(DAY, DAY, flow="health") == []


def test_only_answers_of_the_days_asked_for_are_tallied(store: Store) -> None:
    rows = [answer(f"s{day}", day=f"2026-11-{day}") for day in (21, 22, 23, 24)]
    store.accept(change("x1", conversation(), answers=rows))

    assert [row.step for row in store.tallies("2026-11-22", "2026-11-23")] == ["s22", "s23"]
    assert store.answer_days() == ["2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24"]


def test_walks_and_spread_count_what_was_begun_and_completed(store: Store) -> None:
    store.accept(change("x1", conversation("c1", language="ar", place="02")))
    store.accept(change("x2", conversation("c1", language="ar", place="02", status="done"), base=1))
    store.accept(change("x3", conversation("c2", place="02"), citizen="badr"))
    store.accept(change("x4", conversation("c3", flow="health"), citizen="chama"))
    store.accept(change("x5", conversation("c4", flow=""), citizen="driss"))

    assert store.walks(DAY, DAY) == [
        Walks("health", "hash-health", "", 1, 0, open=1),
        Walks("water", "hash-water", "02", 2, 1, open=1),
    ]
    assert store.walks(DAY, DAY, flow="health") == [Walks("health", "hash-health", "", 1, 0, open=1)]
    assert store.walks("2026-11-24", "2026-11-30") == []
    assert store.spread(DAY, DAY) == {
        "language": {"ar": 1, "fr": 2},
        "bearer": {"ussd": 3},
        "flow": {"health": 1, "water": 2},
    }


def test_answers_are_streamed_by_flow_and_time(store: Store) -> None:
    store.accept(change("x1", conversation(place="02"), answers=[answer("a", at=1_000), answer("b", at=2_000)]))

    assert [row.step for row in store.answers()] == ["a", "b"]
    assert [row.step for row in store.answers(since=1_500)] == ["b"]
    assert list(store.answers(flow="health")) == []
    assert {row.place for row in store.answers(flow="water")} == {"02"}


def test_the_newest_own_words_are_found_without_the_rest(store: Store) -> None:
    for at in range(1, 6):
        rows = [replace(answer("say", f"mot {at}", f"c{at}", at=at * 1_000), free=True), answer("say", "1", f"c{at}x")]
        store.accept(change(f"x{at}", conversation(f"c{at}", place="02"), f"p{at}", answers=rows[:1]))
        store.accept(change(f"y{at}", conversation(f"c{at}x"), f"q{at}", answers=rows[1:]))

    assert [row.value for row in store.words("water", ["say"], limit=2)] == ["mot 5", "mot 4"]
    assert [row.value for row in store.words("water", ["other", "say"], since=4_000)] == ["mot 5", "mot 4"]
    assert [(row.place, row.free) for row in store.words("water", ["say"], limit=1)] == [("02", True)]
    assert list(store.words("water", ["other"])) == list(store.words("health", ["say"])) == []


def test_own_words_are_read_by_their_own_index(sqlite: SqliteStore) -> None:
    with sqlite._readers.lend() as connection:
        given = {"flow": "water", "since": 0, "steps": "[]", "limit": 20}
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {WORDS}", given))
    assert "a USING INDEX answers_free (flow=? AND answered_at>?)" in plan
    assert "SCAN a" not in plan


def test_a_long_export_does_not_hold_up_writing(sqlite: SqliteStore) -> None:
    sqlite.accept(change("x1", conversation(), answers=[answer("a"), answer("b")]))
    export = sqlite.answers()
    first = next(export)

    sqlite.accept(change("x2", conversation(), base=1, answers=[answer("c")]))

    assert [first.step, *(row.step for row in export)] == ["a", "b"]  # the snapshot of when it began
    assert [row.step for row in sqlite.answers()] == ["a", "b", "c"]


@given(
    st.one_of(
        st.text(),
        st.integers(),
        st.floats(allow_nan=False),
        st.lists(st.text(st.characters(codec="utf-8"))),
        st.booleans(),
    )
)
def test_every_value_comes_back_as_it_was(value: Value) -> None:
    back = from_columns(*to_columns(value))

    assert back == value
    assert type(back) is (int if isinstance(value, bool) else type(value))


def test_a_snapshot_keeps_its_number_until_its_figures_change(store: Store) -> None:
    first = store.hold("h1", "2026-W47", "digest-1")
    other = store.hold("h2", "2026-W47", "digest-1")

    assert first == Held("h1", "2026-W47", 1, first.seq, "digest-1", acked=False)
    assert store.hold("h1", "2026-W47", "digest-1") == first
    assert other.seq != first.seq  # gateway, epoch and seq name one snapshot alone

    second = store.hold("h1", "2026-W47", "digest-2")
    assert second.seq > other.seq
    assert [row.seq for row in store.held()] == [second.seq, other.seq]


def test_only_the_newest_snapshot_can_be_acknowledged(store: Store) -> None:
    old = store.hold("h1", "2026-W47", "digest-1")
    new = store.hold("h1", "2026-W47", "digest-2")

    store.acknowledge("h1", "2026-W47", old.epoch, old.seq)
    assert not store.held()[0].acked
    store.acknowledge("h1", "2026-W47", new.epoch, new.seq)
    assert store.held()[0].acked
    assert store.hold("h1", "2026-W47", "digest-2").acked
    assert not store.hold("h1", "2026-W47", "digest-3").acked


def test_sync_attempts_are_listed_newest_first(store: Store) -> None:
    rows = [SyncRow(at, "https", ok=at % 2 == 0, detail=str(at)) for at in range(5)]
    for row in rows:
        store.log_sync(row)

    assert store.syncs(3) == [rows[4], rows[3], rows[2]]


def test_a_slot_is_claimed_once(store: Store) -> None:
    assert [store.claim_slot("sync", "2026-11-23T10:00", 1) for _ in range(3)] == [True, False, False]
    assert store.claim_slot("digest", "2026-11-23T10:00", 1)


def test_settings_flows_and_the_check(store: Store) -> None:
    assert (store.get("link"), store.flow_data("h1")) == (None, None)
    store.put("link", "used")
    store.put("link", "used twice")
    store.keep_flow("h1", "water", 1, b"{}", 1)
    store.keep_flow("h1", "water", 1, b"other", 2)
    store.check()

    assert (store.get("link"), store.flow_data("h1")) == ("used twice", b"{}")


@pytest.mark.parametrize("many", [10_050])
def test_refused_requests_cannot_fill_the_disk(tmp_path: Path, many: int) -> None:
    from storage.sqlite import upkeep

    with SqliteStore(tmp_path / "awal.db") as store:
        store._write(lambda connection: [upkeep.log_event(connection, "refused", str(at), at) for at in range(many)])

        kept = store.events(limit=many)
        assert len(kept) == upkeep.KEEP_EVENTS
        assert kept[0] == (many - 1, "refused", str(many - 1))
