"""Commands reach the gateway that holds the store, and do the work themselves when none runs."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_phones import kept_in_mind

from flows.errors import AwalError
from gateway.control import NAME, OPERATIONS, Control, is_running, perform
from gateway.project import Project

Awal = Callable[..., Any]


@pytest.fixture
def gateway(demo: Path) -> Iterator[Project]:
    """Hold the store and listen, as a running gateway does."""
    with Project(demo) as project:
        project.store.counts()
        control = Control(project)
        yield project
        control.close()


def test_nobody_runs_before_and_after(demo: Path) -> None:
    assert not is_running(demo)
    with Project(demo) as project:
        control = Control(project)
        assert is_running(demo)
        control.close()
    assert not is_running(demo)
    assert not (demo / "data" / NAME).exists()


def test_the_running_gateway_does_the_work(awal: Awal, gateway: Project) -> None:
    shown = awal("erase", "+212600000009", project=gateway.directory)
    assert (shown.code, shown.out) == (0, "Forgotten: 0 rows.\n")


def test_who_is_erased_does_not_stay_in_the_running_gateways_mind(awal: Awal, gateway: Project) -> None:
    gateway.phones.pseudonym("+212600000009")
    assert awal("erase", "+212600000009", project=gateway.directory).code == 0
    assert "+212600000009" not in kept_in_mind(gateway.phones)


def test_without_one_the_command_does_it_itself(awal: Awal, demo: Path) -> None:
    assert awal("erase", "+212600000009", project=demo).out == "Forgotten: 0 rows.\n"


def test_a_wrong_password_is_told_as_such_and_noted_where_the_store_is(awal: Awal, demo: Path) -> None:
    toml = demo / "awal.toml"
    toml.write_text(toml.read_text() + '\n[operators.amina]\npassword = "scrypt:32768:8:1$a$b"\n')
    with Project(demo) as project:
        project.store.counts()
        control = Control(project)
        shown = awal("campaign", "approve", "pilot", "--as", "amina", project=demo, stdin="guess\n")
        assert shown.err == "awal: This is not the password of operator amina. Nothing was done.\n"
        assert [kind for _, kind, _ in project.store.events(10)].count("login-failed") == 1
        control.close()


def test_what_it_refuses_is_refused_here(awal: Awal, gateway: Project) -> None:
    shown = awal("mydata", "12", project=gateway.directory)
    assert shown.code == 1
    assert "country code" in shown.err
    with pytest.raises(AwalError, match="country code"):
        perform(gateway, "erase", "12")


def test_only_the_owner_may_ask(gateway: Project) -> None:
    mode = (gateway.directory / "data" / NAME).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize(
    "line", [b"\n", b"no json\n", b"{}\n", b'["format-disk"]\n', b'["erase"]\n', b'["erase", 1, 2, 3]\n']
)
def test_nonsense_is_answered_and_harms_nothing(gateway: Project, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(gateway.directory / "data" / NAME))
        link.sendall(line)
        assert "error" in json.loads(link.makefile("rb").readline())
    assert perform(gateway, "erase", "+212600000009") == 0


def test_what_a_dead_gateway_left_is_taken_over(demo: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(demo / "data" / NAME))
    left.close()
    assert not is_running(demo)
    with Project(demo) as project:
        control = Control(project)
        assert is_running(demo)
        control.close()


def test_a_project_may_lie_deep(tmp_path: Path) -> None:
    """A socket's own path is short; a project's may be long."""
    from gateway.cli.init import create

    deep = tmp_path / "/".join(["a-long-name-of-a-directory"] * 6)
    create(deep, demo=True)
    with Project(deep) as project:
        control = Control(project)
        assert perform(project, "discard", "nothing") is False
        control.close()


def test_every_operation_is_told_what_it_does() -> None:
    assert all(operation.__doc__ for operation in OPERATIONS.values())
