"""Moving a gateway to another store: everything comes over, an interrupted copy goes on, nothing is mixed or served."""

from __future__ import annotations

import re
import shlex
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from postgres_server import program
from werkzeug.serving import WSGIRequestHandler, make_server

from flows.types import Conversation
from gateway.cli.init import create
from gateway.lane import Lane
from gateway.project import Project
from gateway.rehearsal.run import Rehearsal
from storage.copying import Copy, opened
from storage.copying.tables import TABLES, Row, Table
from storage.errors import StoreError, StoreLocked
from storage.open import BACKUP, RESTORE, open_store
from storage.store import AnswerRow, Change, Citizen, InboundRow, OutboundRow, Session, Store, SyncRow

NOW = 1_795_420_800_000
LATER = 4_000_000_000_000
WHERE = ("sms", "phone", NOW, "2026-11-23")
SPAN = ("2000-01-01", "2100-01-01")


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_request(self, *args: object) -> None:
        """Write nothing."""


@contextmanager
def serving(application: Any) -> Iterator[str]:
    """Serve what a provider calls; yield the address."""
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def nothing(rows: int) -> None:
    """Take note of no progress."""


def first_contact(citizen: str, external_id: str, words: str) -> Change:
    """Make a whole first contact: one question answered, a session, a fallback, an event, a message to send."""
    walk, begun = f"c-{citizen}", datetime.fromtimestamp(NOW / 1000, UTC)
    return Change(
        inbound=InboundRow(f"in-{external_id}", "phone", external_id, citizen, "sms", words, NOW, sent_at=NOW - 5),
        reply=b"\x00\xff" + external_id.encode(),
        citizen=Citizen(citizen, "fr", NOW, "02.411.01"),
        conversation=Conversation(
            id=walk,
            bearer="sms",
            flow="water",
            version=1,
            flow_hash="h",
            language="fr",
            started_at=begun,
            updated_at=begun,
        ),
        answers=[
            AnswerRow(f"a-{citizen}", walk, citizen, "water", 1, "h", "why", words, words, "fr", *WHERE, free=True)
        ],
        outbound=[message(f"m-{citizen}", citizen, kind="question", dedupe_key=f"once-{citizen}")],
        session=Session("phone", f"s-{citizen}", citizen, reply=b"\x00", opened_at=NOW, closed=True),
        fallbacks={"zgh>ar": 2},
        events=[("stop", words)],
    )


def message(id: str, citizen: str, **rest: Any) -> OutboundRow:
    return OutboundRow(id, citizen, "phone", b"\x00sealed", "Merci \0", "gsm7", 1, NOW, **rest)


def live_a_little(store: Store, who: str) -> None:
    """Do one of everything a gateway does, so that each table holds a row that is not plain."""
    for name in ("plain", "odd", "gone"):
        words = {"odd": "\0 ⵣ \U0010ffff0"}.get(name, name)
        store.accept(first_contact(f"{who}-{name}", f"{who}-{name}", words))
    store.erase(f"{who}-gone", NOW)
    store.stop(f"{who}-odd", NOW)
    store.enqueue([message(f"{who}-sent", f"{who}-plain"), message(f"{who}-leased", f"{who}-other")])
    row = store.claim_outbox("phone", NOW, lease=60_000, limit=1)[0]
    store.finish_outbox(row.id, row.fence, "accepted", NOW, provider_id=f"p-{who}")
    assert store.claim_outbox("phone", NOW, lease=60_000, limit=1)
    store.receipt("phone", f"unknown-{who}", "delivered", "early", NOW)
    store.keep_flow(f"h-{who}", "water", 1, b"{}\x00", NOW)
    store.hold(f"h-{who}", "2026-11", "digest")
    held = store.hold(f"h-{who}", "2026-12", "digest")
    store.acknowledge(held.flow_hash, held.period, held.epoch, held.seq)
    store.log_sync(SyncRow(NOW, "https", False, "no link"))
    store.claim_slot("sync", who, NOW)
    store.log_event("refused", f"by {who}", NOW)
    store.put(f"key-{who}", "\0")


def everything(store: Store) -> dict[str, object]:
    """Read all that a store tells, through the interface."""
    citizens = sorted({row.citizen for row in store.answers()} | {row.citizen for row in store.outbox(limit=100_000)})
    return {
        "answers": sorted(store.answers(), key=lambda row: row.id),
        "tallies": store.tallies(*SPAN),
        "walks": store.walks(*SPAN),
        "spread": store.spread(*SPAN),
        "days": store.answer_days(),
        "counts": store.counts(),
        "fallbacks": store.fallbacks(),
        "outbox": store.outbox(limit=100_000),
        "outbox counts": store.outbox_counts(),
        "waiting": store.waiting(),
        "held": (store.epoch(), store.held()),
        "syncs": store.syncs(),
        "events": store.events(10_000),
        "mydata": [store.mydata(citizen) for citizen in citizens],
    }


