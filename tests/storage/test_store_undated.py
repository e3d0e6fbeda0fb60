"""What is kept while the clock is not known: held apart, and dated once, whole, whatever happens in between."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from store_changes import answer, change, conversation, message

from storage.sqlite import SqliteStore
from storage.store import Citizen, Store, SyncRow, Tally

HOUR, DAY = 3_600_000, 86_400_000
SINCE = 1_795_420_800_000
"""The first moment of the count of our own: 2026-11-23, 09:00 in Casablanca."""
SHIFT = 100 * DAY
FOUND = "2027-03-03"
"""The civil day of SINCE + SHIFT; at 08:00, as it is Ramadan and clocks are at UTC."""
ALWAYS = ("2000-01-01", "2100-01-01")
SETTLED = 4_000_000_000_000
PROGRAM = Path(__file__).with_name("store_dating.py")
CYCLES = int(os.environ.get("AWAL_KILL_CYCLES", "6"))


def lost(store: Store) -> str:
    """Lose the clock and return what undated rows have for a day."""
    return store.lose_clock("a boot", SINCE - HOUR, SINCE).day


def heard(store: Store, id: str, at: int, day: str, status: str = "active") -> None:
    """Keep a conversation with one answer, both of a moment of our own count."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    made = change(f"x{id}", conversation(id, started=moment, status=status), citizen=f"citizen {id}", day=day)
    row = replace(answer(conversation=id, day=day, at=at), citizen=f"citizen {id}")
    inbound = replace(made.inbound, received_at=at)
    citizen = Citizen(f"citizen {id}", "fr", consented_at=at)
    assert store.accept(replace(made, inbound=inbound, citizen=citizen, answers=[row])).outcome == "taken"


def dated(store: Store) -> int:
    """Date everything, and return in how many steps."""
    steps = 0
    while store.date(2):
        steps += 1
    return steps


def test_undated_answers_are_in_no_period_and_known_to_wait(store: Store) -> None:
    day = lost(store)
    heard(store, "c1", SINCE + 1, day)
    assert store.answer_days() == [day]
    assert day > "9999-12-31", "it sorts after every date"
    assert store.tallies(*ALWAYS) == store.walks(*ALWAYS) == []
    (span,) = store.undated()
    assert (span.day, span.answers, span.conversations, span.shift) == (day, 1, 1, None)
    assert store.date() == 0


@pytest.mark.parametrize("rolled", ["before", "after", "never"])
def test_each_gets_the_day_it_was_kept_on_and_figures_change_once(store: Store, rolled: str) -> None:
    day = lost(store)
    for number in range(5):
        heard(store, f"c{number}", SINCE + number * DAY, day, "done" if number % 2 else "active")
    if rolled == "before":
        store.roll(SETTLED)
    assert store.find_clock(1, SHIFT, SINCE + 5 * DAY)
    assert not store.find_clock(1, 7, SINCE + 5 * DAY), "it is decided once"
    seen = []
    while True:
        counted = sum(row.count for row in store.tallies(*ALWAYS))
        waits = sum(span.answers for span in store.undated())
        seen.append((counted, waits))
        if rolled == "after":
            store.roll(SETTLED)
        if not store.date(1):
            break
    assert all(counted + waits == 5 for counted, waits in seen)
    assert seen[-1] == (5, 0)
    assert store.answer_days() == [f"2027-03-0{number}" for number in range(3, 8)]
    assert [row.answered_at for row in store.answers()] == [SINCE + SHIFT + number * DAY for number in range(5)]
    assert store.tallies(FOUND, FOUND) == [Tally("water", "hash-water", "supply", "yes", "", 1)]
    assert sum(walks.completed for walks in store.walks(*ALWAYS)) == 2
    assert dated(store) == 0


def test_an_open_conversation_is_right_as_soon_as_the_clock_is(store: Store) -> None:
    """Its citizen may reply at once, and must not hear that it waited too long."""
    known = datetime.fromtimestamp(SINCE / 1000 - 3600, UTC)
    store.accept(change("x0", conversation("c0", started=known), citizen="chama"))
    day = lost(store)
    moved = replace(conversation("c0", started=known), updated_at=datetime.fromtimestamp(SINCE / 1000 + 60, UTC))
    row = replace(answer(conversation="c0", day=day, at=SINCE + 60_000), citizen="chama")
    store.accept(change("x1", moved, citizen="chama", base=1, answers=[row]))
    heard(store, "c1", SINCE + 1000, day)
    store.find_clock(1, SHIFT, SINCE + HOUR)

    first, second = (store.dialogue("at", "", who).current for who in ("chama", "citizen c1"))
    assert first is not None
    assert second is not None
    assert first.state.started_at == known, "it began while the clock was known"
    assert first.state.updated_at.timestamp() * 1000 == SINCE + SHIFT + 60_000
    assert second.state.started_at == second.state.updated_at
    assert second.state.started_at.timestamp() * 1000 == SINCE + SHIFT + 1000
    stale = store.accept(change("x2", moved, citizen="chama", base=2))
    assert stale.outcome == "conflict", "what was read before is not written over it"
    assert store.dialogue("at", "", "citizen c1").citizen == Citizen("citizen c1", "fr", SINCE + SHIFT + 1000)


