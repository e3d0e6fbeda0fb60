"""The front under granian answers as the WSGI application does, and nobody at it waits for somebody slow."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from recorder import Recorder
from werkzeug.test import Client
from werkzeug.wrappers import Request

from gateway.channels.base import ForeignSession, Settings
from gateway.channels.registry import create
from gateway.envelope import MOST_BYTES, head, variable
from gateway.front import Front, Loop
from gateway.lane import Lane
from gateway.running import front as wsgi_front
from storage.errors import StoreBusy, StoreFull

SECRET = "f3a9c1d7e5b04682a1c3e5f708192a3b"
FORM = "application/x-www-form-urlencoded"
USSD = b"sessionId=ATUid_1&phoneNumber=%2B212612345678&text=1&serviceCode=*1%23&networkCode=6"
SMS = b"id=m-1&from=%2B212612345678&to=28028&text=EAU"


class Scope:
    """What granian tells of a request."""

    def __init__(self, method: str, path: str, headers: list[tuple[str, str]], query: str = "") -> None:
        self.method, self.path, self.query_string = method, path, query
        self.headers = Pairs(headers)
        self.server, self.client, self.scheme, self.http_version = "[::1]:8000", "192.0.2.7:4711", "http", "1.1"


class Pairs:
    """Headers as granian has them: some may come twice."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs

    def items(self) -> list[tuple[str, str]]:
        return self.pairs

    def get_all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key.lower() == name]


class Protocol:
    """The body as it comes, and the answer as it goes. `gate`: the rest of the body comes after it."""

    def __init__(self, *parts: bytes, broken: bool = False, gate: asyncio.Event | None = None) -> None:
        self.parts, self.broken, self.gate = parts, broken, gate
        self.read = 0
        self.answered: tuple[int, dict[str, str], bytes] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.read += len(part)
            yield part
        if self.gate:
            await self.gate.wait()
        if self.broken:
            raise RuntimeError("the other side is gone")

    async def __call__(self) -> bytes:
        return b"".join([part async for part in self])

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        assert self.answered is None, "a request has one answer"
        self.answered = (status, {name.lower(): value for name, value in headers}, body)


def echo(environ: Any, start_response: Any) -> Iterator[bytes]:
    """Stand for the pages."""
    request = Request(environ)
    start_response("201 Created", [("X-Told", f"{request.remote_addr} {request.headers.get('Cookie')}")])
    yield request.full_path.encode() + b" "
    yield request.get_data()


def lane(failure: Exception | None = None) -> tuple[Lane, Recorder]:
    recorder = Recorder(failure)
    at = create(Settings(name="at", type="africastalking", secret=SECRET), "https://awal.example")
    kannel = create(
        Settings(name="kannel", type="kannel", secret=SECRET, sendsms_url="http://127.0.0.1/"), "https://awal.example"
    )
    return Lane({"at": at, "kannel": kannel}, recorder), recorder


