"""Projects as an outsider makes them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from outsider import Project

FLOWS = Path(__file__).parent / "flows"


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Project]:
    """Return `make(*options, flows=…)`: a project by `awal init`, which serves exactly these files of ours."""

    def project(*options: str, flows: tuple[str, ...] = ("water.yaml", "market.yaml")) -> Project:
        made = Project(tmp_path_factory.mktemp("outside") / "project", *options)
        for path in (made.directory / "flows").iterdir():
            path.unlink()
        for name in flows:
            shutil.copy(FLOWS / name, made.directory / "flows")
        return made

    return project
