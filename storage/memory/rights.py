"""What citizens decide, in the memory store: erasure, their data, and the proofs of what they agreed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import asdict

from storage.consents import Consent, Standing
from storage.memory.campaigns import MemoryCampaigns
from storage.memory.reading import MemoryReading


class MemoryRights(MemoryReading, MemoryCampaigns):
    """Citizens' rights, over all the parts that hold something of theirs."""

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
