"""Conversations that wait for their citizen: looked after once, told of while it makes sense, closed as partial."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_following import Waiting
from msgspec.structs import replace
from store_changes import DAY, NOON, answer, change, conversation, message
from test_store_model import fresh

from storage.following import Awaited, Follow
from storage.memory import MemoryStore
from storage.outgoing import ANSWERED
from storage.store import Change, Session, Store, Walks

WAITS = {"recipient": b"sealed", "due_at": 10}
MOMENT = int(NOON.timestamp() * 1000)


def waiting(store: Store, id: str = "c1", citizen: str = "amina", **rest: object) -> Awaited:
    """Begin a conversation that waits, and look at it."""
    session = Session("at", f"s-{id}", citizen, "*123#", conversation=id, opened_at=1)
    store.accept(change(f"x-{id}", conversation(id), citizen, session=session, **{**WAITS, **rest}))
    return next(one for one in store.awaited(99) if one.state.id == id)


def reminder(before: Awaited, id: str = "m1") -> Follow:
    said = message(id, before.citizen, kind="reminder", ground="wrote", conversation=before.state.id)
    return Follow(before=before, now=20, due_at=50, asked=1, outbound=replace(said, created_at=MOMENT + 5))


def end(before: Awaited) -> Follow:
    return Follow(before=before, now=99, ends=replace(before.state, status="partial"))


def test_nobody_looks_before_the_moment_nor_without_one(store: Store) -> None:
    store.accept(change("x1", conversation("c1"), **WAITS))
    store.accept(change("x2", conversation("c2"), citizen="badr"))

    assert store.awaited(9) == []
    found = store.awaited(10)
    assert [(one.state.id, one.citizen, one.recipient, one.channel) for one in found] == [
        ("c1", "amina", b"sealed", "at")
    ]


def test_a_look_is_done_once(store: Store) -> None:
    before = waiting(store)

    assert store.follow(reminder(before))
    assert not store.follow(reminder(before, "m2")), "another gateway saw the same"
    assert [row.id for row in store.outbox()] == ["m1"]
    after = store.awaited(50)[0]
    assert (after.due_at, after.asked, after.asked_at) == (50, 1, 20)
    assert store.dialogue("at", "", "amina").current.asked_at == 20


def test_who_has_spoken_meanwhile_is_left_alone(store: Store) -> None:
    before = waiting(store)
    store.accept(change("x2", conversation("c1"), base=1))

    assert not store.follow(reminder(before))
    assert not store.follow(end(before))
    assert store.outbox() == []


def test_a_reminder_is_not_sent_to_who_has_gone_on(store: Store) -> None:
    store.follow(reminder(waiting(store)))
    moved = replace(conversation("c1"), updated_at=NOON + timedelta(seconds=1))
    store.accept(change("x2", moved, base=1))

    assert store.claim_outbox("at", MOMENT + 9, 10, 5) == []
    assert [(row.state, row.last_error, row.recipient) for row in store.outbox()] == [("dead", ANSWERED, b"")]


def test_a_reminder_is_not_sent_once_its_conversation_has_ended(store: Store) -> None:
    store.follow(reminder(waiting(store)))
    store.accept(change("x2", conversation("c1", status="done"), base=1))

    assert store.claim_outbox("at", MOMENT + 9, 10, 5) == []
    assert store.awaited(99) == []


def test_a_reminder_goes_to_who_is_silent(store: Store) -> None:
    store.follow(reminder(waiting(store)))

    assert [row.id for row in store.claim_outbox("at", MOMENT + 9, 10, 5)] == ["m1"]


@pytest.mark.parametrize("citizen", ["badr", ""])
@pytest.mark.parametrize("kind", ["reminder", "question"])
def test_the_end_of_another_citizens_conversation_holds_nothing_back(store: Store, citizen: str, kind: Any) -> None:
    waiting(store)
    said = message("m1", citizen, kind=kind, ground="form 7", conversation="c1")
    store.enqueue([replace(said, created_at=MOMENT - 5)])
    store.accept(change("x2", conversation("c1", status="done"), base=1))

    assert [row.id for row in store.claim_outbox("at", MOMENT + 9, 10, 5)] == ["m1"]


def test_the_number_goes_with_the_end(store: Store) -> None:
    before = waiting(store)
    assert store.follow(end(before))

    assert not store.follow(end(before))
    late = store.late("amina")
    assert late is not None
    assert (late.recipient, late.due_at, late.state.status) == (b"", 0, "partial")


def test_answers_of_a_partial_conversation_count_and_are_told_apart(store: Store) -> None:
    kept = [answer("a", conversation="c1")]
    store.accept(change("x1", conversation("c1"), answers=kept, **WAITS))
    store.accept(change("x2", conversation("c2"), citizen="badr", **WAITS))
    store.accept(change("x3", conversation("c3"), citizen="chama", **WAITS))
    while store.roll(MOMENT + 3_600_000):
        pass
    for one in store.awaited(99)[:2]:
        assert store.follow(end(one))

    told = [Walks("water", "hash-water", "", 3, 0, partial=1, open=1)]
    assert store.walks(DAY, DAY) == told
    while store.roll(MOMENT + 3_600_000):
        pass
    assert store.walks(DAY, DAY) == told
    assert [row.step for row in store.answers()] == ["a"]


def test_a_late_reply_takes_a_partial_conversation_up_again(store: Store) -> None:
    store.follow(end(waiting(store)))
    late = store.late("amina")
    assert late is not None
    again = change("x2", conversation("c1"), base=late.revision, reopens=True, recipient=b"new", due_at=70)
    assert store.accept(again).outcome == "taken"

    assert store.late("amina") is None
    assert [(one.recipient, one.due_at) for one in store.awaited(70)] == [(b"new", 70)]


def test_a_late_reply_is_too_late_once_something_newer_has_begun(store: Store) -> None:
    store.follow(end(waiting(store)))
    late = store.late("amina")
    assert late is not None
    store.accept(change("x2", conversation("c2", flow="health")))

    assert store.late("amina") is None
    again = change("x3", conversation("c1"), base=late.revision, reopens=True, **WAITS)
    assert store.accept(again).outcome == "conflict"


def test_a_lost_session_is_looked_after_sooner(store: Store) -> None:
    waiting(store)

    assert store.lost("at", "s-c1", 30, 5)
    found = store.awaited(5)[0]
    assert (found.due_at, found.lost_at, found.service) == (5, 30, "*123#")


def test_a_session_is_not_lost_that_we_ended_or_that_was_followed_by_another(store: Store) -> None:
    waiting(store, "c1")
    waiting(store, "c2", "badr")
    store.accept(
        change("x2", None, session=Session("at", "s-c1", "amina", conversation="c1", opened_at=1, closed=True))
    )
    store.accept(change("x3", None, "badr", session=Session("at", "s2", "badr", conversation="c2", opened_at=2)))

    assert not store.lost("at", "s-c1", 30, 5)
    assert not store.lost("at", "s-c2", 30, 5)
    assert store.lost("at", "s2", 30, 5)
    assert not store.lost("at", "unheard of", 30, 5)


def test_a_session_about_another_citizens_conversation_loses_nothing(store: Store) -> None:
    waiting(store)
    store.accept(change("x2", None, "badr", session=Session("at", "s2", "badr", conversation="c1", opened_at=2)))
    assert not store.lost("at", "s2", 5, 7)
    assert store.lost("at", "s-c1", 5, 7)


def test_a_lost_session_is_told_of_once(store: Store) -> None:
    before = waiting(store)
    store.follow(replace(reminder(before), now=MOMENT + 1))

    assert not store.lost("at", "s-c1", MOMENT + 2, 5), "the provider tells again"


def test_of_many_gateways_one_looks_after_a_conversation(store: Store) -> None:
    before = waiting(store)
    with ThreadPoolExecutor(8) as gateways:
        done = list(gateways.map(lambda at: store.follow(reminder(before, f"m{at}")), range(8)))

    assert done.count(True) == 1
    assert len(store.outbox()) == 1


def test_a_reply_and_the_end_that_meet_do_not_both_happen(store: Store) -> None:
    for at in range(6):
        before = waiting(store, f"c{at}", f"citizen-{at}")
        reply = change(f"y{at}", conversation(f"c{at}"), before.citizen, base=before.revision)
        with ThreadPoolExecutor(2) as both:
            ended = both.submit(store.follow, end(before))
            taken = both.submit(store.accept, reply)
        assert ended.result() == (taken.result().outcome == "conflict")


def test_calls_are_counted_per_citizen_and_time(store: Store) -> None:
    store.accept(change("call:1", None))
    store.accept(change("call:2", None))
    store.accept(change("sms:3", None))
    store.accept(change("call:4", None, "badr"))

    assert store.wishes("amina", 1_000) == 2
    assert store.wishes("amina", 1_001) == 0


class Pair(Waiting):
    """Both stores at once, driven by a random walk over the rules that concern waiting alone."""

    def __init__(self, real: Store) -> None:
        self.real, self.model, self.ids = real, MemoryStore(), count(1)
        self.conversations: list[str] = []

    def both(self, operation: str, *given: object, **named: object) -> object:
        real = getattr(self.real, operation)(*given, **named)
        assert real == getattr(self.model, operation)(*given, **named), operation
        return real

    def name(self, prefix: str) -> str:
        return f"{prefix}{next(self.ids)}"

    def keep(self, whole: Change) -> None:
        self.both("accept", whole)

    def step(self, chance: random.Random) -> None:
        """Do one thing of those that concern waiting, and compare what both stores show after it."""
        citizen, session = chance.choice(("amina", "badr")), chance.choice(("s1", "s2"))
        near, far, coin = chance.randint(0, 8), chance.randint(0, 8), chance.random() < 0.5
        match chance.randrange(8):
            case 0:
                Waiting.begin_to_wait(self, citizen, chance.choice(["active", "active", "refused"]), near, coin)
            case 1:
                Waiting.dial_again(self, citizen, session, far, near, coin)
            case 2:
                Waiting.look(self, 8, 3)
            case 3:
                Waiting.follow(self, far % 3, near, 9, 1, coin, chance.random() < 0.3)
            case 4:
                Waiting.lose(self, session, near, 1 + far)
            case 5:
                Waiting.come_late(self, citizen, 1 + near)
            case 6:
                Waiting.come_too_late(self, near, citizen)
            case _:
                self.both("claim_outbox", "at", MOMENT + near, 5, 3)
        self.both("awaited", 99)
        self.both("outbox", limit=99)
        self.both("walks", DAY, DAY)


@given(seed=st.integers(0, 1 << 30))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_sqlite_looks_after_conversations_as_the_model_does(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with fresh(tmp_path / f"{next(_runs)}.db") as store:
        pair = Pair(store)
        for _ in range(80):
            pair.step(chance)


_runs = count()
