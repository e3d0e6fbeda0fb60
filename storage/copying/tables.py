"""The tables as both stores hold them, whatever they look like inside: one row is the same tuple on either side."""

from __future__ import annotations

from hashlib import blake2b

import msgspec
from msgspec import Struct

Row = tuple[object, ...]

COUNTERS = ("epoch", "snapshots")
"""The other counters are made again from the rows."""


class Table(Struct, frozen=True):
    """One logical table. `numbered`: it has a `seq` of its own, which the copy keeps: the order of lists is by it."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    flags: frozenset[int]
    """The places of yes and no in a row: SQLite has numbers there."""
    numbered: bool = False

    def row(self, found: Row) -> Row:
        """Return what a store read in the form that is the same on both sides."""
        return tuple(bool(value) if at in self.flags else value for at, value in enumerate(found))

    def at(self, row: Row, key: tuple[str, ...]) -> Row:
        """Return a row's key."""
        return tuple(row[self.columns.index(name)] for name in key)


def _table(name: str, columns: str, key: str, numbered: bool = False) -> Table:
    names = columns.split()
    flags = frozenset(at for at, column in enumerate(names) if column.endswith("?"))
    return Table(name, tuple(column.rstrip("?") for column in names), tuple(key.split()), flags, numbered)


TABLES = (
    _table("counters", "name value", "name"),
    _table("settings", "key value", "key"),
    _table("flows", "hash flow version data kept_at", "hash"),
    _table("citizens", "pseudonym language consented_at place stopped_at", "pseudonym"),
    _table(
        "conversations",
        "seq id citizen flow version flow_hash language bearer channel place status revision state day started_at"
        " completed_at updated_at recipient due_at lost_at asked_at asked",
        "citizen id",
        numbered=True,
    ),
    _table(
        "answers",
        "seq id citizen conversation flow flow_version flow_hash step kind value raw language bearer channel"
        " answered_at day free?",
        "citizen conversation step",
        numbered=True,
    ),
    _table(
        "sessions",
        "channel session citizen service path reply conversation opened_at closed? person",
        "channel session",
    ),
    _table(
        "inbound",
        "seq id channel external_id citizen bearer text received_at session sent_at conversation reply",
        "channel external_id",
        numbered=True,
    ),
    _table(
        "outbox",
        "seq id citizen channel recipient text encoding segments state attempts created_at next_at changed_at fence"
        " provider_id last_error in_reply_to dedupe_key not_after kind unasked? ground conversation lost batch rank"
        " hour claimed_at",
        "citizen id",
        numbered=True,
    ),
    _table("consents", "seq citizen at act channel words proof language place number", "seq", numbered=True),
    _table("erased", "citizen", "citizen"),
    _table("undated", "number boot base since until shift", "number"),
    _table("reached", "citizen number channel at", "citizen"),
    _table("campaigns", "name state data revision changed_at", "name"),
    _table(
        "campaign_members",
        "campaign round citizen rank wave state reason message conversation asked_at",
        "campaign round citizen",
    ),
    _table("early_receipts", "channel provider_id state detail at", "channel provider_id"),
    _table("spend", "channel hour segments short?", "channel hour"),
    _table("snapshots", "flow_hash period epoch seq digest acked?", "flow_hash period"),
    _table("syncs", "seq at carrier ok? detail", "seq", numbered=True),
    _table("slots", "job slot claimed_at", "job slot"),
    _table("events", "seq at kind detail citizen", "seq", numbered=True),
    _table("fallbacks", "pair served", "pair"),
)
"""In the order in which they are copied: conversations before their answers. An erased citizen's inbounds have no
citizen, and then only channel, external_id, reply and seq count."""

NAMED = {table.name: table for table in TABLES}

encode = msgspec.msgpack.Encoder().encode


class Digest:
    """A count and a hash of rows, the same in whatever order they come: each side has its own."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, row: Row) -> None:
        """Take one row in."""
        self.rows += 1
        self._sum += int.from_bytes(blake2b(encode(row), digest_size=32).digest())

    def __str__(self) -> str:
        return f"{self._sum % (1 << 256):064x}"
