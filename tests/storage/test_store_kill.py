"""What was acknowledged survives a kill at any moment: its reply, its answers, its place in the conversation."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from store_changes import change, conversation
from store_killed import reply

from storage.sqlite import SqliteStore

CYCLES = int(os.environ.get("AWAL_KILL_CYCLES", "10"))
PROGRAM = Path(__file__).with_name("store_killed.py")


def killed_after(path: Path, root: Path, cycle: int, acks: int) -> list[str]:
    """Run the program until it told `acks` acknowledgements, kill it, and return all it told."""
    command = [sys.executable, str(PROGRAM), str(path), str(cycle)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(acks)]
        process.kill()
        told += process.stdout.readlines()
    assert process.returncode == -9
    assert all(line.endswith("\n") for line in told), "the program ended before it was killed"
    return [line.strip() for line in told]


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(path: Path, root: Path) -> None:
    chance = random.Random(20261123)
    acked: set[str] = set()
    for cycle in range(CYCLES):
        acked.update(killed_after(path, root, cycle, acks=20 + chance.randrange(200)))
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with SqliteStore(path) as store:
            found = {f"{row.conversation}-{row.step[1:]}": row for row in store.answers()}
            for id in acked:
                name, _, step = id.rpartition("-")
                assert store.dialogue("at", id, name).reply == reply(id)
                assert step == "0" or found[id].value == int(step)
            assert len(found) == store.counts()["answers"], "an answer was counted twice"

    assert len(acked) >= 20 * CYCLES


def test_what_was_kept_but_not_told_is_taken_for_a_repeat(path: Path, root: Path) -> None:
    """A provider that heard nothing sends again: kept before or not, each inbound counts once."""
    told = killed_after(path, root, 0, acks=50)
    names = {id.rpartition("-")[0] for id in told}

    with SqliteStore(path) as store:
        before = store.counts()["inbound"]
        kept = [f"{name}-{step}" for name in sorted(names) for step in range(6)]
        kept = [id for id in kept if store.dialogue("at", id, id.rpartition("-")[0]).reply is not None]
        for id in kept:
            name = id.rpartition("-")[0]
            again = store.accept(change(id, conversation(name), citizen=name, reply=b"computed anew"))
            assert (again.outcome, again.reply) == ("repeat", reply(id))
        assert len(kept) >= len(told)
        assert store.counts()["inbound"] == before
