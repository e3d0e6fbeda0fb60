"""Starting the two servers that are compared, and looking at them from outside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.server import healthy

THREADS = 8
PATIENCE = 60.0
GLANCE = 0.001
"""Seconds between two looks at a server that starts: a look that is refused costs it next to nothing."""
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""What both sides are started with: pip compiled Flask as it installed it, and a checkout may keep what it compiles."""
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    process: subprocess.Popen[bytes]
    port: int
    seconds: float
    """From the start of its process to its first 200."""


def awal(project: Path, port: int) -> list[str]:
    """Return the command line of the gateway."""
    return [sys.executable, "-m", "gateway", "-C", str(project), "serve", "--port", str(port)]


def bare(port: int) -> list[str]:
    """Return the command line of the bare Flask application, on the server and with the threads that ours uses."""
    options = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", str(THREADS), "--no-ws", "--no-log"]
    return [sys.executable, "-m", "granian", *options, "--port", str(port), "benchmarks.bare:app"]


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int) -> Iterator[Server]:
    """Start a server, wait for its first 200 on /health, and stop it at the end."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRON, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not answers(port):
            if process.poll() is not None or time.perf_counter() - begun > PATIENCE:
                raise RuntimeError(f"did not start: {' '.join(command)}")
            time.sleep(GLANCE)
        yield Server(process, port, time.perf_counter() - begun)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a server; one that was stopped too soon after its start to hear of it is killed with its workers."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE / 4)
    except subprocess.TimeoutExpired:
        for one in reversed(tree(process.pid)):
            os.kill(one, signal.SIGKILL)
        process.wait(PATIENCE)


def answers(port: int) -> bool:
    """Tell whether /health says 200."""
    return healthy("127.0.0.1", port)


def tree(process: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [process]
    for one in found:
        for task in Path(f"/proc/{one}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def memory(process: int, kind: str) -> float:
    """Return the megabytes a process and its descendants hold: `Rss`, or `Pss` where shared pages count once."""
    total = 0
    for one in tree(process):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{kind}:"):
                total += int(line.split()[1])
    return total / 1024
