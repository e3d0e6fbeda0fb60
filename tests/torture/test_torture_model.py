"""Both stores against the model in plain dicts, with crashes on the way: what was struck is there whole, or not at all.

The machine of `tests/storage/test_store_model.py` does every operation of a store. Here the next change is struck now
and then: the process that holds the SQLite file is killed; PostgreSQL's connections are cut, or the server is killed.
An inbound is then asked again, as a provider does, and must be taken once. Of any other change the store must show
either all or nothing, which the model follows.
"""

from __future__ import annotations

import ast
import os
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, ClassVar

import model_rest
from distant import Distant
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, run_state_machine_as_test
from model_rest import amounts
from test_store_model import Twins, fresh

from storage.errors import StoreBusy, StoreError
from storage.store import Accepted, Store

SIZE = int(os.environ.get("AWAL_TORTURE_MODEL", "80"))
"""Steps on each store, at least."""
STORAGE = Path(model_rest.__file__).parent
EXAMPLES, STEPS = 25, 40
"""Lives of a store that are drawn at once, and the steps of each at most."""
CHANGES = {
    *(
        "accept",
        "turn",
        "enqueue",
        "claim_outbox",
        "finish_outbox",
        "receipt",
        "retry_outbox",
        "discard_outbox",
        "stop",
    ),
    *("erase", "hold", "acknowledge", "claim_slot", "keep_flow", "log_sync", "log_event", "put", "check"),
}
"""What may be struck."""
PAUSES = [0.0, 0.0002, 0.0005, 0.001, 0.002, 0.005]
"""Seconds between the asking and the blow: before, in, and just after the commit."""
BLOWS = st.tuples(st.sampled_from(PAUSES), st.sampled_from([*["cut"] * 9, "kill"]))


class Struck(Twins):
    """The machine whose changes are struck; `met` counts over all lives."""

    met: ClassVar[Counter[str]]
    blows: Iterator[tuple[float, str]]
    every = changes = 0
    begins = True

    @initialize(every=st.integers(2, 6), blows=st.lists(BLOWS, min_size=4, max_size=8))
    def choose_what_is_struck(self, every: int, blows: list[tuple[float, str]]) -> None:
        self.every, self.blows = every, cycle(blows)

    @invariant()
    def count_the_steps(self) -> None:
        self.met["steps"] += not self.begins
        self.begins = False

    def both(self, operation: str, *given: object, **named: object) -> Any:
        self.changes += operation in CHANGES
        if operation not in CHANGES or self.changes % self.every:
            return super().both(operation, *given, **named)
        self.met["struck"] += 1
        answered = self.struck(next(self.blows), operation, *given, **named)
        if answered is None:
            return self.resolved(operation, *given, **named)
        self.met["answered"] += 1
        model = getattr(self.model, operation)(*given, **named)
        assert answered == (True, model), operation
        return model

    def struck(self, blow: tuple[float, str], operation: str, *given: object, **named: object) -> Any:
        """Strike in the middle of an operation; return its outcome if it was told all the same, else None."""
        raise AssertionError("a machine names how its store is struck")

    def resolved(self, operation: str, *given: object, **named: object) -> Any:
        """Find out whether the change is there, and let the model follow."""
        if operation in ("accept", "turn"):
            return self.asked_again(operation, *given)
        if operation == "claim_slot":
            free, model = self.real.claim_slot(*given), self.model.claim_slot(*given)  # type: ignore[arg-type]
            assert model or not free, "a slot was given twice"
            self.met["kept" if model and not free else "undone"] += 1
            return model
        if self.all_of(self.real) == self.all_of(self.model):
            self.met["undone"] += 1
            return super().both(operation, *given, **named)
        self.met["kept"] += 1
        return getattr(self.model, operation)(*given, **named)  # and the invariants compare

    def asked_again(self, operation: str, *given: object) -> Accepted:
        """Ask again as a provider does: what was kept is a repeat now, with the reply that was stored."""
        real, model = (getattr(store, operation)(*given) for store in self.stores())
        there = real.outcome == "repeat" and model.outcome == "taken"
        assert real == (Accepted("repeat", model.reply) if there else model)
        self.met["kept" if there else "undone"] += 1
        return model

    def all_of(self, store: Store) -> list[object]:
        """Return all that a change shows in."""
        people = model_rest.PEOPLE
        theirs = [(amounts(store.mydata(one)), list(store.consents(one))) for one in people]
        lists = [store.outbox(limit=1_000), store.events(limit=1_000), store.syncs(1_000), store.held()]
        return [store.counts(), store.get("k"), store.get("l"), store.standing(people), *theirs, *map(list, lists)]


