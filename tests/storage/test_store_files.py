"""The database as a file: one process writes it, others may read, copies are verified, and settings name it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from store_changes import answer, change, conversation

from storage.errors import StoreError, StoreLocked
from storage.open import open_store, restore_store
from storage.sqlite import SqliteStore, schema

HOLD = """
import sys
from pathlib import Path
from storage.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
store.put("made by", "the other process")
print("open", flush=True)
sys.stdin.readline()
store.put("later", "too")
print("written", flush=True)
sys.stdin.readline()
"""


def test_a_second_process_is_refused_but_may_read(path: Path, root: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "open\n"

        with pytest.raises(StoreLocked, match=rf"awal\.db is open for writing in process {other.pid}: stop"):
            SqliteStore(path)
        with SqliteStore(path, readonly=True) as reader:
            assert reader.get("made by") == "the other process"
            other.stdin.write("go on\n")
            other.stdin.flush()
            assert other.stdout.readline() == "written\n"
            assert reader.get("later") == "too"
            with pytest.raises(StoreLocked, match="reading only"):
                reader.put("mine", "no")
        other.kill()

    with SqliteStore(path) as store:  # the lock went with the process
        assert (store.get("later"), store.get("mine")) == ("too", None)


def test_a_second_opening_in_the_same_process_is_refused_too(sqlite: SqliteStore, path: Path) -> None:
    with pytest.raises(StoreLocked):
        SqliteStore(path)
    sqlite.put("still", "works")


def test_reading_beside_a_writer_gives_every_reading_operation(sqlite: SqliteStore, path: Path) -> None:
    sqlite.accept(change("x1", conversation(), answers=[answer()]))

    with SqliteStore(path, readonly=True) as reader:
        assert reader.counts() == sqlite.counts()
        assert list(reader.answers()) == list(sqlite.answers())
        assert reader.dialogue("at", "x1", "amina") == sqlite.dialogue("at", "x1", "amina")
        assert reader.outbox() == []
        with pytest.raises(StoreLocked):
            reader.check()


def test_a_closed_database_can_be_read_without_its_gateway(path: Path) -> None:
    with SqliteStore(path) as store:
        store.put("key", "value")

    with SqliteStore(path, readonly=True) as reader:
        assert reader.get("key") == "value"


def test_reading_what_does_not_exist_names_the_remedy(path: Path) -> None:
    with pytest.raises(StoreError, match="run awal serve"):
        SqliteStore(path, readonly=True)
    assert not path.parent.exists()


def test_the_promises_are_set_on_every_connection(sqlite: SqliteStore) -> None:
    def pragma(connection: sqlite3.Connection, name: str) -> object:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]

    assert pragma(sqlite._connection, "journal_mode") == "wal"
    assert pragma(sqlite._connection, "synchronous") == 2  # FULL
    assert pragma(sqlite._connection, "foreign_keys") == 1
    assert pragma(sqlite._connection, "mmap_size") == 0
    with sqlite._readers.lend() as reader:
        assert pragma(reader, "mmap_size") == 0
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM counters")


def test_only_the_owner_may_read_the_files(sqlite: SqliteStore) -> None:
    files = list(sqlite.path.parent.iterdir())

    assert len(files) == 4
    assert [file.name for file in files if file.stat().st_mode & 0o077] == []


def test_the_setting_names_a_file_of_the_project(tmp_path: Path) -> None:
    with open_store("sqlite:data/awal.db", tmp_path) as store:
        store.put("key", "value")
    assert (tmp_path / "data" / "awal.db").is_file()

    with open_store(f"sqlite:{tmp_path}/data/awal.db", Path("/nowhere"), readonly=True) as store:
        assert store.get("key") == "value"


@pytest.mark.parametrize("url", ["", "sqlite:", "mysql://host/awal", "data/awal.db"])
def test_an_unknown_store_is_refused_with_an_example(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"sqlite:data/awal\.db"):
        open_store(url, tmp_path)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "awal.db"
    path.write_bytes(b"this is no database at all, but long enough to be looked at" * 20)
    before = path.read_bytes()

    for _ in range(2):  # the lock is free again after the first refusal
        with pytest.raises(StoreError, match="no database"):
            SqliteStore(path)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the directory should be")

    with pytest.raises(StoreError, match="data"):
        SqliteStore(tmp_path / "data" / "awal.db")


def test_a_database_of_a_newer_release_is_refused(path: Path) -> None:
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")

    with pytest.raises(StoreError, match="newer Awal"):
        SqliteStore(path)
    with pytest.raises(StoreError, match="schema 999"):
        SqliteStore(path, readonly=True)


def test_what_the_first_release_had_queued_is_sent_by_this_one(path: Path) -> None:
    from sqlite_utils import Database

    from storage.sqlite import migrations

    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        migrations.migrations.apply(Database(connection), stop_before="0002_counts_ahead")
        for at, state in enumerate(("queued", "sending", "accepted")):
            connection.execute(
                "INSERT INTO outbox (id, citizen, channel, recipient, text, encoding, segments, state,"
                " created_at, changed_at, in_reply_to, dedupe_key)"
                " VALUES (?, ?, 'at', x'01', 'Merci', 'GSM-7', 1, ?, 1, 1, '', '')",
                (f"m{at}", f"c{at}", state),
            )
        connection.execute("PRAGMA user_version = 1")
        connection.commit()

    with SqliteStore(path) as store:
        rows = store.claim_outbox("at", 10, 100, 10)
        assert [(row.id, row.kind, row.lost) for row in rows] == [("m0", "reply", 0), ("m1", "reply", 1)]


def test_the_version_counts_the_migrations() -> None:
    from storage.sqlite.migrations import migrations

    assert len(migrations._migrations) == schema.VERSION
    assert [one.name[:4] for one in migrations._migrations] == [f"{at:04}" for at in range(1, schema.VERSION + 1)]


def test_a_database_that_is_up_to_date_opens_without_sqlite_utils(path: Path, root: Path) -> None:
    SqliteStore(path).close()
    program = (
        "import sys\nfrom pathlib import Path\nfrom storage.sqlite import SqliteStore\n"
        "SqliteStore(Path(sys.argv[1])).close()\nassert 'sqlite_utils' not in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", program, str(path)], cwd=root, check=True)


def test_a_backup_is_made_while_answers_come_in_and_brings_them_back(tmp_path: Path) -> None:
    url, copy = "sqlite:data/awal.db", tmp_path / "copy.db"
    with SqliteStore(tmp_path / "data/awal.db") as store:
        store.accept(change("x1", conversation(), answers=[answer()]))
        first = store.hold("h1", "2026-W47", "digest")
        with SqliteStore(store.path, readonly=True) as reader:
            assert reader.backup(copy) == store.counts()
        store.accept(change("x2", conversation(), base=1, answers=[answer("later")]))
        with pytest.raises(StoreLocked):
            restore_store(url, tmp_path, copy)

    assert [file.name for file in tmp_path.iterdir() if "copy" in file.name] == ["copy.db"]
    assert restore_store(url, tmp_path, copy) == 2
    with SqliteStore(tmp_path / "data/awal.db") as store:
        assert [row.step for row in store.answers()] == ["supply"]
        assert store.dialogue("at", "x1", "amina").reply == b"CON x1"
        again = store.hold("h1", "2026-W47", "digest")
        assert (again.epoch, again.acked) == (2, False)
        assert (again.epoch, again.seq) > (first.epoch, first.seq)
    assert restore_store(url, tmp_path, copy) == 3  # higher than what the first restore may have sent


def test_what_a_restore_replaced_can_still_be_read(tmp_path: Path) -> None:
    path, copy = tmp_path / "awal.db", tmp_path / "copy.db"
    with SqliteStore(path) as store:
        store.backup(copy)
        store.put("made", "after the backup")
    restore_store("sqlite:awal.db", tmp_path, copy)

    with SqliteStore(tmp_path / "awal.db.replaced", readonly=True) as replaced:
        assert replaced.get("made") == "after the backup"


@pytest.mark.parametrize("content", [None, b"", b"garbage" * 1000])
def test_a_bad_backup_replaces_nothing(tmp_path: Path, content: bytes | None) -> None:
    with SqliteStore(tmp_path / "awal.db") as store:
        store.put("key", "value")
    if content is not None:
        (tmp_path / "bad.db").write_bytes(content)

    with pytest.raises(StoreError):
        restore_store("sqlite:awal.db", tmp_path, tmp_path / "bad.db")
    with SqliteStore(tmp_path / "awal.db") as store:
        assert (store.get("key"), store.epoch()) == ("value", 1)
