"""What one inbound may change, on every store: once, whole, and never over somebody else's change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from store_changes import DAY, answer, change, conversation, message

from storage.errors import StoreError
from storage.sqlite import SqliteStore
from storage.store import Accepted, Citizen, Saved, Session, Store

CONFLICT = Accepted("conflict")


def opened(citizen: str = "amina", session: str = "s1", path: str = "") -> Session:
    return Session("at", session, citizen, path=path)


def test_a_first_inbound_is_taken_and_found_again(store: Store) -> None:
    state = conversation(answers={"supply": "yes", "age": 41, "rate": 2.5, "needs": ["road", "school"]})

    taken = store.accept(change("x1", state, session=opened(path="1"), answers=[answer()]))
    read = store.dialogue("at", "x2", "amina", "s1")

    assert taken == Accepted("taken", b"CON x1")
    assert read.current == Saved(state, 1)
    assert read.session == opened(path="1")
    assert read.citizen == Citizen("amina", "fr")
    assert read.reply is None


def test_nothing_is_known_of_a_stranger(store: Store) -> None:
    read = store.dialogue("at", "x1", "amina", "s1")

    assert (read.citizen, read.session, read.current, read.reply) == (None, None, None, None)


def test_a_repeat_gets_the_stored_reply_byte_for_byte_and_changes_nothing(store: Store) -> None:
    first = b"CON \xff\x00 \xe2\xb4\xb0"
    store.accept(change("x1", conversation(), reply=first, outbound=[message("m1")]))
    before = (store.counts(), store.outbox(), store.dialogue("at", "", "amina").current)

    again = store.accept(change("x1", conversation("c2"), reply=b"other", outbound=[message("m2")], closes="c1"))

    assert again == Accepted("repeat", first)
    assert store.dialogue("at", "x1", "amina").reply == first
    assert (store.counts(), store.outbox(), store.dialogue("at", "", "amina").current) == before


def test_the_same_id_on_another_channel_is_another_inbound(store: Store) -> None:
    store.accept(change("x1", conversation()))

    other = change("x1", conversation(answers={"a": 1}), base=1)

    assert store.accept(replace(other, inbound=replace(other.inbound, channel="twilio"))).outcome == "taken"


def test_one_citizens_reply_is_never_given_to_another(store: Store) -> None:
    store.accept(change("x1", conversation()))

    read = store.dialogue("at", "x1", "badr")
    assert (read.reply, read.foreign) == (None, True)
    assert not store.dialogue("at", "x1", change("x1", conversation()).citizen.pseudonym).foreign
    assert not store.dialogue("at", "x2", "badr").foreign
    assert store.accept(change("x1", conversation("c2"), citizen="badr")) == CONFLICT


def test_only_the_first_of_two_moves_from_the_same_revision_is_kept(store: Store) -> None:
    store.accept(change("x1", conversation()))

    first = store.accept(change("x2", conversation(answers={"a": 1}), base=1, answers=[answer("a", 1)]))
    second = store.accept(change("x3", conversation(answers={"a": 2}), base=1, answers=[answer("a", 2)]))

    assert (first.outcome, second) == ("taken", CONFLICT)
    assert store.dialogue("at", "x3", "amina").current == Saved(conversation(answers={"a": 1}), 2)
    assert [row.value for row in store.answers()] == [1]


def test_a_conflict_leaves_no_trace_so_that_the_same_inbound_can_be_tried_again(store: Store) -> None:
    store.accept(change("x1", conversation()))
    before = store.counts()
    late = change("x2", conversation("c2"), session=opened(), outbound=[message("m")], fallbacks={"zgh>ar": 1})

    assert store.accept(late) == CONFLICT
    assert (store.counts(), store.outbox(), store.fallbacks()) == (before, [], {})
    assert store.accept(change("x2", conversation(answers={"a": 1}), base=1)).outcome == "taken"


def test_two_first_contacts_at_once_open_one_conversation(store: Store) -> None:
    store.accept(change("x1", conversation("c1", flow="")))

    assert store.accept(change("x2", conversation("c2", flow=""))) == CONFLICT


def test_a_conversation_of_another_citizen_cannot_be_moved(store: Store) -> None:
    store.accept(change("x1", conversation()))

    assert store.accept(change("x2", conversation(answers={"a": 1}), citizen="badr", base=1)) == CONFLICT


def test_a_session_of_another_citizen_is_never_overwritten(store: Store) -> None:
    store.accept(change("x1", conversation(), session=opened(path="1")))

    hijack = store.accept(change("x2", conversation("c2"), citizen="badr", session=opened("badr", path="1*2")))

    assert hijack == CONFLICT
    assert store.dialogue("at", "x3", "badr", "s1").session == opened("amina", path="1")
    assert store.counts()["citizens"] == 1


def test_a_session_moves_on(store: Store) -> None:
    store.accept(change("x1", conversation(), session=opened(path="1")))
    store.accept(change("x2", conversation(), base=1, session=replace(opened(path="1*2"), closed=True)))

    assert store.dialogue("at", "", "amina", "s1").session == Session("at", "s1", "amina", path="1*2", closed=True)


def test_a_new_conversation_takes_the_place_of_the_one_it_closes(store: Store) -> None:
    store.accept(change("x1", conversation("c1"), answers=[answer(conversation="c1")]))

    taken = store.accept(change("x2", conversation("c2"), closes="c1"))

    assert taken.outcome == "taken"
    assert store.dialogue("at", "", "amina").current == Saved(conversation("c2"), 1)
    assert store.counts() | {"open": 1, "conversations": 2, "answers": 1} == store.counts()


def test_a_conversation_is_closed_once(store: Store) -> None:
    store.accept(change("x1", conversation("c1")))
    store.accept(change("x2", conversation("c2"), closes="c1"))

    assert store.accept(change("x3", conversation("c3"), closes="c1")) == CONFLICT
    assert store.accept(change("x4", conversation("c1", answers={"a": 1}), base=1)) == CONFLICT


def test_only_an_open_conversation_of_the_same_citizen_can_be_closed(store: Store) -> None:
    store.accept(change("x1", conversation("c1", status="done")))
    store.accept(change("x2", conversation("c2"), citizen="badr"))

    for id in ("c1", "c2", "none"):
        assert store.accept(change("x3", conversation("c3"), closes=id)) == CONFLICT
    assert store.counts()["open"] == 1
    assert store.walks(DAY, DAY)[0].completed == 1


def test_of_several_open_conversations_the_newest_is_taken_up(store: Store) -> None:
    store.accept(change("x1", conversation("c1", flow="water")))
    store.accept(change("x2", conversation("c2", flow="health")))

    assert store.dialogue("at", "", "amina").current == Saved(conversation("c2", flow="health"), 1)


def test_a_finished_conversation_is_not_taken_up(store: Store) -> None:
    store.accept(change("x1", conversation()))
    store.accept(change("x2", conversation(status="done"), base=1))

    assert store.dialogue("at", "", "amina").current is None


def test_a_later_answer_replaces_the_earlier_one(store: Store) -> None:
    store.accept(change("x1", conversation(), answers=[answer("a", 1), answer("b", "no")]))
    store.accept(change("x2", conversation(place="02"), base=1, answers=[answer("a", 2, at=2_000)]))

    assert [(row.step, row.value, row.place) for row in store.answers()] == [("b", "no", "02"), ("a", 2, "02")]


def test_answers_can_be_taken_back_one_by_one_or_all(store: Store) -> None:
    store.accept(change("x1", conversation(), answers=[answer("a", 1), answer("b", 2), answer("c", 3)]))
    store.accept(change("x2", conversation(), base=1, withdrawn=["a", "b"], answers=[answer("b", 9)]))
    assert [(row.step, row.value) for row in store.answers()] == [("c", 3), ("b", 9)]

    store.accept(change("x3", conversation(), base=2, forget_answers=True, answers=[answer("d", 4)]))
    assert [row.step for row in store.answers()] == ["d"]


def test_fallbacks_add_up_and_events_are_kept_in_order(store: Store) -> None:
    events = [("unclear", "supply"), ("stop", "")]
    store.accept(change("x1", conversation(), fallbacks={"zgh>ar": 2, "zgh>fr": 1}, events=events))
    store.accept(change("x2", conversation(), base=1, fallbacks={"zgh>ar": 3}))
    store.log_event("job", "failed", 5)

    assert store.fallbacks() == {"zgh>ar": 5, "zgh>fr": 1}
    assert store.events() == [(5, "job", "failed"), (1_000, "stop", ""), (1_000, "unclear", "supply")]
    assert store.events(limit=1) == [(5, "job", "failed")]


def full(store: Store) -> None:
    """Keep something of everything, for two citizens."""
    for name, id in (("amina", "c1"), ("badr", "c2")):
        rows = [answer(conversation=id)]
        sent = [message(f"m-{name}", name)]
        seen = [("unclear", name)]
        whole = change(
            f"x-{name}", conversation(id, place="02"), citizen=name, answers=rows, outbound=sent, events=seen
        )
        store.accept(replace(whole, session=opened(name, f"s-{name}")))


def test_erasure_leaves_nothing_of_one_citizen_and_everything_of_the_others(store: Store) -> None:
    full(store)

    gone = store.erase("amina", 9)

    assert gone == 7  # conversation, answer, session, message, event, citizen, inbound
    assert store.erase("amina", 9) == 0
    assert store.counts() == {"citizens": 1, "conversations": 1, "open": 1, "inbound": 1, "answers": 1, "steps": 1}
    assert [row.citizen for row in store.outbox()] == ["badr"]
    assert store.events() == [(1_000, "unclear", "badr")]
    assert [(row.started, row.place) for row in store.walks(DAY, DAY)] == [(1, "02")]
    assert [row.count for row in store.tallies(DAY, DAY)] == [1]
    assert store.mydata("amina") == {
        "citizen": None,
        "conversations": [],
        "answers": [],
        "inbound": [],
        "outbound": [],
        "sessions": [],
        "reached": [],
        "campaigns": [],
        "consents": [],
    }


def test_a_citizen_who_asks_to_be_forgotten_still_gets_the_same_reply_to_a_repeat(store: Store) -> None:
    full(store)
    goodbye = change(
        "bye", None, reply=b"END forgotten", erase=True, outbound=[message("m-bye")], events=[("erase", "")]
    )

    assert store.accept(goodbye) == Accepted("taken", b"END forgotten")
    assert store.accept(goodbye) == Accepted("repeat", b"END forgotten")
    assert store.dialogue("at", "x-amina", "amina").reply == b"END forgotten"
    assert store.dialogue("at", "", "amina", "s-amina").citizen is None
    assert store.counts()["citizens"] == 1
    assert [(row.id, row.citizen) for row in store.outbox()] == [("m-bye", ""), ("m-badr", "badr")]


def test_erased_words_are_no_longer_in_the_file(sqlite: SqliteStore) -> None:
    secret = "mon numéro est caché ici"
    state = conversation(answers={"why": secret})
    told = change("x1", state, answers=[answer("why", secret)], outbound=[message("m")])
    sqlite.accept(replace(told, inbound=replace(told.inbound, text=secret)))
    sqlite.erase("amina", 9)
    sqlite.close()

    assert secret.encode() not in sqlite.path.read_bytes()


def test_my_data_hold_all_that_is_kept(sqlite: SqliteStore) -> None:
    full(sqlite)

    mine = sqlite.mydata("amina")

    assert {name: len(rows) for name, rows in mine.items() if isinstance(rows, list)} == {
        "conversations": 1,
        "answers": 1,
        "inbound": 1,
        "outbound": 1,
        "sessions": 1,
        "reached": 0,
        "campaigns": 0,
        "consents": 0,
    }
    assert mine["answers"][0]["value"] == "yes"
    assert "sealed" not in str(mine)


def test_an_answer_without_its_conversation_is_refused_and_nothing_of_the_change_kept(sqlite: SqliteStore) -> None:
    with pytest.raises(StoreError):
        sqlite.accept(change("x1", conversation(), answers=[answer(conversation="nowhere")]))

    assert sqlite.counts()["inbound"] == 0
    assert sqlite.accept(change("x1", conversation())).outcome == "taken"


@pytest.mark.parametrize(
    ("started", "day"),
    [
        (datetime(2026, 11, 23, 22, 59, tzinfo=UTC), "2026-11-23"),
        (datetime(2026, 11, 23, 23, 0, tzinfo=UTC), "2026-11-24"),
        (datetime(2026, 3, 1, 23, 30, tzinfo=UTC), "2026-03-01"),  # Ramadan: Morocco is on UTC
    ],
)
def test_a_conversation_counts_on_the_civil_day_it_began(store: Store, started: datetime, day: str) -> None:
    store.accept(change("x1", conversation(started=started)))

    assert store.answer_days() == [day]
    assert [row.started for row in store.walks(day, day)] == [1]
