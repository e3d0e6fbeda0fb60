"""What is kept of a campaign that was started: what exactly was approved, by whom, and how far it came."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from flows.errors import AwalError
from gateway.campaigns.plan import Campaign
from storage.campaigns import CampaignRow, CampaignState
from storage.store import Store

TRIES = 8


class Approval(Struct, frozen=True):
    """A person who answers for the campaign, by name, and what they signed."""

    operator: str
    at: int
    digest: str


class Record(Struct, frozen=True, omit_defaults=True):
    """The frozen plan of a started campaign; files may change, this does not."""

    plan: Campaign
    flow_hash: str
    seed: str
    size: int
    """Citizens drawn into the first round."""
    cost: str
    """What it may come to, as shown to who approved."""
    reserve: float = 0.0
    """Money kept back for each open conversation: its dearest path."""
    approvals: tuple[Approval, ...] = ()
    begun: dict[str, int] = {}
    """`round.wave` to the moment it began."""
    reason: str = ""
    """Why it stopped."""

    @property
    def digest(self) -> str:
        """Return what is approved: this plan, flow, size and cost, in twelve digits that can be read out loud."""
        said = "\0".join((self.plan.hash, self.flow_hash, self.seed, str(self.size), self.cost))
        return sha256(said.encode()).hexdigest()[:12]

    @property
    def round(self) -> int:
        """The round that has begun last; 0 before the first."""
        return max((int(key.partition(".")[0]) for key in self.begun), default=0)

    @property
    def wave(self) -> int:
        """The wave that has begun last in this round; -1 before the first."""
        ours = [key.partition(".") for key in self.begun]
        return max((int(wave) for round, _, wave in ours if int(round) == self.round), default=-1)


class Kept(Struct, frozen=True):
    """A campaign as read from the store: its record, its state and the row it came from."""

    row: CampaignRow
    record: Record

    @property
    def state(self) -> CampaignState:
        """Whether it waits, runs, rests or is over."""
        return self.row.state


def read(store: Store, name: str) -> Kept | None:
    """Return a campaign that was started; None for any other."""
    row = store.campaign(name)
    return _kept(row) if row else None


def read_all(store: Store) -> list[Kept]:
    """Return every campaign that was started."""
    return [_kept(row) for row in store.campaigns()]


def _kept(row: CampaignRow) -> Kept:
    return Kept(row, msgspec.json.decode(row.data, type=Record))


def begin(store: Store, record: Record, state: CampaignState, now: int, before: CampaignRow | None = None) -> bool:
    """Keep a campaign that starts; False when somebody else has just started it."""
    revision = before.revision if before else 0
    return store.keep_campaign(CampaignRow(record.plan.id, state, _text(record), revision, now))


def change(store: Store, name: str, now: int, turn: Callable[[Kept], tuple[Record, CampaignState]]) -> Kept:
    """Change a campaign as `turn` says; it is called again where somebody else changed it meanwhile.

    Raises AwalError when there is no such campaign, and whatever `turn` raises.
    """
    for _ in range(TRIES):
        kept = read(store, name)
        if kept is None:
            raise AwalError(f"{name}: this campaign was not started. Start it: awal campaign start {name}")
        record, state = turn(kept)
        if (record, state) == (kept.record, kept.state):
            return kept
        row = replace(kept.row, state=state, data=_text(record), changed_at=now)
        if store.keep_campaign(row):
            return Kept(replace(row, revision=row.revision + 1), record)
    raise AwalError(f"{name}: others change this campaign at this moment. Try again.")


def _text(record: Record) -> str:
    return msgspec.json.encode(record).decode()
