"""Sending over one SMPP bind: sender, outbox and limits, against a bare loop of smpplib on the same SMSC."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import Row
from benchmarks.servers import ROOT
from gateway.channels.base import Settings
from gateway.channels.smpp import Smpp
from gateway.ids import uuid7
from gateway.sender import Sender
from storage.outgoing import OutboundRow
from storage.sqlite import SqliteStore

SMSC = ROOT / "benchmarks" / "smsc"
MESSAGES = 1_000
DELAY, WINDOW = 40, 10
"""Milliseconds that the farther SMSC takes to answer, as over an operator's VPN, and the `window` that suits it."""
WANTED = 100.0
TEXT = "Merci. Votre avis est transmis."


def rows(project: Path, long: bool) -> list[Row]:  # noqa: ARG001  # every file takes the same
    """Return the comparisons of this file; none where npm's smpp cannot be had."""
    if not installed():
        return []
    unit, peer, far = "messages/s", "a bare smpplib loop", f"an SMSC {DELAY} ms away"
    return [
        Row("sending over one bind", unit, sender, loop, None, at_most=False, against=peer),
        Row(
            f"sending to {far}, window {WINDOW}",
            unit,
            lambda: sender(DELAY, WINDOW),
            lambda: loop(DELAY),
            4.0,
            at_most=False,
            against=peer,
        ),
        Row("sending over one bind, a second", unit, sender, lambda: WANTED, 1.0, at_most=False, against="100"),
        Row(
            f"sending to {far}, a second",
            unit,
            lambda: sender(DELAY, WINDOW),
            lambda: WANTED,
            1.0,
            at_most=False,
            against="100",
        ),
    ]


def installed() -> bool:
    """Install the SMSC at the first use; where npm is absent or offline, say so."""
    try:
        if not (SMSC / "node_modules" / "smpp").is_dir():
            command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
            subprocess.run(command, cwd=SMSC, check=True, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"sending: left out, since npm's smpp cannot be had ({error})")
        return False
    return True


@contextmanager
def smsc(delay: int) -> Iterator[int]:
    """Run an SMSC and yield its port."""
    command = ["node", "smsc.js", str(delay)]
    with subprocess.Popen(command, cwd=SMSC, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield int(process.stdout.readline())
        process.stdin.close()


def loop(delay: int = 0) -> float:
    """Return the messages a second of a loop that submits one, reads its answer, and submits the next."""
    from smpplib.client import Client

    with smsc(delay) as port:
        client = Client("127.0.0.1", port, allow_unknown_opt_params=True)
        client.connect()
        client.bind_transceiver(system_id="awal", password="pass")
        count = MESSAGES // 10 if delay else MESSAGES
        begun = time.perf_counter()
        for at in range(count):
            client.send_message(
                source_addr="2424",
                destination_addr=f"2126{at:08d}",
                short_message=TEXT.encode(),
                registered_delivery=1,
            )
            client.read_pdu()
        seconds = time.perf_counter() - begun
        client.unbind()
        client.disconnect()
    return count / seconds


def sender(delay: int = 0, window: int = 1) -> float:
    """Return the messages a second of our sender, from an outbox on disk to outcomes on disk."""
    with smsc(delay) as port, tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            name="op",
            type="smpp",
            host="127.0.0.1",
            port=port,
            system_id="awal",
            password="pass",
            number="2424",
            quiet_hours="",
            budget_day=10_000_000,
            window=window,
        )
        channel = Smpp(settings, "http://localhost")
        with SqliteStore(Path(folder) / "awal.db") as store:
            fill(store)
            channel.start(Nobody())
            until(lambda: bool(channel.state()["connected"]))
            working = Sender(store, {"op": channel}, Sealed(), lambda: time.time_ns() // 1_000_000)
            begun = time.perf_counter()
            working.start()
            until(lambda: store.outbox_counts()["accepted"] == MESSAGES)
            seconds = time.perf_counter() - begun
            working.stop()
            channel.close()
    return MESSAGES / seconds


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    while not condition():
        threading.Event().wait(0.02)


def fill(store: SqliteStore) -> None:
    """Queue the messages, each to a citizen of its own."""
    now = time.time_ns() // 1_000_000
    rows = [
        OutboundRow(uuid7(now), f"c{at}", "op", f"+2126{at:08d}".encode(), TEXT, "gsm7", 1, now)
        for at in range(MESSAGES)
    ]
    store.enqueue(rows)


class Sealed:
    """Numbers that are no secret: opening one costs the same everywhere, and is measured elsewhere."""

    def unseal(self, sealed: bytes) -> str:
        """Return the number."""
        return sealed.decode()


class Nobody:
    """Nobody writes here."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)
