"""The store's operations on plain dicts: what `awal play` writes to, and the model the SQLite store is tested against.

Nothing outlives the process. It shares no code with the SQLite store, so that a test comparing the two means something.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import asdict, replace

from flows.types import Conversation
from storage.campaigns import Asking
from storage.consents import Consent, Standing
from storage.following import CALLED
from storage.memory_campaigns import MemoryCampaigns
from storage.memory_outbox import MemoryOutbox
from storage.memory_undated import MemoryDating, milliseconds
from storage.outgoing import ANYTHING, GRACE, UNASKED
from storage.store import (
    Accepted,
    AnswerRow,
    Awaited,
    Change,
    Citizen,
    Dialogue,
    Follow,
    Held,
    InboundRow,
    OutboundRow,
    OutboxRow,
    OutboxState,
    Saved,
    Session,
    Spent,
    SyncRow,
    Tally,
    Terms,
    Undated,
    Waiting,
    Walks,
)
from storage.turns import Asked, Decide, Told, in_two_steps

CONFLICT = Accepted("conflict")


class _Walk(Struct):
    """A conversation with what the store adds to it."""

    state: Conversation
    citizen: str
    channel: str
    bearer: str
    day: str
    revision: int = 1
    recipient: bytes = b""
    due_at: int = 0
    lost_at: int = 0
    asked_at: int = 0
    asked: int = 0


class _Taken(Struct):
    """An inbound with its reply; without the row once its citizen was forgotten."""

    row: InboundRow | None
    channel: str
    reply: bytes


class MemoryStore(MemoryCampaigns):
    """A store that forgets all when the process ends."""

    def __init__(self, timezone: str = "Africa/Casablanca") -> None:
        super().__init__()
        self._zone = ZoneInfo(timezone)
        self._lock = threading.RLock()
        self._citizens: dict[str, Citizen] = {}
        self._sessions: dict[tuple[str, str], Session] = {}
        self._inbound: dict[tuple[str, str], _Taken] = {}
        self._walks: dict[str, _Walk] = {}
        self._answers: dict[tuple[str, str], AnswerRow] = {}
        self._outbox = MemoryOutbox()
        self._flows: dict[str, bytes] = {}
        self._fallbacks: Counter[str] = Counter()
        self._events: list[tuple[str, tuple[int, str, str]]] = []
        self._held: dict[tuple[str, str], Held] = {}
        self._snapshots = 0
        self._syncs: list[SyncRow] = []
        self._slots: set[tuple[str, str]] = set()
        self._settings: dict[str, str] = {}
        self._consents: list[Consent] = []
        self._erased: set[str] = set()
        self._dating = MemoryDating(self._zone)

    # the conversation lane -------------------------------------------------------------------------------------
    def dialogue(self, channel: str, external_id: str, citizen: str, session: str = "") -> Dialogue:
        """Read what one inbound needs."""
        with self._lock:
            taken = self._inbound.get((channel, external_id))
            ours = taken is not None and (taken.row is None or taken.row.citizen == citizen)
            open_ = [walk for walk in self._walks.values() if walk.citizen == citizen and _is_open(walk)]
            return Dialogue(
                citizen=self._citizens.get(citizen),
                session=self._sessions.get((channel, session)),
                current=Saved(open_[-1].state, open_[-1].revision, open_[-1].asked_at) if open_ else None,
                reply=taken.reply if taken is not None and ours else None,
                foreign=taken is not None and not ours,
            )

    def accept(self, change: Change) -> Accepted:
        """Keep one inbound with all it changes."""
        with self._lock:
            row = change.inbound
            taken = self._inbound.get((row.channel, row.external_id))
            if taken is not None:
                ours = taken.row is None or taken.row.citizen == row.citizen
                return Accepted("repeat", taken.reply) if ours else CONFLICT
            if not change.erase and self._conflicts(change):
                return CONFLICT
            conversation = row.conversation or (change.conversation.id if change.conversation else "")
            kept = replace(row, conversation=conversation)
            self._inbound[row.channel, row.external_id] = _Taken(kept, row.channel, change.reply)
            self._erase(change) if change.erase else self._keep(change)
            return Accepted("taken", change.reply)

    def turn(self, asked: Asked, decide: Decide) -> Accepted:
        """Read, decide and keep, while nobody else does."""
        with self._lock:
            return in_two_steps(self, asked, decide)

    def hand_over(self, asked: Asked, decide: Decide, told: Told) -> None:
        """Do it now, and tell."""
        outcome: Accepted | Exception
        try:
            outcome = self.turn(asked, decide)
        except Exception as error:  # whatever it was, it is told
            outcome = error
        told(outcome)

    def remember(self, citizen: Citizen) -> None:
        """Know a citizen from before, for talks that do not begin at the first contact. No other store has this."""
        with self._lock:
            self._citizens[citizen.pseudonym] = citizen

    def _conflicts(self, change: Change) -> bool:
        """Tell whether somebody else moved first."""
        citizen = change.citizen.pseudonym
        if change.session is not None:
            session = self._sessions.get((change.session.channel, change.session.session))
            if session is not None and session.citizen != change.session.citizen:
                return True
        if change.closes:
            closed = self._walks.get(change.closes)
            if closed is None or closed.citizen != citizen or not _is_open(closed):
                return True
        state = change.conversation
        if state is None:
            return False
        found = self._walks.get(state.id)
        if change.base:
            moved = found is None or found.revision != change.base or found.citizen != citizen
            newer = change.reopens and self._newest(citizen) is not found
            return moved or newer or change.closes == state.id
        others = [walk for walk in self._walks.values() if walk.citizen == citizen and walk.state.flow == state.flow]
        return found is not None or any(_is_open(walk) and walk.state.id != change.closes for walk in others)

    def _keep(self, change: Change) -> None:
        self._citizens[change.citizen.pseudonym] = change.citizen
        if change.closes:
            closed = self._walks[change.closes]
            closed.state = replace(closed.state, status="expired")
            closed.revision += 1
            closed.recipient, closed.due_at = b"", 0
        if change.conversation is not None:
            self._keep_conversation(change, change.conversation)
        if change.session is not None:
            self._sessions[change.session.channel, change.session.session] = change.session
        for answer in change.answers:
            self._answers.pop((answer.conversation, answer.step), None)
            self._answers[answer.conversation, answer.step] = answer
        self._end(change)
        self._outbox.enqueue(change.outbound, self._citizens)
        self._consents += change.consents
        if change.citizen.stopped_at:
            self._unreach(change.citizen.pseudonym)
        else:
            self._reach(change.citizen.pseudonym, change.reach, change.inbound.channel, change.inbound.received_at)
        self._note(change, change.citizen.pseudonym)

    def _end(self, change: Change) -> None:
        """Let go of what is not worth sending any more."""
        state, now = change.conversation, change.inbound.received_at
        ended = [change.closes] if change.closes else []
        ended += [state.id] if state is not None and state.status != "active" else []
        self._outbox.end_questions(change.citizen.pseudonym, ended, now + GRACE)
        if change.citizen.stopped_at:
            self._outbox.drop(change.citizen.pseudonym, now)

    def _keep_conversation(self, change: Change, state: Conversation) -> None:
        if change.base:
            self._walks[state.id].state = state
            self._walks[state.id].revision += 1
        else:
            channel = change.channel or change.inbound.channel
            day = change.day or _aware(state.started_at).astimezone(self._zone).date().isoformat()
            self._walks[state.id] = _Walk(state, change.citizen.pseudonym, channel, state.bearer, day)
        walk = self._walks[state.id]
        if change.due_at or not _is_open(walk):
            going = _is_open(walk)
            walk.recipient, walk.due_at = (change.recipient, change.due_at) if going else (b"", 0)
        if change.forget_answers:
            self._answers = {key: one for key, one in self._answers.items() if one.conversation != state.id}
        for step in change.withdrawn:
            self._answers.pop((state.id, step), None)

    def _begin_walk(self, asking: Asking) -> None:
        state, row = asking.conversation, asking.message
        day = _aware(state.started_at).astimezone(self._zone).date().isoformat()
        if asking.closes:
            closed = self._walks[asking.closes]
            closed.state = replace(closed.state, status="expired")
            closed.revision += 1
            closed.recipient, closed.due_at = b"", 0
        number = row.recipient if asking.reminds else b""
        self._walks[state.id] = _Walk(
            state, row.citizen, row.channel, state.bearer, day, recipient=number, due_at=asking.due_at
        )

    def _erase(self, change: Change) -> None:
        self._forget(change.inbound.citizen, change.inbound.channel, change.reply)
        messages = [replace(message, citizen="", conversation="") for message in change.outbound]
        self._outbox.enqueue(messages, self._citizens)
        self._note(change, "")

    def _note(self, change: Change, citizen: str) -> None:
        self._fallbacks.update(change.fallbacks)
        self._events += [(citizen, (change.inbound.received_at, kind, detail)) for kind, detail in change.events]

    # flows -----------------------------------------------------------------------------------------------------
    def keep_flow(self, flow_hash: str, flow: str, version: int, data: bytes, now: int) -> None:  # noqa: ARG002
        """Keep a flow version."""
        self._flows.setdefault(flow_hash, data)

    def flow_data(self, flow_hash: str) -> bytes | None:
        """Return what `keep_flow` kept."""
        return self._flows.get(flow_hash)

    # the outbox ------------------------------------------------------------------------------------------------
    def enqueue(self, messages: Sequence[OutboundRow]) -> int:
        """Queue messages; return how many were new."""
        with self._lock:
            wanted = [row for row in messages if row.kind not in UNASKED or self._stands(row.citizen) != "erased"]
            return self._outbox.enqueue(wanted, self._citizens)

    def claim_outbox(
        self, channel: str, now: int, lease: int, limit: int, terms: Terms = ANYTHING
    ) -> Sequence[OutboxRow]:
        """Lease due messages."""
        with self._lock:
            return self._outbox.claim(channel, now, lease, limit, terms, self._citizens, self._moved_at)

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
        """Record what became of a claimed message."""
        with self._lock:
            return self._outbox.finish(
                id,
                fence,
                state,
                now,
                provider_id=provider_id,
                error=error,
                retry_at=retry_at,
                tried=tried,
                channel=channel,
            )

    def _moved_at(self, conversation: str) -> int | None:
        """Return when a conversation last moved; None when it has ended, 0 when there is none."""
        walk = self._walks.get(conversation)
        if walk is None:
            return 0
        return int(_aware(walk.state.updated_at).timestamp() * 1000) if _is_open(walk) else None

    def receipt(
        self, channel: str, provider_id: str, state: OutboxState, detail: str, now: int, again_at: int = 0
    ) -> bool:
        """Record a delivery report."""
        with self._lock:
            return self._outbox.receipt(channel, provider_id, state, detail, now, again_at)

    def addressee(self, channel: str, provider_id: str) -> str:
        """Return the citizen a message went to."""
        with self._lock:
            return self._outbox.addressee(channel, provider_id)

    def stop(self, citizen: str, now: int, channel: str = "") -> bool:
        """Note that a citizen told the provider to stop."""
        with self._lock:
            known = self._citizens.get(citizen, Citizen(citizen))
            if not known.stopped_at:
                self._citizens[citizen] = replace(known, stopped_at=now)
                self._unreach(citizen)
                self._consents.append(Consent(citizen, now, "stopped", channel))
            self._outbox.drop(citizen, now)
            return not known.stopped_at

    def spent(self, channel: str, hour: str) -> Spent:
        """Return the segments a channel claimed in a civil hour, and in its day."""
        with self._lock:
            return self._outbox.spent(channel, hour)

    def waiting(self) -> Mapping[str, Waiting]:
        """Return what waits on each channel, and what it ever sent."""
        with self._lock:
            return self._outbox.waiting()

    def outbox(self, states: Sequence[str] = (), limit: int = 100, citizen: str = "") -> Sequence[OutboxRow]:
        """List messages, newest first."""
        with self._lock:
            return self._outbox.listing(states, limit, citizen)

    def outbox_counts(self) -> Mapping[str, int]:
        """Return the number of messages in each state."""
        with self._lock:
            return self._outbox.counts()

    def retry_outbox(self, id: str, now: int) -> bool:
        """Queue a failed or dead message again."""
        with self._lock:
            return self._outbox.retry(id, now)

    def discard_outbox(self, id: str, now: int) -> bool:
        """Give a message up."""
        with self._lock:
            return self._outbox.discard(id, now)

    # reading ---------------------------------------------------------------------------------------------------
    def answers(self, flow: str = "", since: int = 0) -> Iterator[AnswerRow]:
        """Yield answers in the order they were kept."""
        with self._lock:
            rows = [
                replace(row, place=self._walks[row.conversation].state.place)
                for row in self._answers.values()
                if flow in ("", row.flow) and row.answered_at >= since
            ]
        yield from rows

    def answers_of(self, wanted: Callable[[str], bool]) -> Sequence[AnswerRow]:
        """Return the answers of the conversations whose ids are wanted."""
        rows = list(self.answers())
        ids = {id for id in dict.fromkeys(row.conversation for row in rows) if wanted(id)}
        return [row for row in rows if row.conversation in ids]

    def words(self, flow: str, steps: Sequence[str], since: int = 0, limit: int = 20) -> Sequence[AnswerRow]:
        """Return the newest answers in the citizens' own words, newest first."""
        rows = [row for row in self.answers(flow, since) if row.free and row.flow == flow and row.step in steps]
        return sorted(rows, key=lambda row: row.answered_at)[::-1][:limit]

    def tallies(self, first_day: str, last_day: str, flow: str = "", steps: Sequence[str] = ()) -> Sequence[Tally]:
        """Count answers."""
        found: Counter[tuple[str, str, str, str, str]] = Counter()
        for row in self.answers(flow):
            if first_day <= row.day <= last_day and (not steps or row.step in steps):
                keys = {""} if row.free else set(row.value) if isinstance(row.value, list) else {str(row.value)}
                found.update((row.flow, row.flow_hash, row.step, key, row.place) for key in keys)
        return [Tally(*key, count) for key, count in sorted(found.items())]

    def _begun(self, first_day: str, last_day: str, flow: str = "") -> list[_Walk]:
        with self._lock:
            walks = [walk for walk in self._walks.values() if first_day <= walk.day <= last_day and walk.state.flow]
        return [walk for walk in walks if flow in ("", walk.state.flow)]

    def walks(self, first_day: str, last_day: str, flow: str = "") -> Sequence[Walks]:
        """Count conversations begun and completed."""
        started: Counter[tuple[str, str, str]] = Counter()
        completed: Counter[tuple[str, str, str]] = Counter()
        partial: Counter[tuple[str, str, str]] = Counter()
        going: Counter[tuple[str, str, str]] = Counter()
        for walk in self._begun(first_day, last_day, flow):
            key = (walk.state.flow, walk.state.flow_hash, walk.state.place)
            started[key] += 1
            completed[key] += walk.state.status == "done"
            going[key] += _is_open(walk)
            told = any(row.conversation == walk.state.id for row in self._answers.values())
            partial[key] += told and not _is_open(walk) and walk.state.status != "done"
        return [Walks(*key, started[key], completed[key], partial[key], going[key]) for key in sorted(started)]

    def spread(self, first_day: str, last_day: str) -> Mapping[str, Mapping[str, int]]:
        """Count conversations by language, bearer and flow."""
        found: dict[str, Counter[str]] = defaultdict(Counter, language=Counter(), bearer=Counter(), flow=Counter())
        for walk in self._begun(first_day, last_day):
            found["language"][walk.state.language] += 1
            found["bearer"][walk.bearer] += 1
            found["flow"][walk.state.flow] += 1
        return {name: dict(counter) for name, counter in found.items()}

    # conversations that wait -----------------------------------------------------------------------------------
    def awaited(self, now: int, limit: int = 100) -> Sequence[Awaited]:
        """Return the open conversations whose moment has come."""
        with self._lock:
            due = [walk for walk in self._walks.values() if 0 < walk.due_at <= now]
            return [self._awaited(walk) for walk in sorted(due, key=lambda walk: walk.due_at)[:limit]]

    def _awaited(self, walk: _Walk) -> Awaited:
        mine = [one.row for one in self._inbound.values() if one.row and one.row.conversation == walk.state.id]
        spoken = [row.channel for row in mine if row.citizen == walk.citizen]
        sessions = [one for one in self._sessions.values() if one.conversation == walk.state.id]
        sessions = sorted((one for one in sessions if one.citizen == walk.citizen), key=_opened)
        return Awaited(
            state=walk.state,
            revision=walk.revision,
            citizen=walk.citizen,
            recipient=walk.recipient,
            channel=spoken[-1] if spoken else walk.channel,
            service=sessions[-1].service if sessions else "",
            due_at=walk.due_at,
            lost_at=walk.lost_at,
            asked_at=walk.asked_at,
            asked=walk.asked,
        )

    def follow(self, step: Follow) -> bool:
        """Do something about an awaited conversation."""
        with self._lock:
            walk, before = self._walks.get(step.before.state.id), step.before
            if walk is None or (walk.revision, walk.due_at) != (before.revision, before.due_at) or not _is_open(walk):
                return False
            if step.ends is not None:
                walk.state, walk.revision, walk.recipient, walk.due_at = step.ends, walk.revision + 1, b"", 0
                return True
            walk.due_at, walk.asked = step.due_at, step.asked
            if step.outbound is not None:
                walk.asked_at = step.now
                self._outbox.enqueue([step.outbound], self._citizens)
            return True

    def lost(self, channel: str, session: str, now: int, due_at: int) -> bool:
        """Note that a provider lost a session."""
        with self._lock:
            found = self._sessions.get((channel, session))
            walk = self._walks.get(found.conversation) if found and not found.closed else None
            if found is None or walk is None or not _is_open(walk) or not walk.due_at:
                return False
            others = [one for one in self._sessions.values() if one.citizen == found.citizen]
            if any(one.conversation == walk.state.id and one.opened_at > found.opened_at for one in others):
                return False
            if walk.asked_at > _aware(walk.state.updated_at).timestamp() * 1000:
                return False
            walk.lost_at, walk.due_at = now, due_at
            return True

    def late(self, citizen: str) -> Awaited | None:
        """Return a citizen's newest conversation, where it was closed as partial."""
        with self._lock:
            walk = self._newest(citizen)
            return self._awaited(walk) if walk and walk.state.status == "partial" else None

    def _newest(self, citizen: str) -> _Walk | None:
        mine = [walk for walk in self._walks.values() if walk.citizen == citizen]
        return mine[-1] if mine else None

    def wishes(self, citizen: str, since: int) -> int:
        """Count a citizen's calls since a moment."""
        with self._lock:
            rows = [one.row for one in self._inbound.values() if one.row and one.row.citizen == citizen]
            return sum(row.received_at >= since and row.external_id.startswith(CALLED) for row in rows)

    def answer_days(self) -> Sequence[str]:
        """Return the civil days that hold answers or conversations."""
        with self._lock:
            days = {row.day for row in self._answers.values()} | {walk.day for walk in self._walks.values()}
        return sorted(days)

    def fallbacks(self) -> Mapping[str, int]:
        """Return how many texts each fallback served."""
        return dict(self._fallbacks)

    def counts(self) -> Mapping[str, int]:
        """Return totals."""
        with self._lock:
            rows = [taken.row for taken in self._inbound.values() if taken.row is not None]
            walks = [walk for walk in self._walks.values() if walk.state.flow]
            return {
                "citizens": len(self._citizens),
                "conversations": len(walks),
                "open": sum(_is_open(walk) for walk in walks),
                "inbound": len(rows),
                "answers": len(self._answers),
                "steps": sum(bool(row.conversation) for row in rows),
            }

    def roll(self, now: int, limit: int = 100) -> int:  # noqa: ARG002
        """Do nothing: the rows themselves are counted each time."""
        return 0

    # citizens' rights ------------------------------------------------------------------------------------------
    def erase(self, citizen: str, now: int) -> int:  # noqa: ARG002
        """Forget a citizen."""
        with self._lock:
            return self._forget(citizen, "", b"") if citizen else 0

    def _forget(self, citizen: str, channel: str, reply: bytes) -> int:
        mine = {id for id, walk in self._walks.items() if walk.citizen == citizen}
        gone = self._outbox.forget(citizen) + len(mine) + (citizen in self._citizens)
        self._citizens.pop(citizen, None)
        self._forget_member(citizen)
        self._walks = {id: walk for id, walk in self._walks.items() if id not in mine}
        answers = {key: row for key, row in self._answers.items() if row.conversation not in mine}
        sessions = {key: row for key, row in self._sessions.items() if citizen not in (row.citizen, row.person)}
        events = [event for event in self._events if event[0] != citizen]
        gone += len(self._answers) + len(self._sessions) + len(self._events)
        gone -= len(answers) + len(sessions) + len(events)
        self._answers, self._sessions, self._events = answers, sessions, events
        gone += len(self._consents)
        self._consents = [proof for proof in self._consents if proof.citizen != citizen]
        gone -= len(self._consents)
        self._erased.add(citizen)
        for taken in self._inbound.values():
            if taken.row is not None and taken.row.citizen == citizen:
                taken.row, taken.reply = None, reply if taken.channel == channel else b""
                gone += 1
        return gone

    def mydata(self, citizen: str) -> Mapping[str, object]:
        """Return everything kept of a citizen, as plain data."""
        with self._lock:
            known = self._citizens.get(citizen)
            walks = [walk for walk in self._walks.values() if walk.citizen == citizen]
            mine = {walk.state.id for walk in walks}
            return {
                "citizen": asdict(known) if known is not None else None,
                "conversations": [msgspec.to_builtins(walk.state) for walk in walks],
                "answers": [asdict(row) for row in self.answers() if row.conversation in mine],
                "inbound": [
                    asdict(one.row) for one in self._inbound.values() if one.row and one.row.citizen == citizen
                ],
                "outbound": [row.text for row in self._outbox.rows.values() if row.citizen == citizen],
                "sessions": [row.session for row in self._sessions.values() if row.citizen == citizen],
                "reached": [citizen] if citizen in self._numbers else [],
                "campaigns": self._drawn_for(citizen),
                "consents": [asdict(proof) for proof in self._consents if proof.citizen == citizen],
            }

    def _stands(self, citizen: str) -> Standing:
        known = self._citizens.get(citizen)
        if known is not None:
            return "stopped" if known.stopped_at else "known"
        if citizen in self._erased:
            return "erased"
        return "known" if any(proof.citizen == citizen for proof in self._consents) else "new"

    def standing(self, citizens: Sequence[str]) -> Mapping[str, Standing]:
        """Return how each of these citizens stands."""
        with self._lock:
            return {citizen: self._stands(citizen) for citizen in citizens}

    def bring_in(self, proofs: Sequence[Consent]) -> int:
        """Keep the proofs of imported citizens."""
        with self._lock:
            before = len(self._consents)
            for proof in proofs:
                there = {(one.citizen, one.words, one.proof) for one in self._consents if one.act == "imported"}
                leaves = self._stands(proof.citizen) in ("stopped", "erased")
                if not leaves and (proof.citizen, proof.words, proof.proof) not in there:
                    self._consents.append(proof)
            return len(self._consents) - before

    def consents(self, citizen: str) -> Sequence[Consent]:
        """Return a citizen's proofs, oldest first."""
        with self._lock:
            return [proof for proof in self._consents if proof.citizen == citizen]

    def brought_in(self, after: str = "", limit: int = 1_000) -> Sequence[Consent]:
        """Return the newest import of each citizen who has not said stop."""
        with self._lock:
            newest = {proof.citizen: proof for proof in self._consents if proof.act == "imported"}
            page = [who for who in sorted(newest) if who > after and self._stands(who) != "stopped"]
            return [newest[who] for who in page[:limit]]

    # a clock that is not known --------------------------------------------------------------------------------
    def newest(self) -> int:
        """Return the newest moment kept."""
        with self._lock:
            inbound = [one.row.received_at for one in self._inbound.values() if one.row is not None]
            walks = [milliseconds(walk.state.started_at) for walk in self._walks.values()]
            sent = [row.created_at for row in self._outbox.rows.values()]
            events, syncs = [at for _, (at, _, _) in self._events], [row.at for row in self._syncs]
            return max((kept[-1] for kept in (inbound, walks, sent, events, syncs) if kept), default=0)

    def undated(self) -> Sequence[Undated]:
        """Return every time without a clock, with what still waits for its day."""
        with self._lock:
            answers = Counter(row.day for row in self._answers.values())
            walks = Counter(walk.day for walk in self._walks.values() if walk.state.flow)
            return [
                replace(span, answers=answers[span.day], conversations=walks[span.day]) for span in self._dating.spans
            ]

    def lose_clock(self, boot: str, base: int, since: int) -> Undated:
        """Begin a time without a clock, or go on in this boot's."""
        with self._lock:
            begun = self._dating.lose(boot, base, since)
            return next(replace(span, until=0) for span in self.undated() if span.number == begun.number)

    def end_boots(self, boot: str) -> None:
        """Note that what other boots began has ended."""
        with self._lock:
            self._dating.end_boots(boot, self.newest())

    def find_clock(self, number: int, shift: int, until: int = 0) -> bool:
        """Tell once and for all what is added to the moments of an undated time."""
        with self._lock:
            span = self._dating.find(number, shift, until, self.newest())
            if span is None:
                return False
            for walk in self._walks.values():
                if _is_open(walk) and span.covers(milliseconds(walk.state.updated_at)):
                    self._date(span, walk)
            self._dating.sending(span, self._outbox)
            self._events = [(who, (span.true(at), *told)) for who, (at, *told) in self._events]  # type: ignore[misc]
            self._consents = [replace(proof, at=span.true(proof.at)) for proof in self._consents]
            for name, one in self._citizens.items():
                agreed, stopped = span.true(one.consented_at), span.true(one.stopped_at)
                self._citizens[name] = replace(one, consented_at=agreed, stopped_at=stopped)
            return True

    def date(self, limit: int = 100) -> int:
        """Give the next conversations their day."""
        with self._lock:
            done = 0
            for span in self._dating.decided():
                told = {row.conversation for row in self._answers.values() if row.day == span.day}
                waits = [walk for id, walk in self._walks.items() if walk.day == span.day or id in told]
                for walk in waits[: limit - done]:
                    self._date(span, walk)
                    done += 1
            return done

    def _date(self, span: Undated, walk: _Walk) -> None:
        """Date one conversation with its answers and what was received for it."""
        self._dating.walk(span, walk)
        for key, row in self._answers.items():
            if row.conversation == walk.state.id and row.day == span.day:
                at = row.answered_at + (span.shift or 0)
                self._answers[key] = replace(row, answered_at=at, day=self._dating.civil(at))
        for taken in self._inbound.values():
            if taken.row is not None and taken.row.conversation == walk.state.id:
                taken.row = replace(taken.row, received_at=span.true(taken.row.received_at))

    # national sync ---------------------------------------------------------------------------------------------
    def epoch(self) -> int:
        """Return the sync epoch."""
        return 1

    def held(self) -> Sequence[Held]:
        """Return the newest snapshots."""
        with self._lock:
            return [self._held[key] for key in sorted(self._held)]

    def hold(self, flow_hash: str, period: str, digest: str) -> Held:
        """Number a snapshot."""
        with self._lock:
            found = self._held.get((flow_hash, period))
            if found is None or found.digest != digest:
                self._snapshots += 1
                found = Held(flow_hash, period, self.epoch(), self._snapshots, digest, acked=False)
                self._held[flow_hash, period] = found
            return found

    def acknowledge(self, flow_hash: str, period: str, epoch: int, seq: int) -> None:
        """Record that the platform holds this snapshot."""
        with self._lock:
            found = self._held.get((flow_hash, period))
            if found is not None and (found.epoch, found.seq) == (epoch, seq):
                self._held[flow_hash, period] = replace(found, acked=True)

    def log_sync(self, row: SyncRow) -> None:
        """Keep the outcome of one attempt."""
        self._syncs.append(row)

    def syncs(self, limit: int = 10) -> Sequence[SyncRow]:
        """Return the last attempts, newest first."""
        return self._syncs[::-1][:limit]

    # jobs and the rest -----------------------------------------------------------------------------------------
    def claim_slot(self, job: str, slot: str, now: int) -> bool:  # noqa: ARG002
        """Take a due slot of a job."""
        with self._lock:
            new = (job, slot) not in self._slots
            self._slots.add((job, slot))
            return new

    def lead(self) -> bool:
        """Lead: nobody shares this memory."""
        return True

    def log_event(self, kind: str, detail: str, now: int) -> None:
        """Keep an event."""
        with self._lock:
            self._events.append(("", (now, kind, detail)))

    def events(self, limit: int = 50) -> Sequence[tuple[int, str, str]]:
        """Return (at, kind, detail), newest first."""
        with self._lock:
            return [event for _, event in self._events[::-1][:limit]]

    def get(self, key: str) -> str | None:
        """Return a setting."""
        return self._settings.get(key)

    def put(self, key: str, value: str) -> None:
        """Keep a setting."""
        self._settings[key] = value

    def check(self) -> None:
        """Do nothing: memory is always there."""

    def room(self) -> None:
        """Return None: there is no disk."""

    def writing(self) -> None:
        """Return None: nothing is written."""

    def close(self) -> None:
        """Do nothing: there is no file."""


def _opened(session: Session) -> tuple[int, str]:
    return session.opened_at, session.session


def _is_open(walk: _Walk) -> bool:
    return walk.state.status == "active"


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
