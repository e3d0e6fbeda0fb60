"""A local HTTP server that plays a vendor: it keeps what it is sent, and answers as its subclass or a test says."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request the vendor got."""

    method: str
    path: str
    headers: Message
    form: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """One answer. `hang` keeps the client waiting until the vendor closes; `drop` breaks the line instead."""

    status: int = 200
    body: object = ""
    content_type: str = "application/json"
    hang: bool = False
    drop: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class Vendor:
    """A vendor on a free port of this machine, for the time of a `with` block."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.script: deque[Reply] = deque()
        self.released = threading.Event()
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                fields = parse_qs(body.decode(), keep_blank_values=True)
                form = {name: values[0] for name, values in fields.items()}
                asked = Asked("POST", urlsplit(self.path).path, self.headers, form, body)
                vendor.asked.append(asked)
                self.give(vendor.script.popleft() if vendor.script else vendor.answer(asked))

            def give(self, reply: Reply) -> None:
                if reply.hang:
                    vendor.released.wait(30)
                if reply.hang or reply.drop:
                    self.close_connection = True
                    return
                body = reply.encoded()
                self.send_response(reply.status)
                for name, value in {
                    "Content-Type": reply.content_type,
                    "Content-Length": len(body),
                    **reply.headers,
                }.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The origin to put in `api_url`."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, asked: Asked) -> Reply:
        """Return what the vendor answers when a test has scripted nothing; subclasses know their vendor."""
        return Reply(404, f"nothing at {asked.path}", "text/plain")

    def says(self, *replies: Reply) -> None:
        """Script the next answers."""
        self.script.extend(replies)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
