"""What every room's tests share: the real programs they need, and where the repository is."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# A shell that starts the suite in the background has it ignore SIGINT, and every program that a test starts as well.
signal.signal(signal.SIGINT, signal.default_int_handler)

TOLD = pytest.StashKey[list[str]]()
"""What the proofs by fault met, where workers of pytest-xdist ran them."""
ROOT = Path(__file__).resolve().parent.parent
SBIN = "/usr/sbin:/usr/local/sbin:/sbin"
"""Where daemons are, which not every user's PATH names."""


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker has to tell."""
    told = getattr(node, "workeroutput", {}).get("torture", [])
    node.config.stash.setdefault(TOLD, []).extend(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in dict.fromkeys(config.stash.get(TOLD, [])):
        terminalreporter.write_line(f"torture: {line}")


def _absent(name: str) -> bool:
    """Tell whether a program, `module:NAME` or `font:NAME` is missing."""
    kind, _, what = name.rpartition(":")
    if kind == "module":
        return importlib.util.find_spec(what) is None
    if kind == "font":
        listed = shutil.which("fc-list") and subprocess.run(["fc-list"], capture_output=True, text=True).stdout
        return what.lower() not in (listed or "").lower()
    return not (shutil.which(what) or shutil.which(what, path=SBIN))


@pytest.fixture(scope="session")
def need() -> Callable[..., None]:
    """Return `need(*names)`: skip the test when something it needs is absent, or fail where nothing may be skipped.

    AWAL_REQUIRE_ALL=1, as in CI, turns every such skip into a failure.
    """

    def check(*names: str) -> None:
        missing = [name for name in names if _absent(name)]
        if not missing:
            return
        reason = f"not installed: {', '.join(missing)} (`make programs` installs what it can)"
        if os.environ.get("AWAL_REQUIRE_ALL") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)

    return check


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    """Turn every other skip into a failure too, where AWAL_REQUIRE_ALL=1 says that nothing may be skipped."""
    report = yield
    if report.skipped and os.environ.get("AWAL_REQUIRE_ALL") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but AWAL_REQUIRE_ALL=1 allows no skip: {call.excinfo and call.excinfo.value}"
    return report


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the directory of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def browser(need: Callable[..., None]) -> Iterator[Any]:
    """Run one Chromium for all tests: Playwright allows no second one in a process."""
    need("module:playwright", "chromium")
    from simulated_phone import launched

    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def postgres_server(need: Callable[..., None]) -> Iterator[Any]:
    """Run one PostgreSQL server for all tests; each makes a database of its own (`new_database`)."""
    from postgres_server import PostgresServer, program

    need("module:psycopg")
    if program("initdb") is None:
        need("initdb")
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres(postgres_server: Any) -> str:
    """Return the URL of the first database of a PostgreSQL server."""
    return str(postgres_server.url)
