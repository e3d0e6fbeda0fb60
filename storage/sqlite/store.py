"""The store on SQLite: each operation goes to the writer or to a reader; the work itself is in the modules beside."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from zoneinfo import ZoneInfo

from storage.campaigns import Asking, AskOutcome, CampaignRow, Member, MemberState, Progress, Reached, Segments
from storage.consents import Consent, Standing
from storage.errors import StoreError, StoreFull, StoreLocked
from storage.outgoing import ANYTHING
from storage.sqlite import (
    campaigns,
    claim,
    consents,
    following,
    lane,
    outbox,
    reading,
    rights,
    rolling,
    schema,
    sync,
    undated,
    upkeep,
)
from storage.sqlite.connection import Readers, errors, open_writer
from storage.sqlite.handed import Operation
from storage.sqlite.lock import FileLock
from storage.sqlite.reserve import NotAdmitted, Reserve, full
from storage.sqlite.together import Together
from storage.sqlite.turns import Keeper, Turn
from storage.sqlite.writer import Writer
from storage.store import (
    Accepted,
    AnswerRow,
    Awaited,
    Change,
    Dialogue,
    Follow,
    Held,
    OutboundRow,
    OutboxRow,
    OutboxState,
    Room,
    Spent,
    SyncRow,
    Tally,
    Terms,
    Undated,
    Waiting,
    Walks,
    Writing,
)
from storage.turns import Asked, Decide, Soon, Told

Result = TypeVar("Result")


class SqliteStore:
    """One SQLite file. `readonly` opens it beside the process that writes it; writing then raises StoreLocked."""

    def __init__(
        self,
        path: Path | str,
        *,
        timezone: str = "Africa/Casablanca",
        readonly: bool = False,
        queue: int = 1024,
        deadline: float = 5.0,
        reserve: int = 0,
    ) -> None:
        self.path = Path(path)
        self._reserve = Reserve(self.path, reserve)
        self._zone = ZoneInfo(timezone)
        self._readers = Readers(self.path)
        self._keeper = Keeper(self._zone, self._reserve, self._forgets)
        self._lock: FileLock | None = None
        self._writer: Writer | None = None
        if readonly:
            self._open_beside()
        else:
            self._open(queue, deadline)

    def _open(self, queue: int, deadline: float) -> None:
        with errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.path)
        try:
            self._connection = open_writer(self.path)
            with errors(self.path):
                schema.upgrade(self._connection, self.path)
        except BaseException:
            self._lock.release()
            raise
        self._writer = Writer(self._connection, self.path, queue, deadline, Together(self._keeper))

    def _open_beside(self) -> None:
        if not self.path.is_file():
            raise StoreError(f"there is no database {self.path}: run awal serve once, it makes it")
        with self._readers.lend() as connection:
            schema.require(connection, self.path)

    @property
    def _writes(self) -> Writer:
        """The writer, where this store was opened to write."""
        if self._writer is None:
            raise StoreLocked(f"{self.path} was opened for reading only: stop the process that writes it (awal serve?)")
        return self._writer

    def _write(self, operation: Operation[Result], *, linger: bool = True) -> Result:
        seen = self._reserve.released
        try:
            return self._writes.run(operation, linger=linger)
        except StoreFull as error:
            if isinstance(error, NotAdmitted) or not self._reserve.release(seen):
                raise
            return self._writes.run(operation, linger=linger)

    def _read(self, operation: Operation[Result]) -> Result:
        if self._writer is not None and self._writer.ahead:
            raise StoreError("what has just been written cannot be read yet: this is decided when its turn comes")
        with self._readers.lend() as connection:
            return operation(connection)

    # the conversation lane -------------------------------------------------------------------------------------
    def dialogue(self, channel: str, external_id: str, citizen: str, session: str = "") -> Dialogue:
        """Read what one inbound needs, in one snapshot."""
        with self._readers.lend() as connection:
            return lane.dialogue(connection, channel, external_id, citizen, session)

    def accept(self, change: Change) -> Accepted:
        """Keep one inbound with all it changes, in one durable transaction; a citizen is held up for 5 s at most."""
        self._reserve.admit(change)
        if change.erase:
            return self._erase(change.inbound.citizen, change.inbound.received_at, lane.accept, change, self._zone)
        return self._write(lambda connection: lane.accept(connection, change, self._zone), linger=False)

    def turn(self, asked: Asked, decide: Decide) -> Accepted:
        """Read, decide and keep in one transaction of the writer; a citizen is held up for 5 s at most."""
        return self._write(Turn(asked, decide, self._keeper), linger=False)

    def hand_over(self, asked: Asked, decide: Decide, told: Told, soon: Soon | None = None) -> None:
        """Do it soon, in the thread that serves where there is one, else in the writer; and tell."""
        seen = self._reserve.released
        self._writes.hand_over(Turn(asked, decide, self._keeper), told, lambda: self._reserve.release(seen), soon)

    # flows -----------------------------------------------------------------------------------------------------
    def keep_flow(self, flow_hash: str, flow: str, version: int, data: bytes, now: int) -> None:
        """Keep a flow version; one that is there already costs no write."""
        if self.flow_data(flow_hash) is None:
            self._write(lambda connection: upkeep.keep_flow(connection, flow_hash, flow, version, data, now))

    def flow_data(self, flow_hash: str) -> bytes | None:
        """Return what `keep_flow` kept."""
        return self._read(lambda connection: upkeep.flow_data(connection, flow_hash))

    # the outbox ------------------------------------------------------------------------------------------------
    def enqueue(self, messages: Sequence[OutboundRow]) -> int:
        """Queue messages; return how many were new by `dedupe_key`."""
        return self._write(lambda connection: outbox.enqueue(connection, messages))

    def claim_outbox(
        self, channel: str, now: int, lease: int, limit: int, terms: Terms = ANYTHING
    ) -> Sequence[OutboxRow]:
        """Lease up to `limit` due messages; writes nothing when none is due."""
        if not self._read(lambda connection: claim.anything_to_claim(connection, channel, now, limit, terms)):
            return []
        return self._write(lambda connection: claim.claim(connection, channel, now, lease, limit, terms))

    def finish_outbox(
        self,
        id: str,
        fence: int,
        state: OutboxState,
        now: int,
        *,
        provider_id: str = "",
        error: str = "",
        retry_at: int = 0,
        tried: bool = True,
        channel: str = "",
    ) -> bool:
        """Record what became of a claimed message; False when the fence is no longer ours."""
        found = outbox.Outcome(state, provider_id, error, retry_at, tried, channel)
        return self._write(lambda connection: outbox.finish(connection, id, fence, found, now))

    def receipt(
        self, channel: str, provider_id: str, state: OutboxState, detail: str, now: int, again_at: int = 0
    ) -> bool:
        """Record a delivery report; False when the message is unknown or already further."""
        return self._write(
            lambda connection: outbox.receipt(connection, channel, provider_id, state, detail, now, again_at)
        )

    def addressee(self, channel: str, provider_id: str) -> str:
        """Return the citizen a message went to; empty when it is unknown."""
        return self._read(lambda connection: outbox.addressee(connection, channel, provider_id))

    def stop(self, citizen: str, now: int, channel: str = "") -> bool:
        """Note that a citizen told the provider to stop; False when it is known."""
        return self._write(lambda connection: outbox.stop(connection, citizen, now, channel))

    def spent(self, channel: str, hour: str) -> Spent:
        """Return the segments a channel claimed in a civil hour, and in its day."""
        return self._read(lambda connection: claim.spent(connection, channel, hour))

    def waiting(self) -> Mapping[str, Waiting]:
        """Return what waits on each channel, and what it ever sent."""
        return self._read(outbox.waiting)

    def outbox(self, states: Sequence[str] = (), limit: int = 100, citizen: str = "") -> Sequence[OutboxRow]:
        """List messages, newest first."""
        return self._read(lambda connection: outbox.listing(connection, states, limit, citizen))

    def outbox_counts(self) -> Mapping[str, int]:
        """Return the number of messages in each state."""
        return self._read(outbox.counts)

    def retry_outbox(self, id: str, now: int) -> bool:
        """Queue a failed or dead message again; False when its number is wiped already."""
        return self._write(lambda connection: outbox.retry(connection, id, now))

    def discard_outbox(self, id: str, now: int) -> bool:
        """Give a message up: it becomes `dead` and its number is wiped."""
        return self._write(lambda connection: outbox.discard(connection, id, now))

    # conversations that wait -----------------------------------------------------------------------------------
    def awaited(self, now: int, limit: int = 100) -> Sequence[Awaited]:
        """Return the open conversations whose moment has come."""
        return self._read(lambda connection: following.awaited(connection, now, limit))

    def follow(self, step: Follow) -> bool:
        """Do something about an awaited conversation; False when it moved or was looked after."""
        return self._write(lambda connection: following.follow(connection, step))

    def lost(self, channel: str, session: str, now: int, due_at: int) -> bool:
        """Note that a provider lost a session; False when nobody is to be told."""
        return self._write(lambda connection: following.lost(connection, channel, session, now, due_at))

    def late(self, citizen: str) -> Awaited | None:
        """Return a citizen's newest conversation, where it was closed as partial."""
        return self._read(lambda connection: following.late(connection, citizen))

    def wishes(self, citizen: str, since: int) -> int:
        """Return how many calls of a citizen were taken since a moment."""
        return self._read(lambda connection: following.wishes(connection, citizen, since))

    # reading ---------------------------------------------------------------------------------------------------
    def answers(self, flow: str = "", since: int = 0) -> Iterator[AnswerRow]:
        """Stream answers in the order they were kept, from one snapshot of the database."""
        with self._readers.lend() as connection:
            yield from reading.answers(connection, flow, since)

    def answers_of(self, wanted: Callable[[str], bool]) -> Sequence[AnswerRow]:
        """Return the answers of the conversations whose ids are wanted, which an index holds alone."""
        return self._read(lambda connection: reading.answers_of(connection, wanted))

    def words(self, flow: str, steps: Sequence[str], since: int = 0, limit: int = 20) -> Sequence[AnswerRow]:
        """Return the newest answers in the citizens' own words, newest first."""
        return self._read(lambda connection: reading.words(connection, flow, steps, since, limit))

    def tallies(self, first_day: str, last_day: str, flow: str = "", steps: Sequence[str] = ()) -> Sequence[Tally]:
        """Count the answers of some civil days; only those of `steps` when given."""
        return self._read(lambda connection: reading.tallies(connection, first_day, last_day, flow, steps))

    def walks(self, first_day: str, last_day: str, flow: str = "") -> Sequence[Walks]:
        """Count conversations begun on those days, and those of them completed."""
        return self._read(lambda connection: reading.walks(connection, first_day, last_day, flow))

    def spread(self, first_day: str, last_day: str) -> Mapping[str, Mapping[str, int]]:
        """Return the conversations begun, by `language`, by `bearer` and by `flow`."""
        return self._read(lambda connection: reading.spread(connection, first_day, last_day))

    def answer_days(self) -> Sequence[str]:
        """Return the civil days that hold answers or conversations, oldest first."""
        return self._read(reading.answer_days)

    def fallbacks(self) -> Mapping[str, int]:
        """Return how many texts were served by a fallback, by `asked>served`."""
        return self._read(reading.fallbacks)

    def counts(self) -> Mapping[str, int]:
        """Return totals: citizens, conversations, open, inbound, answers, steps."""
        return self._read(reading.counts)

    def roll(self, now: int, limit: int = 100) -> int:
        """Count what settled ahead; writes nothing when nothing did."""
        if not self._read(lambda connection: rolling.anything(connection, now)):
            return 0
        return self._write(lambda connection: rolling.roll(connection, now, limit))

    # citizens' rights ------------------------------------------------------------------------------------------
    def erase(self, citizen: str, now: int) -> int:
        """Forget a citizen; return how many rows went."""
        return self._erase(citizen, now, rights.forget, citizen)

    def _erase(self, citizen: str, now: int, forget: Callable[..., Result], *given: object) -> Result:
        """Forget a citizen for good: noted for a restore first, and in the end out of the log too."""
        self._forgets(citizen, now)

        def operation(connection: sqlite3.Connection) -> Result:
            self._writes.owes_checkpoint = True
            return forget(connection, *given)

        return self._write(operation)

    def _forgets(self, citizen: str, now: int) -> None:
        """Note for a restore that a citizen is forgotten, and that the log must be emptied of them."""
        if self._writer is None:
            return
        self._writer.owes_checkpoint = True
        if citizen:
            from storage.sqlite import erasures, keyring

            with errors(self.path):
                erasures.note(self.path, citizen, now)
                keyring.destroy(keyring.beside(self.path), citizen)

    def mydata(self, citizen: str) -> Mapping[str, object]:
        """Return everything kept of a citizen, as plain data."""
        return self._read(lambda connection: rights.mydata(connection, citizen))

    def standing(self, citizens: Sequence[str]) -> Mapping[str, Standing]:
        """Return how each of these citizens stands."""
        return self._read(lambda connection: consents.standing(connection, citizens))

    def bring_in(self, proofs: Sequence[Consent]) -> int:
        """Keep the proofs of imported citizens; return how many were kept."""
        return self._write(lambda connection: consents.bring_in(connection, proofs))

    def consents(self, citizen: str) -> Sequence[Consent]:
        """Return a citizen's proofs, oldest first."""
        return self._read(lambda connection: consents.listing(connection, citizen))

    def brought_in(self, after: str = "", limit: int = 1_000) -> Sequence[Consent]:
        """Return the newest import of each citizen who has not said stop."""
        return self._read(lambda connection: consents.brought_in(connection, after, limit))

    # a clock that is not known --------------------------------------------------------------------------------
    def newest(self) -> int:
        """Return the newest moment kept; 0 where nothing is."""
        return self._read(undated.newest)

    def undated(self) -> Sequence[Undated]:
        """Return every time without a clock, with what still waits for its day."""
        return self._read(undated.spans)

    def lose_clock(self, boot: str, base: int, since: int) -> Undated:
        """Begin a time without a clock, or go on in this boot's."""
        return self._write(lambda connection: undated.lose(connection, boot, base, since))

    def end_boots(self, boot: str) -> None:
        """Note that what other boots began has ended; writes nothing where nothing did."""
        if self._read(lambda connection: undated.unended(connection, boot)):
            self._write(lambda connection: undated.end_boots(connection, boot))

    def find_clock(self, number: int, shift: int, until: int = 0) -> bool:
        """Tell once and for all what is added to the moments of an undated time."""
        return self._write(lambda connection: undated.find(connection, number, shift, until, self._zone))

    def date(self, limit: int = 100) -> int:
        """Give the next conversations their day; writes nothing when none waits."""
        if not self._read(undated.anything):
            return 0
        return self._write(lambda connection: undated.date(connection, limit, self._zone))

    # campaigns -------------------------------------------------------------------------------------------------
    def reached(self, after: str = "", limit: int = 1_000) -> Sequence[Reached]:
        """Return who wrote and can be written to."""
        return self._read(lambda connection: campaigns.reached(connection, after, limit))

    def forget_numbers(self, before: int) -> int:
        """Forget the numbers of who last began before a moment."""
        return self._write(lambda connection: campaigns.forget_numbers(connection, before))

    def campaigns(self) -> Sequence[CampaignRow]:
        """Return every campaign that was started."""
        return self._read(campaigns.listing)

    def campaign(self, name: str) -> CampaignRow | None:
        """Return one campaign."""
        return self._read(lambda connection: campaigns.one(connection, name))

    def keep_campaign(self, row: CampaignRow) -> bool:
        """Keep a campaign over the revision it was read at."""
        return self._write(lambda connection: campaigns.keep(connection, row))

    def draw_members(self, name: str, round: int, citizens: Sequence[str]) -> int:
        """Keep who was drawn into a round."""
        return self._write(lambda connection: campaigns.draw(connection, name, round, citizens))

    def members(self, name: str, round: int, state: MemberState | None = None, limit: int = -1) -> Sequence[Member]:
        """Return the members of a round in the order of the draw."""
        return self._read(lambda connection: campaigns.members(connection, name, round, state, limit))

    def ask(self, asking: Asking) -> AskOutcome:
        """Ask a member: the message, the conversation and the mark in one transaction."""
        return self._write(lambda connection: campaigns.ask(connection, asking, self._zone))

    def skip_members(self, name: str, round: int, citizens: Sequence[str], reason: str) -> int:
        """Leave drawn members out for good."""
        return self._write(lambda connection: campaigns.skip(connection, name, round, citizens, reason))

    def take_back(self, name: str, *, late: bool = False) -> int:
        """Take back what never left; writes nothing when there is nothing."""
        if not self._read(lambda connection: campaigns.to_take_back(connection, name, late)):
            return 0
        return self._write(lambda connection: campaigns.take_back(connection, name, late))

    def progress(self, name: str, since: int = 0) -> Sequence[Progress]:
        """Return how a campaign goes, by round and wave."""
        return self._read(lambda connection: campaigns.progress(connection, name, since))

    def campaign_segments(self, name: str) -> Mapping[str, Segments]:
        """Return the segments of a campaign's conversations, by channel."""
        return self._read(lambda connection: campaigns.segments(connection, name))

    def last_asked(self, since: int) -> Mapping[str, int]:
        """Return when each citizen was asked last."""
        return self._read(lambda connection: campaigns.last_asked(connection, since))

    # national sync ---------------------------------------------------------------------------------------------
    def epoch(self) -> int:
        """Return the sync epoch."""
        return self._read(sync.epoch)

    def held(self) -> Sequence[Held]:
        """Return the newest snapshot made for each (flow_hash, period)."""
        return self._read(sync.held)

    def hold(self, flow_hash: str, period: str, digest: str) -> Held:
        """Number a snapshot; one that is unchanged costs no write."""
        return self._write(lambda connection: sync.hold(connection, flow_hash, period, digest))

    def acknowledge(self, flow_hash: str, period: str, epoch: int, seq: int) -> None:
        """Record that the platform holds this snapshot."""
        self._write(lambda connection: sync.acknowledge(connection, flow_hash, period, epoch, seq))

    def log_sync(self, row: SyncRow) -> None:
        """Keep the outcome of one attempt."""
        self._write(lambda connection: sync.log(connection, row))

    def syncs(self, limit: int = 10) -> Sequence[SyncRow]:
        """Return the last attempts, newest first."""
        return self._read(lambda connection: sync.syncs(connection, limit))

    # jobs and the rest -----------------------------------------------------------------------------------------
    def claim_slot(self, job: str, slot: str, now: int) -> bool:
        """Take a due slot of a job; True for exactly one caller, ever."""
        return self._write(lambda connection: upkeep.claim_slot(connection, job, slot, now))

    def lead(self) -> bool:
        """Tell whether this process writes the file: there is no second one."""
        return self._writer is not None

    def log_event(self, kind: str, detail: str, now: int) -> None:
        """Keep something an operator should be able to read later."""
        self._write(lambda connection: upkeep.log_event(connection, kind, detail, now))

    def events(self, limit: int = 50) -> Sequence[tuple[int, str, str]]:
        """Return (at, kind, detail), newest first."""
        return self._read(lambda connection: upkeep.events(connection, limit))

    def get(self, key: str) -> str | None:
        """Return a small setting of the program's own."""
        return self._read(lambda connection: upkeep.get(connection, key))

    def put(self, key: str, value: str) -> None:
        """Keep such a setting."""
        self._write(lambda connection: upkeep.put(connection, key, value))

    def check(self) -> None:
        """Prove by a real durable write that an answer could be kept now."""
        if self._reserve.full:
            self._reserve.keep()
        self._write(upkeep.check)
        if self._reserve.full:
            raise full(self.path)

    def room(self) -> Room:
        """Return the room on the disk below; whoever writes renews its reserve first, and empties a log it owes."""
        with errors(self.path):
            if self._writer is not None:
                self._reserve.keep()
                if self._writer.owes_checkpoint:
                    self._write(upkeep.check)
            return self._reserve.room()

    def writing(self) -> Writing | None:
        """Return how writing goes; None beside the process that writes."""
        writer = self._writer
        return Writing(writer.waiting(), writer.sizes.read(), writer.seconds.read()) if writer else None

    def backup(self, target: Path, *, sealed: bool = False) -> Mapping[str, int]:
        """Copy the database to `target` while it is in use, verify the copy, and return its counts.

        `sealed`: each citizen under a key of their own, which is kept beside the database and nowhere else.
        """
        from storage.sqlite import backup

        if sealed:
            return self._read(lambda connection: backup.back_up_sealed(connection, self.path, target))
        return self._read(lambda connection: backup.back_up(connection, target))

    def close(self) -> None:
        """Finish what is queued, checkpoint, and let the file go. Closing twice does nothing."""
        self._readers.close()
        if self._writer is None or self._lock is None:
            return
        self._writer.close()
        with suppress(sqlite3.Error):  # without room for it, all stays in the log, where it is as safe
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with suppress(sqlite3.Error):
            self._connection.close()
        self._lock.release()
        self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SqliteStore {self.path}>"
