"""Gateways as processes of their own, to be killed, and phones that ask again until they are answered."""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from ports import free_port
from walks import SERVICE, Expected, Script, a_script, path_of

from locales.catalogue import Catalogues

PATIENCE = 60.0
"""Seconds in which a gateway must be ready, and a phone answered."""
AGAIN = 0.1
"""Seconds before a phone asks again: who hammers takes the machine from the gateway that is starting."""


class Gateway:
    """`awal serve` on a free port. Made, it is starting; `ready` waits until it serves."""

    def __init__(self, project: Path, root: Path, log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.extra = environment or {}
        self.port = free_port()
        self.project, self.root, self.log = project, root, log
        self.process: subprocess.Popen[bytes]
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "gateway", "-C", str(self.project), "serve", "--port", str(self.port)]
        environment = {**os.environ, "PYTHONPATH": str(self.root), **self.extra}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)

    def ready(self) -> None:
        """Return once `/health` says ok: its store really keeps."""
        until = time.monotonic() + PATIENCE
        while not self._healthy():
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() < until, self.log.read_text()[-2000:]
            threading.Event().wait(0.02)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, http.client.HTTPException):
            return False

    def kill(self) -> None:
        """Kill the process and all it started, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it in order, if it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(PATIENCE) == 0


class Phone(threading.Thread):
    """Citizens one after the other on one line: each callback is sent until it is answered, now and then once more."""

    def __init__(
        self, number: int, places: Callable[[], Sequence[str]], secret: str, expected: Callable[[Script], Expected]
    ) -> None:
        super().__init__(daemon=True)
        self.number, self.places, self.secret, self.expected = number, places, secret, expected
        self.chance = random.Random(number)
        self.ended = threading.Event()
        self.walks: list[tuple[str, Script, int]] = []
        """The phone of each citizen, their script, and how many of its inputs were acknowledged."""
        self.acked: list[tuple[str, str]] = []
        """(session, path) of every callback that was answered, each once."""
        self.wrong: list[str] = []
        self.retries = 0
        self.put_off = 0
        """Screens that ask to dial again: nothing was acknowledged by them, and the callback is sent again."""

        self.trouble = ""
        """Why this phone gave up."""

    def run(self) -> None:
        try:
            while not self.ended.is_set():
                self._walk(len(self.walks))
        except (AssertionError, OSError) as error:
            self.trouble = f"phone {self.number}: {type(error).__name__}: {error}"

    def _walk(self, at: int) -> None:
        script = a_script(self.chance)
        phone, session = f"+2126{self.number}{at:07d}", f"k{self.number}.{at}"
        screens = self.expected(script).screens
        for step in range(len(script) + 1):
            if self.ended.is_set():
                return
            path = path_of(script, step)
            for _ in range(1 + (self.chance.random() < 0.1)):
                shown = self._ask(phone, session, path)
                if shown != screens[step]:
                    self.wrong.append(f"{session} {path}: {shown!r} is not {screens[step]!r}")
            self.acked.append((session, path))
            self.walks[at:] = [(phone, script, step)]

    def _ask(self, phone: str, session: str, path: str) -> bytes:
        fields = {"sessionId": session, "phoneNumber": phone, "serviceCode": SERVICE, "text": path}
        body = urllib.parse.urlencode(fields).encode()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            place = self.chance.choice(self.places())
            try:
                with urllib.request.urlopen(f"{place}/in/at/{self.secret}/ussd", body, timeout=20) as answer:
                    shown = bytes(answer.read())
                if shown not in later():
                    return shown
                self.put_off += 1
            except urllib.error.HTTPError as refused:
                refused.close()
                if refused.code != 503:
                    raise
            except (OSError, http.client.HTTPException):
                pass
            self.retries += 1
            threading.Event().wait(AGAIN)
        raise AssertionError(f"{session} {path} was never answered")


@cache
def later() -> frozenset[bytes]:
    """Return the screens of a gateway that could not keep an answer now."""
    texts = Catalogues([])
    words = [texts.phrase(key, language) for key in ("again", "apology") for language in ("fr", "ar", "zgh")]
    return frozenset(f"END {text}".encode() for text in words)


def secret_of(project: Path) -> str:
    """Return the secret part of the address that Africa's Talking calls."""
    found = re.search(r'type = "africastalking"(?s:.*?)\nsecret = "(.*?)"', (project / "awal.toml").read_text())
    assert found is not None
    return found[1]
