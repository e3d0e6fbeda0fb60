"""gammu-smsd's own SQLite database: what the modem received, what it has to send, and how it is.

The schema is the one packaged with gammu-smsd (`/usr/share/doc/gammu-smsd/examples/sqlite.sql`; manual, "SMSD
database structure"). The file belongs to the daemon: it is opened for a moment, never made here, and no transaction
outlives a statement or two, so that neither side waits for the other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from flows.encoding import split
from flows.errors import AwalError
from gateway.channels.base import Sendable

VERSIONS = (17, 18)
"""Versions of the schema: that of gammu 1.42 (Debian 12), and that of 1.44."""
BUSY = 5.0
"""Seconds to wait while the daemon writes."""
AT_ONCE = 500
"""Rows read in one look."""
CODINGS = {"GSM-7": "Default_No_Compression", "UCS-2": "Unicode_No_Compression"}
BINARY, USSD_CLASS = "8bit", 127
"""What a citizen never writes: data for a program, and the network's answer to a code that the modem dialled."""

UNREAD = """
SELECT ID, ReceivingDateTime, SenderNumber, Coding, UDH, Class, TextDecoded FROM inbox
WHERE Processed = 'false' ORDER BY ID LIMIT ?"""
# The network, or a daemon killed before it emptied the modem, may bring the very same SMS twice.
TWIN = """
SELECT MIN(twin.ID) FROM inbox AS twin JOIN inbox AS one USING (SenderNumber, ReceivingDateTime, UDH, TextDecoded)
WHERE one.ID = ?"""
FATE = """
SELECT 'waits' FROM outbox WHERE CreatorID = :id UNION ALL
SELECT Status FROM sentitems WHERE CreatorID = :id AND Status NOT IN ('SendingError', 'Error', 'DeliveryFailed')"""
CHANGED = """
SELECT one.CreatorID, one.ID, one.UDH, one.Status, one.StatusError FROM sentitems AS one
WHERE one.ID IN (SELECT ID FROM sentitems WHERE UpdatedInDB >= ? AND CreatorID != '')
AND one.CreatorID NOT IN (SELECT CreatorID FROM outbox)
ORDER BY one.ID, one.SequencePosition"""
HEALTH = """
SELECT CAST(strftime('%s', 'now') - strftime('%s', UpdatedInDB) AS INTEGER), UpdatedInDB, Signal, Battery, NetName
FROM phones ORDER BY UpdatedInDB DESC LIMIT 1"""
FIRST_PART = """
INSERT INTO outbox (DestinationNumber, TextDecoded, CreatorID, Coding, DeliveryReport, MultiPart, UDH)
VALUES (?, ?, ?, ?, 'yes', ?, '')"""
NEXT_PART = "INSERT INTO outbox_multipart (ID, SequencePosition, TextDecoded, Coding, UDH) VALUES (?, ?, ?, ?, ?)"
OLD = (
    "DELETE FROM inbox WHERE Processed = 'true' AND UpdatedInDB < datetime('now', '-1 day')",
    "DELETE FROM sentitems WHERE UpdatedInDB < datetime('now', '-3 days')",
)


class ModemError(AwalError):
    """The modem's database cannot be used now; the message names the file and the remedy."""


class Part(Struct, frozen=True):
    """The place of one SMS in a longer message: `number` of `total`."""

    reference: int
    total: int
    number: int


class Row(Struct, frozen=True):
    """One row of the inbox."""

    id: int
    received: str
    sender: str
    coding: str
    udh: str
    kind: int
    text: str

    def __repr__(self) -> str:
        """Show no phone number and no text."""
        return f"Row(id={self.id})"

    @property
    def part(self) -> Part:
        """Its place in a longer message; alone, it is the first of one."""
        return part_of(self.udh) or Part(0, 1, 1)


class Message(Struct, frozen=True):
    """What a citizen sent: one SMS, or the parts of a longer one in their order, as far as they are there."""

    rows: tuple[Row, ...]

    @property
    def whole(self) -> bool:
        """Tell whether no part is missing."""
        return len(self.rows) >= self.rows[0].part.total

    @property
    def first(self) -> int:
        """The id of the row that came first: it names the message."""
        return min(row.id for row in self.rows)

    @property
    def text(self) -> str:
        """The daemon writes a joined text into the first row and leaves the others empty; late parts come alone."""
        return "".join(row.text for row in self.rows)


class Sentence(Struct, frozen=True):
    """What became of one of our messages: a status and an error number for each part that left.

    `turn` grows with each sending of one message: the last one counts.
    """

    id: str
    turn: int
    total: int
    statuses: tuple[str, ...]
    error: int


class Health(Struct, frozen=True):
    """What the daemon last wrote about its modem; a percentage is None where the modem does not tell."""

    age: int
    seen: str
    signal: int | None
    battery: int | None
    network: str


def part_of(udh: str) -> Part | None:
    """Read the joining element of a user data header in hex, with a reference of 8 or 16 bits; None where none is."""
    try:
        raw = bytes.fromhex(udh)[1:]
    except ValueError:
        return None
    while len(raw) >= 2:
        kind, size = raw[0], raw[1]
        value, raw = raw[2 : 2 + size], raw[2 + size :]
        if (kind, size, len(value)) in ((0, 3, 3), (8, 4, 4)):
            total, number = value[-2], value[-1]
            sound = 1 <= number <= total
            return Part(int.from_bytes(value[:-2], "big"), total, number) if sound else None
    return None


