"""Many phones at once over plain sockets: each connection dials, plays a USSD session to its end, and dials again.

The same phones call both sides of a comparison. They share the machine's cores with the server, hence no HTTP library:
a request is one write, an answer is checked by its first bytes and its length.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

REPLIES = (("3", "2", "1", "1", "2"), ("1", "2", "1", "1", "2"))
"""What a phone replies, screen by screen: its language (French or Arabic), a flow, consent, two answers."""
WARM = 0.5
"""Seconds of calls before anything is counted."""
REQUEST = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: {length}\r\n\r\n{body}"
)
BODY = "sessionId=s{phone:08d}&serviceCode=%2A384%2A1%23&phoneNumber=%2B2126{phone:08d}&networkCode=60401&text={text}"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TURNS = len(REPLIES[0]) + 1
"""Requests of a session: the dialling, and one for each reply."""

_numbers = itertools.count(time.time_ns() // 10_000_000 % 50_000_000)
"""A new phone for every session, whatever ran before."""


@dataclass(frozen=True)
class Burst:
    """What came of a burst of calls: how many requests, how many a second, and the milliseconds they took."""

    requests: int
    rate: float
    p50: float
    p99: float
    doubtful: bool = False
    """Whether a session may have sent a request before its last one was answered."""


@dataclass
class Calls:
    """What the phones of one burst saw: the seconds of each request, and every screen that was wrong."""

    path: str
    begins: float
    ends: float
    seconds: list[float] = field(default_factory=list)
    wrong: list[bytes] = field(default_factory=list)

    def burst(self) -> Burst:
        """Return what came of it."""
        quantiles = statistics.quantiles(self.seconds, n=100)
        rate = len(self.seconds) / (self.ends - self.begins)
        return Burst(len(self.seconds), rate, quantiles[49] * 1000, quantiles[98] * 1000)


class Phone(asyncio.Protocol):
    """One connection: sends a request, waits for its answer, sends the next."""

    transport: asyncio.Transport

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.data = b""
        self.dial()

    def dial(self) -> None:
        """Begin a session."""
        self.phone = next(_numbers)
        self.at = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        """Send the session's next request: all its replies so far, as Africa's Talking does."""
        text = request(self.calls.path, form(self.phone, self.at))
        self.sent = time.perf_counter()
        self.transport.write(text.encode())

    def data_received(self, data: bytes) -> None:
        """Take an answer once it is whole; go on with the session until the burst is over."""
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        if not found or len(body) < length(head):
            return
        now = time.perf_counter()
        if self.calls.begins <= self.sent and now <= self.calls.ends:
            self.calls.seconds.append(now - self.sent)
        if not head.startswith(b"HTTP/1.1 200") or not body.startswith(b"CON"):
            self.calls.wrong.append(head[:40] + body)
        self.data = b""
        self.at += 1
        if self.at == TURNS:
            self.dial()
        if now < self.calls.ends:
            self.send()
        else:
            self.transport.close()


def length(head: bytes) -> int:
    """Return the length of an answer's body; what tells none is taken as it comes."""
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


def citizens(many: int) -> int:
    """Set so many new citizens aside, with numbers one after another, and return the first."""
    first, *_ = itertools.islice(_numbers, many)
    return first


def form(phone: int, turn: int, kind: int | None = None) -> str:
    """Return what a phone sends at a turn of its session; `kind` says which replies are its, else its number does."""
    replies = REPLIES[phone % 2 if kind is None else kind]
    return BODY.format(phone=phone, text="%2A".join(replies[:turn]))


def request(path: str, body: str) -> str:
    """Return a form as it goes over the wire."""
    return REQUEST.format(path=path, length=len(body), body=body)


def call(port: int, path: str, phones: int, seconds: float) -> Burst:
    """Call a server from so many phones for so long; raises RuntimeError where a screen was wrong."""
    return call_all([port], path, phones, seconds)


def call_all(ports: Sequence[int], path: str, phones: int, seconds: float) -> Burst:
    """Call several servers from so many phones in all, each of which keeps to one of them."""
    calls = asyncio.run(_call(ports, path, phones, seconds))
    if calls.wrong:
        raise RuntimeError(f"{len(calls.wrong)} wrong answers, the first: {calls.wrong[0]!r}")
    return calls.burst()


async def _call(ports: Sequence[int], path: str, phones: int, seconds: float) -> Calls:
    begins = time.perf_counter() + WARM
    calls = Calls(path, begins, begins + seconds)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Phone(calls), "127.0.0.1", ports[at % len(ports)]) for at in range(phones)
    ]
    while not all(transport.is_closing() for transport, _ in made):
        await asyncio.sleep(0.05)
        if time.perf_counter() > calls.ends + 10:
            raise RuntimeError("a request was never answered")
    return calls
