"""What the clock does for campaigns: begin waves and rounds, ask the next citizens, and stop when a rule says so.

A tick may die anywhere and run twice: each citizen is asked in a transaction of its own, which asks nobody again.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from flows.encoding import measure
from flows.errors import AwalError
from flows.model import Flow
from gateway import log
from gateway.campaigns.audience import Person, next_round, select
from gateway.campaigns.figures import Standing, standing, verdict
from gateway.campaigns.hours import Hours
from gateway.campaigns.opening import opened
from gateway.campaigns.plan import Audience
from gateway.campaigns.preview import seed_of, sizes
from gateway.campaigns.record import Kept, Record, change, read_all
from gateway.following import first_look
from gateway.ids import uuid7
from gateway.sending.civil import Civil
from storage.campaigns import Asking, CampaignState, Member
from storage.store import OutboundRow

if TYPE_CHECKING:
    from gateway.channels.base import Channel
    from gateway.project import Project

AHEAD = 60
"""Seconds of a channel's rate that are queued ahead: what a pause takes back, and no more."""
MOST = 500
"""Messages queued ahead where a channel has no rate."""
LEAST = 10
LOOKED_AT = 2_000
"""Members looked at in one turn; who is busy is among them."""
HOUR = 3_600_000


def tick(project: Project) -> None:
    """Do what is due for each campaign that runs; one that fails is logged, and keeps no other waiting."""
    now = project.clock()
    for kept in read_all(project.store):
        if kept.state != "running":
            continue
        try:
            Turn(project, kept, now).run()
        except Exception as error:  # whatever is wrong with one campaign, the others go on
            _tell(project, kept.row.name, str(error) if isinstance(error, AwalError) else type(error).__name__, now)


def _tell(project: Project, name: str, error: str, now: int) -> None:
    """Log why a campaign could not go on, and keep it for the operator once a day."""
    log.event("campaign failed", level=40, campaign=name, error=error)
    day = Civil(project.settings.gateway.timezone).hour(now)[:10]
    if project.store.claim_slot(f"campaign {name} failed", day, now):
        project.note("campaign", f"{name}: {error}")


