"""The part of the model that is not about talks and messages: flows, attempts, events, settings, rights, turns.

`Twins` in `test_store_model.py` takes it in; a rule here does the same to both stores, and compares what they say.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import Struct
from store_changes import change

from storage.campaigns import Campaigns
from storage.following import Following
from storage.memory import MemoryStore
from storage.receipts import Receipts
from storage.store import Change, Dialogue, Store, SyncRow
from storage.turns import Asked, Told

PEOPLE = ("amina", "badr", "chama")
ALONE = {"room", "writing", "close"}
"""Operations in which a store tells of itself only: its disk, its queue, its end."""
ELSEWHERE = {
    "test_store_campaigns.py": Campaigns,
    "test_store_following.py": Following,
    "test_store_receipts.py": Receipts,
}
"""Groups of operations that have tests of their own on every store, instead of rules here."""

details = st.text("aé\u2d30\u0000", max_size=3)
times = st.integers(0, 30)


class Decided(Struct, frozen=True):
    """A decision that is known beforehand, and can be sent to a store in another process."""

    change: Change

    def __call__(self, read: Dialogue) -> Change | bytes:
        return self.change if read.reply is None else read.reply


class Rest(RuleBasedStateMachine):
    """What `Twins` provides stands here by name only."""

    real: Store
    model: MemoryStore

    def both(self, operation: str, *given: object, **named: object) -> Any:
        """Do the same to both; the outcomes must be equal."""
        raise AssertionError("the machine that takes this in compares")

    def name(self, prefix: str) -> str:
        """Return a name that no other thing has."""
        raise AssertionError("the machine that takes this in counts")

    @rule(citizen=st.sampled_from(PEOPLE), waits=st.booleans(), repeats=st.integers(1, 2))
    def take_a_turn(self, citizen: str, waits: bool, repeats: int) -> None:
        """An inbound is worked out where it is kept, and its repeat hears the same."""
        made = change(self.name("x"), None, citizen, events=[("turn", "")])
        asked = Asked("at", made.inbound.external_id, citizen)
        for _ in range(repeats):
            if waits:
                self.both("turn", asked, Decided(made))
            else:
                heard = handed(self.real, asked, Decided(made))
                assert heard == self.model.turn(asked, Decided(made))

    @rule(flow_hash=st.sampled_from(["h1", "h2"]), data=st.binary(max_size=3))
    def keep_a_flow(self, flow_hash: str, data: bytes) -> None:
        self.both("keep_flow", flow_hash, "water", 1, data, 5)
        self.both("flow_data", flow_hash)
        self.both("flow_data", "none")

    @rule(at=times, ok=st.booleans(), detail=details)
    def log_a_sync(self, at: int, ok: bool, detail: str) -> None:
        self.both("log_sync", SyncRow(at, "https", ok, detail))

    @rule(at=times, kind=st.sampled_from(["refused", "job"]), detail=details)
    def log_something(self, at: int, kind: str, detail: str) -> None:
        self.both("log_event", kind, detail, at)

    @rule(key=st.sampled_from(["k", "l"]), value=details)
    def put_a_setting(self, key: str, value: str) -> None:
        self.both("put", key, value)

    @rule()
    def prove_a_write(self) -> None:
        self.both("check")

    @rule()
    def lead(self) -> None:
        """A connection that was cut is noticed by using it: the lead is back at the second asking."""
        assert self.model.lead()
        assert self.real.lead() or self.real.lead()

    @rule(
        flow=st.sampled_from(["water", "health"]),
        since=times,
        limit=st.integers(0, 3),
        steps=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=2),
    )
    def ask_for_words(self, flow: str, since: int, limit: int, steps: list[str]) -> None:
        """Newest first; in which order two of one moment come is left open."""
        real, model = ([row.answered_at for row in one.words(flow, steps, since, limit)] for one in self.stores())
        assert real == model
        assert sorted(row.id for row in self.real.words(flow, steps, since, 1_000)) == sorted(
            row.id for row in self.model.words(flow, steps, since, 1_000)
        )
        assert list(self.real.answers(flow, since)) == list(self.model.answers(flow, since))

    @rule(
        states=st.lists(st.sampled_from(["queued", "sending", "accepted", "dead"]), max_size=2),
        citizen=st.sampled_from(["", *PEOPLE]),
        limit=st.integers(1, 3),
    )
    def list_some_messages(self, states: list[str], citizen: str, limit: int) -> None:
        self.both("outbox", states, limit, citizen)

    def stores(self) -> tuple[Store, MemoryStore]:
        return self.real, self.model

    @invariant()
    def remember_the_same(self) -> None:
        self.both("epoch")
        self.both("syncs", 1_000)
        for key in ("k", "l"):
            self.both("get", key)
        for citizen in PEOPLE:
            real, model = (amounts(one.mydata(citizen)) for one in self.stores())
            assert real == model, citizen


def amounts(mine: Mapping[str, Any]) -> dict[str, object]:
    """Return how much is kept of a citizen, and who they are: the stores name the columns of the rest differently."""
    return {kind: rows if kind == "citizen" else len(rows) for kind, rows in mine.items()}


def handed(
    store: Store, asked: Asked, decide: Decided, hand_over: Callable[[Asked, Decided, Told], None] | None = None
) -> object:
    """Hand an inbound over and return what is told of it. `hand_over` is another way than the store's own."""
    heard: list[object] = []
    told = threading.Event()

    def hear(outcome: object) -> None:
        heard.append(outcome)
        told.set()

    (hand_over or store.hand_over)(asked, decide, hear)
    assert told.wait(60), "nobody told how it ended"
    return heard[0]
