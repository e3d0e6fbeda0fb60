"""What an outsider has: the installed commands, HTTP, a directory of their own. Nothing here imports the program."""

from __future__ import annotations

import itertools
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zlib import crc32

BIN = Path(sys.executable).parent
"""Where pip put the commands."""
PATIENCE = 60
FORM = "application/x-www-form-urlencoded"
HEADER = "answer_id,conversation_id,citizen,flow,flow_version,step,value,raw,language,bearer,channel,place,answered_at"
MOVING = ("awal_outbox_", "awal_segments_", "awal_inbound_seconds", "awal_commit_", "awal_store_", "awal_disk_")
"""Metrics that move without anything being kept."""
numbers = (f"+2126{number:08d}" for number in itertools.count(10_000_000))


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Return the JSON documents of stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(
    *command: str | Path, stdin: str | bytes = "", cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Done:
    """Run an installed command to its end."""
    program, *arguments = map(str, command)
    given = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [str(BIN / program), *arguments],
        input=given,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        timeout=PATIENCE,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def until(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds, as long as a slow machine may need, and return what it gave."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came true")


class Project:
    """A project directory made by `awal init`."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        made = run("awal", "init", directory, *options)
        assert made.code == 0, made.err

    def awal(self, *arguments: str | Path, stdin: str | bytes = "", env: Mapping[str, str] | None = None) -> Done:
        return run("awal", "-C", self.directory, *arguments, stdin=stdin, env=env)

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def edit(self, pattern: str, replacement: str) -> None:
        """Change `awal.toml`; the pattern must be there."""
        path = self.directory / "awal.toml"
        text, count = re.subn(pattern, lambda _: replacement, path.read_text(), flags=re.M)
        assert count, pattern
        path.write_text(text)

    def urls(self) -> dict[str, dict[str, str]]:
        return {one["name"]: one["urls"] for one in self.awal("channels", "--json").json}

    def rows(self, *options: str) -> list[dict[str, Any]]:
        """Return the exported answers."""
        return self.awal("export", "answers", "--format", "jsonl", *options).lines


@dataclass(frozen=True)
class Answered:
    status: int
    type: str
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(
    url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, method: str | None = None
) -> Answered:
    """Make one HTTP request, whatever the status."""
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return Answered(answer.status, answer.headers.get("Content-Type", ""), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answered(error.code, error.headers.get("Content-Type", ""), error.read())


class Served:
    """A command that serves, in a process of its own; what it logs goes to a file."""

    def __init__(self, log: Path, line: str, *command: str | Path) -> None:
        program, *arguments = map(str, command)
        self.log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [str(BIN / program), *arguments], stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self.process.stdout
        assert select.select([self.process.stdout], [], [], PATIENCE)[0], "it never said that it listens"
        told = self.process.stdout.readline()
        found = re.fullmatch(line + r" (http://127\.0\.0\.1:\d+)\n", told)
        assert found, told + log.read_text()
        self.url = found[1]

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it, unless it has ended, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def faultless(self) -> bool:
        """Tell whether it logged no fault of its own."""
        return not re.search(r"Traceback|-fault", self.log.read_text())


class Gateway:
    """A project being served, and the addresses its providers were given."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.urls = project.urls()
        self.start()

    def start(self) -> None:
        log, command = self.project.directory / "serve.log", ("awal", "-C", self.project.directory, "serve")
        self.server = Served(log, "Awal is listening on", *command, "--port", "0")

    def here(self, url: str) -> str:
        """Return a public address as it is reached on this machine."""
        return re.sub(r"^https?://[^/]+", self.server.url, url)

    def get(self, path: str) -> Answered:
        return ask(self.server.url + path)

    def counted(self) -> dict[str, float]:
        """Return the metrics: what was taken, answered, begun, and what waits to be sent."""
        lines = [line for line in self.get("/metrics").text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def kept(self) -> tuple[dict[str, float], float]:
        """Return what the store holds, and how many messages in whatever state: the sender goes on meanwhile."""
        counted = self.counted()
        moving = {name: counted.pop(name) for name in list(counted) if name.startswith(MOVING)}
        return counted, sum(count for name, count in moving.items() if name.startswith("awal_outbox_messages"))

    def post(self, url: str, fields: Any, **headers: str) -> Answered:
        """Post a form to a public address; `fields` may be the body itself."""
        body = fields if isinstance(fields, bytes) else urlencode(fields, doseq=True).encode()
        return ask(self.here(url), body, {"Content-Type": FORM, **headers})


@contextmanager
def serving(project: Project) -> Iterator[Gateway]:
    gateway = Gateway(project)
    try:
        yield gateway
        assert gateway.server.faultless(), gateway.server.log.read_text()
    finally:
        gateway.server.end()


class Phone:
    """A phone behind Africa's Talking's USSD callback."""

    def __init__(self, gateway: Gateway, number: str = "", channel: str = "at") -> None:
        self.gateway, self.channel = gateway, channel
        self.number = number or next(numbers)
        self.sessions = 0
        self.path, self.screen = "", ""

    @property
    def session(self) -> str:
        return f"ATUid_{crc32(self.number.encode()):x}_{self.sessions}"

    def dial(self, code: str = "") -> Phone:
        """Open a new session; `code` is what was dialled behind the short code."""
        self.sessions += 1
        self.path = code
        return self.send()

    def reply(self, *texts: str) -> Phone:
        for text in texts:
            self.path = f"{self.path}*{text}" if self.path else text
            self.send()
        return self

    def send(self, **changes: Any) -> Phone:
        answered = self.post(**changes)
        assert answered.status == 200, answered
        assert answered.type.startswith("text/plain")
        assert re.match(rb"(CON|END) ", answered.body), answered.body
        self.screen = answered.text
        return self

    def post(self, **changes: Any) -> Answered:
        """Post the callback of the session as it is, with fields changed or, by None, left out."""
        fields = {
            "sessionId": self.session,
            "serviceCode": "*384*1#",
            "phoneNumber": self.number,
            "networkCode": "60401",
            "text": self.path,
        }
        given = {name: value for name, value in {**fields, **changes}.items() if value is not None}
        return self.gateway.post(self.gateway.urls[self.channel]["ussd"], given)
