"""`awal demo`, which `make run` calls: gateway and platform side by side, with something to show."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

PATIENCE = 120


def two_free_ports() -> int:
    """Return a port that is free together with the next."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise AssertionError("no two free ports")


def read(url: str) -> str:
    with urlopen(url, timeout=PATIENCE) as answer:
        return answer.read().decode()


def started(project: Path, port: int, citizens: int) -> tuple[subprocess.Popen[str], list[str]]:
    """Start a demo and return it with what it said until everything was up."""
    command = [sys.executable, "-m", "gateway", "-C", str(project), "demo", "--port", str(port)]
    demo = subprocess.Popen([*command, "--citizens", str(citizens)], stdout=subprocess.PIPE, text=True)
    assert demo.stdout
    said = []
    for line in demo.stdout:
        said.append(line)
        if line.startswith("National platform:"):
            break
    return demo, said


def stick(project: Path, folder: Path) -> str:
    """Write what the platform lacks as a USB bundle: the demo's platform and gateway know each other's keys."""
    command = [sys.executable, "-m", "gateway", "-C", str(project), "sync", "--carrier", "bundle", "--to", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout


def test_the_demo_has_something_to_show_and_leaves_nothing_running(tmp_path: Path) -> None:
    port = two_free_ports()
    gateway, platform = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
    demo, said = started(tmp_path / "demo", port, citizens=6)
    try:
        assert said[0] == f"Awal is listening on {gateway}\n"
        assert any(line.startswith("Citizens     6:") for line in said)
        assert said[-1].split() == ["National", "platform:", platform]
        assert "awal_scheduler_leader 1" in read(f"{gateway}/metrics")
        assert "awal_answers_total 0" not in read(f"{gateway}/metrics")
        assert "Oriental" in read(platform)
        assert "Nothing to send" in stick(tmp_path / "demo", tmp_path)
        (link,) = [line.split()[-1] for line in said if line.startswith("Console")]
        assert read(link)
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 0
    for url in (gateway, platform):
        with pytest.raises(URLError):
            read(url)
    demo, said = started(tmp_path / "demo", port, citizens=6)
    demo.send_signal(signal.SIGTERM)
    demo.communicate(timeout=PATIENCE)
    assert not any(line.startswith("Citizens") for line in said), "citizens are rehearsed once"
