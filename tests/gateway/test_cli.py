"""The command line as an operator meets it: what it does, what it says when it cannot, and its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from gateway.cli import COMMANDS, cli, run

Awal = Callable[..., Any]


def commands() -> list[tuple[str, click.Command]]:
    """Return every command there is, those of groups too."""
    found = []
    root = click.Context(cli, info_name="awal")
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {inner}", one) for inner, one in command.commands.items()]
    return found


CONTRACT = "init serve channels check test play rehearse segments read export report keys sync erase mydata doctor"


def test_every_command_of_the_contract_is_there() -> None:
    assert [name for name in CONTRACT.split() if name not in COMMANDS] == []


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_each_command_teaches_by_an_example(name: str, command: click.Command) -> None:
    assert command.help
    first = command.help.split("\n\n")[0].replace("\n", " ")
    assert first.rstrip().endswith((".", ":")), "the first paragraph is a whole sentence"
    assert f"awal {name.split()[0]}" in command.help or f"{name}" in command.help.split("Example:")[1]
    assert all(option.help for option in command.params if isinstance(option, click.Option) and option.name != "help")


def test_help_lists_every_command(awal: Awal) -> None:
    shown = awal("--help")
    assert shown.code == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in shown.out] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "there is no command 'frobnicate'"),
        (["chek"], "Did you mean 'check'?"),
        (["init"], "Missing argument"),
        (["serve", "--port", "many"], "--port"),
        (["read", "colour"], "colour"),
        (["sync", "--carrier", "pigeon"], "pigeon"),
        (["export", "answers", "--since", "yesterday"], "--since"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(awal: Awal, arguments: list[str], said: str) -> None:
    shown = awal(*arguments)
    assert shown.code == 2
    assert shown.out == ""
    assert shown.err.startswith("awal: ")
    assert shown.err.count("\n") == 1
    assert said in shown.err
    assert "--help" in shown.err


def test_what_is_refused_is_one_line_and_code_1(awal: Awal, tmp_path: Path) -> None:
    shown = awal("channels", project=tmp_path)
    assert (shown.code, shown.out) == (1, "")
    remedy = f"Make one with `awal init {tmp_path}`, or name one with -C."
    assert shown.err == f"awal: {tmp_path}/awal.toml: there is no project here. {remedy}\n"


def test_our_own_fault_is_one_line_too(awal: Awal, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("in the reckoning")

    monkeypatch.setattr("gateway.settings_file.load", broken)
    monkeypatch.setattr("gateway.project.load", broken)
    shown = awal("channels", project=demo)
    assert shown.code == 1
    assert "ZeroDivisionError" in shown.err
    assert shown.err.count("\n") == 1
    monkeypatch.setenv("AWAL_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run(["-C", str(demo), "channels"])


def test_the_project_can_be_named_by_the_environment(demo: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "keys", "--json"],
        env={**os.environ, "AWAL_PROJECT": str(demo)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"id": "demo"' in done.stdout


def test_a_reader_that_leaves_early_is_no_error(demo: Path) -> None:
    texts = "\n".join(['"Merci"'] * 50_000)
    line = f"{sys.executable} -m gateway segments | head -n 1"
    done = subprocess.run(["bash", "-c", line], input=texts, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("{")
    assert done.stderr == ""


def test_words_pass_in_every_script_whatever_the_locale() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "read", "text"],
        input='"ⴰⵡⴰⵍ كلمة"\n'.encode(),
        env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
        capture_output=True,
        check=True,
    )
    assert "ⴰⵡⴰⵍ كلمة" in done.stdout.decode("utf-8")


def test_the_help_lists_each_command_with_its_whole_first_sentence(awal: Awal) -> None:
    shown = " ".join(awal("--help").out.split())
    assert "Make a project directory, its secrets and the operator's password." in shown


def test_segments_of_one_text(awal: Awal) -> None:
    assert awal("segments", "Merci").out == "GSM-7: 5 units, 1 segment\n"
    assert awal("segments", "ⴰⵡⴰⵍ").out == "UCS-2: 4 units, 1 segment\n"


def test_segments_names_the_letters_that_cost(awal: Awal) -> None:
    assert awal("segments", "Être prêt ici, peut-être").out == "UCS-2: 24 units, 1 segment, because of Ê ê\n"


def test_segments_of_many_texts(awal: Awal) -> None:
    shown = awal("segments", stdin='"' + "a" * 161 + '"\n"€"\n')
    assert shown.lines == [
        {"encoding": "GSM-7", "units": 161, "segments": 2},
        {"encoding": "GSM-7", "units": 2, "segments": 1},
    ]


@pytest.mark.parametrize(
    ("arguments", "reply", "expected"),
    [
        (["yes_no"], "oui", {"value": "yes"}),
        (["yes_no"], "STOP", {"command": "STOP"}),
        (["choice", "--options", '{"cuts": "Coupures", "price": ["Prix", "الثمن"]}'], "الثمن", {"value": "price"}),
        (["integer", "--options", '{"min": 1, "max": 20}'], "12", {"value": 12}),
        (["date", "--options", '{"today": "2026-11-23", "max": "2026-11-23"}'], "hier", {"value": "2026-11-22"}),
        (["place", "--options", '{"level": "region"}'], "Oriental", {"value": "02"}),
    ],
)
def test_how_a_reply_is_read(awal: Awal, arguments: list[str], reply: str, expected: dict[str, object]) -> None:
    assert awal("read", *arguments, stdin=f'"{reply}"\n').lines == [expected]


def test_an_unclear_reply_says_why(awal: Awal) -> None:
    (reading,) = awal("read", "integer", "--options", '{"max": 20}', stdin='"21"\n').lines
    assert list(reading) == ["invalid"]


@pytest.mark.parametrize("options", ["[]", "x", '{"min": "a"}', '{"colour": 1}'])
def test_options_that_mean_nothing_are_wrong_usage(awal: Awal, options: str) -> None:
    assert awal("read", "integer", "--options", options, stdin='"1"\n').code == 2


def test_a_line_that_is_no_json_is_named(awal: Awal) -> None:
    shown = awal("segments", stdin='"a"\nb\n')
    assert shown.code == 1
    assert "stdin:2" in shown.err
