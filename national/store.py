"""What the platform keeps: the gateways enrolled, and the newest snapshot of each gateway, flow version and week."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from secrets import token_bytes
from typing import Literal

from msgspec import Struct

from national.database import Database, Run, Sqlite
from national.errors import NationalError, Refused
from national.regions import region_of
from national.seal import Identity
from national.suppression import K
from national.wire import Snapshot, read, write

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS gateways (
        id TEXT PRIMARY KEY, region TEXT NOT NULL, public_key TEXT NOT NULL,
        enrolled_at BIGINT NOT NULL, last_contact BIGINT NOT NULL DEFAULT 0, skew BIGINT NOT NULL DEFAULT 0)""",
    """CREATE TABLE IF NOT EXISTS snapshots (
        gateway TEXT NOT NULL REFERENCES gateways (id), flow_hash TEXT NOT NULL, period TEXT NOT NULL,
        epoch BIGINT NOT NULL, seq BIGINT NOT NULL, final INTEGER NOT NULL, received_at BIGINT NOT NULL,
        body TEXT NOT NULL, shown TEXT,
        PRIMARY KEY (gateway, flow_hash, period))""",
    "CREATE INDEX IF NOT EXISTS snapshots_by_period ON snapshots (period)",
    """CREATE TABLE IF NOT EXISTS totals (
        gateway TEXT NOT NULL, flow_hash TEXT NOT NULL, period TEXT NOT NULL, region TEXT NOT NULL,
        started BIGINT NOT NULL, completed BIGINT NOT NULL, answers BIGINT NOT NULL,
        PRIMARY KEY (gateway, flow_hash, period, region))""",
    "CREATE INDEX IF NOT EXISTS totals_by_region ON totals (region, period)",
    "CREATE TABLE IF NOT EXISTS identity (name TEXT PRIMARY KEY, seed TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS probes (name TEXT PRIMARY KEY, times BIGINT NOT NULL)",
)


class Gateway(Struct, frozen=True):
    """One enrolled gateway. `last_contact` 0: never. `skew`: ms its clock was ahead when it last sent."""

    id: str
    region: str
    public_key: str
    enrolled_at: int
    last_contact: int = 0
    skew: int = 0


class Totals(Struct, frozen=True):
    """Participation: conversations begun and completed, and answers counted. Numbers of people, not of opinions."""

    started: int = 0
    completed: int = 0
    answers: int = 0


class Conflict(Struct, frozen=True):
    """A snapshot that was not kept: its number is held with other figures."""

    flow_hash: str
    period: str
    epoch: int
    seq: int
    message: str


class Merged(Struct, frozen=True):
    """What became of snapshots that came together: kept now, held before, below what is held, not taken."""

    accepted: int
    held: int
    older: int
    refused: list[Conflict]


class CursorRow(Struct, frozen=True):
    """The number held of one flow version and week."""

    flow_hash: str
    period: str
    epoch: int
    seq: int


