"""The store's operations on plain dicts: what `awal play` writes to, and the model the SQLite store is tested against.

Nothing outlives the process. It shares no code with the SQLite store, so that a test comparing the two means something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from flows.types import Conversation
from storage.consents import Consent
from storage.memory.following import MemoryFollowing
from storage.memory.rights import MemoryRights
from storage.memory.rows import Taken, Walk, aware, is_open
from storage.memory.sync import MemorySync
from storage.memory.undated import MemoryClock
from storage.outgoing import ANYTHING, GRACE, UNASKED
from storage.store import (
    Accepted,
    Change,
    Citizen,
    Dialogue,
    OutboundRow,
    OutboxRow,
    OutboxState,
    Saved,
    Spent,
    Terms,
    Waiting,
)
from storage.turns import Asked, Decide, Soon, Told, in_two_steps

CONFLICT = Accepted("conflict")


class MemoryStore(MemoryRights, MemoryFollowing, MemoryClock, MemorySync):
    """A store that forgets all when the process ends."""

    # the conversation lane -------------------------------------------------------------------------------------
    def dialogue(self, channel: str, external_id: str, citizen: str, session: str = "") -> Dialogue:
        """Read what one inbound needs."""
        with self._lock:
            taken = self._inbound.get((channel, external_id))
            ours = taken is not None and (taken.row is None or taken.row.citizen == citizen)
            open_ = [walk for walk in self._walks.values() if walk.citizen == citizen and is_open(walk)]
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
            self._inbound[row.channel, row.external_id] = Taken(kept, row.channel, change.reply)
            self._erase(change) if change.erase else self._keep(change)
            return Accepted("taken", change.reply)

    def turn(self, asked: Asked, decide: Decide) -> Accepted:
        """Read, decide and keep, while nobody else does."""
        with self._lock:
            return in_two_steps(self, asked, decide)

    def hand_over(self, asked: Asked, decide: Decide, told: Told, soon: Soon | None = None) -> None:  # noqa: ARG002
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
            if closed is None or closed.citizen != citizen or not is_open(closed):
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
        return found is not None or any(is_open(walk) and walk.state.id != change.closes for walk in others)

    def _keep(self, change: Change) -> None:
        self._citizens[change.citizen.pseudonym] = change.citizen
        if change.closes:
            self._walks[change.closes].expire()
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
            day = change.day or aware(state.started_at).astimezone(self._zone).date().isoformat()
            self._walks[state.id] = Walk(state, change.citizen.pseudonym, channel, state.bearer, day)
        walk = self._walks[state.id]
        if change.due_at or not is_open(walk):
            going = is_open(walk)
            walk.recipient, walk.due_at = (change.recipient, change.due_at) if going else (b"", 0)
        if change.forget_answers:
            self._answers = {key: one for key, one in self._answers.items() if one.conversation != state.id}
        for step in change.withdrawn:
            self._answers.pop((state.id, step), None)

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

    def _moved_at(self, citizen: str, conversation: str) -> int | None:
        """Return when a citizen's conversation last moved; None when it has ended, 0 when they have none of that id."""
        walk = self._walks.get(conversation)
        if walk is None or walk.citizen != citizen:
            return 0
        return int(aware(walk.state.updated_at).timestamp() * 1000) if is_open(walk) else None

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
