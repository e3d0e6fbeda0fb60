import base64
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from wire_world import OTHER_SIGNING, PUBLIC

from national.app import create_app
from national.cli import main
from national.regions import regions
from national.store import open_store
from reports.keys import public_key


def run(*args: str) -> Result:
    return CliRunner().invoke(main, args, prog_name="awal-national")


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'national.db'}"


def listed(store: str) -> list[dict[str, object]]:
    return json.loads(run("gateway", "list", "--json", "--store", store).stdout)  # type: ignore[no-any-return]


def test_a_gateway_is_enrolled_once(store: str) -> None:
    first = run("gateway", "add", "demo", "--region", "02", "--key", PUBLIC, "--store", store)
    assert (first.exit_code, first.stdout) == (0, "Enrolled: demo (Oriental).\n")
    again = run("gateway", "add", "demo", "--region", "02", "--key", PUBLIC, "--store", store)
    assert (again.exit_code, "Already enrolled" in again.stdout) == (0, True)
    [one] = listed(store)
    assert (one["id"], one["region"], one["key"], one["last_contact"]) == ("demo", "02", PUBLIC, 0)


def test_adding_again_replaces_the_key_and_says_so(store: str) -> None:
    run("gateway", "add", "demo", "--region", "02", "--key", PUBLIC, "--store", store)
    other = public_key(OTHER_SIGNING)
    result = run("gateway", "add", "demo", "--region", "02", "--key", other, "--store", store)
    assert (result.exit_code, "Replaced" in result.stdout) == (0, True)
    assert [one["key"] for one in listed(store)] == [other]


def test_the_json_that_awal_keys_prints_is_a_key_too(store: str) -> None:
    line = json.dumps({"id": "demo", "public_key": PUBLIC})
    assert run("gateway", "add", "demo", "--region", "02", "--key", line, "--store", store).exit_code == 0
    result = run("gateway", "add", "other", "--region", "02", "--key", line, "--store", store)
    assert (result.exit_code, "“demo”" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("demo", "--region", "13", "--key", PUBLIC), "“13” is not a region"),
        (("demo", "--region", "2", "--key", PUBLIC), "“2” is not a region"),
        (("Démo", "--region", "02", "--key", PUBLIC), "“Démo” cannot be a gateway's id"),
        (("demo", "--region", "02", "--key", "abc"), "not a public key"),
        (("demo", "--region", "02", "--key", PUBLIC[:-4]), "not a public key"),
        (("demo", "--region", "02", "--key", "{}"), "awal keys --json"),
    ],
)
def test_wrong_usage_is_one_line_with_the_remedy(store: str, args: tuple[str, ...], told: str) -> None:
    result = run("gateway", "add", *args, "--store", store)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("bogus",), "No such command"),
        (("gateway", "add"), "Missing argument 'ID'"),
        (("gateway", "add", "demo", "--key", PUBLIC), "Missing option '--region'"),
        (("serve", "--port", "x"), "Invalid value for '--port'"),
        (("serve", "--open"), "No such option"),
    ],
)
def test_what_click_refuses_is_one_line_too(args: tuple[str, ...], told: str) -> None:
    result = run(*args)
    assert (result.exit_code, result.stderr.count("\n"), result.stdout) == (2, 1, "")
    assert told in result.stderr
    assert "--help`" in result.stderr


@pytest.mark.parametrize("url", ["mysql://x", "sqlite:", "national.db", "sqlite:/nowhere/at/all/national.db"])
def test_a_store_that_cannot_be_opened_is_one_line(url: str) -> None:
    result = run("gateway", "list", "--store", url)
    assert result.exit_code == 1
    assert result.stderr.startswith("awal-national: ")
    assert result.stderr.count("\n") == 1


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database at all, just words " * 10)
    result = run("gateway", "list", "--store", f"sqlite:{tmp_path / 'text.db'}")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "text.db" in result.stderr


def test_the_platform_has_one_key_for_ever(store: str) -> None:
    shown = json.loads(run("keys", "--json", "--store", store).stdout)
    assert set(shown) == {"id", "public_key"}
    assert len(base64.b64decode(shown["public_key"], validate=True)) == 32
    again = run("keys", "--store", store)
    assert (again.exit_code, again.stdout) == (
        0,
        f"id          {shown['id']}\npublic_key  {shown['public_key']}\n",
    )
    served = create_app(open_store(store)).test_client().get("/v1/platform").json
    assert served is not None
    assert {name: served[name] for name in shown} == shown


def test_another_platform_has_another_key(tmp_path: Path) -> None:
    told = {run("keys", "--store", f"sqlite:{tmp_path / name}").stdout for name in ("one.db", "two.db")}
    assert len(told) == 2


def test_an_empty_list_says_how_to_enrol(store: str) -> None:
    assert "awal keys" in run("gateway", "list", "--store", store).stdout
    assert listed(store) == []


@pytest.mark.parametrize("args", [("--help",), ("serve", "--help"), ("gateway", "--help"), ("gateway", "add", "-h")])
def test_help_teaches(args: tuple[str, ...]) -> None:
    result = run(*args)
    assert result.exit_code == 0
    assert "Usage: awal-national" in result.stdout


def test_the_regions_are_the_twelve_of_morocco() -> None:
    assert list(regions()) == [f"{code:02}" for code in range(1, 13)]
    assert [one.iso for one in regions().values()] == [f"MA-{code:02}" for code in range(1, 13)]
    assert sum(one.population for one in regions().values()) == 36_828_330


def test_serve_says_when_it_is_ready_and_stops_when_told(store: str) -> None:
    command = [sys.executable, "-m", "national.cli", "serve", "--port", "0", "--store", store]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as served:
        try:
            assert served.stdout is not None
            line = served.stdout.readline()
            found = re.fullmatch(r"Awal national platform is listening on (http://127\.0\.0\.1:\d+)\n", line)
            assert found, line
            with urllib.request.urlopen(f"{found[1]}/health") as answer:
                assert json.load(answer)["status"] == "ok"
            again = [*command[:5], found[1].rpartition(":")[2], "--store", store]
            busy = subprocess.run(again, capture_output=True, text=True, timeout=60)
            assert (busy.returncode, "--port" in busy.stderr, busy.stderr.count("\n")) == (1, True, 1)
        finally:
            served.send_signal(signal.SIGTERM)
        assert served.wait(timeout=20) == 0
