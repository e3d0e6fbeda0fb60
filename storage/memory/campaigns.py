"""The campaigns of the memory store, in dicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from storage.campaigns import Asking, AskOutcome, CampaignRow, Member, MemberState, Progress, Reached, Segments
from storage.memory.rows import MemoryRows, Walk, aware, is_open
from storage.outgoing import LATE, OutboxRow


class _Number(Struct):
    number: bytes
    channel: str
    at: int


class _Drawn(Struct):
    """A member with the message and the conversation of their asking."""

    member: Member
    message: str = ""
    conversation: str = ""


class MemoryCampaigns(MemoryRows):
    """Campaigns and their members."""

    def __init__(self, timezone: str = "Africa/Casablanca") -> None:
        super().__init__(timezone)
        self._numbers: dict[str, _Number] = {}
        self._campaigns: dict[str, CampaignRow] = {}
        self._drawn: dict[tuple[str, int], dict[str, _Drawn]] = {}

    def _reach(self, citizen: str, number: bytes, channel: str, at: int) -> None:
        """Keep where a citizen who begins can be written to later."""
        if number:
            self._numbers[citizen] = _Number(number, channel, at)

    def _unreach(self, citizen: str) -> None:
        """Forget where a citizen can be written to."""
        self._numbers.pop(citizen, None)

    def _forget_member(self, citizen: str) -> None:
        """Forget that a citizen was ever drawn, and where they were reached."""
        self._unreach(citizen)
        for members in self._drawn.values():
            members.pop(citizen, None)

    def _drawn_for(self, citizen: str) -> list[dict[str, object]]:
        """Return the rounds that a citizen was drawn into."""
        return [
            {"campaign": name, "round": round, "state": members[citizen].member.state}
            for (name, round), members in sorted(self._drawn.items())
            if citizen in members
        ]

    def reached(self, after: str = "", limit: int = 1_000) -> Sequence[Reached]:
        """Return who wrote and can be written to."""
        with self._lock:
            found = []
            for name in sorted(self._numbers):
                known = self._citizens.get(name)
                if name > after and known and not known.stopped_at:
                    kept = self._numbers[name]
                    told = (known.language, known.place, known.consented_at)
                    found.append(Reached(name, kept.number, kept.channel, *told))
            return found[:limit]

    def forget_numbers(self, before: int) -> int:
        """Forget the numbers of who last began before a moment."""
        with self._lock:
            old = [citizen for citizen, kept in self._numbers.items() if kept.at < before]
            for citizen in old:
                del self._numbers[citizen]
            return len(old)

    def campaigns(self) -> Sequence[CampaignRow]:
        """Return every campaign."""
        with self._lock:
            return [self._campaigns[name] for name in sorted(self._campaigns)]

    def campaign(self, name: str) -> CampaignRow | None:
        """Return one campaign."""
        with self._lock:
            return self._campaigns.get(name)

    def keep_campaign(self, row: CampaignRow) -> bool:
        """Keep a campaign over the revision it was read at."""
        with self._lock:
            known = self._campaigns.get(row.name)
            if row.revision != (known.revision if known else 0):
                return False
            self._campaigns[row.name] = replace(row, revision=row.revision + 1)
            return True

    def draw_members(self, name: str, round: int, citizens: Sequence[str]) -> int:
        """Keep who was drawn into a round."""
        with self._lock:
            if name not in self._campaigns:
                self._drawn = {key: one for key, one in self._drawn.items() if key[0] != name}
            if self._drawn.get((name, round)):
                return 0
            self._drawn[name, round] = {one: _Drawn(Member(one, rank)) for rank, one in enumerate(citizens)}
            return len(citizens)

    def members(self, name: str, round: int, state: MemberState | None = None, limit: int = -1) -> Sequence[Member]:
        """Return the members of a round in the order of the draw."""
        with self._lock:
            drawn = self._drawn.get((name, round), {}).values()
            found = [one.member for one in drawn if state in (None, one.member.state)]
            return found if limit < 0 else found[:limit]

    def _begin_walk(self, asking: Asking) -> None:
        state, row = asking.conversation, asking.message
        day = aware(state.started_at).astimezone(self._zone).date().isoformat()
        if asking.closes:
            self._walks[asking.closes].expire()
        number = row.recipient if asking.reminds else b""
        self._walks[state.id] = Walk(
            state, row.citizen, row.channel, state.bearer, day, recipient=number, due_at=asking.due_at
        )

    def ask(self, asking: Asking) -> AskOutcome:
        """Ask a member."""
        with self._lock:
            row = asking.message
            drawn = self._drawn.get((asking.campaign, asking.round), {}).get(row.citizen)
            campaign = self._campaigns.get(asking.campaign)
            runs = campaign is not None and campaign.state == "running"
            if not runs or drawn is None or drawn.member.state != "drawn":
                return "gone"
            open_ = [id for id, walk in self._walks.items() if walk.citizen == row.citizen and is_open(walk)]
            if open_ != ([asking.closes] if asking.closes else []):
                return "busy"
            if not self._outbox.enqueue([row], self._citizens):
                drawn.member = replace(drawn.member, state="skipped", reason="stopped")
                return "skipped"
            self._begin_walk(asking)
            drawn.member = replace(drawn.member, state="asked", wave=asking.wave, asked_at=row.created_at)
            drawn.message, drawn.conversation = row.id, asking.conversation.id
            return "asked"

    def skip_members(self, name: str, round: int, citizens: Sequence[str], reason: str) -> int:
        """Leave drawn members out for good."""
        with self._lock:
            drawn = self._drawn.get((name, round), {})
            ours = [drawn[one] for one in citizens if one in drawn and drawn[one].member.state == "drawn"]
            for one in ours:
                one.member = replace(one.member, state="skipped", reason=reason)
            return len(ours)

    def take_back(self, name: str, *, late: bool = False) -> int:
        """Take back what never left."""
        with self._lock:
            taken = 0
            for one in self._asked(name):
                row = self._outbox.rows.get(one.message)
                if row is None or row.lost or self._spoke(one) or not _is_ours(row, late):
                    continue
                self._outbox.remove(one.message)
                self._walks.pop(one.conversation, None)
                one.member = Member(one.member.citizen, one.member.rank)
                one.message = one.conversation = ""
                taken += 1
            return taken

    def _asked(self, name: str) -> list[_Drawn]:
        return [
            one
            for (campaign, _), members in self._drawn.items()
            for one in members.values()
            if campaign == name and one.member.state == "asked"
        ]

    def _spoke(self, one: _Drawn) -> bool:
        return any(
            taken.row is not None
            and (taken.row.citizen, taken.row.conversation) == (one.member.citizen, one.conversation)
            for taken in self._inbound.values()
        )

    def progress(self, name: str, since: int = 0) -> Sequence[Progress]:
        """Return how a campaign goes."""
        with self._lock:
            found = {}
            for (campaign, round), members in self._drawn.items():
                waves: dict[int, list[_Drawn]] = defaultdict(list)
                for one in members.values() if campaign == name else ():
                    waves[one.member.wave].append(one)
                for wave, group in waves.items():
                    found[round, wave] = self._went(round, wave, group, since)
            return [found[key] for key in sorted(found)]

    def _went(self, round: int, wave: int, group: Sequence[_Drawn], since: int) -> Progress:
        asked = [one for one in group if one.member.state == "asked"]
        rows = [self._outbox.rows.get(one.message) for one in asked]
        sent = [row.state if row else "" for row in rows]
        walks = [self._walks.get(one.conversation) for one in asked]
        status = [walk.state.status if walk else "" for walk in walks]
        return Progress(
            round,
            wave,
            drawn=sum(one.member.state == "drawn" for one in group),
            skipped=sum(one.member.state == "skipped" for one in group),
            asked=len(asked),
            waiting=sum(one in ("queued", "sending") for one in sent),
            sent=sum(one in ("accepted", "delivered") for one in sent),
            delivered=sent.count("delivered"),
            failed=sum(one in ("failed", "dead") for one in sent),
            answered=sum(self._spoke(one) for one in asked),
            completed=status.count("done"),
            stopped=sum(one in ("stopped", "refused") for one in status),
            unclear=sum(self._was_unclear(one.member) for one in asked),
            open=sum(
                one.member.asked_at >= since and walk == "active" and state not in ("failed", "dead")
                for one, walk, state in zip(asked, status, sent, strict=True)
            ),
        )

    def _was_unclear(self, member: Member) -> bool:
        return any(
            citizen == member.citizen and kind == "unclear" and at >= member.asked_at
            for citizen, (at, kind, _) in self._events
        )

    def campaign_segments(self, name: str) -> Mapping[str, Segments]:
        """Return the segments of a campaign's conversations, by channel."""
        with self._lock:
            asked = self._asked(name)
            talks = {(one.member.citizen, one.conversation) for one in asked}
            found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
            for row in self._outbox.rows.values():
                if (row.citizen, self._outbox.conversation_of(row.id)) in talks:
                    found[row.channel][0] += row.segments * (row.state != "queued" and row.attempts > 0)
                    found[row.channel][1] += row.segments * (row.state == "queued")
            for taken in self._inbound.values():
                one = taken.row
                if one is not None and one.bearer == "sms" and (one.citizen, one.conversation) in talks:
                    found[one.channel][2] += 1
            return {channel: Segments(*found[channel]) for channel in sorted(found)}

    def last_asked(self, since: int) -> Mapping[str, int]:
        """Return when each citizen was asked last."""
        with self._lock:
            found: dict[str, int] = {}
            for members in self._drawn.values():
                for one in members.values():
                    member = one.member
                    if member.state == "asked" and member.asked_at >= since:
                        found[member.citizen] = max(member.asked_at, found.get(member.citizen, 0))
            return found


def _is_ours(row: OutboxRow, late: bool) -> bool:
    """Tell whether a message never left: it waits, or was given up for coming too late."""
    return (row.state == "queued" and not late) or (row.state == "dead" and row.last_error == LATE)
