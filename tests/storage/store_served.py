"""One thread that hands turns over and does what a store leaves to it, as the gateway's event loop does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue

from storage.store import Accepted, Change, Dialogue, Store
from storage.turns import Asked, Decide, Told

WAIT = 30


class Served:
    """A loop in a thread of its own, from its making until `close`."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        self.ended = False

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()

    @property
    def thread(self) -> int:
        """The thread that serves."""
        return self._thread.ident or 0

    def soon(self, call: Callable[[], object]) -> None:
        """Have something called by the thread."""
        if self.ended:
            raise RuntimeError("nobody serves any more")
        self._calls.put(call)

    def hand_over(self, store: Store, asked: Asked, decide: Decide, told: Told) -> None:
        """Hand a turn over from there; raises what that raises."""
        done: Future[None] = Future()

        def give() -> None:
            try:
                done.set_result(store.hand_over(asked, decide, told, self.soon))
            except Exception as error:
                done.set_exception(error)

        self.soon(give)
        done.result(WAIT)

    def accept(self, store: Store, change: Change) -> Accepted:
        """Keep a change as `Store.accept` does, by a turn that is handed over; raises what that ended with."""
        row = change.inbound
        ended: Future[Accepted] = Future()

        def told(outcome: Accepted | Exception) -> None:
            if isinstance(outcome, Exception):
                ended.set_exception(outcome)
            else:
                ended.set_result(outcome)

        def decide(read: Dialogue) -> Change | bytes:
            return change if read.reply is None else read.reply

        self.hand_over(store, Asked(row.channel, row.external_id, row.citizen, row.session), decide, told)
        return ended.result(WAIT)

    def passed(self) -> None:
        """Wait until it has done all that it was asked for before."""
        done: Future[None] = Future()
        self.soon(partial(done.set_result, None))
        done.result(WAIT)

    def close(self) -> None:
        """End the thread; what it was asked for is done before."""
        self.ended = True
        self._calls.put(None)
        self._thread.join()
