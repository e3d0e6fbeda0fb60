"""What is erased is gone from every file, and no backup from before brings it back."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

import pytest
from msgspec.structs import replace
from store_changes import answer, change, conversation

from storage.errors import StoreLocked
from storage.sqlite import SqliteStore
from storage.sqlite.backup import restore

WORDS = "mon-puits-est-a-sec"
LATER = 2_000_000_000_000


def keep(store: SqliteStore, citizen: str, words: str = WORDS, at: int = 1_000) -> None:
    id = f"{crc32(citizen.encode())}-{at}"  # the provider's id stays, so it must not hold the name that is looked for
    made = change(f"x-{id}", conversation(f"c-{id}"), citizen, answers=[answer("a", words, f"c-{id}")])
    assert store.accept(replace(made, inbound=replace(made.inbound, received_at=at))).outcome == "taken"


def holders(store: SqliteStore, words: str) -> list[str]:
    """Return the files that hold some words anywhere."""
    return [file.name for file in store.path.parent.iterdir() if words.encode() in file.read_bytes()]


def forget(store: SqliteStore, citizen: str, how: str) -> None:
    if how == "operator":
        assert store.erase(citizen, LATER) > 0
    else:
        assert store.accept(change("erase-me", None, citizen, erase=True)).outcome == "taken"


@pytest.mark.parametrize("how", ["operator", "citizen"])
def test_no_file_holds_what_was_erased(sqlite: SqliteStore, how: str) -> None:
    for at in range(50):
        keep(sqlite, f"other{at}", "autre")
    keep(sqlite, "amina")
    assert holders(sqlite, WORDS) == ["awal.db-wal"]

    forget(sqlite, "amina", how)

    assert holders(sqlite, WORDS) == []
    assert sorted(holders(sqlite, "amina")) == ["awal.db", "awal.db.erased"]  # whom no import may bring back
    assert sqlite.standing(["amina"]) == {"amina": "erased"}
    assert len(list(sqlite.answers())) == 50


def test_a_reader_of_an_older_state_holds_nobody_up_and_the_log_is_emptied_after(sqlite: SqliteStore) -> None:
    keep(sqlite, "brahim", "autre")
    keep(sqlite, "amina")
    reading = sqlite.answers()
    next(reading)
    sqlite.erase("amina", LATER)
    assert holders(sqlite, WORDS) != []
    assert [row.citizen for row in sqlite.answers()] == ["brahim"]

    reading.close()
    sqlite.room()
    assert holders(sqlite, WORDS) == []


@pytest.mark.parametrize("how", ["operator", "citizen"])
def test_a_backup_from_before_does_not_bring_them_back(path: Path, tmp_path: Path, how: str) -> None:
    with SqliteStore(path) as store:
        keep(store, "amina")
        keep(store, "brahim", "autre")
        store.backup(tmp_path / "backup.db")
        forget(store, "amina", how)
    with SqliteStore(path) as store:
        assert store.counts()["citizens"] == 1

    restore(tmp_path / "backup.db", path)

    with SqliteStore(path) as store:
        assert [row.citizen for row in store.answers()] == ["brahim"]
        assert store.mydata("amina")["citizen"] is None
        assert [name for name in holders(store, WORDS) if "replaced" not in name] == []
        store.roll(LATER)
        assert store.counts()["answers"] == 1


def test_who_came_back_after_being_forgotten_is_kept(path: Path, tmp_path: Path) -> None:
    with SqliteStore(path) as store:
        keep(store, "amina")
        store.erase("amina", 1_000)
        (path.parent / "awal.db.erased").write_text("1000 ami")  # torn by a power cut
        store.erase("nobody", 1_000)
        keep(store, "amina", "de retour", LATER)
        store.erase("brahim", 1_000)
        store.backup(tmp_path / "backup.db")
        assert (path.parent / "awal.db.erased").read_text().split() == [
            "1000",
            "ami",
            "1000",
            "nobody",
            "1000",
            "brahim",
        ]
        with (path.parent / "awal.db.erased").open("a") as file:
            file.write("1000 amina\n")
    restore(tmp_path / "backup.db", path)
    with SqliteStore(path) as store:
        assert [row.value for row in store.answers()] == ["de retour"]


def test_who_only_reads_notes_nothing(sqlite: SqliteStore) -> None:
    with SqliteStore(sqlite.path, readonly=True) as beside, pytest.raises(StoreLocked):
        beside.erase("amina", 1)
    assert not (sqlite.path.parent / "awal.db.erased").exists()
