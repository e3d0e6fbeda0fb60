"""An SMSC of npm's `smpp`, directed by the test: what it does, and what it saw."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modem_world import awaited
from ports import free_port

HOME = Path(__file__).with_name("smsc")


def installed() -> Path:
    """Return the SMSC's directory with its package in it; it is fetched from npm at the first use."""
    if not (HOME / "node_modules" / "smpp").is_dir():
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
        subprocess.run(command, cwd=HOME, check=True, capture_output=True, timeout=300)
    return HOME


class Smsc:
    """The program while it runs, and its events; on a free port unless one is given, with ids from `first` on."""

    def __init__(self, port: int = 0, first: int = 1, secure: Sequence[str] = ()) -> None:
        self.events: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            ["node", "smsc.js", str(port or free_port()), str(first), *secure],
            cwd=installed(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.port: int = self.event("listening")["port"]

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def do(self, what: str, **arguments: object) -> None:
        """Give one command, and wait until it is done."""
        assert self.process.stdin
        before = len(self.all("did"))
        self.process.stdin.write(json.dumps({"do": what} | arguments) + "\n")
        self.process.stdin.flush()
        self.event("did", before + 1)

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of one kind so far."""
        return [event for event in self.events if event["event"] == kind]

    def event(self, kind: str, nth: int = 1) -> dict[str, Any]:
        """Wait for the nth event of a kind."""
        awaited(lambda: len(self.all(kind)) >= nth, f"{kind} {nth} times; saw {self.events[-5:]}")
        return self.all(kind)[nth - 1]

    def deliver(self, patience: float = 20.0, **fields: object) -> int:
        """Bring a message; return the status it is answered with."""
        tag = f"t{len(self.events)}-{id(fields)}"
        self.do("deliver", tag=tag, fields={"source_addr": "212612345678"} | fields)
        answered = awaited(
            lambda: [event for event in self.all("answered") if event["tag"] == tag],
            f"an answer to {fields}",
            patience,
        )
        return int(answered[0]["status"])

    def screen(self, **fields: object) -> dict[str, Any]:
        """Bring a USSD input; return the screen that answers it."""
        seen = len(self.all("submitted"))
        assert self.deliver(service_type="USSD", **fields) == 0
        return self.event("submitted", seen + 1)

    def stop(self) -> None:
        """End the program."""
        self.process.kill()
        self.process.wait()
        self.reader.join(5)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