class Store:
    """The operations of the platform over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.transaction() as run:
            for statement in SCHEMA:
                run(statement)

    @property
    def database(self) -> Database:
        """Return the database, for what is kept beside the snapshots (frames that wait for their other parts)."""
        return self._database

    def close(self) -> None:
        """Let the database go."""
        self._database.close()

    def check(self) -> None:
        """Prove by a real write that a snapshot could be kept now; raises Refused (503)."""
        with self._database.transaction() as run:
            run(
                """INSERT INTO probes (name, times) VALUES ('health', 1)
                ON CONFLICT (name) DO UPDATE SET times = probes.times + 1"""
            )

    def identity(self) -> Identity:
        """Return the platform's own key. The first to ask makes it; it lives in the database, and in its backups."""
        sql = "SELECT seed FROM identity WHERE name = 'platform'"
        rows = self._database.read(sql)
        if not rows:
            self._database.keep_private()
            made = b64encode(token_bytes(32)).decode()
            with self._database.transaction() as run:
                run("INSERT INTO identity VALUES ('platform', ?) ON CONFLICT (name) DO NOTHING", (made,))
            rows = self._database.read(sql)
        return Identity(b64decode(rows[0][0]))

    # gateways ------------------------------------------------------------------------------------------------------
    def enrol(self, gateway: str, region: str, key: str, now: int) -> Literal["added", "replaced", "unchanged"]:
        """Let a gateway send, or give it another key or region."""
        with self._database.transaction() as run:
            found = run("SELECT region, public_key FROM gateways WHERE id = ?", (gateway,))
            if found and tuple(found[0]) == (region, key):
                return "unchanged"
            run(
                """INSERT INTO gateways (id, region, public_key, enrolled_at) VALUES (?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET region = excluded.region, public_key = excluded.public_key""",
                (gateway, region, key, now),
            )
            return "replaced" if found else "added"

    def gateways(self, region: str = "") -> Sequence[Gateway]:
        """Return the gateways enrolled, of one region or of all."""
        rows = self._database.read(
            """SELECT id, region, public_key, enrolled_at, last_contact, skew FROM gateways
            WHERE ? = '' OR region = ? ORDER BY region, id""",
            (region, region),
        )
        return [Gateway(*row) for row in rows]

    def gateway(self, gateway: str) -> Gateway | None:
        """Return one gateway, if it is enrolled."""
        return next((one for one in self.gateways() if one.id == gateway), None)

    def seen(self, gateway: str, now: int) -> None:
        """Record that a gateway made contact."""
        with self._database.transaction() as run:
            run("UPDATE gateways SET last_contact = ? WHERE id = ?", (now, gateway))

    # snapshots -----------------------------------------------------------------------------------------------------
    def put(self, snapshot: Snapshot, now: int) -> Literal["accepted", "held"]:
        """Keep a snapshot unless one with the same or a higher number is held; raises Refused (409) then."""
        with self._database.transaction() as run:
            _heard(run, snapshot.gateway, now, snapshot.made_at - now)
            return _merge(run, snapshot, now)

    def put_all(self, gateway: str, snapshots: Iterable[Snapshot], now: int, skew: int) -> Merged:
        """Keep what one gateway sent together, in one transaction: each as `put` does, what is older passed over."""
        accepted = held = older = 0
        refused: list[Conflict] = []
        with self._database.transaction() as run:
            _heard(run, gateway, now, skew)
            for one in snapshots:
                try:
                    fresh = _merge(run, one, now) == "accepted"
                except Refused as fault:
                    if fault.code == "older":
                        older += 1
                    else:
                        refused.append(Conflict(one.flow_hash, one.period, *one.number, str(fault)))
                else:
                    accepted, held = accepted + fresh, held + (not fresh)
        return Merged(accepted, held, older, refused)

    def cursor(self, gateway: str) -> Sequence[CursorRow]:
        """Return the numbers held of a gateway."""
        rows = self._database.read(
            "SELECT flow_hash, period, epoch, seq FROM snapshots WHERE gateway = ? ORDER BY period, flow_hash",
            (gateway,),
        )
        return [CursorRow(*row) for row in rows]

    def shown(self, period: str, *, running: bool) -> Sequence[Snapshot]:
        """Return the snapshots of a week as they may be shown; unfinished ones only when `running`."""
        rows = self._database.read(
            "SELECT COALESCE(shown, body) FROM snapshots WHERE period = ? AND (final = 1 OR ? = 1)",
            (period, int(running)),
        )
        return [read(row[0].encode()) for row in rows]

    # reading -------------------------------------------------------------------------------------------------------
    def totals(self) -> dict[str, Totals]:
        """Return the participation of each region, over all weeks held."""
        sql = "SELECT region, SUM(started), SUM(completed), SUM(answers) FROM totals GROUP BY region"
        rows = self._database.read(sql)
        return {row[0]: Totals(*(int(one) for one in row[1:])) for row in rows}

    def periods(self, region: str = "", *, running: bool) -> Sequence[str]:
        """Return the weeks with something to show, newest first; unfinished ones only when `running`."""
        rows = self._database.read(
            """SELECT DISTINCT period FROM totals JOIN snapshots USING (gateway, flow_hash, period)
            WHERE (? = '' OR region = ?) AND started + answers > 0 AND (final = 1 OR ? = 1) ORDER BY period DESC""",
            (region, region, int(running)),
        )
        return [row[0] for row in rows]


