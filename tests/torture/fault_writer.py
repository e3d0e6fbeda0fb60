"""A program whose disk fails now and then: it keeps one inbound after the other and tells what it heard.

`+ID` is an acknowledgement, `!` an error that a caller heard. Each inbound is tried until it is kept, as providers do.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from store_changes import change, conversation
from store_killed import reply
from store_served import Served

from storage.errors import StoreError, StoreFull
from storage.sqlite import SqliteStore
from storage.store import Accepted, Change

Accept = Callable[[Change], Accepted]


def opened(path: Path) -> SqliteStore:
    """Open the store, which may fail too."""
    while True:
        try:
            return SqliteStore(path)
        except StoreError:
            os.write(1, b"!\n")


def by_turns(store: SqliteStore) -> list[Accept]:
    """Return the two ways in which a change is kept: by the store's writer, and by a thread that serves."""
    return [store.accept, partial(Served().accept, store)]


def keep(accept: Accept, name: str) -> None:
    """Lead one conversation, for ever: on a disk that seems full nobody new is taken, but who is under way goes on."""
    for number in itertools.count():
        id, kept = f"{name}.{number}", None
        while kept is None:
            try:
                kept = accept(change(id, conversation(name), citizen=name, base=number, reply=reply(id)))
            except StoreError as error:
                if number or not isinstance(error, StoreFull):
                    os.write(1, b"!\n")
        assert kept.reply == reply(id), kept
        os.write(1, f"+{id}\n".encode())


if __name__ == "__main__":
    ways = by_turns(opened(Path(sys.argv[1])))
    for number in range(4):
        threading.Thread(target=keep, args=(ways[number % 2], f"{sys.argv[2]}.{number}"), daemon=True).start()
    threading.Event().wait()
