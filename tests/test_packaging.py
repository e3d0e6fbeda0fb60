"""What users install: the source archive, the wheel made from it, and the program in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command: object, cwd: Path) -> str:
    """Run a command without our own paths in its way, and return what it said."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AWAL", "VIRTUAL"))
    }
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def kept() -> list[str]:
    """Return every file that Git keeps or would keep."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both archives from what Git keeps, the wheel from the source archive."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in kept():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "build", "--outdir", built, source, cwd=built)
    return built


@pytest.fixture(scope="module")
def installed(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, with all it requires, in an environment of its own; return its directory of programs."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=True)
    (wheel,) = archives.glob("*.whl")
    run(home / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=home)
    return home / "bin"


DATA = (".csv", ".css", ".html", ".js", ".json", ".po", ".svg", ".topojson", ".webmanifest", ".yaml")
ROOMS = ("flows", "gateway", "locales", "national", "reports", "storage")


def test_the_wheel_holds_every_file_the_program_reads(archives: Path) -> None:
    (wheel,) = archives.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = [name for name in kept() if name.split("/")[0] in ROOMS and name.endswith((".py", *DATA))]
    assert len(wanted) > 50
    assert [name for name in wanted if name not in inside] == []


def test_the_wheel_holds_nothing_else(archives: Path) -> None:
    (wheel,) = archives.glob("*.whl")
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(ROOMS)


def test_the_source_archive_holds_the_tests_and_the_licence(archives: Path) -> None:
    (sdist,) = archives.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "Makefile", "tests/test_packaging.py", ".ci/run"} <= inside


def test_the_installed_program_makes_a_project_and_checks_its_flows(installed: Path, tmp_path: Path) -> None:
    run(installed / "awal", "init", "--demo", tmp_path / "demo", cwd=tmp_path)
    assert len(list((tmp_path / "demo" / "flows").glob("*.yaml"))) >= 4
    run(installed / "awal", "-C", tmp_path / "demo", "check", cwd=tmp_path)
    tested = run(installed / "awal", "-C", tmp_path / "demo", "test", cwd=tmp_path)
    assert "0 failed" in tested
    page = run(
        installed / "awal", "-C", tmp_path / "demo", "report", "--format", "html", "--language", "ar", cwd=tmp_path
    )
    assert "</html>" in page


def test_the_installed_platform_starts(installed: Path, tmp_path: Path) -> None:
    assert "gateway" in run(installed / "awal-national", "--help", cwd=tmp_path)


def test_the_version_is_told_once(installed: Path, tmp_path: Path) -> None:
    from gateway import __version__

    assert run(installed / "awal", "--version", cwd=tmp_path) == f"awal {__version__}\n"