def test_what_waits_to_be_sent_neither_expires_nor_loses_its_lease(store: Store) -> None:
    lost(store)
    known = message("m0", "amina")
    rows = [replace(message(f"m{n}", f"c{n}", not_after=SINCE + DAY), created_at=SINCE + n) for n in (1, 2)]
    store.enqueue([known, *rows])
    (first, *_) = store.claim_outbox("at", SINCE + 10, 60_000, 1)
    store.finish_outbox(first.id, first.fence, "queued", SINCE + 20, error="later", retry_at=SINCE + HOUR)
    (leased,) = store.claim_outbox("at", SINCE + 30, 60_000, 1)
    store.find_clock(1, SHIFT, SINCE + 40)

    now = SINCE + SHIFT + 50
    found = {row.id: row for row in store.outbox()}
    assert found[leased.id].next_at == SINCE + SHIFT + 30 + 60_000
    assert found["m2"].not_after == SINCE + SHIFT + DAY
    assert found["m2"].created_at == SINCE + SHIFT + 2
    assert found[first.id].next_at == SINCE + SHIFT + HOUR
    assert [row.id for row in store.claim_outbox("at", now, 60_000, 9)] == ["m2"]
    assert store.finish_outbox(leased.id, leased.fence, "accepted", now)


def test_events_and_proofs_of_consent_are_dated_and_older_ones_left(store: Store) -> None:
    store.log_event("before", "", SINCE - 60_000)
    lost(store)
    store.log_event("meanwhile", "", SINCE + 5)
    store.stop("amina", SINCE + 6, "at")
    store.find_clock(1, SHIFT, SINCE + 10)
    assert [at for at, *_ in store.events()] == [SINCE + SHIFT + 5, SINCE - 60_000]
    assert [proof.at for proof in store.consents("amina")] == [SINCE + SHIFT + 6]
    assert store.dialogue("at", "", "amina").citizen.stopped_at == SINCE + SHIFT + 6  # type: ignore[union-attr]


def test_a_boot_goes_on_in_its_count_and_another_begins_its_own(store: Store) -> None:
    first = store.lose_clock("a boot", SINCE - HOUR, SINCE)
    heard(store, "c1", SINCE + 5, first.day)
    again = store.lose_clock("a boot", SINCE + DAY, SINCE + DAY)
    assert (again.number, again.base, again.since) == (first.number, first.base, first.since)
    store.end_boots("the next boot")
    assert store.undated()[0].until == SINCE + 5
    other = store.lose_clock("the next boot", SINCE, SINCE + HOUR)
    assert (other.number, other.day) == (2, "unknown 2")
    store.end_boots("the next boot")
    assert store.undated()[1].until == 0, "its own goes on"


def test_earlier_boots_are_dated_apart(store: Store) -> None:
    day = lost(store)
    heard(store, "c1", SINCE + 5, day, "done")
    store.end_boots("the next boot")
    other = store.lose_clock("the next boot", SINCE, SINCE + HOUR)
    heard(store, "c2", SINCE + HOUR + 5, other.day, "done")
    store.find_clock(other.number, SHIFT, SINCE + 2 * HOUR)
    dated(store)
    assert store.answer_days() == [FOUND, "unknown 1"]
    store.find_clock(1, 0)
    dated(store)
    assert store.answer_days() == ["2026-11-23", FOUND]


def test_the_newest_moment_is_that_of_what_was_kept_last(store: Store) -> None:
    assert store.newest() == 0
    store.log_event("one", "", SINCE)
    assert store.newest() == SINCE
    store.log_sync(SyncRow(SINCE + 3, "https", ok=True, detail=""))
    assert store.newest() == SINCE + 3
    heard(store, "c1", SINCE + 5, "2026-11-23")
    assert store.newest() == SINCE + 5
    store.erase("citizen c1", SINCE)
    assert store.newest() == SINCE + 3


def test_whoever_is_forgotten_is_not_dated(store: Store) -> None:
    day = lost(store)
    heard(store, "c1", SINCE + 5, day)
    store.roll(SETTLED)
    store.find_clock(1, SHIFT, SINCE + HOUR)
    store.erase("citizen c1", SINCE)
    assert dated(store) == 0
    assert store.answer_days() == []
    assert store.counts()["answers"] == 0


def test_dating_goes_on_where_the_process_was_killed(path: Path, root: Path) -> None:
    """Each answer is counted once at every moment, and in the end on its day."""
    chance, walks = random.Random(20261123), 60
    with SqliteStore(path) as store:
        day = lost(store)
        for number in range(walks):
            heard(store, f"c{number}", SINCE + number * HOUR, day, "done" if number % 3 else "active")
        store.roll(SETTLED)
    killed = 0
    for _ in range(CYCLES):
        command = [sys.executable, str(PROGRAM), str(path), str(SHIFT), str(SINCE + walks * HOUR)]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            told = [process.stdout.readline() for _ in range(1 + chance.randrange(3))]
            process.kill()
            killed += all(told)
        with SqliteStore(path) as store:
            assert sum(row.count for row in store.tallies(*ALWAYS)) + store.undated()[0].answers == walks
            assert len(list(store.answers())) == walks
            store.roll(SETTLED)
    with SqliteStore(path) as store:
        dated(store)
        assert [row.answered_at for row in store.answers()] == [SINCE + SHIFT + n * HOUR for n in range(walks)]
        assert sum(row.count for row in store.tallies(*ALWAYS)) == walks
        assert store.undated()[0].answers == 0
    assert killed, "no kill struck before it was done"
