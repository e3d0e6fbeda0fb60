"""The phones that wrk plays for `make bench`: whole sessions in order, and nothing wrong passes for a figure."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from urllib.parse import parse_qs

import pytest

from benchmarks import wrk
from benchmarks.lane import webhook
from benchmarks.load import REPLIES, TURNS
from benchmarks.servers import awal, free_port, running
from gateway.cli.init import create

PHONES = 8
SESSIONS = [["*".join(replies[:turn]) for turn in range(TURNS)] for replies in REPLIES]
Answers = dict[str, tuple[int, str] | None]
"""What is answered to a text instead of the text itself: a status and a screen, or None to hang up."""


@pytest.fixture(autouse=True)
def _few(need: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    need("wrk")
    monkeypatch.setattr(wrk, "LEAST", 0)


class Endpoint:
    """A bare endpoint, fair to all connections, that keeps what it was asked."""

    def __init__(self, instead: Answers, late: bool, everybody: bool) -> None:
        self.instead = instead
        self.late = late
        self.everybody = everybody
        self.asked: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.burst: list[str] = []
        """The session of each request of wrk's, in their order."""
        self.waiting: dict[str, asyncio.Event] = {}
        self.ready = Event()
        self.port = 0

    async def serve(self) -> None:
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(self.connected, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            self.ready.set()
            await self.over.wait()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while answer := await self.answer(reader):
                status, screen = answer
                writer.write(f"HTTP/1.1 {status} So\r\nContent-Length: {len(screen)}\r\n\r\n{screen}".encode())
                await writer.drain()
        writer.close()

    async def answer(self, reader: asyncio.StreamReader) -> tuple[int, str] | None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.partition("Content-Length: ")[2].split()[0])
        form = parse_qs((await reader.readexactly(length)).decode(), keep_blank_values=True)
        session, text = form["sessionId"][0], form["text"][0]
        self.asked[session, form["phoneNumber"][0]].append(text)
        before_the_burst = "Accept-Encoding" in head  # http.client says so, wrk does not
        if before_the_burst and not self.everybody:
            return 200, f"CON {text}"
        self.burst.append(session)
        await self.hold(session)
        return self.instead.get(text, (200, f"CON {text}"))

    async def hold(self, session: str) -> None:
        """Let one request wait until the same session sends another, where this endpoint is late."""
        if session in self.waiting:
            self.waiting[session].set()
        elif self.late and not self.waiting:
            self.waiting[session] = asyncio.Event()
            await self.waiting[session].wait()


@contextmanager
def endpoint(instead: Answers | None = None, late: bool = False, everybody: bool = False) -> Iterator[Endpoint]:
    """Serve while the phones call."""
    made = Endpoint(instead or {}, late, everybody)
    thread = Thread(target=lambda: asyncio.run(made.serve()))
    thread.start()
    made.ready.wait()
    try:
        yield made
    finally:
        made.loop.call_soon_threadsafe(made.over.set)
        thread.join()


def test_the_gateway_shows_every_phone_of_wrk_the_screen_it_has_to_see(tmp_path: Path) -> None:
    project, port = tmp_path / "demo", free_port()
    create(project, demo=True)
    with running(awal(project, port), port):
        burst = wrk.call(port, webhook(project), PHONES, 1.0)
    assert burst.requests > PHONES
    assert 0 < burst.p50 <= burst.p99


def test_each_citizen_plays_a_session_of_their_own_in_order_in_either_language() -> None:
    with endpoint() as server:
        burst = wrk.call(server.port, "/ussd", PHONES, 1.0)
    assert burst.requests > PHONES
    assert (
        len({session for session, _ in server.asked}) == len({phone for _, phone in server.asked}) == len(server.asked)
    )
    played = list(server.asked.values())
    assert all(asked in (session[: len(asked)] for session in SESSIONS) for asked in played)
    assert all(session in played for session in SESSIONS)


def test_between_two_requests_of_a_session_every_phone_sends_another() -> None:
    with endpoint() as server:
        wrk.call(server.port, "/ussd", PHONES, 1.0)
    assert len(server.burst) > len(set(server.burst)) > PHONES
    for place, one in enumerate(server.burst):
        assert one not in server.burst[max(0, place - PHONES) : place]


def test_a_burst_is_doubtful_where_a_session_went_on_before_it_was_answered() -> None:
    with endpoint(late=True) as server:
        burst = wrk.call(server.port, "/ussd", PHONES, 1.0)
    assert [waited.is_set() for waited in server.waiting.values()] == [True]
    assert burst.doubtful


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        pytest.param({"1*2": (200, "CON 1*3")}, r"wrong answers, the first: '200 CON 1\*3'", id="an unknown screen"),
        pytest.param({"1*2": (200, "CON 3*2")}, "wrong answers, the first: '200 CON ", id="a screen of others"),
        pytest.param({"3": (503, "CON 3")}, "wrong answers, the first: '503 CON 3'", id="a failure"),
        pytest.param({"3": None}, "not every request of wrk was answered", id="no answer"),
    ],
)
def test_a_burst_with_anything_wrong_in_it_gives_no_figure(instead: Answers, said: str) -> None:
    with endpoint(instead) as server, pytest.raises(RuntimeError, match=said):
        wrk.call(server.port, "/ussd", PHONES, 1.0)


def test_a_screen_that_asks_a_citizen_alone_nothing_is_not_measured() -> None:
    with (
        endpoint({"": (200, "END ")}, everybody=True) as server,
        pytest.raises(RuntimeError, match="alone got 200 'END '"),
    ):
        wrk.call(server.port, "/ussd", PHONES, 1.0)
