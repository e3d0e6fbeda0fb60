"""A program to be killed: it sends an outbox to the vendor `Ledger`, which writes down what it took, and tells each.

    sending_killed.py DATABASE LEDGER CHANNELS CLOCK

CLOCK is added to the time, so that the leases of the process killed before have run out.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from sending_bench import Phones, Scripted

from gateway.channels.base import Sendable, Sent
from gateway.sender import Sender
from storage.sqlite import SqliteStore


class Ledger(Scripted):
    """A vendor that takes everything: one line a message in its ledger, one on our stdout."""

    def __init__(self, name: str, ledger: int) -> None:
        super().__init__(name, budget_day=1_000_000)
        self.ledger = ledger

    def send(self, message: Sendable) -> Sent:
        os.write(self.ledger, f"{message.id}\n".encode())
        os.write(1, b".\n")
        return Sent("accepted", provider_id=f"p-{message.id}")


if __name__ == "__main__":
    database, ledger, channels, clock = sys.argv[1:]
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    store = SqliteStore(Path(database))
    vendors = {name: Ledger(name, file) for name in channels.split(",")}
    sender = Sender(store, vendors, Phones(), lambda: time.time_ns() // 1_000_000 + int(clock), poll=0.01)
    sender.start()
    until = time.monotonic() + 1_800
    while time.monotonic() < until and any(store.outbox_counts()[state] for state in ("queued", "sending")):
        time.sleep(0.05)
    sender.stop()
    store.close()