@pytest.fixture
def postgres_url(postgres_server: Any) -> Iterator[str]:
    url = postgres_server.new_database()
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project whose store holds rehearsed conversations, and one of everything."""
    made = tmp_path_factory.mktemp("lived") / "demo"
    create(made, demo=True)
    with Project(made) as project:
        with serving(Lane(project.channels, project.conversations)) as address:
            assert Rehearsal(project, address, seed=7).run(12).ok
        live_a_little(project.store, "first")
        project.store.roll(LATER, limit=5)
    return made


@pytest.fixture
def rehearsed(lived: Path, tmp_path: Path) -> Path:
    """Return a project of one's own with that store."""
    return Path(shutil.copytree(lived, tmp_path / "demo"))


def store_of(project: Path) -> str:
    return re.search(r'^store = "(.+)"', (project / "awal.toml").read_text(), re.M)[1]


def move(project: Path, to: str) -> None:
    """Do what the command says: write the new store into awal.toml."""
    file = project / "awal.toml"
    file.write_text(file.read_text().replace(f'store = "{store_of(project)}"', f'store = "{to}"'))


def told_by(project: Path) -> dict[str, object]:
    with Project(project, readonly=True) as here:
        return everything(here.store)


def test_a_gateway_moves_to_postgres_and_back_with_all_it_holds(
    rehearsed: Path, awal: Callable[..., Any], postgres_url: str
) -> None:
    before, report = (
        told_by(rehearsed),
        awal("report", "--period", "2026-11", "--format", "text", project=rehearsed).out,
    )

    there = awal("store", "copy", store_of(rehearsed), postgres_url, project=rehearsed)
    assert there.code == 0, there.err
    assert f'store = "{postgres_url}"' in there.out
    move(rehearsed, postgres_url)
    assert told_by(rehearsed) == before
    assert awal("report", "--period", "2026-11", "--format", "text", project=rehearsed).out == report

    with Project(rehearsed) as project:
        live_a_little(project.store, "second")
        assert not project.store.claim_slot("sync", "first", NOW), "a slot ran twice"
        once = message("again", "first-plain", kind="reminder", ground="consent", dedupe_key="once-first-plain")
        assert project.store.enqueue([once]) == 0, "a message went out twice"
        assert project.store.accept(first_contact("first-plain", "first-plain", "x")).outcome == "repeat"
        again = project.store.accept(first_contact("first-gone", "first-gone", "x"))
        assert again.outcome == "repeat", "an erased citizen's message was taken for a new one"
    before = told_by(rehearsed)

    back = awal("store", "copy", postgres_url, "sqlite:data/back.db", project=rehearsed)
    assert back.code == 0, back.err
    move(rehearsed, "sqlite:data/back.db")
    assert told_by(rehearsed) == before
    with Project(rehearsed) as project:
        live_a_little(project.store, "third")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_copy_that_was_interrupted_goes_on_where_it_was(
    rehearsed: Path, postgres_server: Any, postgres_url: str, kind: str
) -> None:
    """It is interrupted in the middle of each table in turn, before and after the batch was kept."""
    target = {"sqlite": "sqlite:data/copy.db", "postgres": postgres_url}[kind]
    total, kept, runs = 0, 0, 0
    while not total:
        with opened(store_of(rehearsed), rehearsed) as source, opened(target, rehearsed, new=True) as side:
            job = Copy(source, side, batch=7)
            assert job.begin() >= kept, "what was copied is copied again"
            fault = Cut(side, after=9, late=bool(runs % 2))
            job.target = fault
            runs += 1
            try:
                job.run(nothing)
            except Interrupted:
                kept = sum(side.count(table) for table in TABLES)
                continue
            job.verify(nothing)
            job.finish(LATER)
            total = job.total
    assert runs > 3

    before = told_by(rehearsed)
    with open_store(target, rehearsed, readonly=True) as store:
        assert everything(store) == before


class Interrupted(Exception):
    """The machine went down."""


class Cut:
    """A target that goes down at one of its batches: before it is kept, or just after."""

    def __init__(self, side: Any, after: int, late: bool) -> None:
        self._side, self._left, self._late = side, after, late

    def __getattr__(self, name: str) -> Any:
        return getattr(self._side, name)

    def keep(self, table: Table, rows: Sequence[Row], mark: str) -> None:
        self._left -= 1
        if self._left < 0 and not self._late:
            raise Interrupted
        self._side.keep(table, rows, mark)
        if self._left < 0:
            raise Interrupted


