"""Sealed backups: all that is kept of a citizen is one packet under a key of their own, which no backup holds.

A sealed backup is a database whose citizens' rows are gone and stand, encrypted (AES-GCM), in `packets`. Whoever has
the file reads flows, settings and counts of messages, and nothing of anybody. When a citizen is forgotten, their key
is destroyed (`keyring`): from then on no copy of any sealed backup says anything about them, wherever it lies.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from storage.copying.tables import COUNTERS
from storage.errors import StoreError
from storage.sqlite import keyring
from storage.sqlite.keyring import Lock

NONCE = 12
AHEAD = ("rolled_answers", "rolled_walks", "rolled_days")
"""Made again from the rows: a small count is a person too."""
LEFT = ("erased",)
"""Names citizens, and is needed to leave them in peace."""
ANSWERS = "SELECT a.* FROM answers a JOIN conversations c ON c.id = a.conversation WHERE c.citizen = ?"

Rows = list[list[object]]


def seal(copy: sqlite3.Connection, keys: Path) -> int:
    """Put every citizen's rows of a copy into a packet, and take them out; return how many citizens that were."""
    owners = _owners(copy)
    everyone = _everyone(copy, owners)
    locks = keyring.add(keys, everyone)
    copy.execute("PRAGMA foreign_keys = OFF")
    copy.execute("PRAGMA secure_delete = OFF")  # the copy of the copy below has none of it
    copy.execute("BEGIN")
    copy.execute("CREATE TABLE packets (name BLOB PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID")
    for citizen in everyone:
        found = {name: _rows(copy, sql, citizen) for name, sql in owners.items()}
        packet = _sealed({name: rows for name, rows in found.items() if rows}, locks[citizen])
        copy.execute("INSERT INTO packets VALUES (?, ?)", (locks[citizen].name, packet))
    copy.execute("DELETE FROM answers")
    for name, column in _columns(copy).items():
        copy.execute(f"DELETE FROM {name} WHERE {column} <> ''")  # noqa: S608 - the schema's own names
    _forget_counts(copy)
    copy.execute("COMMIT")
    return len(everyone)


def is_sealed(copy: sqlite3.Connection) -> bool:
    """Tell whether this is a sealed backup."""
    return copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'packets'").fetchone() is not None


def unseal(copy: sqlite3.Connection, keys: Path) -> tuple[int, int]:
    """Put back whom there is a key for; return how many citizens came back, and how many stay closed for good."""
    by_name = {lock.name: lock for lock in keyring.locks(keys).values()}
    copy.execute("PRAGMA foreign_keys = OFF")
    copy.execute("BEGIN")
    opened = closed = 0
    for name, packet in copy.execute("SELECT name, sealed FROM packets"):
        if name in by_name:
            for table, rows in _opened(packet, by_name[name]).items():
                _put_back(copy, table, rows)
            opened += 1
        else:
            closed += 1
    if closed > keyring.destroyed(keys) and not opened:
        raise StoreError(
            f"none of the {closed} citizens in this backup can be read with {keys}: give the copy of the keys that "
            "was kept apart from it, awal restore FILE --keys KEYS"
        )
    copy.execute("DROP TABLE packets")
    copy.execute("COMMIT")
    return opened, closed


def _put_back(copy: sqlite3.Connection, table: str, rows: Rows) -> None:
    names = [row[1] for row in copy.execute(f"PRAGMA table_info({table})")]
    marks = ", ".join("0" if name == "rolled" else "?" for name in names)
    kept = [[value for name, value in zip(names, row, strict=True) if name != "rolled"] for row in rows]
    copy.executemany(f"INSERT INTO {table} VALUES ({marks})", kept)  # noqa: S608 - the schema's own names


def write(source: Path, target: Path, keys: Path) -> int:
    """Seal a plain copy into `target`, and delete the plain one; return how many citizens are in it."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(source, isolation_level=None)) as copy:
            count = seal(copy, keys)
            copy.execute("VACUUM INTO ?", (str(part),))
    finally:
        source.unlink(missing_ok=True)
    with closing(sqlite3.connect(part, isolation_level=None)) as made:
        _verify(made, part, keys, count)
    os.replace(part, target)
    return count


def _verify(made: sqlite3.Connection, path: Path, keys: Path, count: int) -> None:
    """Raise StoreError unless the file is sound, and as many packets open as were sealed."""
    (verdict,) = made.execute("PRAGMA integrity_check(1)").fetchone()
    by_name = {lock.name: lock for lock in keyring.locks(keys).values()}
    packets = made.execute("SELECT name, sealed FROM packets")
    opened = sum(bool(_opened(packet, by_name[name])) for name, packet in packets if name in by_name)
    (there,) = made.execute("SELECT COUNT(*) FROM packets").fetchone()
    if verdict != "ok" or there != count:
        raise StoreError(f"the copy {path} holds {opened} of {count} citizens ({verdict}): try again, check that disk")


def _columns(copy: sqlite3.Connection) -> Mapping[str, str]:
    """Return the tables whose rows are a citizen's, with the column that names them."""
    found = {}
    tables = copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'").fetchall()
    for (table,) in tables:
        names = {row[1] for row in copy.execute(f"PRAGMA table_info({table})")}
        owner = next((name for name in ("citizen", "pseudonym") if name in names), "")
        if owner and table not in LEFT:
            found[table] = owner
    return found


def _owners(copy: sqlite3.Connection) -> Mapping[str, str]:
    """Return for each table what reads one citizen's rows; a session that a person speaks in is theirs."""
    owners = {name: f"SELECT * FROM {name} WHERE {column} = ?" for name, column in _columns(copy).items()}  # noqa: S608
    owners["sessions"] = "SELECT * FROM sessions WHERE CASE person WHEN '' THEN citizen ELSE person END = ?"
    return {**owners, "answers": ANSWERS}


def _everyone(copy: sqlite3.Connection, owners: Mapping[str, str]) -> list[str]:
    columns = [(name, column) for name, column in _columns(copy).items() if name in owners]
    parts = [f"SELECT {column} FROM {name}" for name, column in (*columns, ("sessions", "person"))]  # noqa: S608
    return [who for (who,) in copy.execute(" UNION ".join(parts)) if who]


def _rows(copy: sqlite3.Connection, sql: str, citizen: str) -> Rows:
    return [list(row) for row in copy.execute(sql, (citizen,))]


def _forget_counts(copy: sqlite3.Connection) -> None:
    for table in AHEAD:
        copy.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
    marks = ", ".join("?" * len(COUNTERS))
    copy.execute(f"UPDATE counters SET value = 0 WHERE name NOT IN ({marks})", COUNTERS)  # noqa: S608


def _sealed(rows: Mapping[str, Rows], lock: Lock) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE)
    return nonce + AESGCM(lock.key).encrypt(nonce, zlib.compress(msgspec.msgpack.encode(rows), 1), lock.name)


def _opened(packet: bytes, lock: Lock) -> dict[str, Rows]:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        plain = AESGCM(lock.key).decrypt(packet[:NONCE], packet[NONCE:], lock.name)
    except InvalidTag:
        raise StoreError("a packet of this backup is damaged, or its key is another's: use an older backup") from None
    return msgspec.msgpack.decode(zlib.decompress(plain), type=dict[str, Rows])
