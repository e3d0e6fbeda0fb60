"""Sealed backups: nobody reads anybody in them without the keys, and nobody who was forgotten, ever."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from store_changes import DAY, answer, change, conversation, message

from storage.consents import Consent
from storage.errors import StoreError
from storage.sqlite import SqliteStore, keyring
from storage.sqlite.backup import restore
from storage.store import Session

WHO = ("amina", "badr", "chama")


def said(who: str) -> str:
    return f"the well of {who} is dry"


def speak(store: SqliteStore, who: str) -> None:
    """Keep one citizen with something in every table."""
    state = conversation(f"c-{who}", place="02", status="done", answers={"why": said(who)})
    rows = [
        replace(answer("why", said(who), state.id), citizen=who, free=True),
        replace(answer("supply", "no", state.id), citizen=who),
    ]
    given = change(
        f"x-{who}",
        state,
        who,
        reply=f"CON {said(who)}".encode(),
        answers=rows,
        outbound=[message(f"m-{who}", who, kind="question", conversation=state.id)],
        session=Session("at", f"s-{who}", who, path=said(who), conversation=state.id),
        consents=[Consent(who, 5, "agreed", "at", said(who))],
        events=[("unclear", said(who))],
    )
    assert store.accept(given).outcome == "taken"


@pytest.fixture
def full(sqlite: SqliteStore) -> SqliteStore:
    for who in WHO:
        speak(sqlite, who)
    while sqlite.roll(4_000_000_000_000):
        pass
    return sqlite


def tallied(store: SqliteStore) -> int:
    return sum(row.count for row in store.tallies(DAY, DAY))


def kept(store: SqliteStore) -> dict[str, object]:
    """Return all that is kept of everybody."""
    return {who: store.mydata(who) for who in WHO} | {"counts": store.counts(), "tallied": tallied(store)}


def test_the_file_says_nothing_of_anybody(full: SqliteStore, tmp_path: Path) -> None:
    full.backup(tmp_path / "b.db", sealed=True)
    whole = (tmp_path / "b.db").read_bytes()
    for who in WHO:
        assert who.encode() not in whole
    assert b"dry" not in whole
    assert not [name for name in os.listdir(full.path.parent) if "sealing" in name]
    assert (tmp_path / "b.db").stat().st_mode & 0o777 == 0o600


def test_what_is_restored_is_what_there_was(full: SqliteStore, path: Path, tmp_path: Path) -> None:
    before, outbox = kept(full), full.outbox()
    counts = full.backup(tmp_path / "b.db", sealed=True)
    full.close()
    restore(tmp_path / "b.db", path)
    with SqliteStore(path) as again:
        assert kept(again) == before
        assert again.outbox() == outbox
        assert counts == before["counts"]
        while again.roll(4_000_000_000_000):
            pass
        assert kept(again) == before
        assert again.dialogue("at", "x-amina", "amina").reply == f"CON {said('amina')}".encode()


def test_an_old_backup_holds_nothing_readable_of_who_was_forgotten_since(
    full: SqliteStore, path: Path, tmp_path: Path
) -> None:
    """Not even where the list of erasures is lost too: it is the key that is gone."""
    full.backup(tmp_path / "b.db", sealed=True)
    before = tallied(full)
    full.erase("badr", 9)
    assert tallied(full) == before - 2
    full.close()
    path.with_name(path.name + ".erased").unlink()
    restore(tmp_path / "b.db", path)
    with SqliteStore(path) as again:
        assert again.mydata("badr")["citizen"] is None
        assert again.mydata("badr")["answers"] == []
        assert [row["value"] for row in again.mydata("amina")["answers"]] == [said("amina"), "no"]  # type: ignore[attr-defined]
        assert tallied(again) == before - 2
        assert again.counts()["citizens"] == 2
    assert b"badr" not in keyring.beside(path).read_bytes()
    assert b"badr" not in path.read_bytes()


def test_without_the_keys_a_backup_is_closed_and_with_their_copy_it_opens(
    full: SqliteStore, path: Path, tmp_path: Path
) -> None:
    before = kept(full)
    full.backup(tmp_path / "b.db", sealed=True)
    assert keyring.carry(keyring.beside(path), tmp_path / "keys") == 3
    full.close()
    shutil.rmtree(path.parent)
    with pytest.raises(StoreError, match="--keys"):
        restore(tmp_path / "b.db", path)
    with pytest.raises(StoreError, match="no keys"):
        restore(tmp_path / "b.db", path, tmp_path / "b.db")
    restore(tmp_path / "b.db", path, tmp_path / "keys")
    with SqliteStore(path) as again:
        assert kept(again) == before
        again.erase("chama", 9)
    assert set(keyring.locks(keyring.beside(path))) == {"amina", "badr"}


def test_a_copy_of_the_keys_takes_the_old_ones_place(full: SqliteStore, path: Path, tmp_path: Path) -> None:
    full.backup(tmp_path / "b.db", sealed=True)
    keys, copy = keyring.beside(path), tmp_path / "keys"
    keyring.carry(keys, copy)
    lost = keyring.locks(keys)["badr"].key
    full.erase("badr", 9)
    assert keyring.carry(keys, copy) == 2
    assert lost not in copy.read_bytes()
    assert lost not in keys.read_bytes()
    assert set(keyring.locks(copy)) == {"amina", "chama"}


def test_who_is_forgotten_while_a_backup_is_made_is_not_in_it(
    full: SqliteStore, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.sqlite import sealed

    def meanwhile(source: Path, target: Path, keys: Path) -> int:
        full.erase("badr", 9)
        return write(source, target, keys)

    write = sealed.write
    monkeypatch.setattr(sealed, "write", meanwhile)
    full.backup(tmp_path / "b.db", sealed=True)
    assert set(keyring.locks(keyring.beside(path))) == {"amina", "chama"}
    full.close()
    path.with_name(path.name + ".erased").unlink()
    restore(tmp_path / "b.db", path)
    with SqliteStore(path) as again:
        assert again.mydata("badr")["citizen"] is None


def test_who_comes_back_has_another_key(full: SqliteStore, path: Path, tmp_path: Path) -> None:
    full.backup(tmp_path / "old.db", sealed=True)
    full.erase("badr", 9)
    state = conversation("c-again")
    full.accept(replace(change("again", state, "badr"), answers=[replace(answer("supply", "yes", state.id))]))
    full.backup(tmp_path / "new.db", sealed=True)
    full.close()
    for name, answers in (("old.db", 0), ("new.db", 1)):
        restore(tmp_path / name, path)
        with SqliteStore(path) as again:
            assert len(again.mydata("badr")["answers"]) == answers  # type: ignore[arg-type]


def test_a_damaged_packet_is_told_and_nothing_is_replaced(full: SqliteStore, path: Path, tmp_path: Path) -> None:
    full.backup(tmp_path / "b.db", sealed=True)
    with closing(sqlite3.connect(tmp_path / "b.db")) as connection, connection:
        connection.execute("UPDATE packets SET sealed = zeroblob(60)")
    before = kept(full)
    full.close()
    with pytest.raises(StoreError, match="damaged"):
        restore(tmp_path / "b.db", path)
    with SqliteStore(path) as again:
        assert kept(again) == before


def test_a_person_on_a_shared_phone_has_a_key_of_their_own(sqlite: SqliteStore, path: Path, tmp_path: Path) -> None:
    sqlite.accept(change("x1", None, "amina", session=Session("at", "s1", "amina", reply=b"hers", person="dalila")))
    sqlite.backup(tmp_path / "b.db", sealed=True)
    sqlite.erase("dalila", 9)
    sqlite.close()
    restore(tmp_path / "b.db", path)
    with SqliteStore(path) as again:
        assert again.dialogue("at", "", "amina", "s1").session is None
        assert again.mydata("amina")["citizen"] is not None


@given(st.lists(st.tuples(st.sampled_from(["add", "destroy", "tear"]), st.sampled_from("abcd")), max_size=12))
@settings(max_examples=60, deadline=None)
def test_the_keys_are_whole_after_whatever_happened(steps: list[tuple[str, str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path, model = Path(folder) / "keys", dict[str, bytes]()
        for what, who in steps:
            if what == "add":
                found = keyring.add(path, [who])
                model.setdefault(who, found[who].key)
            elif what == "destroy":
                assert keyring.destroy(path, who) == (who in model)
                model.pop(who, None)
            elif path.exists():
                with path.open("ab") as file:
                    file.write(b"torn")
            assert {one: lock.key for one, lock in keyring.locks(path).items()} == model
        whole = path.read_bytes() if path.exists() else b""
        assert all(len(key) == keyring.KEY and key in whole for key in model.values())


def test_postgres_restores_forget_again_as_the_page_says(
    postgres_server: Any, root: Path, tmp_path: Path, need: Callable[..., None]
) -> None:
    """The commands are those of storage/README.md, word for word."""
    from storage.postgres import PostgresStore

    need("pg_dump", "pg_restore", "psql")
    url, file = postgres_server.new_database(), tmp_path / "awal.dump"
    page = re.sub(r"\s+", " ", (root / "storage/README.md").read_text("utf-8"))
    told = {
        name: next(command for command in re.findall(r"`((?:pg_dump|psql|pg_restore) [^`]*)`", page) if part in command)
        for name, part in (
            ("dump", "pg_dump"),
            ("aside", "RENAME TO"),
            ("back", "--single-transaction"),
            ("forget", "forget("),
        )
    }

    def run(name: str) -> None:
        given = shlex.split(told[name].replace("=FILE", f"={file}"))
        words = [word.replace("URL", url) if word in ("URL", "--dbname=URL") else word for word in given]
        words += [str(file)] if name == "back" and words[-1] == "FILE" else []
        subprocess.run([word for word in words if word != "FILE"], check=True, capture_output=True)

    try:
        with PostgresStore(url) as store:
            for who in WHO:
                store.accept(change(f"x-{who}", conversation(f"c-{who}"), who))
            store.erase("amina", 5)
            store.accept(change("x-back", conversation("c-back"), "amina"))  # came back before the backup: is kept
            run("dump")
            store.erase("badr", 9)
        for name in ("aside", "back", "forget"):
            run(name)
        with PostgresStore(url) as store:
            assert store.counts()["conversations"] == 2
            assert store.standing(["amina", "badr", "chama"]) == {"amina": "known", "badr": "erased", "chama": "known"}
    finally:
        postgres_server.drop(url)
