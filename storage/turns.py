"""One inbound worked out where it is kept: reading, deciding and keeping are one turn, in one transaction.

A store with a single writer hands its `Dialogue` to `decide` inside the transaction: nobody can move the conversation
in between, and nothing is read twice. Where several gateways share a store, `in_two_steps` does the same by reading,
deciding and keeping, and once more whenever somebody else was first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from storage.errors import StoreBusy

if TYPE_CHECKING:
    from storage.store import Accepted, Change, Dialogue

PATIENCE = 2.0
"""Seconds after which an inbound is no longer worked out again: the store's own deadline comes on top."""
TRIES = 8
"""How often an inbound is worked out again when somebody else moved its conversation first."""


class Asked(Struct, frozen=True, gc=False):
    """Which inbound of which citizen; `session` is empty for SMS."""

    channel: str
    external_id: str
    citizen: str
    session: str = ""


Decide = Callable[["Dialogue"], "Change | bytes | Instead"]
"""Returns what an inbound changes, or the reply that is known already. It may be called again: it only decides."""


class Instead(Struct, frozen=True, gc=False):
    """Another citizen speaks than was asked for: read theirs, and let this decide, for good."""

    asked: Asked
    decide: Callable[[Dialogue], Change | bytes]


Soon = Callable[[Callable[[], None]], object]
"""Has a function called soon by the thread that serves; from whatever thread. Raises RuntimeError once that is over."""

Told = Callable[["Accepted | Exception"], None]
"""Hears how a turn ended, once, from whatever thread; it must return at once and raise nothing."""


class Turns(Protocol):
    """The operations on turns; a part of `storage.store.Store`."""

    def turn(self, asked: Asked, decide: Decide) -> Accepted:
        """Read the dialogue, decide, and keep the change, in one durable transaction; a known reply is a `repeat`.

        What `decide` raises reaches the caller, and nothing is kept.
        """

    def hand_over(self, asked: Asked, decide: Decide, told: Told, soon: Soon | None = None) -> None:
        """Do the same without making the caller wait: `told` hears the outcome, or the error.

        `soon`, of a thread that is alone in handing over: a store may do its work there, but for what waits for a disk
        to write or a network. Raises StoreBusy at once when too much waits already.
        """


class Reads(Protocol):
    """What `in_two_steps` needs of a store."""

    def dialogue(self, channel: str, external_id: str, citizen: str, session: str = "") -> Dialogue:
        """Read what one inbound needs."""

    def accept(self, change: Change) -> Accepted:
        """Keep it, or say that somebody else was first."""


def in_two_steps(store: Reads, asked: Asked, decide: Decide) -> Accepted:
    """Read, decide and keep; the first committed wins, and who comes second decides on what it left."""
    from storage.store import Accepted

    until = time.monotonic() + PATIENCE
    for _ in range(TRIES):
        made = decide(store.dialogue(asked.channel, asked.external_id, asked.citizen, asked.session))
        if isinstance(made, Instead):
            other = made.asked
            made = made.decide(store.dialogue(other.channel, other.external_id, other.citizen, other.session))
        if isinstance(made, bytes):
            return Accepted("repeat", made)
        kept = store.accept(made)
        if kept.outcome != "conflict":
            return kept
        if time.monotonic() > until:
            break
    raise StoreBusy("this citizen's conversation is being moved by others; the provider may try again")