def begun(project: Path, target: str, batches: int = 6) -> None:
    """Leave a copy unfinished."""
    with opened(store_of(project), project) as source, opened(target, project, new=True) as side:
        job = Copy(source, side, batch=5)
        job.begin()
        job.target = Cut(side, batches, late=True)
        with pytest.raises(Interrupted):
            job.run(nothing)


def test_what_is_not_copied_whole_cannot_be_served(rehearsed: Path, awal: Callable[..., Any]) -> None:
    begun(rehearsed, "sqlite:data/copy.db")
    with pytest.raises(StoreError, match="run awal store copy again"):
        open_store("sqlite:data/copy.db", rehearsed)

    assert awal("store", "copy", "sqlite:data/copy.db", "sqlite:data/third.db", project=rehearsed).code == 1
    assert awal("store", "copy", store_of(rehearsed), "sqlite:data/copy.db", project=rehearsed).code == 0
    open_store("sqlite:data/copy.db", rehearsed).close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_target_with_data_of_its_own_is_refused_and_left_as_it_is(
    rehearsed: Path, awal: Callable[..., Any], postgres_url: str, kind: str
) -> None:
    target = {"sqlite": "sqlite:data/other.db", "postgres": postgres_url}[kind]
    with open_store(target, rehearsed) as other:
        live_a_little(other, "other")
        before = everything(other)
    for more in ((), ("--afresh",)):
        refused = awal("store", "copy", store_of(rehearsed), target, *more, project=rehearsed)
        assert refused.code == 1
        assert "holds a gateway's data already" in refused.err
    with open_store(target, rehearsed, readonly=True) as other:
        assert everything(other) == before


def test_who_was_forgotten_stays_forgotten_by_a_backup_restored_at_the_new_place(
    rehearsed: Path, awal: Callable[..., Any]
) -> None:
    assert awal("backup", rehearsed / "before.db", project=rehearsed).code == 0
    with Project(rehearsed) as project:
        assert project.store.erase("first-odd", NOW + 1) > 0

    assert awal("store", "copy", store_of(rehearsed), "sqlite:data/copy.db", project=rehearsed).code == 0
    move(rehearsed, "sqlite:data/copy.db")
    assert awal("restore", rehearsed / "before.db", project=rehearsed).code == 0
    with Project(rehearsed) as project:
        assert project.store.mydata("first-odd")["citizen"] is None
        assert project.store.mydata("first-plain")["citizen"] is not None


def test_a_part_of_another_store_is_only_replaced_when_told_to(rehearsed: Path, awal: Callable[..., Any]) -> None:
    begun(rehearsed, "sqlite:data/copy.db")
    with open_store("sqlite:data/other.db", rehearsed) as other:
        live_a_little(other, "other")
        before = everything(other)

    refused = awal("store", "copy", "sqlite:data/other.db", "sqlite:data/copy.db", project=rehearsed)
    assert refused.code == 1
    assert "--afresh" in refused.err
    assert awal("store", "copy", "sqlite:data/other.db", "sqlite:data/copy.db", "--afresh", project=rehearsed).code == 0
    with open_store("sqlite:data/copy.db", rehearsed, readonly=True) as copied:
        assert everything(copied) == before


@pytest.mark.parametrize("running", ["source", "target"])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_running_gateway_is_refused_on_either_side(
    tmp_path: Path, postgres_url: str, kind: str, running: str
) -> None:
    url = {"sqlite": "sqlite:one.db", "postgres": postgres_url}[kind]
    with open_store(url, tmp_path) as gateway:
        gateway.put("key", "value")
        with pytest.raises(StoreLocked, match="stop"), opened(url, tmp_path, new=running == "target"):
            pass
    with opened(url, tmp_path), pytest.raises(StoreLocked):
        open_store(url, tmp_path)