def joined(rows: Iterable[Row]) -> list[Message]:
    """Return the messages that rows make, oldest first. A part that comes again begins another message."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        part = row.part
        lone: tuple[object, ...] = (row.id,)
        key = (row.sender, part.reference, part.total) if part.total > 1 else lone
        turn = 0
        while any(one.part.number == part.number for one in groups.get((*key, turn), [])):
            turn += 1
        groups.setdefault((*key, turn), []).append(row)
    messages = [Message(tuple(sorted(group, key=lambda row: row.part.number))) for group in groups.values()]
    return sorted(messages, key=lambda message: message.first)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the daemon's database for a moment; raises ModemError when it is absent, busy, damaged or another's."""
    if not path.is_file():
        raise ModemError(f"{path}: is not there. Make it with `awal modem setup`, or mend `database` in awal.toml.")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", BUSY, isolation_level=None, uri=True)) as one:
            one.execute("PRAGMA secure_delete = ON")  # what is deleted there is a citizen's number and words
            _known(one, path)
            yield one
    except sqlite3.Error as error:
        raise ModemError(_told(path, error)) from error


def _known(connection: sqlite3.Connection, path: Path) -> None:
    """Raise ModemError unless the schema is one this program knows."""
    found = connection.execute("SELECT max(Version) FROM gammu").fetchone()[0]
    if found not in VERSIONS:
        known = " and ".join(map(str, VERSIONS))
        raise ModemError(
            f"{path}: has version {found} of gammu-smsd's tables; this program knows {known}. "
            "Move the file away, run `awal modem setup`, and start gammu-smsd again."
        )


def _told(path: Path, error: sqlite3.Error) -> str:
    """Say what SQLite refuses, and what to do."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return f"{path}: is busy. It is tried again; if it stays so, see what else has it open (`fuser {path}`)."
    if "unable to open" in text or "readonly" in text or "permission" in text:
        return f"{path}: cannot be written. Let gammu-smsd and the gateway run as one user, who owns its directory."
    if "no such table" in text:
        return f"{path}: is no database of gammu-smsd ({text}). Make one with `awal modem setup`."
    return (
        f"{path}: cannot be used ({text}). Stop gammu-smsd, move the file away, run `awal modem setup`, start it again."
    )


def unread(connection: sqlite3.Connection) -> list[Row]:
    """Return what nobody has taken yet, oldest first."""
    return [Row(*values) for values in connection.execute(UNREAD, (AT_ONCE,))]


def identity(connection: sqlite3.Connection, message: Message) -> str:
    """Return what names a message for ever: of equal ones, the row that came first, and the network's time.

    The time keeps a file made anew, whose rows count from 1 again, apart from the former one.
    """
    (first,) = connection.execute(TWIN, (message.first,)).fetchone()
    return f"sms:{first or message.first}:{message.rows[0].received}"


def mark(connection: sqlite3.Connection, message: Message) -> None:
    """Say that a message is taken."""
    ids = [(row.id,) for row in message.rows]
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("UPDATE inbox SET Processed = 'true' WHERE ID = ?", ids)
    connection.execute("COMMIT")


def known(connection: sqlite3.Connection, id: str) -> bool:
    """Tell whether the daemon has this message of ours already, and has not failed with it."""
    return connection.execute(FATE, {"id": id}).fetchone() is not None


def waiting(connection: sqlite3.Connection) -> int:
    """Return how many messages the daemon has still to send."""
    count: int = connection.execute("SELECT count(*) FROM outbox").fetchone()[0]
    return count


def insert(connection: sqlite3.Connection, message: Sendable) -> None:
    """Give the daemon a message, in as many parts as it takes; all of it or nothing."""
    parts = split(message.text)
    coding = CODINGS[message.encoding]
    several = "true" if len(parts) > 1 else "false"
    connection.execute("BEGIN IMMEDIATE")
    id = connection.execute(FIRST_PART, (message.to, parts[0], message.id, coding, several)).lastrowid or 0
    if len(parts) > 1:
        udh = [f"050003{id % 256:02X}{len(parts):02X}{number:02X}" for number in range(1, len(parts) + 1)]
        connection.execute("UPDATE outbox SET UDH = ? WHERE ID = ?", (udh[0], id))
        rows = [(id, number, text, coding, udh[number - 1]) for number, text in enumerate(parts[1:], 2)]
        connection.executemany(NEXT_PART, rows)
    connection.execute("COMMIT")


def changed(connection: sqlite3.Connection, since: str) -> list[Sentence]:
    """Return what became of the messages whose state changed since a moment of the database's clock, oldest first.

    A message that is still on its way, or on its way again, is left out.
    """
    sent: dict[tuple[str, int], list[Sequence[Any]]] = {}
    for row in connection.execute(CHANGED, (since,)):
        sent.setdefault((row[0], row[1]), []).append(row)
    return [_sentence(id, turn, rows) for (id, turn), rows in sent.items()]


def _sentence(id: str, turn: int, rows: list[Sequence[Any]]) -> Sentence:
    part = part_of(rows[0][2] or "")
    statuses = tuple(row[3] for row in rows)
    return Sentence(id, turn, part.total if part else 1, statuses, max(int(row[4]) for row in rows))


def now(connection: sqlite3.Connection, before: int) -> str:
    """Return the database's time some seconds ago."""
    moment: str = connection.execute("SELECT datetime('now', ?)", (f"-{before} seconds",)).fetchone()[0]
    return moment


def health(connection: sqlite3.Connection) -> Health | None:
    """Return the state of the modem as the daemon last wrote it; None before its first sign of life."""
    row = connection.execute(HEALTH).fetchone()
    if row is None:
        return None
    age, seen, signal, battery, network = row
    told = [None if value is None or value < 0 else int(value) for value in (signal, battery)]
    return Health(int(age or 0), str(seen), told[0], told[1], str(network or ""))


def tidy(connection: sqlite3.Connection) -> None:
    """Delete what has been taken a day ago, and what was sent three days ago: numbers and words of citizens."""
    for statement in OLD:
        connection.execute(statement)
