"""Missed calls ("bips"): who has no credit lets our number ring once, and gets the flow by SMS.

A call costs its caller nothing and is easily made, or forged. So one is a wish of its caller for this conversation
alone: they have not written, and nothing else is sent to them on its ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from flows.model import Flow
from gateway import log
from gateway.channels.base import Channel, Received
from gateway.library import Library
from storage.following import Following
from storage.store import Citizen

AT_ONCE = 600_000
"""Milliseconds in which several calls are one wish."""
MOMENT = 10_000
"""Milliseconds after which the store shows a call that was answered: it takes no longer to keep one."""
DAY = 86_400_000
MOST = 3
"""Wishes of one citizen that are answered a day: calls may not spend the budget."""


def wished(channel: Channel, library: Library) -> Flow | None:
    """Return the flow that a call to a channel opens."""
    return library.flows.get(channel.settings.bip)


class Calls:
    """Tells which calls are answered by SMS. `prefixes` are numbers that may be written to."""

    def __init__(self, store: Following, library: Library, prefixes: Sequence[str] = ()) -> None:
        self.store = store
        self.library = library
        self.prefixes = tuple(prefixes)
        self._turn = Lock()
        self._last: dict[str, tuple[str, int]] = {}
        """By citizen the call of this moment: two may share a commit, where the store shows neither."""

    def unanswered(self, channel: Channel, received: Received, citizen: Citizen, now: int) -> str:
        """Return why a call is not answered by SMS; empty when it is."""
        why = ""
        if wished(channel, self.library) is None or "sms" not in channel.bearers:
            why = "[channels] bip names no flow that is served" if channel.settings.bip else "bip is not set"
        elif citizen.stopped_at:
            why = "the citizen said stop"
        elif self.prefixes and not received.sender.startswith(self.prefixes):
            why = "[sending] prefixes does not name this number"
        elif self.store.wishes(citizen.pseudonym, now - AT_ONCE):
            why = "called again within minutes"
        elif self.store.wishes(citizen.pseudonym, now - DAY) >= MOST:
            why = "called too often today"
        elif self._again(citizen.pseudonym, received.external_id, now):
            why = "called twice at once"
        log.event("called", channel=channel.name, answered=not why, why=why or "-")
        return why

    def _again(self, citizen: str, call: str, now: int) -> bool:
        """Tell whether a citizen has just made another call; the same one may be looked at twice."""
        with self._turn:
            self._last = {who: last for who, last in self._last.items() if 0 <= now - last[1] < MOMENT}
            return self._last.setdefault(citizen, (call, now))[0] != call