DAMAGES = {
    "a value": ("answers", "UPDATE answers SET raw = raw || '!' WHERE id = 'a-first-plain'"),
    "a yes": ("snapshots", "UPDATE snapshots SET acked = 1 - acked WHERE period = '2026-12'"),
    "two rows exchanged": (
        "settings",
        "UPDATE settings SET key = CASE key WHEN 'a' THEN 'b' ELSE 'a' END || ' ' WHERE key IN ('a', 'b')",
    ),
    "a row that is gone": ("events", "DELETE FROM events WHERE seq = 1"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_row_is_found_by_its_hash(rehearsed: Path, damage: str) -> None:
    name, sql = DAMAGES[damage]
    with open_store(store_of(rehearsed), rehearsed) as store:
        store.put("a", "1")
        store.put("b", "2")
    with opened(store_of(rehearsed), rehearsed) as source, opened("sqlite:data/copy.db", rehearsed, new=True) as side:
        job = Copy(source, side)
        job.begin()
        job.run(nothing)
        with closing(sqlite3.connect(rehearsed / "data" / "copy.db")) as hand:
            assert hand.execute(sql).rowcount > 0
            hand.commit()
        with pytest.raises(StoreError, match=rf"^{name} differs: .* --afresh"):
            job.verify(nothing)


DERIVED = {"rolled_answers", "rolled_walks", "rolled_days"}
OF_A_STORE = {"_sqlite_migrations", "migrations", "sqlite_sequence", "messages", "outbox_keys"} | DERIVED


def test_no_table_of_either_store_is_forgotten(tmp_path: Path, postgres_url: str, postgres_server: Any) -> None:
    """A table that a later release adds must be copied, or named here as made from the others."""
    import psycopg

    for url in ("sqlite:one.db", postgres_url):
        open_store(url, tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "one.db")) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        columns = {
            table.name: {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")} for table in TABLES
        }
    with psycopg.connect(postgres_url) as connected:
        sql = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        names |= {
            name
            for (name,) in connected.execute(f"{sql} AND relnamespace = 'awal'::regnamespace")  # type: ignore[arg-type]
        }
    copied = {table.name for table in TABLES}
    assert names - OF_A_STORE == copied
    for table in TABLES:
        assert columns[table.name] - set(table.columns) <= {"rolled"}, table.name


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_epoch_is_shown_and_raised(demo: Path, awal: Callable[..., Any], postgres_url: str, kind: str) -> None:
    if kind == "postgres":
        move(demo, postgres_url)
    Project(demo).store.close()
    assert awal("store", "epoch", project=demo).out == "1\n"
    assert awal("store", "epoch", "--raise", project=demo).code == 0
    assert awal("store", "epoch", project=demo).out == "2\n"
    assert "epoch 8" in awal("store", "epoch", "--above", 7, project=demo).out
    with Project(demo) as running:
        running.store.put("key", "value")
        refused = awal("store", "epoch", "--raise", project=demo)
    assert refused.code == 1
    assert "stop" in refused.err


def test_a_backup_by_the_servers_own_tools_comes_back_as_documented(
    rehearsed: Path, awal: Callable[..., Any], postgres_url: str, postgres_server: Any
) -> None:
    """Runs the very commands that `awal backup` and `awal restore` name."""
    assert awal("store", "copy", store_of(rehearsed), postgres_url, project=rehearsed).code == 0
    move(rehearsed, postgres_url)
    before, file = told_by(rehearsed), str(postgres_server.folder / "copy")
    server_tool(BACKUP.partition(",")[0], postgres_url, file)
    with Project(rehearsed) as project:
        live_a_little(project.store, "since")

    number = awal("store", "epoch", project=rehearsed).out.strip()
    for command in re.findall(r"(?:psql|pg_restore) .*?(?=, )", RESTORE):
        server_tool(command, postgres_url, file)
    assert awal("store", "epoch", "--above", number, project=rehearsed).code == 0

    after = told_by(rehearsed)
    epoch, held = before.pop("held")
    assert after.pop("held") == (epoch + 1, held)
    assert after == before
    with Project(rehearsed) as project:
        live_a_little(project.store, "since")
        counts = project.store.counts()
        while project.store.roll(LATER) or project.store.roll(LATER):
            pass
        assert project.store.counts() == counts


def server_tool(command: str, url: str, file: str) -> None:
    """Run one of PostgreSQL's programs as it is documented."""
    name, *arguments = shlex.split(command.replace("URL", url).replace("FILE", file))
    done = subprocess.run([program(name) or name, *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), command


def test_the_url_may_come_from_the_environment(
    demo: Path, awal: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Project(demo).store.close()
    unset = awal("store", "copy", "env:OLD_STORE", "sqlite:data/new.db", project=demo)
    assert unset.code == 1
    assert "OLD_STORE" in unset.err
    monkeypatch.setenv("OLD_STORE", store_of(demo))
    assert awal("store", "copy", "env:OLD_STORE", "sqlite:data/new.db", project=demo).code == 0
    assert awal("store", "copy", "env:OLD_STORE", store_of(demo), project=demo).code == 1
    assert awal("store", "copy", "sqlite:none.db", "sqlite:data/next.db", project=demo).code == 1
