"""From granian's own interface (RSGI) to WSGI and back: a request with its body as an environ, an answer as bytes.

A body is read whole before anybody waits for it in a thread, up to the length that its reader takes; what is longer is
left for the reader to refuse.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

MOST_BYTES = 16 * 1024
"""What an inbound may weigh."""
PAGE_BYTES = 64 * 1024
"""What a form of the console may weigh."""
WITHOUT_BODY = ("GET", "HEAD", "OPTIONS", "DELETE")
Headers = list[tuple[str, str]]


class Answered(NamedTuple):
    """What a WSGI application answered."""

    status: int
    headers: Headers
    body: bytes


async def envelope(scope: Any, protocol: Any, most: int) -> WSGIEnvironment:
    """Return a request as an environ, with up to `most` bytes of its body and one more where it is longer."""
    environ = head(scope)
    told = environ.get("CONTENT_LENGTH", "")
    if told.isdecimal():
        if 0 < int(told) <= most:
            environ["wsgi.input"] = BytesIO(await whole(protocol))
    elif scope.method not in WITHOUT_BODY or "HTTP_TRANSFER_ENCODING" in environ:
        environ["wsgi.input"] = BytesIO(await body(protocol, most))
        environ["wsgi.input_terminated"] = True
    return environ


async def whole(protocol: Any) -> bytes:
    """Read a body whose length is known to be bearable; of one that broke off nothing."""
    try:
        read: bytes = await protocol()
    except Exception:  # the provider went away; granian has several words for it
        return b""
    return read


async def body(protocol: Any, most: int) -> bytes:
    """Read a body, and no more of it than anybody wants; what broke off is as short as it came."""
    read: bytes = b""
    try:
        async for part in protocol:
            read += part
            if len(read) > most:
                break
    except Exception:
        return read
    return read[: most + 1]


def head(scope: Any) -> WSGIEnvironment:
    """Return the request without its body, as PEP 3333 has it."""
    host, _, port = scope.server.rpartition(":")
    client, _, _ = scope.client.rpartition(":")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client.strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        key = variable(name)
        if key in environ:
            environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + value
        elif key:
            environ[key] = value
    return environ


@lru_cache(maxsize=256)
def variable(name: str) -> str:
    """Return a header's name in an environ; empty for one that could pass for another, or for a proxy's setting."""
    if "_" in name or name == "proxy":
        return ""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def called(application: WSGIApplication, environ: WSGIEnvironment) -> Answered:
    """Call a WSGI application and return all that it answers."""
    started: list[tuple[str, Headers]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: Headers, exc_info: object = None) -> Callable[[bytes], object]:  # noqa: ARG001
        started.append((status, headers))
        return written.append

    parts: Iterable[bytes] = application(environ, start_response)
    try:
        written += parts
    finally:
        close = getattr(parts, "close", None)
        if close:
            close()
    status, headers = started[-1]
    return Answered(int(status.split(" ", 1)[0]), headers, b"".join(written))
