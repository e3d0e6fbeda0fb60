"""A project to try the program on, and a way to call the command line without a new process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import run
from gateway.cli.init import create


@dataclass(frozen=True)
class Outcome:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it wrote, read as JSON."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """What it wrote, read as one JSON document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """Make a demo project in an empty directory."""
    create(tmp_path / "demo", demo=True)
    return tmp_path / "demo"


@pytest.fixture
def awal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Return `awal(*arguments, project=…, stdin=…)`, which runs one command line."""

    def call(*arguments: object, project: Path | None = None, stdin: str = "") -> Outcome:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        where = ["-C", str(project)] if project else []
        code = run([*where, *map(str, arguments)])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call
