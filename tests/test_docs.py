"""The documents are held to what the program does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from gateway.cli import COMMANDS
from gateway.cli.reference import pages
from gateway.settings import table

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("flows", "gateway", "locales", "national", "reports", "storage", "tests", "benchmarks")
README_LINES = 120
LINK = re.compile(r"(?<!`)!?\[[^\]\n]*\]\(([^)\s]+)\)")


def documents() -> list[Path]:
    """Return every Markdown file that Git keeps or would keep."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def test_the_readme_can_be_read_in_five_minutes() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert 40 < len(lines) <= README_LINES
    text = "\n".join(lines)
    assert "make run" in text
    assert "make test" in text


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_has_a_readme(room: str) -> None:
    text = (ROOT / room / "README.md").read_text("utf-8")
    assert text.startswith("# ")
    assert len(text.split()) > 30, "a README that says nothing"


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_resolve(document: Path) -> None:
    targets = [link.partition("#")[0] for link in LINK.findall(document.read_text("utf-8"))]
    local = [target for target in targets if target and not target.startswith(("http://", "https://", "mailto:"))]
    assert [target for target in local if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_made_from_the_code_are_in_step(page: Path) -> None:
    assert page.read_text("utf-8") == pages()[page], "run `make docs`"


def test_every_command_and_setting_is_documented() -> None:
    commands = (ROOT / "gateway/cli/README.md").read_text("utf-8")
    assert [name for name in COMMANDS if f"## `awal {name}" not in commands] == []
    settings = (ROOT / "gateway/settings.md").read_text("utf-8")
    assert [row.name for row in table() if f"| `{row.name}` |" not in settings] == []


def test_the_changelog_grows_under_one_heading() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert text.count("## Unreleased") == 1
    unreleased = text.split("## Unreleased")[1].split("\n## ")[0]
    assert len(re.findall(r"^- ", unreleased, re.M)) >= 5


def test_the_makefile_explains_each_target() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", text, re.M)
    assert phony
    assert [name for name in phony[1].split() if not re.search(rf"^{name}:.*## \S", text, re.M)] == []