def serve(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do some work on the loop that serves, in a thread of its own: the browser's tests leave a loop in this one."""

    def run() -> None:
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(work())

    with ThreadPoolExecutor(1) as thread:
        thread.submit(run).result()


def answer(made: Lane, scope: Scope, protocol: Protocol) -> tuple[int, dict[str, str], bytes]:
    """Return what the front answers, on the loop that serves."""

    async def ask() -> None:
        front.__rsgi_init__(asyncio.get_running_loop())
        await front.__rsgi__(scope, protocol)

    front = Front(lambda: made, echo, 2)
    serve(ask)
    front.close()
    assert protocol.answered
    return protocol.answered


def posted(path: str, body: bytes, *headers: tuple[str, str], method: str = "POST") -> tuple[Scope, Protocol]:
    told = [("content-type", FORM), ("content-length", str(len(body))), *headers]
    return Scope(method, path, told), Protocol(body)


CASES = {
    "a dial": (f"/in/at/{SECRET}/ussd", USSD),
    "an SMS": (f"/in/at/{SECRET}/sms", SMS),
    "a wrong secret": ("/in/at/wrong/ussd", USSD),
    "a wrong path": (f"/in/at/{SECRET}/voice", USSD),
    "nobody's path": ("/in/nobody/ussd", USSD),
    "no session": (f"/in/at/{SECRET}/ussd", b"text=1"),
    "no form": (f"/in/at/{SECRET}/ussd", b""),
    "too long": (f"/in/at/{SECRET}/ussd", USSD + b"a" * MOST_BYTES),
    "bytes that are no text": (f"/in/at/{SECRET}/ussd", USSD.replace(b"text=1", b"text=1*\xff%C3%28")),
    "an end of a session": (f"/in/at/{SECRET}/ussd-end", b"sessionId=s&phoneNumber=%2B212612345678&status=Failed"),
}


@pytest.mark.parametrize("failure", [None, StoreFull("full"), StoreBusy("busy"), KeyError("x"), ForeignSession("s")])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_it_answers_as_the_wsgi_application_does(case: str, failure: Exception | None, method: str) -> None:
    path, body = CASES[case]
    made, taken = lane(failure)
    status, headers, told = answer(made, *posted(path, body, method=method))
    other, also = lane(failure)
    expected = Client(other).open(path, method=method, data=body, content_type=FORM)
    assert (status, told) == (expected.status_code, expected.data)
    assert headers["content-type"] == expected.content_type
    assert headers.get("allow") == expected.headers.get("Allow")
    assert headers.get("retry-after") == expected.headers.get("Retry-After")
    assert taken.taken == also.taken


def test_a_query_is_read_where_the_provider_sends_one() -> None:
    made, recorder = lane()
    query = "from=%2B212612345678&to=28028&text=EAU&coding=0&charset=UTF-8&id=m1"
    scope = Scope("GET", f"/in/kannel/{SECRET}/sms", [("host", "x")], query)
    assert answer(made, scope, Protocol())[0] == 200
    assert len(recorder.taken) == 1


@pytest.mark.parametrize(("size", "status"), [(10, 200), (MOST_BYTES * 5, 413)])
def test_a_chunked_body_is_read_as_far_as_anybody_wants_it(size: int, status: int) -> None:
    made, recorder = lane()
    protocol = Protocol(USSD, *[b"a" * 1000] * (size // 1000), b"")
    chunked = [("content-type", FORM), ("transfer-encoding", "chunked")]
    assert answer(made, Scope("POST", f"/in/at/{SECRET}/ussd", chunked), protocol)[0] == status
    assert protocol.read < MOST_BYTES + 2000
    assert len(recorder.taken) == (status == 200)


def test_a_body_that_broke_off_is_not_taken_for_the_whole() -> None:
    made, recorder = lane()
    scope, _ = posted(f"/in/at/{SECRET}/ussd", USSD)
    assert answer(made, scope, Protocol(USSD[:40], broken=True))[0] == 400
    assert recorder.taken == []


def test_a_page_is_answered_by_the_other_application_with_all_it_was_asked() -> None:
    made, _ = lane()
    scope, protocol = posted("/réponses", b"a=1", ("cookie", "a=1"), ("cookie", "b=2"))
    scope.query_string = "x=%20"
    status, headers, body = answer(made, scope, protocol)
    assert (status, headers["x-told"]) == (201, "192.0.2.7 a=1; b=2")
    assert body.decode() == "/réponses?x=%20 a=1"


def test_a_slow_phone_holds_nobody_up() -> None:
    made, recorder = lane()
    front = Front(lambda: made, echo, 1)

    async def both() -> None:
        front.__rsgi_init__(asyncio.get_running_loop())
        scope, _ = posted(f"/in/at/{SECRET}/ussd", USSD)
        gate = asyncio.Event()
        slow, quick = Protocol(USSD, gate=gate), Protocol(USSD)
        waiting = asyncio.create_task(front.__rsgi__(scope, slow))
        await front.__rsgi__(scope, quick)
        assert quick.answered is not None
        assert slow.answered is None
        gate.set()
        await waiting
        assert slow.answered is not None

    serve(both)
    front.close()
    assert len(recorder.taken) == 2


def test_a_slow_page_holds_no_provider_up() -> None:
    made, _ = lane()
    over = threading.Event()

    def slow(environ: Any, start_response: Any) -> list[bytes]:
        assert over.wait(30)
        start_response("200 OK", [])
        return [b"page"]

    front = Front(lambda: made, slow, 1)

    async def both() -> None:
        front.__rsgi_init__(asyncio.get_running_loop())
        page, dial = Protocol(), Protocol(USSD)
        waiting = asyncio.create_task(front.__rsgi__(Scope("GET", "/", []), page))
        await front.__rsgi__(posted(f"/in/at/{SECRET}/ussd", USSD)[0], dial)
        assert page.answered is None
        over.set()
        await waiting
        assert page.answered is not None

    serve(both)
    front.close()


def test_what_is_told_after_the_end_hurts_nobody() -> None:
    made, recorder = lane()
    tellers: list[Any] = []
    recorder.hand_over = lambda channel, received, told, soon: tellers.append(told)  # type: ignore[method-assign]
    front = Front(lambda: made, echo, 1)

    async def ask() -> None:
        front.__rsgi_init__(asyncio.get_running_loop())
        task = asyncio.create_task(front.__rsgi__(*posted(f"/in/at/{SECRET}/ussd", USSD)))
        while not tellers:
            await asyncio.sleep(0)
        task.cancel()

    serve(ask)
    tellers[0](b"CON too late")
    front.close()


def test_all_that_other_threads_ask_is_done_in_their_order() -> None:
    done: list[int] = []

    async def wait() -> None:
        loop, finished = asyncio.get_running_loop(), asyncio.Event()

        def work(first: int) -> None:
            for number in range(first, first + 500):
                loop.call_soon_threadsafe(done.append, number)
            loop.call_soon_threadsafe(lambda: finished.set() if len(done) == 1500 else None)

        threads = [threading.Thread(target=work, args=(first,)) for first in (0, 1000, 2000)]
        for thread in threads:
            thread.start()
        await asyncio.wait_for(finished.wait(), 30)

    serve(wait)
    for first in (0, 1000, 2000):
        assert [number for number in done if first <= number < first + 500] == list(range(first, first + 500))


def test_no_header_passes_for_another() -> None:
    assert variable("x-awal-signature") == "HTTP_X_AWAL_SIGNATURE"
    assert variable("content-type") == "CONTENT_TYPE"
    assert (variable("x_awal_signature"), variable("proxy")) == ("", "")
    environ = head(Scope("GET", "/", [("x-a", "1"), ("x-a", "2"), ("host", "h")]))
    assert (environ["HTTP_X_A"], environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("1,2", "::1", "8000")


def test_pages_and_lane_stand_behind_waitress_too() -> None:
    made, _ = lane()
    client = Client(wsgi_front(made, echo))
    assert client.post(f"/in/at/{SECRET}/ussd", data=USSD, content_type=FORM).status_code == 200
    assert client.get("/").status_code == 201
