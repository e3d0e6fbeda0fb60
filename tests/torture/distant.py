"""A SQLite store in a process of its own, asked over a pipe, so that it can be killed in the middle of an operation."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from model_rest import Decided, handed
from store_served import Served

from storage.errors import StoreError
from storage.sqlite import SqliteStore
from storage.turns import Asked

PROCESSES = multiprocessing.get_context("forkserver")

HANDED = "hand_over"
Outcome = tuple[bool, Any]
"""Whether it went well, and what came out or the error."""


@cache
def ready() -> None:
    """Start the process that the others are copied from, once, with all they need already imported."""
    PROCESSES.set_forkserver_preload(["pytest", "distant"])
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        forkserver.ensure_running()


def serve(path: Path, asked: Connection) -> None:
    """Do one operation after the other until the other side is gone."""
    store, served = SqliteStore(path), Served()
    hand_over = partial(handed, store, hand_over=partial(served.hand_over, store))
    try:
        while True:
            operation, given, named = asked.recv()
            asked.send(attempt(hand_over if operation == HANDED else getattr(store, operation), given, named))
    except EOFError:
        store.close()


def attempt(operation: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> Outcome:
    try:
        found = operation(*given, **named)
        return True, list(found) if isinstance(found, Iterator) else found
    except StoreError as error:
        return False, StoreError(str(error))


class Distant:
    """The store's operations by their names; the process is killed by `kill` and comes back by `start`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start()

    def start(self) -> None:
        """Open the file in a new process."""
        ready()
        self._asked, asked = PROCESSES.Pipe()
        self._process = PROCESSES.Process(target=serve, args=(self.path, asked), daemon=True)
        self._process.start()
        asked.close()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def ask(*given: object, **named: object) -> Any:
            self.begin(operation, *given, **named)
            return self.end()

        return ask

    def hand_over(self, asked: Asked, decide: Decided, told: Callable[[Any], None]) -> None:
        """Hand it over there, wait there, and tell it here."""
        self.begin(HANDED, asked, decide)
        told(self.end())

    def begin(self, operation: str, *given: object, **named: object) -> None:
        """Ask for an operation and do not wait."""
        self._asked.send((operation, given, named))

    def end(self) -> Any:
        """Wait for what was asked, and return it or raise its error."""
        well, found = self._asked.recv()
        if not well:
            raise found
        return found

    def strike(self, after: float) -> None:
        """Kill the process so many seconds after it was asked, or once it answers, and start another."""
        self._asked.poll(after)
        self.kill()
        self.start()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._asked.close()

    def close(self) -> None:
        """Let the process end in order."""
        self._asked.close()
        self._process.join()
        assert self._process.exitcode == 0
