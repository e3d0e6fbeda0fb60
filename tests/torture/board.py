"""A board without a battery: a real gateway whose clock is what a file says, while the kernel's own count is real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from served import PATIENCE, Gateway, secret_of
from walks import SERVICE, Script, path_of

LIBRARY = "*/faketime/libfaketime.so.1"


def library() -> str:
    """Return the library that shows a process another time."""
    found = next(iter(sorted(Path("/usr/lib").glob(LIBRARY))), None)
    assert found is not None, "faketime is installed without its library"
    return str(found)


class Board(Gateway):
    """`awal serve` that believes the file `clock`: a number of seconds to add to the real time."""

    def __init__(self, project: Path, root: Path, log: Path) -> None:
        self.clock = log.with_name("clock")
        self.set(-int(time.time()) + 300)
        self.starts = 0
        super().__init__(project, root, log, self.environment())

    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(self.clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def start(self) -> None:
        self.starts += 1
        super().start()

    def ready(self) -> None:
        """Return once all is begun: a sleep that is under way when faketime moves the clock never ends."""
        super().ready()
        self.until(lambda: self.log.read_text().count("Awal is listening on") == self.starts)

    def set(self, seconds: float) -> None:
        """Set the clock to so many seconds from the real time, in one step."""
        made = self.clock.with_suffix(".new")
        made.write_text(f"{seconds:+.0f}\n")
        made.replace(self.clock)

    def awal(self, *arguments: str) -> Any:
        """Run a command on the board, and return what it says as JSON."""
        command = [sys.executable, "-m", "gateway", "-C", str(self.project), *arguments, "--json"]
        environment = {**os.environ, "PYTHONPATH": str(self.root), **self.environment()}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=PATIENCE)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def metric(self, name: str) -> int:
        """Return one figure of `/metrics`."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=20) as answer:
            found = re.search(rf"^{name} (\d+)$", answer.read().decode(), re.MULTILINE)
        assert found is not None, name
        return int(found[1])

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, self.log.read_text()[-2000:]
            threading.Event().wait(0.05)

    def dial(self, phone: str, session: str, script: Script, upto: int | None = None) -> list[str]:
        """Dial and give the replies of a script one by one, up to some; return the screens."""
        steps = range((len(script) if upto is None else upto) + 1)
        given = [{"sessionId": session, "text": path_of(script, step)} for step in steps]
        return [self._post("ussd", {"serviceCode": SERVICE, "phoneNumber": phone, **fields}) for fields in given]

    def text(self, phone: str, id: str, words: str) -> None:
        """Send an SMS to the gateway."""
        self._post("sms", {"id": id, "from": phone, "to": "2626", "text": words, "date": "2026-11-23 12:00:00"})

    def _post(self, route: str, fields: dict[str, str]) -> str:
        body = urllib.parse.urlencode(fields).encode()
        address = f"{self.url}/in/at/{secret_of(self.project)}/{route}"
        with urllib.request.urlopen(address, body, timeout=20) as answer:
            return bytes(answer.read()).decode()