class SqliteStruck(Struck):
    met: ClassVar[Counter[str]] = Counter()
    folder: ClassVar[Path]

    def begun(self) -> Any:
        self.directory = tempfile.mkdtemp(dir=self.folder)
        path = Path(self.directory) / "awal.db"
        fresh(path).close()
        return Distant(path)

    def again(self) -> Any:
        self.real.close()
        return Distant(self.real.path)  # type: ignore[attr-defined]

    def struck(self, blow: tuple[float, str], operation: str, *given: object, **named: object) -> Any:
        store: Any = self.real
        store.begin(operation, *given, **named)
        store.strike(blow[0])
        return None

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.directory)


class PostgresStruck(Struck):
    met: ClassVar[Counter[str]] = Counter()
    server: ClassVar[Any]
    template: ClassVar[str]

    def begun(self) -> Store:
        from storage.postgres import PostgresStore

        self.url = self.server.new_database(self.template)
        return PostgresStore(self.url)

    def again(self) -> Store:
        """Come back as another gateway, once the connections of this one were cut."""
        from storage.postgres import PostgresStore

        self.server.cut(self.url)
        self.real.close()
        return PostgresStore(self.url)

    def struck(self, blow: tuple[float, str], operation: str, *given: object, **named: object) -> Any:
        after, how = blow
        outcome: list[Any] = []
        backends = self.server.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s", self.url.rpartition("/")[2]
        )
        asking = threading.Thread(target=lambda: outcome.append(self.outcome(operation, *given, **named)))
        asking.start()
        asking.join(after)
        if how == "cut":
            self.server.terminate(backend for (backend,) in backends)
            asking.join()
            self.server.cut(self.url)  # those that were opened since
        else:
            self.server.kill()
            asking.join()
            self.met["servers_killed"] += 1
            self.server.start()
        return outcome[0]

    def outcome(self, operation: str, *given: object, **named: object) -> Any:
        try:
            return True, getattr(self.real, operation)(*given, **named)
        except StoreBusy:
            return None
        except StoreError as error:
            return False, error

    def teardown(self) -> None:
        super().teardown()
        self.server.drop(self.url)


def walked(machine: type[Struck], size: int, figures: Any) -> None:
    """Draw lives of a store until so many steps were done."""
    machine.met.clear()
    often = settings(
        max_examples=min(EXAMPLES, 1 + size // STEPS),
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # a blow is never struck twice at the same moment: nothing could be made smaller
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    while machine.met["steps"] < size and figures.on():
        run_state_machine_as_test(machine, settings=often)
        figures.at(**machine.met)
    figures(**machine.met)
    assert machine.met["struck"] >= machine.met["steps"] // 100, "too few were struck to show anything"


def test_sqlite_is_the_model_though_its_process_is_killed(swift: Path, figures: Any) -> None:
    SqliteStruck.folder = swift
    walked(SqliteStruck, SIZE, figures)


def test_postgres_is_the_model_though_its_connections_and_server_go(need: Callable[..., None], figures: Any) -> None:
    need("module:psycopg")
    from postgres_server import PostgresServer, program

    from storage.postgres import PostgresStore

    if program("initdb") is None:
        need("initdb")
    with PostgresServer(in_memory=True) as server:  # of its own: it is killed
        template = server.new_database()
        PostgresStore(template).close()
        PostgresStruck.server, PostgresStruck.template = server, template.rpartition("/")[2]
        walked(PostgresStruck, SIZE, figures)


def test_every_operation_of_a_store_is_in_the_machine() -> None:
    """Or in tests of its own, on every store."""
    parts = {kind.__module__ for kind in Twins.__mro__} & {file.stem for file in STORAGE.glob("*.py")}
    used = {one for part in parts for one in named((STORAGE / f"{part}.py").read_text())}
    operations = {name for name in dir(Store) if not name.startswith("_")}
    elsewhere = set()
    for file, group in model_rest.ELSEWHERE.items():
        elsewhere |= set(vars(group)) & named((STORAGE / file).read_text())
    assert operations - used - elsewhere - model_rest.ALONE == set()
    assert used >= CHANGES


def named(source: str) -> set[str]:
    """Return the operations that a source calls, or hands to `both` by name."""
    nodes = list(ast.walk(ast.parse(source)))
    called = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return called | {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
