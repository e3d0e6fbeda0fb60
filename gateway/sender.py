"""The sender: threads that take what is due from the outbox and hand it to the adapters, each channel on its own.

Nothing is sent inside a webhook. A crash between a sending and its record leaves that message unknown: it is sent once
more when its lease runs out, or left to an operator (`storage.outgoing.ONCE`). So answers are counted exactly once, and
prompts are sent at least once. `gateway/sending/` holds the rules.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from logging import ERROR

from flows.errors import AwalError
from gateway import log
from gateway.channels.base import Channel
from gateway.sending.civil import Civil
from gateway.sending.line import Line, Means, Phones
from gateway.settings import Sending
from storage.store import Store

MINUTE = 60_000


class Sender:
    """Sends the outbox. `clock` returns milliseconds UTC, `jitter` a number in [0, 1), `poll` is in seconds.

    `known` tells whether that clock can be believed: else nothing goes out that nobody has just asked for.
    """

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        phones: Phones,
        clock: Callable[[], int],
        *,
        jitter: Callable[[], float] = random.random,
        poll: float = 1.0,
        timezone: str = "Africa/Casablanca",
        rules: Sending | None = None,
        known: Callable[[], bool] = lambda: True,
    ) -> None:
        rules = rules or Sending()
        self.clock = clock
        self.poll = poll
        self._stopping = threading.Event()
        means = Means(
            store,
            phones,
            clock,
            jitter,
            Civil(timezone),
            self._stopping,
            prefixes=rules.prefixes,
            cap=rules.unasked_day,
            failover=int(rules.failover * MINUTE),
            known=known,
        )
        self.lines: dict[str, Line] = {}
        for name, channel in channels.items():
            if "sms" in channel.bearers:
                self.lines[name] = Line(channel, means, self.lines)
        self._wakes: list[threading.Event] = []
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin sending: one thread per channel, or as many as its `window` says. A second call changes nothing."""
        if self._threads:
            return
        for line in self.lines.values():
            for number in range(line.channel.settings.window):
                self._begin(line, f"sender {line.name} {number}")

    def _begin(self, line: Line, name: str) -> None:
        wake = threading.Event()
        self._wakes.append(wake)
        thread = threading.Thread(target=self._loop, args=(line, wake), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def notify(self) -> None:
        """Say that the outbox grew, so that it is looked at now."""
        for wake in self._wakes:
            wake.set()

    def stop(self, timeout: float = 15.0) -> None:
        """Let the messages in hand finish, then end the threads; what is left stays queued."""
        self._stopping.set()
        self.notify()
        for thread in self._threads:
            thread.join(timeout)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Let nothing be claimed for a moment; what is on its way goes on."""
        with ExitStack() as all_lines:
            for line in self.lines.values():
                all_lines.enter_context(line.turn)
            yield

    def run_once(self, now: int) -> int:
        """Send one claim of each channel in this thread, and return how many messages were taken up."""
        return sum(line.serve(now) for line in list(self.lines.values()))

    def resting(self, now: int) -> list[str]:
        """Return the channels that are left alone at this moment."""
        return [name for name, line in self.lines.items() if line.health.rests(now)]

    def _loop(self, line: Line, wake: threading.Event) -> None:
        while not self._stopping.is_set():
            try:
                taken = line.serve(self.clock())
            except Exception as error:  # the thread must outlive whatever one message or one full disk does to it
                told = str(error) if isinstance(error, AwalError) else type(error).__name__
                log.event("sender-fault", ERROR, channel=line.name, error=told)
                taken = 0
            if not taken:
                wake.wait(line.idle(self.clock(), self.poll))
                wake.clear()
