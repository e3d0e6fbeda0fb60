"""A gateway to be killed at a moment: `awal serve` that dies with the first message it takes, as a power cut would.

    dying_gateway.py PROJECT PORT before|after

`before` it is kept, or `after` that and before whoever brought the message hears of it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from gateway.channels.base import Channel, Received
from gateway.cli import run
from gateway.conversation import Conversations
from storage.turns import Soon


def die(*_: object) -> bytes:
    """End this process and all of its group, at once."""
    os.killpg(0, signal.SIGKILL)
    raise AssertionError("dead by now")


def doom(moment: str) -> None:
    """Let the process die with its first message; `told` is called once that message is on disk."""
    kept, handed = Conversations.take, Conversations.hand_over

    def take(one: Conversations, channel: Channel, received: Received) -> bytes:
        return die() if moment == "before" else die(kept(one, channel, received))

    def hand_over(
        one: Conversations,
        channel: Channel,
        received: Received,
        told: Callable[[bytes | Exception], None],
        soon: Soon | None = None,
    ) -> None:
        die() if moment == "before" else handed(one, channel, received, lambda outcome: told(die(outcome)), soon)

    Conversations.take, Conversations.hand_over = take, hand_over  # type: ignore[method-assign]


if __name__ == "__main__":
    project, port, moment = sys.argv[1:]
    doom(moment)
    sys.exit(run(["-C", project, "serve", "--port", port]))
