"""A real PostgreSQL server for the tests that need one."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def _program(name: str) -> str | None:
    """Find a server program; Debian keeps them outside PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


def _user() -> str | None:
    """Return whom to run the server as: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    return "postgres" if any(one.pw_name == "postgres" for one in pwd.getpwall()) else "nobody"


@pytest.fixture(scope="session")
def postgres(need: Callable[..., None]) -> Iterator[str]:
    """Start a PostgreSQL server in a temporary folder and return the URL of its first database."""
    if _program("initdb") is None:
        need("initdb")
    initdb, server, user = _program("initdb"), _program("postgres"), _user()
    assert initdb is not None
    assert server is not None
    with tempfile.TemporaryDirectory(prefix="awal-pg-") as folder, socket.socket() as probe:
        if user is not None:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        subprocess.run(
            [initdb, "-D", data, "-U", "awal", "-A", "trust", "-E", "UTF8"], user=user, check=True, stdout=-3
        )
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        listen = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
        command = [server, "-D", data, "-p", str(port), *listen]
        with subprocess.Popen(command, user=user, stdout=-3, stderr=subprocess.PIPE, text=True) as running:
            assert running.stderr is not None
            for line in running.stderr:
                if "ready to accept connections" in line:
                    break
            yield f"postgresql://awal@127.0.0.1:{port}/postgres"
            running.terminate()
            running.stderr.read()
