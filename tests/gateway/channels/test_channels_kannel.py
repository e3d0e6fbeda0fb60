"""Kannel: the real bearerbox and smsbox, with fakesmsc's line protocol as the network."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from conformance import ENVELOPES
from modem_world import awaited
from ports import free_port
from recorder import Recorder

from flows.encoding import BASIC, EXTENSION, measure
from gateway.channels.base import Receipt, Received, Sendable, Settings
from gateway.channels.kannel import Kannel, outcome
from gateway.cli import run
from gateway.cli.init import create
from gateway.kannel import Plan, setup
from gateway.lane import Lane
from storage.errors import StoreBusy

SECRET = "f3a9c1d7e5b04682a1c3e5f708192a3b"
SBIN = os.environ.get("PATH", "") + ":/usr/sbin"


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


class World:
    """Kannel, the lane it asks, and the network's end of its fake SMSC."""

    def __init__(self, folder: Path) -> None:
        self.recorder = Recorder()
        ports = [free_port() for _ in range(5)]
        self.public = f"http://127.0.0.1:{ports[0]}"
        self.channel = Kannel(
            Settings(
                name="k",
                type="kannel",
                secret=SECRET,
                username="awal",
                password="pass-word",
                number="1234",
                sendsms_url=f"http://127.0.0.1:{ports[4]}/cgi-bin/sendsms",
            ),
            self.public,
        )
        self.port, self.link = ports[0], ports[3]
        plan = Plan(
            name="k",
            folder=folder,
            url=self.channel.urls()["sms"],
            link="fake",
            number="1234",
            password="pass-word",
            admin=ports[1],
            box=ports[2],
            link_port=ports[3],
            sendsms=ports[4],
        )
        setup(plan)
        text = plan.config.read_text().replace("http-queue-delay = 10", "http-queue-delay = 1")
        plan.config.write_text(text)
        self.config = plan.config
        self.boxes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self.open()
        self.boxes.append(self.run("bearerbox"))
        awaited(lambda: self.network(), "bearerbox listens")
        self.boxes.append(self.run("smsbox"))
        awaited(lambda: self.listens(), "smsbox listens")

    def run(self, name: str) -> subprocess.Popen[bytes]:
        program = shutil.which(name, path=SBIN) or name
        quiet = subprocess.DEVNULL
        return subprocess.Popen([program, "-v", "4", str(self.config)], stdin=quiet, stdout=quiet, stderr=quiet)

    def network(self) -> bool:
        try:
            self.phone = socket.create_connection(("127.0.0.1", self.link), 1)
        except OSError:
            return False
        self.phone.settimeout(15)
        self.heard = self.phone.makefile("rb")
        return True

    def listens(self) -> bool:
        try:
            urllib.request.urlopen(self.channel.settings.sendsms_url, timeout=1).close()
        except urllib.error.HTTPError as error:
            return bool(error.close() or True)
        except OSError:
            return False
        return True

    def open(self) -> None:
        """Let the gateway answer."""
        self.server = make_server("127.0.0.1", self.port, Lane({"k": self.channel}, self.recorder), handler_class=Quiet)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def shut(self) -> None:
        """Take the gateway away."""
        self.server.shutdown()
        self.server.server_close()

    def stop(self) -> None:
        for box in reversed(self.boxes):
            box.kill()
            box.wait()
        self.heard.close()
        self.phone.close()
        self.shut()

    def arrives(self, text: str) -> None:
        kind, said = ("text", text.encode())
        if not text.isascii():
            kind, said = "ucs2", "".join(f"%{byte:02x}" for byte in text.encode("utf-16-be")).encode()
        self.phone.sendall(b"+212612345678 1234 " + kind.encode() + b" " + said + b"\n")

    def texts(self) -> list[str]:
        return [one.text for one in self.recorder.taken if isinstance(one, Received)]

    def send(self, text: str, id: str) -> str:
        cost = measure(text)
        message = Sendable(id=id, to="+212612345678", text=text, encoding=cost.encoding, segments=cost.segments)
        return self.channel.send(message).outcome


