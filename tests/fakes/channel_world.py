"""A gateway on a real store behind the real webhook lane, with one channel: what a provider can reach of it."""

from __future__ import annotations

import threading
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

from werkzeug.test import Client

from flows.load import load
from gateway.channels.base import Channel
from gateway.conversation import Conversations
from gateway.lane import Lane
from gateway.library import Library
from gateway.phones import Phones
from locales.catalogue import Catalogues
from storage.sqlite import SqliteStore

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("fr", "ar", "zgh")
AMINA, BRAHIM = "+212612345678", "+212687654321"
WATER = ["3", "1", "1", "5", "Oujda"]
"""What a citizen replies to the water flow: French, consent, then its questions."""
WATER_KEPT = {"supply", "satisfaction", "commune"}


class ChannelWorld:
    """The shipped water flow behind one channel; `now` moves by a second with each request."""

    def __init__(self, folder: Path, channel: Channel) -> None:
        self.now = 1_795_435_200_000
        self.channel = channel
        self.store = SqliteStore(folder / "awal.db")
        self.library = Library(self.store, LANGUAGES)
        water = load((ROOT / "flows/surveys/water.yaml").read_text("utf-8"), "water").flow
        assert water is not None
        self.library.serve([water], self.now)
        self.conversations = Conversations(
            self.store,
            self.library,
            Catalogues(),
            Phones(b"p" * 32, b"s" * 32),
            self.clock,
            timezone="Africa/Casablanca",
            within="02",
            languages=LANGUAGES,
        )
        self.client = Client(Lane({channel.name: channel}, self.conversations))

    def clock(self) -> int:
        self.now += 1000
        return self.now

    def answers(self) -> dict[str, object]:
        return {row.step: row.value for row in self.store.answers()}


class Relay:
    """The other end of an outbound: keeps what is posted and answers as told."""

    def __init__(self, status: int = 200, body: bytes = b"{}") -> None:
        self.status, self.body = status, body
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.server = make_server("127.0.0.1", 0, self.answer, handler_class=Quiet)
        self.url = f"http://127.0.0.1:{self.server.server_port}/send"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def answer(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        heads = {name: value for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_"))}
        self.heard.append((heads, body))
        start_response(f"{self.status} Answer", [("Content-Length", str(len(self.body)))])
        return [self.body]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""