def open_store(url: str) -> Store:
    """Open the store that `--store` names: `sqlite:PATH` or `postgresql://…`."""
    scheme, _, path = url.partition(":")
    if scheme == "sqlite" and path:
        return Store(Sqlite(path))
    if scheme in ("postgresql", "postgres"):
        from national.postgres import Postgres

        return Store(Postgres(url))
    raise NationalError(f"“{url}” is not a store. Write it as sqlite:PATH or postgresql://USER@HOST/NAME.")


def _heard(run: Run, gateway: str, now: int, skew: int) -> None:
    """Record the contact; writing the gateway's row first serialises its writes on both databases."""
    run("UPDATE gateways SET last_contact = ?, skew = ? WHERE id = ?", (now, skew, gateway))


def _merge(run: Run, snapshot: Snapshot, now: int) -> Literal["accepted", "held"]:
    """Keep a snapshot if its number is the highest of its flow version and week; whatever carried it comes here."""
    key = (snapshot.gateway, snapshot.flow_hash, snapshot.period)
    rows = run("SELECT body, shown FROM snapshots WHERE gateway = ? AND flow_hash = ? AND period = ?", key)
    held = read(rows[0][0].encode()) if rows else None
    if held is not None and held.number >= snapshot.number:
        return _already(held, snapshot)
    shown = _still_shown(held, rows[0][1], snapshot) if held is not None else None
    run(
        """INSERT INTO snapshots (gateway, flow_hash, period, epoch, seq, final, received_at, body, shown)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (gateway, flow_hash, period) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq,
        final = excluded.final, received_at = excluded.received_at, body = excluded.body,
        shown = excluded.shown""",
        (*key, *snapshot.number, int(snapshot.final), now, write(snapshot).decode(), shown),
    )
    run("DELETE FROM totals WHERE gateway = ? AND flow_hash = ? AND period = ?", key)
    for region, totals in _totals(snapshot).items():
        values = (*key, region, totals.started, totals.completed, totals.answers)
        run("INSERT INTO totals VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    return "accepted"


def _already(held: Snapshot, given: Snapshot) -> Literal["held"]:
    """Answer for a number that is not above the one held."""
    numbers = {"epoch": held.epoch, "seq": held.seq}
    if held.number > given.number:
        raise Refused(409, "older", f"{held.epoch}:{held.seq} is held already.", held=numbers)
    if (held.cells, held.areas, held.walks, held.final) != (given.cells, given.areas, given.walks, given.final):
        message = f"{held.epoch}:{held.seq} is held with other figures: two machines send as this gateway."
        raise Refused(409, "conflict", message, held=numbers)
    return "held"


def _still_shown(held: Snapshot, shown: str | None, given: Snapshot) -> str | None:
    """Return the body that stays published when a closed week changes by too little, None to show the new one.

    One citizen's late answer or erasure must not be seen as the difference of two published tables.
    """
    before = read(shown.encode()) if shown is not None else held
    if not before.final or not given.final:
        return None
    return write(before).decode() if any(0 < change < K for change in _changes(before, given)) else None


def _changes(before: Snapshot, after: Snapshot) -> Iterator[int]:
    """Yield by how much the counts of each question and region differ."""
    old, new = _tables(before), _tables(after)
    for key in {*old, *new}:
        pairs = zip_longest(old.get(key, ()), new.get(key, ()), fillvalue=0)
        yield sum(abs(one - other) for one, other in pairs)


def _tables(snapshot: Snapshot) -> dict[tuple[str, str], list[int]]:
    """Return the counts by option of each (question, region)."""
    tables: dict[tuple[str, str], list[int]] = {}
    for question, rows in snapshot.cells.items():
        for at, area in enumerate(snapshot.areas):
            table = tables.setdefault((question, region_of(area)), [0] * len(rows))
            for option, row in enumerate(rows):
                table[option] += row[at]
    return tables


def _totals(snapshot: Snapshot) -> dict[str, Totals]:
    """Return the participation of each region that a snapshot counts."""
    tables = _tables(snapshot)
    found = {}
    for region in {region_of(area) for area in snapshot.areas}:
        here = [at for at, area in enumerate(snapshot.areas) if region_of(area) == region]
        answers = sum(sum(counts) for (_, where), counts in tables.items() if where == region)
        started = sum(snapshot.walks.started[at] for at in here)
        found[region] = Totals(started, sum(snapshot.walks.completed[at] for at in here), answers)
    return found
