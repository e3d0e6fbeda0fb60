"""The rooms and the arrows between them, as the design draws them; no import may run the other way."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ALLOWED = {
    "locales": set(),
    "flows": {"locales"},
    "storage": {"flows", "locales"},
    "reports": {"storage", "flows", "locales"},
    "gateway": {"reports", "storage", "flows", "locales"},
    "national": set(),
}
"""Room to the rooms it may import."""

IMPURE = {
    "asyncio",
    "glob",
    "http",
    "httpx",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "requests",
    "secrets",
    "select",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}
"""Modules that reach files, clocks, chance or the network."""

IMPURE_CALLS = {"open", "input", "print", "eval", "exec", "compile", "__import__"}
CLOCK_CALLS = {"now", "utcnow", "today"}

READS_FILES = ("flows/talk.py",)
"""Parts of `flows` that are handed files by name; the engine and all it calls are not among them."""

HEART = ("gateway/conversation.py", "flows/engine.py")
HEART_LINES = 200

HEAVY = {
    "africastalking",
    "apscheduler",
    "babel",
    "cryptography",
    "flask",
    "granian",
    "jinja2",
    "phonenumbers",
    "requests",
    "sqlite_utils",
    "twilio.rest",
    "waitress",
    "weasyprint",
}
"""Packages that cost a tenth of a second or ten megabytes; they are imported where they are used."""


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imports(path: Path, toplevel: bool = False) -> Iterator[tuple[int, str]]:
    """Yield (line, module) of every import, but those for type checkers only; `toplevel` leaves functions out."""
    yield from _imports(ast.parse(path.read_text("utf-8")), toplevel)


def _imports(node: ast.AST, toplevel: bool) -> Iterator[tuple[int, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((child.lineno, alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from _imported_from(child)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        elif not (toplevel and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)):
            yield from _imports(child, toplevel)


def _imported_from(node: ast.ImportFrom) -> Iterator[tuple[int, str]]:
    assert node.level == 0, f"line {node.lineno}: relative imports hide which room is meant"
    for alias in node.names:
        yield node.lineno, f"{node.module}.{alias.name}"


def typing_imports(path: Path) -> set[str]:
    """Return every module named anywhere in the file, imports for type checkers included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("room", ALLOWED)
def test_no_arrow_runs_the_other_way(room: str) -> None:
    """A room imports what the design allows it, for types too."""
    assert sources(room), f"{room}/ holds no code"
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources(room)
        for module in sorted(typing_imports(path))
        if (other := module.split(".")[0]) in ALLOWED and other != room and other not in ALLOWED[room]
    ]
    assert wrong == []


def test_every_package_is_a_room() -> None:
    """A new top-level package must be given its arrows here, and shipped."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages == set(ALLOWED)
    listed = (ROOT / "setup.cfg").read_text("utf-8")
    assert all(f"{name}*" in listed for name in packages)


def pure_sources() -> list[Path]:
    return [path for path in sources("flows") if not str(path.relative_to(ROOT)).startswith(READS_FILES)]


def test_the_engine_is_pure() -> None:
    """No file, no clock, no chance, no network in `flows/`, nor in what the engine imports."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for path in pure_sources()
        for line, module in imports(path)
        if module.split(".")[0] in IMPURE
    ]
    wrong += [
        f"{path.relative_to(ROOT)}:{line}: {call}" for path in pure_sources() for line, call in impure_calls(path)
    ]
    assert wrong == []


def impure_calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in IMPURE_CALLS or (name.rpartition(".")[2] in CLOCK_CALLS and "." in name):
            yield node.lineno, f"{name}()"


def test_the_engine_does_not_reach_the_parts_that_read_files() -> None:
    """What the engine imports, directly or not, is pure."""
    seen: set[str] = set()
    queue = ["flows.engine"]
    while queue:
        module = queue.pop()
        path = ROOT / (module.replace(".", "/") + ".py")
        if module in seen or not path.exists():
            continue
        seen.add(module)
        for _, name in imports(path):
            queue += [name, name.rpartition(".")[0]]
    reached = {name.replace(".", "/") for name in seen}
    assert not [name for name in reached if any(name.startswith(one.removesuffix(".py")) for one in READS_FILES)]
    assert "flows/screens" in reached, "the walk over imports found nothing"


@pytest.mark.parametrize("name", HEART)
def test_the_heart_stays_small(name: str) -> None:
    """The two files a newcomer starts at can be read in one sitting."""
    assert len((ROOT / name).read_text("utf-8").splitlines()) < HEART_LINES


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    """No command, and no part that the server loads early, imports something costly at its top."""
    names = ("server", "project", "settings", "log", "running", "lane", "conversation", "scheduler")
    early = [ROOT / f"gateway/{name}.py" for name in names]
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for path in [*early, *sources("gateway/cli"), *sources("flows")]
        for line, module in imports(path, toplevel=True)
        if f"{module}.".startswith(tuple(f"{heavy}." for heavy in HEAVY))
    ]
    assert wrong == []


def loaded_by(code: str) -> set[str]:
    """Return the modules that a fresh process holds after running `code`."""
    code += "; import sys; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(done.stderr.split())


def test_help_imports_nothing_heavy() -> None:
    """`awal --help` answers from what it needs only; seen in a fresh process."""
    assert loaded_by("from gateway.cli import run; run(['--help'])") & HEAVY == set()


def test_the_webhook_lane_needs_no_framework() -> None:
    """What takes a citizen's reply is loaded without Flask, a provider's client or a scheduler."""
    assert loaded_by("import gateway.running, gateway.conversation, gateway.lane") & HEAVY == set()


def test_the_port_answers_before_the_engine_and_the_adapters_are_loaded() -> None:
    """Whether a gateway came back is known from its store: what citizens and operators need is loaded after that."""
    code = "import gateway.server, gateway.running, gateway.front, storage.sqlite"
    later = HEAVY | {"werkzeug", "flows.engine", "gateway.lane", "gateway.conversation", "gateway.works", "gateway.app"}
    later |= {"storage.sqlite.backup", "storage.sqlite.keyring", "storage.sqlite.migrations", "difflib"}
    assert loaded_by(code) & later == set()


def test_an_address_in_figures_is_not_looked_up() -> None:
    """The start asks itself whether it answers: names in other scripts than ours are no part of that question."""
    asked = "from gateway.server import healthy; healthy('127.0.0.1', 9)"
    assert "encodings.idna" not in loaded_by(asked)


def test_the_gateway_starts_without_what_it_needs_later() -> None:
    """Flask is loaded for the first page; clients, parsers and the clock wait until they are used."""
    later = (HEAVY | {"yaml", "flows.check", "flows.load"}) - {"flask", "jinja2"}
    assert loaded_by("import gateway.running, gateway.app") & later == set()
