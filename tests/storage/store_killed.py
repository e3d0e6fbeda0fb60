"""A program to be killed: four threads keep changes and tell on stdout, one line each, what was acknowledged."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from msgspec.structs import replace
from store_changes import answer, change, conversation

from storage.sqlite import SqliteStore
from storage.store import Accepted

STEPS = 5


def reply(id: str) -> bytes:
    return f"CON what was shown after {id}".encode()


def told(id: str, kept: Accepted) -> None:
    assert kept == Accepted("taken", reply(id))
    os.write(1, f"{id}\n".encode())


def walk(store: SqliteStore, name: str) -> None:
    """Let one citizen after the other answer five questions."""
    citizen = 0
    while True:
        citizen += 1
        id = f"{name}.{citizen}"
        state = conversation(id)
        told(f"{id}-0", store.accept(change(f"{id}-0", state, citizen=id, reply=reply(f"{id}-0"))))
        for step in range(1, STEPS + 1):
            inbound = f"{id}-{step}"
            state = replace(state, answers={**state.answers, f"q{step}": step})
            row = answer(f"q{step}", step, id)
            told(
                inbound,
                store.accept(change(inbound, state, citizen=id, base=step, reply=reply(inbound), answers=[row])),
            )


if __name__ == "__main__":
    store = SqliteStore(Path(sys.argv[1]))
    for thread in range(4):
        threading.Thread(target=walk, args=(store, f"{sys.argv[2]}.{thread}"), daemon=True).start()
    threading.Event().wait()