class Turn:
    """One look at one campaign that runs."""

    def __init__(self, project: Project, kept: Kept, now: int) -> None:
        self.project = project
        self.kept = kept
        self.now = now
        self.store = project.store
        self.name = kept.row.name
        self.plan = kept.record.plan
        self.hours = Hours(project, self.plan)

    @property
    def record(self) -> Record:
        """What is kept of it."""
        return self.kept.record

    def run(self) -> None:
        """Do what is due."""
        if self.hours.over(self.now):
            self._end("done", "its end has come")
            return
        self.store.take_back(self.name, late=True)
        stands = standing(self.project, self.kept, self.now)
        if why := verdict(self.plan.stop, stands.of(self.record.round)):
            self._end("stopped", why)
        elif not self._open():
            self.store.take_back(self.name)
        elif self._is_due(stands):
            self._ask(standing(self.project, self.kept, self.now))

    def _end(self, state: CampaignState, reason: str) -> None:
        def turn(kept: Kept) -> tuple[Record, CampaignState]:
            if kept.state != "running":
                return kept.record, kept.state
            return replace(kept.record, reason=reason), state

        kept = change(self.store, self.name, self.now, turn)
        if kept.state == state:
            self.store.take_back(self.name)
            self.project.note("campaign", f"{self.name}: {state}, {reason}")

    # waves and rounds ------------------------------------------------------------------------------------------
    def _is_due(self, stands: Standing) -> bool:
        """Begin the wave or the round whose moment has come; tell whether there is somebody to ask."""
        record, round = self.record, self.record.round
        enough = self.plan.stop.completed and stands.of(round).completed >= self.plan.stop.completed
        left = stands.of(round).drawn
        if enough or (record.wave == len(self.plan.waves) - 1 and not left):
            return self._next_round(stands, enough=bool(enough))
        if record.wave < 0:
            return self.now >= self.hours.start and self._begin(round, 0)
        return bool(self._due()) or self._next_wave()

    def _next_wave(self) -> bool:
        """Begin the next wave when it is due."""
        round, wave = self.record.round, self.record.wave
        if wave + 1 >= len(self.plan.waves):
            return False
        due = self.record.begun[f"{round}.{wave}"] + self.plan.waves[wave + 1].after * 1000
        return self.now >= due and self._begin(round, wave + 1)

    def _bound(self, wave: int) -> int:
        """Return the rank at which a wave ends; the last takes all there are."""
        ours = sizes(self.plan, self.record.size)
        return sum(ours[: wave + 1]) if wave + 1 < len(ours) else sys.maxsize

    def _due(self) -> list[Member]:
        """Return the next members of the waves that have begun."""
        bound = self._bound(self.record.wave)
        due = self.store.members(self.name, self.record.round, "drawn", LOOKED_AT)
        return [one for one in due if one.rank < bound]

    def _begin(self, round: int, wave: int) -> bool:
        """Note that a wave begins."""
        key = f"{round}.{wave}"

        def turn(kept: Kept) -> tuple[Record, CampaignState]:
            if kept.state != "running" or key in kept.record.begun:
                return kept.record, kept.state
            return replace(kept.record, begun={**kept.record.begun, key: self.now}), kept.state

        self.kept = change(self.store, self.name, self.now, turn)
        self.project.note("campaign", f"{self.name}: round {round + 1}, wave {wave + 1} begins")
        return self.kept.state == "running"

    def _next_round(self, stands: Standing, *, enough: bool) -> bool:
        """Draw and begin the next round when it is due; after the last, end once nobody is to answer any more."""
        round, panel = self.record.round, self.plan.panel
        if round + 1 >= self.plan.rounds or panel is None:
            if not stands.of().open and not stands.of().waiting:
                self._end("done", "enough have answered" if enough else "all were asked")
            elif enough:
                self.store.take_back(self.name)
            return False
        begun = self.record.begun.get(f"{round}.0", self.hours.start)
        if self.now < begun + panel.every * 1000:
            return False
        self.store.draw_members(self.name, round + 1, self._drawn(round + 1))
        return self._begin(round + 1, 0)

    def _drawn(self, round: int) -> list[str]:
        """Draw the members of a later round; never more than were approved."""
        before = [one.citizen for one in self.store.members(self.name, round - 1)]
        found = select(self.project, self.plan, self.now)
        return next_round(self.plan, found, seed_of(self.plan, round), before)[: self.record.size]

    # asking ----------------------------------------------------------------------------------------------------
    def _ask(self, stands: Standing) -> None:
        """Ask the next members, as many as their channels carry in the next minute and the money lasts for."""
        flow = self.project.library.pinned(self.record.flow_hash)
        if flow is None:
            raise AwalError("its flow is not known any more; stop the campaign")
        room, purse = self._room(stands), _Purse(self.plan.stop.spent, stands, self.record.reserve)
        went: Counter[str] = Counter()
        for person in self._next():
            if not purse.lasts():
                went["money"] += 1
                break
            if not room.get(person.channel, 0):
                went["later"] += 1
                continue
            outcome = self._one(flow, person)
            went[outcome] += 1
            if outcome == "asked":
                room[person.channel] -= 1
                purse.takes()
        self._conclude(went, stands)

    def _conclude(self, went: Counter[str], stands: Standing) -> None:
        """Wake the sender; end where the money is spent, and go on where only who is busy is left."""
        if went["asked"]:
            self.project.grown()
            log.event("campaign asks", campaign=self.name, wave=self.record.wave + 1, citizens=went["asked"])
        elif went["money"] and not stands.of().open:
            self._end("stopped", f"the money does not last for another conversation: {stands.spent:.2f} spent")
        elif went["busy"] and not went["later"]:
            self._next_wave()

    def _open(self) -> list[Channel]:
        """Return the channels by which citizens may be asked at this moment."""
        able = [one for one in self.project.channels.values() if "sms" in one.bearers]
        return [one for one in able if self.hours.open(self.now, one)]

    def _room(self, stands: Standing) -> dict[str, int]:
        """Return how many messages each channel whose hours are open may have queued besides those that wait."""
        found = {}
        for channel in self._open():
            rate = channel.settings.rate
            most = max(LEAST, int(rate * AHEAD)) if rate else MOST
            found[channel.name] = max(0, most - stands.of().waiting)
        return found

    def _next(self) -> Iterator[Person]:
        """Yield the next members with where they are reached now; who cannot be reached any more is left out for good.

        Whether they still fit the audience is not asked again: the draw has decided that.
        """
        due = self._due()
        anyone = replace(self.plan, audience=Audience(), rest=0)
        known = select(self.project, anyone, self.now, {one.citizen for one in due})
        lost = [one.citizen for one in due if one.citizen not in known]
        if lost:
            self.store.skip_members(self.name, self.record.round, lost, "cannot be reached")
        for member in due:
            if member.citizen in known:
                yield known[member.citizen]

    def _one(self, flow: Flow, person: Person) -> str:
        """Ask one citizen, unless they are in the middle of another conversation."""
        read = self.store.dialogue(person.channel, "", person.citizen)
        closes = ""
        if read.current is not None:
            state = read.current.state
            pinned = self.project.library.pinned(state.flow_hash)
            waited = self.now / 1000 - state.updated_at.timestamp()
            if pinned is not None and waited <= pinned.resume:
                return "busy"
            closes = state.id
        conversation, text = opened(self.project, flow, person, self.now)
        size = measure(text)
        message = OutboundRow(
            id=uuid7(self.now),
            citizen=person.citizen,
            channel=person.channel,
            recipient=person.number,
            text=text,
            encoding=size.encoding,
            segments=size.segments,
            created_at=self.now,
            dedupe_key=f"campaign {self.name} {self.record.round}.{person.citizen}",
            not_after=self._not_after(flow),
            kind="campaign",
            ground=person.ground,
            conversation=conversation.id,
        )
        asking = Asking(
            campaign=self.name,
            round=self.record.round,
            wave=self.record.wave,
            message=message,
            conversation=conversation,
            closes=closes,
            due_at=self.now + (first_look(flow, "sms") if self.plan.reminders else flow.resume * 1000 + 1),
            reminds=self.plan.reminders,
        )
        return self.store.ask(asking)

    def _not_after(self, flow: Flow) -> int:
        """Return until when the message is worth sending: most of the time to answer must be left."""
        until = self.now + max(HOUR, flow.resume * 1000 // 4)
        return min(until, self.hours.end) if self.hours.end else until


class _Purse:
    """What may still be spent: the cap, less what is spent, less the dearest path of every open conversation."""

    def __init__(self, cap: float, stands: Standing, reserve: float) -> None:
        self.cap = cap
        self.reserve = reserve
        self.left = cap - stands.spent - stands.of().open * reserve

    def lasts(self) -> bool:
        """Tell whether the money lasts for one more conversation, whatever path it takes."""
        return not self.cap or self.left >= self.reserve

    def takes(self) -> None:
        """Keep the money of one more conversation back."""
        self.left -= self.reserve
