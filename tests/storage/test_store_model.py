"""Both stores against the model in plain dicts: the same operations, the same outcomes, whatever the order."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from model_following import Waiting
from model_rest import Rest
from msgspec.structs import replace
from store_changes import NOON, answer, change, conversation, message

from flows.types import Conversation
from storage.consents import Consent
from storage.memory import MemoryStore
from storage.outgoing import UNASKED, Terms
from storage.sqlite import SqliteStore
from storage.store import Change, Session, Store, Undated

EXAMPLES, STEPS = (
    int(os.environ.get(name, few)) for name, few in (("AWAL_MODEL_EXAMPLES", 40), ("AWAL_MODEL_STEPS", 40))
)
PG_EXAMPLES = int(os.environ.get("AWAL_MODEL_EXAMPLES", 6))
"""Fewer by default: each question is a round trip here."""

citizens = st.sampled_from(["amina", "badr", "chama"])
flows = st.sampled_from(["", "water", "health"])
statuses = st.sampled_from(["active", "active", "active", "done", "stopped"])
places = st.sampled_from(["", "02", "04.421"])
steps = st.sampled_from(["a", "b", "c"])
days = st.sampled_from(["2026-10-31", "2026-11-22", "2026-11-23", "2026-11-24", "2026-12-01", "unknown"])
ranges = st.sampled_from(
    [
        ("2026-11-22", "2026-11-23"),
        ("2026-11-01", "2026-11-30"),
        ("2026-10-31", "2026-12-01"),
        ("2026-11-23", "2026-12-31"),
        ("2000-01-01", "2100-01-01"),
        ("unknown", "unknown"),
        ("2026-11-23", "2026-11-22"),
    ]
)
values = st.one_of(
    st.text(max_size=5),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.text("abcd\u2d30\u0645", min_size=1, max_size=2), max_size=3),
)
answers = st.lists(st.tuples(steps, values, days, st.booleans()), max_size=3)
times = st.integers(0, 30) | st.integers(0, 20).map(lambda day: day * 86_400_000)
channels = st.sampled_from(["at", "twilio"])
states = st.sampled_from(["queued", "accepted", "delivered", "failed", "dead"])
provider_ids = st.sampled_from(["", "p1", "p2", "p3"])
ages = st.integers(0, 5)
kinds = st.sampled_from(["question", "reply", "digest", "reminder", "campaign", "notice"])
hours = st.sampled_from(["", "2026-11-23T09", "2026-11-23T10", "2026-11-24T09"])
limits = st.integers(0, 6)
terms = st.builds(
    Terms,
    most=limits,
    quiet=st.booleans(),
    fresh=st.integers(900, 1_100),
    cap=st.integers(0, 2),
    today=times,
    hour=hours,
    most_hour=limits,
    most_day=limits,
)
LOST = NOON + timedelta(hours=1)
"""Where the count of our own begins, when the clock is lost."""
COUNT = int(LOST.timestamp() * 1000)
SETTLED = 4_000_000_000_000
"""A moment at which every conversation has been quiet for long."""

_made = tempfile.TemporaryDirectory()
_template = Path(_made.name) / "template.db"


def fresh(path: Path) -> SqliteStore:
    """Return an empty store without paying for the migrations each time."""
    if not _template.exists():
        SqliteStore(_template).close()
    shutil.copy(_template, path)
    return SqliteStore(path)


class Twins(Waiting, Rest):
    """Every rule does the same to both stores, and compares what they say."""

    def __init__(self) -> None:
        super().__init__()
        self.real = self.begun()
        self.model = MemoryStore()
        self.ids = count(1)
        self.inbounds = [""]
        self.claims = [("none", 0)]
        self.messages = ["none"]
        self.conversations: list[str] = []
        self.lost: Undated | None = None

    def begun(self) -> Store:
        """Return an empty store."""
        raise AssertionError("a machine names its store")

    def again(self) -> Store:
        """Return the same store as another process would find it."""
        raise AssertionError("a machine names its store")

    def teardown(self) -> None:
        self.real.close()

    def both(self, operation: str, *given: object, **named: object) -> object:
        """Do the same to both; the outcomes must be equal."""
        real = getattr(self.real, operation)(*given, **named)
        model = getattr(self.model, operation)(*given, **named)
        assert real == model, operation
        return real

    def name(self, prefix: str) -> str:
        return f"{prefix}{next(self.ids)}"

    # the lane --------------------------------------------------------------------------------------------------
    def keep(self, whole: Change) -> None:
        self.inbounds.append(whole.inbound.external_id)
        self.both("accept", whole)

    @rule(citizen=citizens, flow=flows, status=statuses, place=places, told=answers, closing=st.booleans())
    def begin(self, citizen: str, flow: str, status: str, place: str, told: list, closing: bool) -> None:
        current = self.both("dialogue", "at", "", citizen).current
        state = conversation(self.name("c"), flow, status, place, started=self.moment())
        self.conversations.append(state.id)
        closes = current.state.id if current and closing else ""
        whole = change(self.name("x"), state, citizen, closes=closes, day=self.lost.day if self.lost else "")
        self.keep(self.dressed(whole, state, told))

    @rule(
        citizen=citizens,
        flow=flows,
        status=statuses,
        place=places,
        told=answers,
        stale=st.sampled_from([0, 0, 0, 1]),
        forget=st.booleans(),
        withdrawn=st.lists(steps, max_size=2),
    )
    def move(
        self, citizen: str, flow: str, status: str, place: str, told: list, stale: int, forget: bool, withdrawn: list
    ) -> None:
        current = self.both("dialogue", "at", "", citizen).current
        if current is None:
            return
        made = conversation(current.state.id, flow, status, place, started=current.state.started_at)
        state = replace(made, answers={"n": next(self.ids)}, updated_at=self.moment())
        whole = change(
            self.name("x"),
            state,
            citizen,
            base=current.revision + stale,
            forget_answers=forget,
            withdrawn=withdrawn,
            fallbacks={"zgh>ar": len(told)} if told else {},
        )
        self.keep(self.dressed(whole, state, told))

    def dressed(self, whole: Change, state: Conversation, told: list) -> Change:
        rows = [
            replace(answer(step, value, state.id, day, at=next(self.ids)), citizen=whole.citizen.pseudonym, free=free)
            for step, value, day, free in told
        ]
        if self.lost:
            day, at = self.lost.day, int(self.moment().timestamp() * 1000)
            rows = [replace(row, day=day, answered_at=at) for row in rows]
        asked = {"kind": "question", "conversation": state.id}
        sent = [message(self.name("m"), whole.citizen.pseudonym, **asked)] if told else []
        self.messages += [row.id for row in sent]
        citizen = replace(whole.citizen, stopped_at=int(state.status == "stopped"))
        events = [("unclear", row.step) for row in rows]
        return replace(whole, answers=rows, outbound=sent, events=events, citizen=citizen)

    @rule(
        citizen=citizens,
        session=st.sampled_from(["s1", "s2"]),
        path=st.text("12*", max_size=3),
        person=st.sampled_from(["", "amina", "dalila"]),
    )
    def speak_in_a_session(self, citizen: str, session: str, path: str, person: str) -> None:
        spoken = Session("at", session, citizen, path=path, person=person)
        self.keep(change(self.name("x"), None, citizen, session=spoken))

    @rule(citizen=citizens, session=st.sampled_from(["s1", "s2"]))
    def look_at_a_session(self, citizen: str, session: str) -> None:
        self.both("dialogue", "at", "", citizen, session)

    @rule(citizen=citizens, act=st.sampled_from(["agreed", "started", "stopped"]), words=st.text(max_size=3))
    def prove(self, citizen: str, act: Any, words: str) -> None:
        proofs = [Consent(citizen, next(self.ids), act, "at", words, "x1", "fr")]
        self.keep(change(self.name("x"), None, citizen, consents=proofs))

    @rule(whom=st.lists(citizens, max_size=3), ground=st.sampled_from(["list", "form"]), number=st.binary(max_size=3))
    def bring_in(self, whom: list[str], ground: str, number: bytes) -> None:
        proofs = [Consent(one, next(self.ids), "imported", words=ground, place="02", number=number) for one in whom]
        self.both("bring_in", proofs)

    @rule(after=st.sampled_from(["", "amina", "badr"]), limit=st.integers(1, 3))
    def look_at_the_proofs(self, after: str, limit: int) -> None:
        self.both("standing", ["amina", "badr", "chama", "dalila"])
        self.both("brought_in", after, limit)
        for citizen in ("amina", "badr", "chama"):
            self.both("consents", citizen)

    @rule(citizen=citizens, age=ages, closes=ages)
    def close_something_old(self, citizen: str, age: int, closes: int) -> None:
        old = self.conversations[-1 - closes :][:1]
        state = conversation(self.name("c"), "water")
        self.keep(change(self.name("x"), state, citizen, closes=old[0] if old else "none"))

    @rule(citizen=citizens, age=ages)
    def repeat(self, citizen: str, age: int) -> None:
        external_id = self.inbounds[-1 - age :][0]
        self.both("dialogue", "at", external_id, citizen, "s1")
        state = conversation(self.name("c"), "water")
        if external_id:
            self.both("accept", change(external_id, state, citizen, reply=b"anew"))

    @rule(citizen=citizens)
    def ask_to_be_forgotten(self, citizen: str) -> None:
        sent = [message(self.name("m"), citizen)]
        self.keep(change(self.name("x"), None, citizen, erase=True, outbound=sent, events=[("erase", "")]))

    @rule(citizen=citizens)
    def be_erased(self, citizen: str) -> None:
        self.both("erase", citizen, 1)

    # the outbox ------------------------------------------------------------------------------------------------
    @rule(
        citizen=citizens | st.just(""),
        channel=channels,
        until=st.none() | times,
        key=st.sampled_from(["", "", "k1", "k2"]),
        kind=kinds,
        ground=st.sampled_from(["wrote", "form 7"]),
        segments=st.integers(1, 4),
        age=ages,
    )
    def enqueue(
        self, citizen: str, channel: str, until: int | None, key: str, kind: str, ground: str, segments: int, age: int
    ) -> None:
        self.messages.append(self.name("m"))
        made = message(self.messages[-1], citizen, channel, not_after=until, dedupe_key=key, kind=kind)
        ground = ground if kind in UNASKED else ""
        conversation = self.conversations[-1 - age :][:1] or [""]
        made = replace(made, ground=ground, segments=segments, conversation=conversation[0])
        self.both("enqueue", [replace(made, created_at=900 + 50 * age)])

    @rule(channel=channels, now=times, limit=st.integers(0, 3), terms=st.just(Terms()) | terms)
    def claim(self, channel: str, now: int, limit: int, terms: Terms) -> None:
        rows = self.both("claim_outbox", channel, now, lease=10, limit=limit, terms=terms)
        self.claims += [(row.id, row.fence) for row in rows]

    @rule(
        age=ages,
        state=states,
        now=times,
        provider_id=provider_ids,
        retry_at=times,
        tried=st.booleans(),
        moved=st.sampled_from(["", "", "at", "twilio"]),
    )
    def finish(self, age: int, state: str, now: int, provider_id: str, retry_at: int, tried: bool, moved: str) -> None:
        id, fence = self.claims[-1 - age :][0]
        known = {row.provider_id for row in self.model.outbox(limit=1_000)}
        unique = "" if provider_id in known else provider_id
        given = {"provider_id": unique, "error": "told", "retry_at": retry_at, "tried": tried, "channel": moved}
        self.both("finish_outbox", id, fence, state, now, **given)

    @rule(channel=channels, provider_id=provider_ids, state=states, now=times, again_at=st.just(0) | times)
    def receipt(self, channel: str, provider_id: str, state: str, now: int, again_at: int) -> None:
        self.both("addressee", channel, provider_id)
        self.both("receipt", channel, provider_id, state, "why", now, again_at)

    @rule(citizen=citizens)
    def stop(self, citizen: str) -> None:
        self.both("stop", citizen, 7)
        assert self.both("dialogue", "at", "", citizen).citizen.stopped_at

    @rule(age=ages, now=times)
    def retry(self, age: int, now: int) -> None:
        self.both("retry_outbox", self.messages[-1 - age :][0], now)

    @rule(age=ages, now=times)
    def discard(self, age: int, now: int) -> None:
        self.both("discard_outbox", self.messages[-1 - age :][0], now)

    # the rest --------------------------------------------------------------------------------------------------
    @rule(flow_hash=st.sampled_from(["h1", "h2"]), digest=st.sampled_from(["d1", "d2"]), older=st.integers(0, 1))
    def hold(self, flow_hash: str, digest: str, older: int) -> None:
        held = self.both("hold", flow_hash, "2026-W47", digest)
        self.both("acknowledge", flow_hash, "2026-W47", held.epoch, held.seq - older)

    @rule(slot=st.sampled_from(["1", "2", "3"]))
    def claim_slot(self, slot: str) -> None:
        self.both("claim_slot", "sync", slot, 1)

    # a clock that is not known ---------------------------------------------------------------------------------
    def moment(self) -> datetime:
        """Return now: by the clock where it is known, else by the count of our own."""
        return LOST + timedelta(minutes=next(self.ids)) if self.lost else NOON

    @rule(boot=st.sampled_from(["b1", "b2"]))
    def lose_the_clock(self, boot: str) -> None:
        since = int(self.moment().timestamp() * 1000) if self.lost else COUNT
        self.both("end_boots", boot)
        self.lost = self.both("lose_clock", boot, since - 5, since)

    @rule(number=st.integers(1, 3), days=st.integers(-3, 3))
    def find_the_clock(self, number: int, days: int) -> None:
        now = int(self.moment().timestamp() * 1000)
        own = self.lost is not None and self.lost.number == number
        if self.both("find_clock", number, days * 86_400_000, now if own else 0) and own:
            self.lost = None

    @rule(limit=st.integers(1, 3))
    def date(self, limit: int) -> None:
        self.both("date", limit)

    # counts kept ahead -----------------------------------------------------------------------------------------
    @rule(later=st.booleans(), limit=st.integers(1, 3))
    def roll(self, later: bool, limit: int) -> None:
        """Count what ended ahead, or what is open too: no figure may change (`tell_the_same`)."""
        self.real.roll(SETTLED if later else 0, limit)

    @rule(age=ages, told=answers)
    def answer_something_old(self, age: int, told: list) -> None:
        old = self.conversations[-1 - age :][:1]
        if not old or old[0] not in self.model._walks:
            return
        rows = [replace(answer(step, value, old[0], day), free=free) for step, value, day, free in told]
        citizen = self.model._walks[old[0]].citizen
        self.keep(change(self.name("x"), None, citizen, answers=[replace(row, citizen=citizen) for row in rows]))

    @rule(days=ranges, flow=flows, only=st.lists(steps, max_size=2))
    def ask_for_figures(self, days: tuple[str, str], flow: str, only: list[str]) -> None:
        self.both("tallies", *days, flow, only)
        self.both("walks", *days, flow)
        self.both("spread", *days)

    @rule()
    def open_again(self) -> None:
        self.real = self.again()

    @invariant()
    def tell_the_same(self) -> None:
        self.both("counts")
        self.both("outbox", limit=1_000)
        self.both("outbox_counts")
        self.both("waiting")
        self.both("spent", "at", "2026-11-23T09")
        self.both("tallies", "2026-10-31", "2026-12-01")
        self.both("walks", "2026-11-22", "2026-11-24")
        self.both("spread", "2026-11-01", "2026-11-30")
        self.both("answer_days")
        self.both("fallbacks")
        self.both("events", limit=1_000)
        self.both("held")
        self.both("undated")
        self.both("newest")
        assert list(self.real.answers()) == list(self.model.answers())
        for citizen in ("amina", "badr", "chama"):
            self.both("dialogue", "at", "", citizen)


class SqliteTwins(Twins):
    def begun(self) -> Store:
        self.directory = tempfile.TemporaryDirectory()
        return fresh(Path(self.directory.name) / "awal.db")

    def again(self) -> Store:
        self.real.close()
        return SqliteStore(self.real.path)

    def teardown(self) -> None:
        super().teardown()
        self.directory.cleanup()


class PostgresTwins(Twins):
    server: ClassVar[Any]
    template: ClassVar[str]

    def begun(self) -> Store:
        from storage.postgres import PostgresStore

        self.url = self.server.new_database(self.template)
        return PostgresStore(self.url)

    def again(self) -> Store:
        """Cut every connection as a dead gateway leaves them, and come back without having closed anything."""
        from storage.postgres import PostgresStore

        self.server.cut(self.url)
        left, self.left = getattr(self, "left", None), self.real
        if left is not None:
            left.close()
        return PostgresStore(self.url)

    @rule()
    def lose_every_connection(self) -> None:
        """The store goes on by itself."""
        self.server.cut(self.url)

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "left"):
            self.left.close()
        self.server.drop(self.url)


def often(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.fixture
def machine(postgres_server: Any, postgres_template: str) -> None:
    PostgresTwins.server, PostgresTwins.template = postgres_server, postgres_template


SqliteTwins.TestCase.settings = often(EXAMPLES)
PostgresTwins.TestCase.settings = often(PG_EXAMPLES)
TestSqlite = SqliteTwins.TestCase
TestPostgres = pytest.mark.usefixtures("machine")(PostgresTwins.TestCase)
