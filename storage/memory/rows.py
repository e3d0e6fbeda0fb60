"""What the memory store keeps: plain dicts under one lock, for all its parts."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from flows.types import Conversation
from storage.consents import Consent
from storage.memory.dating import MemoryDating
from storage.memory.outbox import MemoryOutbox
from storage.store import AnswerRow, Citizen, Held, InboundRow, Session, SyncRow


class Walk(Struct):
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

    def expire(self) -> None:
        """Close it for another one; nobody goes on with it, or is reminded of it."""
        self.state = replace(self.state, status="expired")
        self.revision += 1
        self.recipient, self.due_at = b"", 0


class Taken(Struct):
    """An inbound with its reply; without the row once its citizen was forgotten."""

    row: InboundRow | None
    channel: str
    reply: bytes


class MemoryRows:
    """The rows, and nothing that is done with them."""

    def __init__(self, timezone: str = "Africa/Casablanca") -> None:
        self._zone = ZoneInfo(timezone)
        self._lock = threading.RLock()
        self._citizens: dict[str, Citizen] = {}
        self._sessions: dict[tuple[str, str], Session] = {}
        self._inbound: dict[tuple[str, str], Taken] = {}
        self._walks: dict[str, Walk] = {}
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


def is_open(walk: Walk) -> bool:
    """Tell whether a conversation goes on."""
    return walk.state.status == "active"


def aware(moment: datetime) -> datetime:
    """Return a moment with its timezone; one that has none is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
