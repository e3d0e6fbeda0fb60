import json
import re
from pathlib import Path

import pytest


@pytest.fixture
def readme(root: Path) -> str:
    return (root / "national/README.md").read_text(encoding="utf-8")


def test_its_python_examples_run(readme: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(found) == 2, "requests, frames"
    monkeypatch.chdir(root)
    for code in found:
        exec(compile(code, "README.md", "exec"), {})


def test_the_bytes_it_shows_are_those_signed(readme: str, root: Path) -> None:
    request = json.loads((root / "tests/data/wire/request.json").read_text())
    headers = request["headers"]
    for line in (
        f'"@method": {request["method"]}',
        f'"@path": {request["path"]}',
        f'"content-digest": {headers["Content-Digest"]}',
        f'"idempotency-key": {headers["Idempotency-Key"]}',
        f'"@signature-params": {headers["Signature-Input"].removeprefix("awal=")}',
    ):
        assert f"    {line}\n" in readme


def test_it_describes_every_member_of_the_body(readme: str, root: Path) -> None:
    body = json.loads((root / "tests/data/wire/snapshot.json").read_bytes())
    for name in (*body, *body["questions"][0], *body["questions"][0]["options"][0], *body["walks"]):
        assert f"`{name}`" in readme, name


def test_it_names_every_file_of_the_room(readme: str, root: Path) -> None:
    told = set(re.findall(r"`(\w+\.py)`", readme))
    there = {one.name for one in (root / "national").glob("*.py")}
    assert told <= there
    assert there - told <= {"__init__.py", "app.py", "cli.py", "errors.py", "regions.py"}
