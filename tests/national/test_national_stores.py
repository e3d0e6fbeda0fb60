"""One suite for both databases of the platform."""

from __future__ import annotations

import json
import random
import stat
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from wire_world import OTHER_SIGNING, PUBLIC, W47, W48

from national.errors import NationalError, Refused
from national.store import Store, Totals, open_store
from national.wire import Snapshot, read
from reports.keys import public_key
from reports.wire import canonical

Open = Callable[[], Store]


@pytest.fixture(params=["sqlite", "postgresql"])
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Return what opens one and the same database, again and again."""
    if request.param == "sqlite":
        return lambda: open_store(f"sqlite:{tmp_path / 'national.db'}")
    import psycopg

    server, name = request.getfixturevalue("postgres"), f"t{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return lambda: open_store(server.replace("/postgres", f"/{name}"))


@pytest.fixture
def store(opens: Open) -> Iterator[Store]:
    made = opens()
    made.enrol("oriental", "02", PUBLIC, W47)
    yield made
    made.close()


@pytest.fixture
def example(root: Path) -> dict[str, Any]:
    return json.loads((root / "tests/data/wire/snapshot.json").read_bytes())  # type: ignore[no-any-return]


def made(body: dict[str, Any], **changes: Any) -> Snapshot:
    return read(canonical(body | changes))


def test_gateways_are_enrolled_and_changed(store: Store) -> None:
    assert store.enrol("oriental", "02", PUBLIC, W48) == "unchanged"
    assert store.enrol("oriental", "02", public_key(OTHER_SIGNING), W48) == "replaced"
    assert store.enrol("fes", "03", PUBLIC, W48) == "added"
    assert [(one.id, one.enrolled_at) for one in store.gateways()] == [("oriental", W47), ("fes", W48)]
    assert [one.id for one in store.gateways("03")] == ["fes"]
    assert store.gateway("nobody") is None
    store.seen("fes", W48 + 1)
    assert store.gateways("03")[0].last_contact == W48 + 1


def test_the_identity_is_made_once_whoever_asks_first(opens: Open) -> None:
    found: list[str] = []
    stores = [opens() for _ in range(5)]
    asking = [threading.Thread(target=lambda one=one: found.append(one.identity().public_key)) for one in stores[1:]]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    found.append(stores[0].identity().public_key)
    for store in stores:
        store.close()
    assert (len(found), len(set(found))) == (5, 1)


def test_a_file_with_the_private_key_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "national.db"
    with closing(open_store(f"sqlite:{path}")) as store:
        path.chmod(0o644)
        store.identity()
        assert {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.glob("national.db*")} == {0o600}


def test_a_snapshot_is_kept_once_and_the_newest_wins(store: Store, example: dict[str, Any]) -> None:
    assert store.put(made(example), W48) == "accepted"
    assert store.put(made(example), W48) == "held"
    with pytest.raises(Refused, match="1:7 is held"):
        store.put(made(example, seq=6), W48)
    assert store.put(made(example, epoch=2, seq=1), W48) == "accepted"
    assert [(one.epoch, one.seq) for one in store.cursor("oriental")] == [(2, 1)]
    assert store.totals() == {"02": Totals(43, 40, 102)}
    assert store.gateways()[0].skew == example["made_at"] - W48


def test_what_comes_together_is_kept_whole_or_not_at_all(store: Store, example: dict[str, Any]) -> None:
    def broken() -> Iterator[Snapshot]:
        yield made(example)
        raise Refused(422, "damaged", "the stick was pulled out")

    with pytest.raises(Refused, match="pulled out"):
        store.put_all("oriental", broken(), W48, 0)
    assert (store.cursor("oriental"), store.totals(), store.gateways()[0].last_contact) == ([], {}, 0)


def test_what_comes_together_is_merged_one_by_one(store: Store, example: dict[str, Any]) -> None:
    store.put(made(example), W48)
    store.put(made(example, period="2026-W45", seq=9), W48)
    other = {"started": [99, 0, 0], "completed": [0, 0, 0]}
    given = [
        made(example),
        made(example, period="2026-W45", seq=8),
        made(example, period="2026-W46", seq=5),
        made(example, period="2026-W45", seq=9, walks=other),
    ]
    merged = store.put_all("oriental", given, W48 + 5, 7)
    assert (merged.accepted, merged.held, merged.older) == (1, 1, 1)
    assert [(one.period, one.seq) for one in merged.refused] == [("2026-W45", 9)]
    assert [(one.period, one.seq) for one in store.cursor("oriental")] == [
        ("2026-W45", 9),
        ("2026-W46", 5),
        ("2026-W47", 7),
    ]
    assert (store.gateways()[0].last_contact, store.gateways()[0].skew) == (W48 + 5, 7)


def test_weeks_are_listed_newest_first_and_unfinished_ones_apart(store: Store, example: dict[str, Any]) -> None:
    store.put(made(example), W48)
    store.put(made(example, period="2026-W48", final=False), W48)
    assert store.periods("02", running=True) == ["2026-W48", "2026-W47"]
    assert store.periods("02", running=False) == ["2026-W47"]
    assert store.periods("05", running=True) == []
    assert [one.period for one in store.shown("2026-W48", running=True)] == ["2026-W48"]
    assert store.shown("2026-W48", running=False) == []


def test_another_process_reads_what_was_kept(store: Store, example: dict[str, Any], opens: Open) -> None:
    store.put(made(example), W48)
    other = opens()
    assert other.cursor("oriental") == store.cursor("oriental")
    assert other.shown("2026-W47", running=False) == [made(example)]
    other.close()


def test_a_failure_half_way_leaves_nothing(store: Store, example: dict[str, Any]) -> None:
    def half() -> None:
        with store._database.transaction() as run:
            run("DELETE FROM gateways")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert [one.id for one in store.gateways()] == ["oriental"]
    store.check()


def test_many_threads_of_one_gateway_leave_the_newest(store: Store, example: dict[str, Any], opens: Open) -> None:
    numbers = list(range(1, 41))
    random.Random(3).shuffle(numbers)
    others = [opens(), opens()]
    faults: list[BaseException] = []

    def work(at: int) -> None:
        for seq in numbers[at::4]:
            counts = {name: [[seq, 0, 0]] * len(rows) for name, rows in example["cells"].items()}
            try:
                others[at % 2].put(made(example, seq=seq, cells=counts), W48)
            except Refused as fault:
                if fault.code != "older":
                    faults.append(fault)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.close()
    assert faults == []
    assert [(one.epoch, one.seq) for one in store.cursor("oriental")] == [(1, 40)]
    assert store.totals()["02"].answers == 40 * sum(len(rows) for rows in example["cells"].values())


def test_a_lost_connection_is_opened_again(postgres: str, example: dict[str, Any]) -> None:
    import psycopg

    store = open_store(postgres)
    with psycopg.connect(postgres, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    with pytest.raises(Refused) as refused:
        store.check()
    assert refused.value.status == 503
    store.check()
    store.close()


def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(NationalError, match="cannot be reached") as refused:
        open_store("postgresql://awal:very-secret@127.0.0.1:1/none")
    assert "very-secret" not in str(refused.value)
    assert "\n" not in str(refused.value)
