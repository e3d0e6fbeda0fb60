"""The sender killed between a sending and its record: nothing is lost, and a crash repeats one message at the most."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from msgspec.structs import replace

from gateway.sending.line import LEASE
from storage.outgoing import LOST, OutboundRow
from storage.sqlite import SqliteStore

MESSAGES = int(os.environ.get("AWAL_KILL_MESSAGES", "1500"))
CYCLES = int(os.environ.get("AWAL_SENDER_KILLS", "5"))
PROGRAM = Path(__file__).with_name("sending_killed.py")
NEVER = 10**9


def run(folder: Path, root: Path, channels: list[str], cycle: int, sendings: int) -> int:
    """Run the program until it told `sendings` sendings, kill it, and return what it ended with."""
    given = [str(folder / "awal.db"), str(folder / "ledger"), ",".join(channels), str(cycle * 2 * LEASE)]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'tests' / 'fakes'}"}
    command = [sys.executable, str(PROGRAM), *given]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for at, _ in enumerate(process.stdout, 1):
            if at == sendings:
                process.kill()
                break
    return process.returncode


def row(at: int, channel: str) -> OutboundRow:
    return OutboundRow(f"m{at}", f"c{at}", channel, b"+212661234567", "Merci", "gsm7", 1, 1_000, kind="question")


def filled(folder: Path, channels: list[str], kind: str = "question") -> None:
    with SqliteStore(folder / "awal.db") as store:
        rows = [replace(row(at, channels[at % len(channels)]), kind=kind, ground="form 7") for at in range(MESSAGES)]
        assert sum(store.enqueue(rows[at : at + 1_000]) for at in range(0, MESSAGES, 1_000)) == MESSAGES


def killed(folder: Path, root: Path, channels: list[str]) -> Counter[str]:
    """Kill the program again and again, let it end its work, and return how often the vendor took each message."""
    chance = random.Random(20261123)
    for cycle in range(CYCLES):
        most = MESSAGES // (CYCLES + 1)
        assert run(folder, root, channels, cycle, 1 + chance.randrange(most)) == -9
    assert run(folder, root, channels, CYCLES, NEVER) == 0
    return Counter((folder / "ledger").read_text().split())


def test_every_prompt_arrives_and_a_crash_repeats_at_most_one_per_channel(tmp_path: Path, root: Path) -> None:
    channels = ["iam", "inwi"]
    filled(tmp_path, channels)
    taken = killed(tmp_path, root, channels)
    assert len(taken) == MESSAGES
    assert max(taken.values()) <= 2
    again = taken.total() - MESSAGES
    assert again <= CYCLES * len(channels)
    print(f"sent again: {again} of {MESSAGES:,}, {CYCLES} kills, {len(channels)} channels")  # noqa: T201  # with -s
    with SqliteStore(tmp_path / "awal.db") as store:
        assert store.outbox_counts()["accepted"] == MESSAGES
        doubted = {row.id for row in store.outbox(limit=MESSAGES) if row.lost}
        assert {id for id, times in taken.items() if times > 1} <= doubted, "what may be double is marked so"


def test_no_notice_is_sent_twice(tmp_path: Path, root: Path) -> None:
    filled(tmp_path, ["iam"], "notice")
    taken = killed(tmp_path, root, ["iam"])
    assert set(taken.values()) == {1}
    with SqliteStore(tmp_path / "awal.db") as store:
        dead = store.outbox(("dead",), MESSAGES)
        assert {row.last_error for row in dead} <= {LOST}
        assert len(dead) <= CYCLES
        assert MESSAGES - len(dead) <= len(taken) <= MESSAGES
