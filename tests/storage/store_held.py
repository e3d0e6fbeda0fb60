"""A store whose writer is busy, so that what is handed over meanwhile shares a commit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from storage.sqlite import SqliteStore

WAIT = 30


@contextmanager
def held(store: SqliteStore) -> Iterator[None]:
    """Keep the writer busy until the block ends."""
    begun, over = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        begun.set()
        assert over.wait(WAIT)

    store._writes.hand_over(hold, lambda _: None, lambda: False)
    assert begun.wait(WAIT)
    try:
        yield
    finally:
        over.set()
