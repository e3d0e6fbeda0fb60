"""The flows of a folder: read once, kept compiled, read again when anything they depend on changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.errors import AwalError
from gateway.flowfiles import FlowFiles, flow_files, read
from gateway.project import Project
from locales.catalogue import Catalogues

ROADS = """\
flow: roads
version: 1
title: Routes
language: fr
languages: [fr]
steps:
- id: passable
  ask: La route est-elle praticable ?
  type: yes_no
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "roads.yaml").write_text(ROADS)
    return tmp_path / "flows"


def files(folder: Path, cache: Path | None = None) -> FlowFiles:
    return FlowFiles(folder, Catalogues, folder.parent / "locales", cache)


def test_conversation_tests_are_no_flows(folder: Path) -> None:
    (folder / "roads.test.yaml").write_text("flow: roads\ntests: []\n")
    assert [path.name for path in flow_files(folder)] == ["roads.yaml"]


def test_what_is_kept_is_what_was_read(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "flows.msgpack"
    first = files(folder, cache)
    assert cache.is_file()
    second = FlowFiles(folder, lambda: pytest.fail("checked again"), folder.parent / "locales", cache)
    assert second.sound() == first.sound()
    assert second.sound()[0].hash == first.sound()[0].hash
    assert second.problems == first.problems


@pytest.mark.parametrize("what", ["flow", "new flow", "catalogue", "garbage"])
def test_a_change_of_anything_they_depend_on_is_seen(folder: Path, tmp_path: Path, what: str) -> None:
    cache = tmp_path / "flows.msgpack"
    files(folder, cache)
    checked: list[bool] = []
    if what == "flow":
        (folder / "roads.yaml").write_text(ROADS.replace("version: 1", "version: 2"))
    elif what == "new flow":
        (folder / "b.yaml").write_text(ROADS.replace("flow: roads", "flow: tracks"))
    elif what == "catalogue":
        (tmp_path / "locales" / "ar").mkdir(parents=True)
        (tmp_path / "locales" / "ar" / "flows.po").write_text("")
    else:
        cache.write_bytes(b"{")
    FlowFiles(folder, lambda: checked.append(True) or Catalogues(), tmp_path / "locales", cache)
    assert checked


def test_a_file_that_was_only_touched_is_not_checked_again(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "flows.msgpack"
    files(folder, cache)
    os.utime(folder / "roads.yaml", (1, 1))
    again = FlowFiles(folder, lambda: pytest.fail("checked again"), folder.parent / "locales", cache)
    assert [flow.id for flow in again.sound()] == ["roads"]


def test_a_change_that_hides_its_time_and_size_is_seen(folder: Path, tmp_path: Path) -> None:
    cache, file = tmp_path / "flows.msgpack", folder / "roads.yaml"
    files(folder, cache)
    os.utime(cache, (2_000_000_000, 2_000_000_000))
    before = file.stat()
    file.write_text(ROADS.replace("version: 1", "version: 2"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [flow.version for flow in files(folder, cache).sound()] == [2]


@pytest.mark.parametrize("settled", [True, False])
def test_a_file_is_read_again_unless_it_lay_still_when_it_was_compiled(
    folder: Path, tmp_path: Path, settled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written in the same moment as the outcome, it may have changed after it was read, and bear the same stamps."""
    cache, asked = tmp_path / "flows.msgpack", []
    files(folder, cache)
    later = (folder / "roads.yaml").stat().st_ctime + (10 if settled else 1)
    os.utime(cache, (later, later))
    monkeypatch.setattr(FlowFiles, "_key", lambda self: asked.append(self) or "")
    files(folder, cache)
    assert bool(asked) is not settled


def test_a_flow_with_an_error_is_told_and_not_served(folder: Path, tmp_path: Path) -> None:
    (folder / "wrong.yaml").write_text(ROADS.replace("flow: roads", "flow: wrong").replace("yes_no", "yes_noo"))
    for _ in range(2):  # read, then from what was kept
        found = files(folder, tmp_path / "flows.msgpack")
        assert [flow.id for flow in found.sound()] == ["roads"]
        assert [problem.file for problem in found.problems if problem.level == "error"] == [str(folder / "wrong.yaml")]


def test_two_files_of_one_flow_serve_neither_twice(folder: Path) -> None:
    (folder / "again.yaml").write_text(ROADS)
    assert [flow.id for flow in files(folder).sound()] in ([], ["roads"])


def test_unreadable_files_are_named(folder: Path, tmp_path: Path) -> None:
    (folder / "latin.yaml").write_bytes("title: é".encode("latin-1"))
    (folder / "huge.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(AwalError, match="UTF-8"):
        read(folder / "latin.yaml")
    with pytest.raises(AwalError, match="larger"):
        read(folder / "huge.yaml")
    with pytest.raises(AwalError, match=r"none\.yaml"):
        read(folder / "none.yaml")
    assert [flow.id for flow in files(folder).sound()] == ["roads"]


def test_a_place_that_cannot_be_written_keeps_nothing_and_serves(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert files(folder, tmp_path / "file" / "flows.msgpack").sound()


def test_a_second_start_loads_neither_yaml_nor_the_checker(demo: Path) -> None:
    with Project(demo) as project:
        assert project.files.sound()
    code = "from gateway.project import Project; from pathlib import Path; import sys; p = Project(Path(sys.argv[1])); "
    code += "assert p.files.sound(); print(*[name for name in sys.modules if name in ('yaml', 'flows.check')])"
    done = subprocess.run([sys.executable, "-c", code, str(demo)], capture_output=True, text=True, env=os.environ)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


# walking every path --------------------------------------------------------------------------------------------
TRAPPED = ROADS.replace("flow: roads", "flow: trap") + (
    "- id: again\n  ask: Encore ?\n  type: yes_no\n"
    '- go: again\n  when: passable == "yes" or again == "yes"\n- say: Fin\n'
)
"""Nothing that can be seen without walking: who said yes to the first question is asked for ever."""


def test_a_flow_that_fails_on_some_path_is_served_until_it_is_walked(folder: Path, tmp_path: Path) -> None:
    (folder / "trap.yaml").write_text(TRAPPED)
    cache = tmp_path / "flows.msgpack"
    found = files(folder, cache)
    assert [flow.id for flow in found.sound()] == ["roads", "trap"]
    assert found.walk()
    assert [flow.id for flow in found.sound()] == ["roads"]
    assert [problem.code for problem in found.problems if problem.level == "error"] == ["F326"]
    kept = FlowFiles(folder, lambda: pytest.fail("walked again"), folder.parent / "locales", cache)
    assert not kept.walk()
    assert [flow.id for flow in kept.sound()] == ["roads"]


def test_sound_flows_are_walked_once_and_nothing_changes(folder: Path) -> None:
    found = files(folder)
    before = found.sound()
    assert not found.walk()
    assert not found.walk()
    assert found.sound() == before


def test_a_gateway_withdraws_what_fails_and_lets_nobody_new_in(demo: Path) -> None:
    with Project(demo) as project:
        project.reload_flows()
        (demo / "flows" / "trap.yaml").write_text(TRAPPED)
        project.reload_flows()
        assert "trap" not in project.library.flows, "a changed flow is walked before it is served"
        assert "water" in project.library.flows
    with Project(demo) as project:
        (demo / "data" / "cache" / "flows.msgpack").unlink()
        assert "trap" in project.library.flows
        project.reload_flows()
        assert "trap" in project.library.flows, "a start is not slowed down"
        project.reload_flows()
        assert "trap" not in project.library.flows
        (demo / "flows" / "trap.yaml").write_text(TRAPPED.replace('passable == "yes" or ', ""))
        project.reload_flows()
        assert "trap" in project.library.flows
