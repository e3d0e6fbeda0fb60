"""Connections as this store needs them, and PostgreSQL's errors in our words. Needs `awal[postgres]`."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from storage.errors import StoreBusy, StoreError, StoreFull, StoreLocked
from storage.postgres.words import keepable, restored

try:
    import psycopg
except ImportError as fault:
    raise StoreError(
        "PostgreSQL needs the package psycopg: pip install 'awal[postgres]', or write store = \"sqlite:data/awal.db\""
    ) from fault

from psycopg import errors as pg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.numeric import Int8Dumper

Connection = psycopg.Connection[Any]

SCHEMA = "awal"
OLDEST_SERVER = 130000
IN_USE = 0x6177_616C
"""Advisory lock: each writing connection shares it; what must be alone in the database takes it whole."""
PATIENT = 600_000
"""Milliseconds a report or an export may take."""

SETTINGS = {
    "search_path": SCHEMA,
    "statement_timeout": "5000",
    "lock_timeout": "4000",
    # A gateway that vanished must not hold a citizen's lock for ever.
    "idle_in_transaction_session_timeout": "60000",
    "timezone": "UTC",
    "bytea_output": "hex",
    # Whether a part of a table can be left out is known only with the citizen at hand: plans are made for each.
    "plan_cache_mode": "force_custom_plan",
    # Compiling a plan pays for statements of seconds; an estimate that is too high must not make one of ours so.
    "jit": "off",
}
LINK = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "awal",
}
STATE = """
SELECT current_setting('synchronous_commit'), current_setting('fsync'), pg_is_in_recovery(),
    CASE WHEN %s THEN pg_try_advisory_lock_shared(%s) ELSE true END
"""


class _Word(Dumper):
    """A text on its way out."""

    oid = psycopg.adapters.types["text"].oid

    def dump(self, obj: str) -> bytes:
        return keepable(obj).encode()


class _Read(Loader):
    """A text on its way in."""

    def load(self, data: Buffer) -> str:
        return restored(bytes(data).decode())


def redacted(url: str) -> str:
    """Return a store's URL as it may be shown: without its password, and without what may hold one."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return "postgresql://***"
    host, port = parts.get("host", ""), parts.get("port")
    user = f"{quote(str(parts['user']))}@" if parts.get("user") else ""
    return f"postgresql://{user}{host}{f':{port}' if port else ''}/{parts.get('dbname', '')}"


def connect(url: str, *, shared: bool = True) -> Connection:
    """Open a connection that keeps the promise, or raise StoreError. Raises psycopg's errors when there is no server.

    `shared` marks the database as in use by one that writes.
    """
    connection = psycopg.connect(conninfo(url), autocommit=True, prepare_threshold=3)
    try:
        connection.adapters.register_dumper(str, _Word)
        connection.adapters.register_dumper(int, Int8Dumper)
        connection.adapters.register_loader("text", _Read)
        _trust(connection, url, shared)
    except BaseException:
        connection.close()
        raise
    return connection


def conninfo(url: str) -> str:
    """Return the URL with our settings, under those an operator wrote into it."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise StoreError(
            'store is no PostgreSQL URL: write store = "postgresql://USER:PASSWORD@HOST:5432/NAME", '
            "with what is special in the password as %XX"
        ) from None
    ours = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    options = f"{ours} {given.pop('options', '') or ''}".strip()
    return psycopg.conninfo.make_conninfo(**{**LINK, **given, "options": options})  # type: ignore[arg-type]


def _trust(connection: Connection, url: str, shared: bool) -> None:
    """Refuse a server that would lose an acknowledged answer, cannot write, or is being copied."""
    name = redacted(url)
    if connection.info.server_version < OLDEST_SERVER:
        raise StoreError(f"{name}: PostgreSQL {connection.info.server_version // 10000} is too old: Awal needs 13")
    commit, fsync, standby, free = connection.execute(STATE, (shared, IN_USE)).fetchone() or ("", "", True, False)
    for setting, value in (("synchronous_commit", commit), ("fsync", fsync)):
        if value == "off":
            raise StoreError(
                f"{name}: {setting} is off: acknowledged answers would be lost. Set it: ALTER SYSTEM SET {setting} = on"
            )
    if standby:
        raise StoreBusy(f"{name} is a standby: add ?target_session_attrs=read-write and all hosts to the URL")
    if not free:
        raise StoreLocked(f"{name} is being copied (awal store copy): wait until that is done")


@contextmanager
def errors(url: str) -> Iterator[None]:
    """Turn what goes wrong inside into StoreError, StoreFull or StoreBusy."""
    try:
        yield
    except (psycopg.Error, UnicodeError, OverflowError) as error:
        raise explain(error, url) from error


def explain(error: Exception, url: str) -> StoreError:
    """Return the store's error for one of PostgreSQL's, with its remedy; what was sent is never quoted."""
    name = redacted(url)
    if isinstance(error, pg.DiskFull):
        return StoreFull(f"{name}: the server's disk is full: make room there, writing goes on by itself")
    if isinstance(error, (pg.QueryCanceled, pg.LockNotAvailable, pg.TransactionRollback)):
        return StoreBusy(f"{name} is too busy ({_first_line(error)}): try again")
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return StoreBusy(f"{name} is a standby now: it is tried again; add all hosts to the URL, see storage/README.md")
    if isinstance(error, (pg.DataError, pg.IntegrityError, UnicodeError, OverflowError)):
        return StoreError(f"{name} cannot keep this value ({_first_line(error)}): report it with what was sent")
    if isinstance(error, (pg.InsufficientPrivilege, pg.UndefinedTable, pg.UndefinedFunction, pg.InvalidSchemaName)):
        return StoreError(f"{name}: {_first_line(error)}: give the gateway a database that its user owns")
    if isinstance(error, psycopg.OperationalError):
        return StoreBusy(
            f"{name} cannot be reached ({_first_line(error)}): check the server, and store in awal.toml; "
            "it is tried again by itself"
        )
    return StoreError(f"{name}: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    """Return what PostgreSQL says in one line, without the details: they quote what citizens wrote."""
    said = getattr(getattr(error, "diag", None), "message_primary", None)
    if isinstance(error, UnicodeError):
        return "no sound text"
    return " ".join(str(said or error).split())


def alive(connection: Connection) -> bool:
    """Tell without a round trip whether the server hung up: a connection at rest has nothing to read."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
