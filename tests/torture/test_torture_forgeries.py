"""Forged and mutated requests are never taken, genuine ones through a proxy always are, on every adapter at once.

The gateway is `awal serve`, the proxy a real HAProxy with an address of its own; half the forgeries pass it too.
"""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forgers import CHANNELS, Forger, Letter, Post
from live_gateway import LiveGateway
from modem_world import awaited
from ports import free_port

FORGERIES = int(os.environ.get("AWAL_TORTURE_FORGERIES", "2500"))
PUBLIC = "https://awal.example"
HANDS = 4
PROXY = """
global
    maxconn 200
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend outside
    bind 127.0.0.1:{port}
    option forwardfor
    http-request set-header X-Forwarded-Proto https
    http-request set-header X-Forwarded-Host awal.example
    default_backend awal
backend awal
    server gateway 127.0.0.1:{gateway}
"""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[LiveGateway]:
    one = LiveGateway(tmp_path)
    settings = one.directory / "awal.toml"
    settings.write_text(settings.read_text().replace(f'public_url = "{one.url}"', f'public_url = "{PUBLIC}"'))
    for name, given in CHANNELS.items():
        one.add(name, **given)
    try:
        one.start()
        yield one
    finally:
        one.stop()


@pytest.fixture
def proxy(gateway: LiveGateway, tmp_path: Path, need: Callable[..., None]) -> Iterator[int]:
    need("haproxy")
    port, config = free_port(), tmp_path / "haproxy.cfg"
    config.write_text(PROXY.format(port=port, gateway=gateway.port))
    program = shutil.which("haproxy") or "/usr/sbin/haproxy"
    process = subprocess.Popen([program, "-db", "-q", "-f", str(config)])
    try:
        awaited(lambda: answers(port), "the proxy listens")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        return False
    return True


class Hand(threading.Thread):
    """Sends letters over connections that it keeps, and counts the answers."""

    def __init__(self, letters: Iterator[tuple[str, Letter]], lock: threading.Lock, ports: list[int]) -> None:
        super().__init__(daemon=True)
        self.letters, self.lock, self.ports = letters, lock, ports
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.taken = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        lines = [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for port in self.ports]
        try:
            while (given := self._next()) is not None:
                name, letter = given
                line = lines[sum(self.statuses.values()) % len(lines)]
                self.statuses[name, answered(line, letter)] += 1
                self.taken += letter.taken
        except BaseException as error:  # the test tells it
            self.error = error
        finally:
            for line in lines:
                line.close()

    def _next(self) -> tuple[str, Letter] | None:
        with self.lock:
            return next(self.letters, None)


def answered(line: http.client.HTTPConnection, letter: Letter) -> int:
    """Send one letter and return the status; 0 where a server hung up on it, as it may on what it will not read."""
    for _ in range(2):  # a line that was kept may have been closed meanwhile
        try:
            return sent(line, letter)
        except (ConnectionError, http.client.HTTPException):
            line.close()
        except TimeoutError as error:
            raise AssertionError(f"no answer at port {line.port} to {letter}") from error
    return 0


def sent(line: http.client.HTTPConnection, letter: Letter) -> int:
    """Send one letter and return the status; every third body of a provider's goes in chunks."""
    chunked = letter.method == "POST" and letter.body and len(letter.body) % 3 == 0
    line.putrequest(letter.method, letter.path, skip_host="Host" in letter.headers, skip_accept_encoding=True)
    for name, value in letter.headers.items():
        line.putheader(name, value.encode("latin-1", "replace"))
    if chunked:
        line.putheader("Transfer-Encoding", "chunked")
    elif letter.body:
        line.putheader("Content-Length", str(len(letter.body)))
    line.endheaders(letter.body or None, encode_chunked=bool(chunked))
    answer = line.getresponse()
    answer.read()
    return answer.status


def all_sent(letters: Iterator[tuple[str, Letter]], *ports: int) -> tuple[Counter[tuple[str, int]], int]:
    """Send all letters by a few hands; return the answers, and how many inbounds the genuine ones are."""
    lock = threading.Lock()
    hands = [Hand(letters, lock, list(ports)) for _ in range(HANDS)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
        if hand.error is not None:
            raise hand.error
    return sum((hand.statuses for hand in hands), Counter()), sum(hand.taken for hand in hands)


def test_no_forgery_is_taken_and_nothing_genuine_is_refused(
    gateway: LiveGateway, proxy: int, figures: Callable[..., None]
) -> None:
    forger = Forger(Post(PUBLIC, 1))
    answers, _ = all_sent((forger.forged() for _ in range(FORGERIES)), gateway.port, proxy)
    ways = Counter({name: 0 for name, _ in answers})
    for (name, status), count in answers.items():
        ways[name] += count
        assert status == 0 or 400 <= status < 500, f"{count} times {status} to a forgery: {name}"
    assert gateway.inbound() == 0
    assert gateway.outbox() == []
    assert sum(ways.values()) == FORGERIES

    post = Post(PUBLIC, 2)
    genuine, taken = all_sent((("genuine", post.genuine()) for _ in range(FORGERIES // 10)), proxy)
    assert dict(genuine) == {("genuine", 200): FORGERIES // 10}
    assert gateway.inbound() == taken
    figures(forgeries=FORGERIES, taken=0, genuine=FORGERIES // 10, refused=0, kept=taken)
    figures(hung_up=sum(count for (_, status), count in answers.items() if status == 0))
    figures(**{name.replace(" ", "_"): count for name, count in sorted(ways.items())})


def test_a_request_that_comes_again_is_answered_and_changes_nothing(gateway: LiveGateway, proxy: int) -> None:
    post = Post(PUBLIC, 3)
    letters = [("genuine", post.genuine()) for _ in range(60)]
    first, taken = all_sent(iter(letters), proxy)
    kept = gateway.inbound(), len(gateway.outbox())
    again, _ = all_sent(iter(letters * 2), gateway.port, proxy)
    assert {status for _, status in (*first, *again)} == {200}
    assert (gateway.inbound(), len(gateway.outbox())) == kept == (taken, kept[1])
