"""A whole gateway in processes of its own, on a project with one channel more; tests see it as its operator does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modem_world import awaited
from ports import free_port

from gateway.cli.init import create
from gateway.project import Project
from storage.store import OutboxRow, Store

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 40.0


class LiveGateway:
    """`awal serve` on the shipped flows. `start`, `kill` and `stop` may be called again and again."""

    def __init__(self, folder: Path) -> None:
        self.directory, self.port = folder / "project", free_port()
        create(self.directory, demo=True)
        path = self.directory / "awal.toml"
        told = path.read_text("utf-8").replace("http://127.0.0.1:8000", self.url)
        told = re.sub(r"\[channels\.(at|twilio)\]\n(.+\n)+", "", told)  # they would call their providers
        path.write_text(told.replace("http://127.0.0.1:8001", ""), "utf-8")
        self.log = folder / "gateway.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, name: str, **settings: object) -> None:
        """Add a channel that sends at any hour and tries again soon."""
        lines = [f"\n[channels.{name}]", 'quiet_hours = ""', "retry_first = 0.2"]
        for key, value in settings.items():
            lines.append(f"{key} = {value if isinstance(value, int) else repr(value).replace(chr(39), chr(34))}")
        with open(self.directory / "awal.toml", "a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def start(self, dies: str = "") -> None:
        """Serve; with `dies`, until the first message is taken (`dying_gateway.py`)."""
        program = ["-m", "gateway", "-C", str(self.directory), "serve", "--port", str(self.port)]
        if dies:
            program = [str(Path(__file__).with_name("dying_gateway.py")), str(self.directory), str(self.port), dies]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *program], stdout=log, stderr=log, env=environment, start_new_session=True
            )
        awaited(lambda: b"is listening" in self.log.read_bytes() or self._fell(), "the gateway listens", PATIENCE)

    def _fell(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        return False

    def died(self) -> None:
        """Wait until it was killed, by itself."""
        assert self.process is not None
        assert self.process.wait(PATIENCE) == -signal.SIGKILL

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it, in order or at once; nothing where it does not run."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)
            self.process.wait(PATIENCE)
        self.process = None

    @contextmanager
    def seen(self) -> Iterator[Store]:
        """Look into the store beside the running gateway."""
        with Project(self.directory, readonly=True) as project:
            yield project.store

    def outbox(self) -> list[OutboxRow]:
        """Return all messages, the oldest first."""
        with self.seen() as store:
            return list(reversed(store.outbox((), 1000)))

    def sent_to(self, phone: str) -> list[OutboxRow]:
        """Return the messages to one citizen, the oldest first."""
        with Project(self.directory, readonly=True) as project:
            pseudonym = project.phones.pseudonym(phone)
            return [row for row in reversed(project.store.outbox((), 1000)) if row.citizen == pseudonym]

    def answers(self, phone: str) -> dict[str, object]:
        """Return the answers of one citizen by step, as they are kept."""
        with Project(self.directory, readonly=True) as project:
            pseudonym = project.phones.pseudonym(phone)
            return {row.step: row.value for row in project.store.answers() if row.citizen == pseudonym}

    def inbound(self) -> int:
        """Return how many messages of citizens are kept."""
        with self.seen() as store:
            return store.counts().get("inbound", 0)

    def says(self) -> str:
        """Return the end of the log, for a test that fails."""
        return self.log.read_text("utf-8", "replace")[-3000:]
