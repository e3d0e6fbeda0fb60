"""The front under granian: one event loop takes every request; no inbound there waits for a sync or a slow phone.

An inbound is read, verified and handed over to the store, which may run it here, with all that came at the same time;
the answers come back when their common commit is on disk. Everything else, and the few events that make somebody wait,
go to a small pool of threads. granian's own interface (RSGI) is used as its documentation has it: a coroutine of the
request's scope and protocol.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.channels.base import Received, Reply
from gateway.envelope import PAGE_BYTES, called, envelope

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from werkzeug.wrappers import Response

    from gateway.lane import Lane, Target

INBOUND = "/in/"
Outcome = asyncio.Future[bytes | Exception]


class Loop(asyncio.SelectorEventLoop):
    """An event loop that other threads wake once for all that they ask of it until it looks.

    asyncio writes a byte to itself for each thing asked; under load that is two system calls for every request.
    """

    _awake = False

    def _write_to_self(self) -> None:
        if not self._awake:
            self._awake = True
            super()._write_to_self()  # type: ignore[misc]

    def _process_self_data(self, data: bytes) -> None:
        self._awake = False  # before what was asked is done: whoever asks from now on wakes it again
        super()._process_self_data(data)  # type: ignore[misc]


def event_loop() -> asyncio.AbstractEventLoop:
    """Return the loop that serves: uvloop's, a tenth faster for us, or asyncio's own where that is not to be had."""
    try:
        import uvloop
    except ImportError:
        return Loop()
    made: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return made


class Front:
    """The application that granian calls. `lane` is made when the first inbound comes."""

    def __init__(self, lane: Callable[[], Lane], pages: WSGIApplication, threads: int) -> None:
        self.lane = lane
        self.pages = pages
        self.pool = ThreadPoolExecutor(threads, "awal-page")
        self.loop: asyncio.AbstractEventLoop
        self.told: Told

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Learn which loop serves."""
        self.loop = loop
        self.told = Told(loop)

    def __rsgi__(self, scope: Any, protocol: Any) -> Coroutine[Any, Any, None]:
        """Answer one request."""
        return (self.inbound if scope.path.startswith(INBOUND) else self.page)(scope, protocol)

    async def page(self, scope: Any, protocol: Any) -> None:
        """Answer somebody who looks at a page."""
        environ = await envelope(scope, protocol, PAGE_BYTES)
        answer = await self.loop.run_in_executor(self.pool, called, self.pages, environ)
        protocol.response_bytes(*answer)

    async def inbound(self, scope: Any, protocol: Any) -> None:
        """Answer a provider, by the lane's rules."""
        begun = time.perf_counter()
        lane = self.lane()
        target = lane.target(scope.path)
        if target is None:
            response: Reply | Response = lane.nothing()
        else:
            opened = lane.open(await lane.arrived(scope, protocol), target)
            match opened:
                case [Received() as received] if lane.conversations.hands_over(received):
                    response = lane.answer(target, received, await self.kept(lane, target, received))
                case list():
                    response = await self.loop.run_in_executor(self.pool, lane.hand_over, target, opened)
                case _:
                    response = opened
        lane.note(target, response, begun)
        send(protocol, response)

    def kept(self, lane: Lane, target: Target, received: Received) -> Outcome:
        """Hand a lone inbound over; who waits hears the body to answer once it is on disk, or why it is not."""
        outcome: Outcome = self.loop.create_future()
        try:
            lane.conversations.hand_over(
                target.channel, received, partial(self.told.put, outcome), self.loop.call_soon_threadsafe
            )
        except Exception as error:  # the answer says whose fault it was
            self.told.put(outcome, error)
        return outcome

    def close(self) -> None:
        """End the threads."""
        self.pool.shutdown(cancel_futures=True)


class Told:
    """What other threads tell those who wait in the loop: it is woken once for all that was told until it looks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._told: deque[tuple[Outcome, bytes | Exception]] = deque()
        self._looks = False

    def put(self, outcome: Outcome, heard: bytes | Exception) -> None:
        """Tell one; from whatever thread."""
        if asyncio._get_running_loop() is self._loop:  # else it would have to be woken
            self._settle_one(outcome, heard)
            return
        self._told.append((outcome, heard))
        if not self._looks:
            self._looks = True
            with suppress(RuntimeError):  # the loop is closed: the provider is gone, and hears it from a repeat
                self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._looks = False  # before it looks: whoever tells from now on wakes it again
        while self._told:
            self._settle_one(*self._told.popleft())

    @staticmethod
    def _settle_one(outcome: Outcome, heard: bytes | Exception) -> None:
        if not outcome.done():
            outcome.set_result(heard)


def send(protocol: Any, response: Reply | Response) -> None:
    """Answer; the length of the body is the server's to tell."""
    if isinstance(response, Reply):
        protocol.response_bytes(200, [("content-type", response.content_type)], response.body)
    else:
        headers = [(name, value) for name, value in response.headers.items() if name.lower() != "content-length"]
        protocol.response_bytes(response.status_code, headers, response.get_data())