@pytest.fixture(scope="module")
def world(need: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    need("bearerbox")
    one = World(tmp_path_factory.mktemp("kannel"))
    try:
        one.start()
        yield one
    finally:
        one.stop()


def test_what_citizens_send_arrives_as_it_was_written(world: World) -> None:
    for text in ("EAU 1 [x]", "ⴰⵎⴰⵏ الماء €"):
        world.arrives(text)
        awaited(lambda text=text: text in world.texts(), text)


def test_nothing_is_lost_while_the_gateway_is_down_or_in_trouble(world: World) -> None:
    world.shut()
    with socket.create_server(("127.0.0.1", world.port)) as dead:  # a gateway that dies while it is asked
        dead.settimeout(15)
        world.arrives("pendant la panne")
        dead.accept()[0].close()
    failing = Recorder(StoreBusy("full"))
    failed = threading.Event()
    failing.keep = lambda event: (failed.set(), Recorder.keep(failing, event))  # type: ignore[method-assign]
    well, world.recorder = world.recorder, failing
    world.open()
    assert failed.wait(15), "smsbox asked again"
    assert world.texts() == []
    world.shut()
    world.recorder = well
    world.open()
    awaited(lambda: "pendant la panne" in world.texts(), "smsbox asked again")
    assert world.texts().count("pendant la panne") == 1


def test_what_is_sent_leaves_as_it_was_written_and_its_fate_comes_back(world: World) -> None:
    for id, text in (("a1", "Merci {x} €"), ("a2", "شكرا ⴰⵣⵓⵍ")):
        assert world.send(text, id) == "accepted"
        line = world.heard.readline()
        assert line.startswith(b"1234 +212612345678 ")
        awaited(
            lambda id=id: Receipt(provider_id=id, state="delivered", detail="1") in world.recorder.taken, "delivered"
        )


def test_a_wrong_password_stops_the_channel(world: World) -> None:
    settings = world.channel.settings
    wrong = Settings(**{name: getattr(settings, name) for name in settings.__struct_fields__} | {"password": "no"})
    sent = Kannel(wrong, world.public).send(
        Sendable(id="x", to="+212612345678", text="x", encoding="GSM-7", segments=1)
    )
    assert sent.outcome == "stop-channel"
    assert "password" not in sent.error


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (202, "0: Accepted for delivery", "accepted"),
        (202, "3: Queued for later delivery", "accepted"),
        (200, "<html>Welcome to the hotel</html>", "retry"),
        (400, "no receiver", "failed"),
        (403, "Authorization failed for sendsms", "stop-channel"),
        (404, "Unknown request.", "stop-channel"),
        (503, "Temporal failure, try again later.", "unreachable"),
        (500, "", "retry"),
    ],
)
def test_each_answer_has_its_consequence(status: int, body: str, expected: str) -> None:
    assert outcome(status, body, "m1").outcome == expected


def test_the_coding_is_ours_and_every_letter_of_gsm7_keeps_it(need: Callable[..., None]) -> None:
    channel = ENVELOPES["kannel"].channel("kannel")
    assert isinstance(channel, Kannel)
    for text, coding in (("".join(sorted(BASIC | EXTENSION)), "0"), ("ç", "2"), ("ⴰ", "2")):
        message = Sendable(id="m", to="+2126", text=text, encoding=measure(text).encoding, segments=1)
        assert channel.asked(message)["coding"] == coding


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("", "", ""),
        ("/in/k/", "/in/other/", "get-url is no channel's address"),
        ("max-messages = 0", "max-messages = 1", "send our answers as SMS"),
        ("http-request-retry = 60480", "http-request-retry = 3", "soon dropped"),
        ("transceiver-mode = true", "transceiver-mode = true\nalt-charset = UTF-8", "alt-charset garbles"),
    ],
)
def test_a_configuration_that_loses_or_garbles_messages_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, told: str
) -> None:
    create(tmp_path / "p", demo=True)
    with open(tmp_path / "p" / "awal.toml", "a", encoding="utf-8") as file:
        file.write(f'\n[channels.k]\ntype = "kannel"\nsecret = "{SECRET}"\nnumber = "1234"\n')
    assert run(["-C", str(tmp_path / "p"), "kannel", "setup"]) == 0
    config = tmp_path / "p" / "data" / "kannel" / "kannel.conf"
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new, 1) if old else text)
    capsys.readouterr()
    run(["-C", str(tmp_path / "p"), "doctor", "--json"])
    found = [one for one in json.loads(capsys.readouterr().out) if one["check"] == "kannel" and one["level"] != "ok"]
    assert [told in one["message"] for one in found] == [True] * bool(told)
    assert SECRET not in str(found)


def test_a_kannel_that_is_not_there_never_heard_of_the_message() -> None:
    channel = ENVELOPES["kannel"].channel("kannel", sendsms_url=f"http://127.0.0.1:{free_port()}/cgi-bin/sendsms")
    sent = channel.send(Sendable(id="m", to="+2126", text="x", encoding="GSM-7", segments=1))
    assert (sent.outcome, sent.error) == ("unreachable", "network: ConnectionRefusedError")
