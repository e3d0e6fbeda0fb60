"""What a campaign is once loaded: frozen, typed, free of YAML."""

from __future__ import annotations

from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct

Members = Literal["same", "new"]
DAY = 86_400


class Audience(Struct, frozen=True, omit_defaults=True):
    """Who is asked, among those who may be: everyone where nothing is said. What is said must all hold."""

    places: tuple[str, ...] = ()
    """HCP codes; a region or province stands for all in it."""
    languages: tuple[str, ...] = ()
    flow: str = ""
    """The flow of an earlier conversation of theirs."""
    when: str = ""
    """What the answers of the newest such conversation must fulfil; empty: that there is one."""
    since: int = 0
    """Seconds back to which that conversation counts; 0 for ever."""


class Wave(Struct, frozen=True, omit_defaults=True):
    """A part of the audience; neither `size` nor `share` takes all that are left."""

    size: int = 0
    share: float = 0.0
    """Of the whole audience."""
    after: int = 0
    """Seconds since the wave before it began."""


class Stop(Struct, frozen=True, omit_defaults=True):
    """When no more citizens are asked; 0 is no limit. Shares are of those asked, once `least` were."""

    completed: int = 0
    stopped: float = 0.0
    unclear: float = 0.0
    failed: float = 0.0
    spent: float = 0.0
    """Money, in the channels' currency: no citizen is asked whom it might not last for."""
    least: int = 20


class Panel(Struct, frozen=True, omit_defaults=True):
    """Repeated rounds: every so many seconds, the `same` citizens or `new` ones."""

    every: int
    rounds: int
    members: Members = "same"
    rotate: float = 0.0
    """The share of a panel that others take the place of in each round."""


class Campaign(Struct, frozen=True, omit_defaults=True):
    """One campaign as its file says."""

    id: str
    flow: str
    start: str
    """Civil time, `2026-12-01 09:00`."""
    title: str = ""
    audience: Audience = Audience()
    most: int = 0
    """Citizens asked in all of a round; 0 for the whole audience."""
    channel: str = ""
    """The channel that sends; empty: for each citizen the one they wrote to."""
    end: str = ""
    """Civil time after which nobody is asked."""
    hours: str = ""
    """`09:00-18:00`: when citizens are asked; always within what quiet hours leave."""
    waves: tuple[Wave, ...] = (Wave(),)
    quota: dict[str, int] = {}
    """Most citizens asked in a round: of each place of a level (`commune`), or of one place (its code)."""
    stop: Stop = Stop()
    reminders: bool = False
    rest: int = 7 * DAY
    """Seconds for which who was asked by any campaign is not asked again."""
    panel: Panel | None = None

    @property
    def rounds(self) -> int:
        """How often it is asked."""
        return self.panel.rounds if self.panel else 1

    @property
    def hash(self) -> str:
        """Sixteen hex digits over all that it says: two files that say the same have one."""
        return sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]
