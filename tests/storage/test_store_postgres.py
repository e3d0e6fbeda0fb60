"""PostgreSQL as the store of several gateways: races have one winner, one leads, a lost server loses no answer."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from store_changes import answer, change, conversation, message

from gateway.scheduler import Job, Scheduler, every
from storage.errors import StoreBusy, StoreError, StoreLocked
from storage.open import open_store, restore_store, shown
from storage.store import Accepted, Store

MONDAY = 1_795_420_800_000


@pytest.fixture
def pair(postgres_url: str) -> Iterator[tuple[Any, Any]]:
    """Two gateways on one database."""
    from storage.postgres import PostgresStore

    with PostgresStore(postgres_url) as one, PostgresStore(postgres_url) as other:
        yield one, other


def test_eight_threads_on_two_gateways_count_each_inbound_once(pair: tuple[Store, Store]) -> None:
    """Every delivery comes to all threads at once; the same four citizens, several inbounds each."""
    citizens, inbounds = [f"c{at}" for at in range(4)], 12
    outcomes: Counter[tuple[str, str]] = Counter()
    gate = threading.Barrier(8)
    failed: list[BaseException] = []

    def deliver(store: Store) -> None:
        try:
            for at in range(inbounds):
                for citizen in citizens:
                    gate.wait(30)
                    external_id = f"{citizen}-{at}"
                    outcomes[external_id, take(store, citizen, external_id)] += 1
        except BaseException as error:
            failed.append(error)
            gate.abort()

    threads = [threading.Thread(target=deliver, args=(pair[at % 2],)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    taken = [key for key, times in outcomes.items() for _ in range(times) if key[1] == "taken"]
    assert len(taken) == len(set(taken)) == inbounds * len(citizens)
    assert sum(outcomes.values()) == 8 * inbounds * len(citizens)
    counts = pair[0].counts()
    assert (counts["inbound"], counts["answers"], counts["citizens"]) == (48, 48, 4)
    assert counts["conversations"] == 4, "two first contacts opened two conversations"


def take(store: Store, citizen: str, external_id: str) -> str:
    """Do what the gateway does: read, compute, keep, and again after a conflict; tell how it ended."""
    while True:
        read = store.dialogue("at", external_id, citizen)
        if read.reply is not None:
            return "repeat"
        step = external_id.replace("-", "_")
        id = f"walk-{citizen}-{threading.get_ident()}" if read.current is None else read.current.state.id
        known = {} if read.current is None else read.current.state.answers
        state = conversation(id, answers={**known, step: "yes"})
        kept = store.accept(
            change(
                external_id,
                state,
                citizen,
                base=read.current.revision if read.current else 0,
                answers=[answer(step, "yes", id)],
                fallbacks={"zgh>ar": 1},
            )
        )
        if kept.outcome != "conflict":
            return kept.outcome


def test_a_message_is_claimed_by_one_of_two_gateways(pair: tuple[Store, Store]) -> None:
    pair[0].enqueue([message(f"m{at:03}", citizen=f"c{at % 30}") for at in range(90)])
    claimed: list[str] = []

    def send(store: Store) -> None:
        while rows := store.claim_outbox("at", 2_000, lease=60_000, limit=4):
            for row in rows:
                claimed.append(row.id)
                assert store.finish_outbox(row.id, row.fence, "delivered", 2_000)

    threads = [threading.Thread(target=send, args=(pair[at % 2],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while rows := pair[0].claim_outbox("at", 2_000, lease=60_000, limit=100):
        claimed += [row.id for row in rows]
        for row in rows:
            pair[0].finish_outbox(row.id, row.fence, "delivered", 2_000)

    assert sorted(claimed) == [f"m{at:03}" for at in range(90)]


def test_one_gateway_leads_and_another_takes_over_when_its_connections_die(
    pair: tuple[Any, Any], postgres_server: Any, postgres_url: str
) -> None:
    one, other = pair
    assert (one.lead(), other.lead(), one.lead()) == (True, False, True)

    one.close()

    assert other.lead()
    assert not one.lead()
    postgres_server.cut(postgres_url)
    assert not other.lead()  # its connection is gone, and the lock with it
    assert other.lead()


def test_no_slot_runs_twice_when_the_leader_goes(pair: tuple[Any, Any]) -> None:
    ran: list[str] = []
    now = [MONDAY]
    job = Job("sync", every(15), ran.append)
    schedulers = [Scheduler(store, [job], lambda: now[0]) for store in pair]

    assert [scheduler.wake(job) for scheduler in schedulers] == [True, False]
    pair[0].close()
    assert not schedulers[1].wake(job)  # the slot was taken by the one that is gone
    now[0] += 15 * 60_000
    assert schedulers[1].wake(job)
    assert len(ran) == len(set(ran)) == 2


def test_a_server_that_was_killed_keeps_what_was_acknowledged_and_the_store_goes_on() -> None:
    from postgres_server import PostgresServer

    from storage.postgres import PostgresStore

    with PostgresServer() as server:
        store = PostgresStore(server.new_database(), deadline=1)
        assert store.accept(change("x1", conversation(), answers=[answer()])).outcome == "taken"
        server.kill()
        with pytest.raises(StoreBusy, match="cannot be reached"):
            store.accept(change("x2", conversation(answers={"a": 1}), base=1))
        server.start()

        assert store.accept(change("x1", conversation())) == Accepted("repeat", b"CON x1")
        assert store.accept(change("x2", conversation(answers={"a": 1}), base=1)).outcome == "taken"
        store.close()


@pytest.mark.parametrize("setting", ["synchronous_commit", "fsync"])
def test_a_server_that_may_lose_answers_is_refused(postgres_server: Any, postgres_url: str, setting: str) -> None:
    if setting == "fsync":
        pytest.importorskip("psycopg")
        from storage.postgres import connection

        class Off:
            class info:
                server_version = 150000

            def execute(self, *_: object) -> Any:
                return self

            def fetchone(self) -> tuple[object, ...]:
                return ("on", "off", False, True)

        with pytest.raises(StoreError, match="fsync is off"):
            connection._trust(Off(), postgres_url, True)  # type: ignore[arg-type]
        return
    postgres_server.execute(f"ALTER DATABASE {postgres_url.rpartition('/')[2]} SET synchronous_commit = off")
    with pytest.raises(StoreError, match=r"ALTER SYSTEM SET synchronous_commit = on"):
        open_store(postgres_url, None)  # type: ignore[arg-type]


def test_a_password_is_never_shown(tmp_path: Any) -> None:
    url = "postgresql://awal:very-secret@127.0.0.1:1/none?sslpassword=very-secret"

    with pytest.raises(StoreError) as told:
        open_store(url, tmp_path)
    assert "very-secret" not in str(told.value)
    assert "127.0.0.1:1/none" in str(told.value)
    assert shown(url) == "postgresql://***@127.0.0.1:1/none"
    with pytest.raises(StoreError, match="pg_restore") as told:
        restore_store(url, tmp_path, tmp_path / "copy")
    assert "very-secret" not in str(told.value)


def test_reading_beside_the_gateways_writes_nothing(postgres_store: Store, postgres_url: str) -> None:
    postgres_store.put("key", "value")
    with open_store(postgres_url, None, readonly=True) as reader:  # type: ignore[arg-type,attr-defined]
        assert reader.get("key") == "value"
        with pytest.raises(StoreLocked):
            reader.put("key", "other")


def test_an_empty_database_names_the_remedy(postgres_server: Any) -> None:
    url = postgres_server.new_database()
    with pytest.raises(StoreError, match="run awal serve"):
        open_store(url, None, readonly=True)  # type: ignore[arg-type]
    postgres_server.drop(url)


@pytest.mark.parametrize("text", ["\0", "a\0b", "\U0010ffff", "\U0010ffff0\0", "ⵣ\0" * 3])
def test_every_character_comes_back(postgres_store: Store, text: str) -> None:
    state = conversation(answers={"why": text})
    postgres_store.accept(change("x1", state, answers=[answer("why", text)]))
    postgres_store.put("key", text)

    assert [row.value for row in postgres_store.answers()] == [text]
    assert postgres_store.get("key") == text
    current = postgres_store.dialogue("at", "", "amina").current
    assert current is not None
    assert current.state == state


def test_a_server_tells_what_it_loses(postgres_server: Any) -> None:
    """Each setting that durability hangs on, off for one database or user, or for all."""
    from storage.postgres.durability import look

    url = postgres_server.new_database()
    name = url.rpartition("/")[2]
    try:
        sound = look(url)
        assert list(sound.off()) == []
        assert int(sound.version.split(".")[0]) >= 13
        assert 0 < sound.connections < sound.most
        postgres_server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        assert [setting for setting, _ in look(url).off()] == ["synchronous_commit"]
        with pytest.raises(StoreError, match="synchronous_commit is off"):
            open_store(url, Path())
        postgres_server.execute(f"ALTER DATABASE {name} RESET synchronous_commit")
        set_for_all(postgres_server, "full_page_writes", "off")
        assert [setting for setting, _ in look(url).off()] == ["full_page_writes"]
    finally:
        set_for_all(postgres_server, "full_page_writes", "on")
        postgres_server.drop(url)


def set_for_all(server: Any, name: str, value: str) -> None:
    """Change a setting of the server, and wait until a new connection has it."""
    server.execute(f"ALTER SYSTEM SET {name} = {value}")
    server.execute("SELECT pg_reload_conf()")
    while server.execute("SELECT current_setting(%s)", name) != [(value,)]:
        continue


KEYS = """
SELECT pg_get_indexdef(indexrelid), array(
    SELECT attname::text FROM unnest(indkey) AS k (number) JOIN pg_attribute ON attrelid = indrelid AND attnum = number
) FROM pg_index WHERE indrelid = %s::regclass AND indisunique
UNION ALL SELECT pg_get_constraintdef(oid), array(
    SELECT attname::text FROM unnest(conkey) AS k (number) JOIN pg_attribute ON attrelid = conrelid AND attnum = number
) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'
"""


def test_the_page_shards_by_columns_that_every_key_holds(postgres_url: str, root: Path) -> None:
    """Citus itself is not here: a function of the same name takes down what it is told."""
    import psycopg

    from storage.postgres import PostgresStore

    PostgresStore(postgres_url).close()
    page = (root / "storage" / "README.md").read_text("utf-8")
    statements = re.findall(r"SELECT create_distributed_table\(.*?\);", page)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("SET search_path = awal")
        connection.execute("CREATE TABLE told (named regclass, by text, beside text)")
        connection.execute(
            "CREATE FUNCTION create_distributed_table(named regclass, by text, colocate_with text DEFAULT '')"
            " RETURNS void LANGUAGE sql AS 'INSERT INTO told VALUES (named, by, colocate_with)'"
        )
        for statement in statements:
            connection.execute(statement.encode())
        told = connection.execute("SELECT named::text, by, beside FROM told").fetchall()
        assert {"citizens", "conversations", "answers", "inbound", "sessions"} <= {name for name, _, _ in told}
        for name, by, beside in told:
            assert beside in ("", "citizens")
            columns = connection.execute(f"SELECT * FROM {name} LIMIT 0".encode()).description or ()
            assert by in [column.name for column in columns]
            for key, held in connection.execute(KEYS.encode(), (name, name)):
                assert by in held, key
