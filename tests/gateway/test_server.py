"""`awal serve` as a process: when it says that it listens, how it ends, and what it refuses."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from flows.errors import AwalError
from gateway.cli.init import create
from gateway.project import Project
from gateway.running import front
from gateway.server import announce_when_ready, claim_port, healthy, url

SERVERS = ("granian", "waitress")
PATIENCE = 60


class Gateway:
    """A gateway in a process of its own."""

    def __init__(self, project: Path, *options: str) -> None:
        command = [sys.executable, "-m", "gateway", "-C", str(project), "serve", "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.line = self.process.stdout.readline()
        found = re.fullmatch(r"Awal is listening on (http://127\.0\.0\.1:(\d+))\n", self.line)
        assert found, self.line + (self.process.communicate()[1] if self.process.poll() is not None else "")
        self.url, self.port = found[1], int(found[2])

    def get(self, path: str) -> tuple[int, str]:
        with urlopen(self.url + path, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@contextmanager
def serving(project: Path, server: str = "granian") -> Iterator[Gateway]:
    path = project / "awal.toml"
    settings = path.read_text()
    if "\nserver =" not in settings:
        path.write_text(settings.replace("[gateway]\n", f'[gateway]\nserver = "{server}"\n', 1))
    gateway = Gateway(project)
    try:
        yield gateway
    finally:
        gateway.process.kill()
        with gateway.process:  # closes its pipes
            pass


def until(condition: Callable[[], bool]) -> bool:
    """Wait for a condition, for as long as a slow machine may need."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_listens_answers_and_ends_cleanly(demo: Path, server: str, number: int) -> None:
    with serving(demo, server) as gateway:
        status, body = gateway.get("/health")
        assert (status, '"ok"' in body) == (200, True)
        assert "awal_scheduler_leader 1" in gateway.get("/metrics")[1]
        code, out, err = gateway.stop(number)
    assert (code, out) == (0, ""), err
    assert "Traceback" not in err
    assert err.rstrip().endswith("info stopped")
    assert not list((demo / "data").glob("awal.db-wal")), "the store was closed"
    assert not list((demo / "data").glob("*.sock"))


@pytest.mark.parametrize("server", SERVERS)
def test_a_second_gateway_on_the_port_is_refused_in_one_line(demo: Path, tmp_path: Path, server: str) -> None:
    create(tmp_path / "other", demo=True)
    with serving(demo, server) as gateway:
        done = serve(tmp_path / "other", gateway.port)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(rf"awal: 127\.0\.0\.1:{gateway.port}: .*--port\.\n", done.stderr)


@pytest.mark.parametrize("server", SERVERS)
def test_a_second_gateway_on_the_store_is_refused_in_one_line(demo: Path, server: str) -> None:
    with serving(demo, server):
        done = serve(demo, 0)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("awal: ")
    assert done.stderr.count("\n") == 1
    assert "awal.db" in done.stderr


def serve(project: Path, port: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "-C", str(project), "serve", "--port", str(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)


def test_the_worker_dies_with_its_parent_and_the_store_is_free(demo: Path) -> None:
    with serving(demo) as gateway:
        children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children").read_text().split()
        assert children
        os.kill(gateway.process.pid, signal.SIGKILL)
        gateway.process.wait(PATIENCE)
        assert until(lambda: not any(Path(f"/proc/{child}/exe").exists() for child in children))
    with serving(demo) as again:
        assert again.get("/health")[0] == 200


ROADS = """\
flow: roads
version: 1
title: Routes
language: fr
languages: [fr]
steps:
- id: passable
  ask: La route est-elle praticable ?
  type: yes_no
"""


def test_changed_flow_files_are_served_without_a_restart(demo: Path) -> None:
    with Project(demo) as project:
        before = dict(project.library.flows)
        project.reload_flows()
        assert project.library.flows == before
        (demo / "flows" / "roads.yaml").write_text(ROADS)
        (demo / "flows" / "water.yaml").unlink()
        project.reload_flows()
        assert set(project.library.flows) == {*before, "roads"} - {"water"}
        (demo / "flows" / "roads.yaml").write_text(ROADS.replace("yes_no", "yes_noo"))
        project.reload_flows()
        assert set(project.library.flows) == {*before} - {"water"}, "a flow with an error is not served, the others are"


def test_settings_are_refused_before_anything_starts(demo: Path) -> None:
    (demo / "awal.toml").write_text("[gateway]\nregon = '02'\n")
    done = serve(demo, 0)
    assert done.returncode == 1
    assert "'region'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_that_another_program_holds_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(AwalError, match=rf"127\.0\.0\.1:{port}: .*--port"):
            claim_port("127.0.0.1", port)
    assert claim_port("127.0.0.1", port) == port


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(AwalError, match=r"192\.0\.2\.1"):
        claim_port("192.0.2.1", 8000)


def test_readiness_is_told_once_and_only_on_200() -> None:
    """A server that first says 503 is not ready."""
    told: list[str] = []
    answered: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)  # where nobody asks a second time, the test goes on and fails
        port = server.getsockname()[1]

        def answer() -> None:
            for status in (b"503 Service Unavailable", b"200 OK"):
                with suppress(TimeoutError):
                    link, _ = server.accept()
                    with link:
                        link.recv(4096)
                        link.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n")
                    answered.append(status)

        thread = threading.Thread(target=answer)
        thread.start()
        announce_when_ready("127.0.0.1", port, told.append)
        thread.join()
    assert told == [f"http://127.0.0.1:{port}"]
    assert len(answered) == 2


@pytest.mark.parametrize(("listens", "asked"), [("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "localhost"), ("::1", "::1")])
def test_health_is_asked_at_an_address_or_a_name(listens: str, asked: str) -> None:
    family = socket.AF_INET6 if ":" in listens else socket.AF_INET
    try:
        server = socket.create_server((listens, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {listens}")
    with server:
        server.settimeout(10)

        def answer() -> None:
            link, _ = server.accept()
            with link:
                link.recv(4096)
                link.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert healthy(asked, server.getsockname()[1])
        thread.join()


def test_nobody_is_not_healthy() -> None:
    assert not healthy("127.0.0.1", claim_port("127.0.0.1", 0))


def test_addresses_are_shown_as_people_type_them() -> None:
    assert url("::1", 80) == "http://[::1]:80"
    assert url("0.0.0.0", 8000) == "http://0.0.0.0:8000"


def test_webhooks_go_to_the_lane_and_all_else_to_flask() -> None:
    application = front(lambda environ, start: [b"lane"], lambda environ, start: [b"flask"])
    for path, expected in {"/in/at/x/ussd": b"lane", "/": b"flask", "/inside": b"flask", "/health": b"flask"}.items():
        assert list(application({"PATH_INFO": path}, lambda *_: None)) == [expected]  # type: ignore[arg-type]


def test_what_cannot_be_written_is_one_line(demo: Path) -> None:
    (demo / "data").rmdir()
    (demo / "data").write_text("no directory")
    done = serve(demo, 0)
    assert done.returncode == 1
    assert done.stderr.startswith("awal: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
