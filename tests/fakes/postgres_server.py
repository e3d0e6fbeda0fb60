"""A real PostgreSQL server of one's own: in a temporary folder, killed and started again."""

from __future__ import annotations

import os
import pwd
import select
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from ports import free_port

USER = "awal"
READY = 120
MEMORY = 2 << 30


def program(name: str) -> str | None:
    """Find a server program; Debian keeps them outside PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


def _user() -> str | None:
    """Return whom to run the server as: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    return "postgres" if any(one.pw_name == "postgres" for one in pwd.getpwall()) else "nobody"


def _memory() -> str | None:
    """Return a folder in memory that a server fits in."""
    here = os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > MEMORY
    return "/dev/shm" if here else None


def _alive(process: Path) -> bool:
    """Tell whether a process of /proc has not ended yet: one that nobody waits for holds nothing any more."""
    return "\nState:\tZ" not in (process / "status").read_text()


class PostgresServer:
    """Made, it is not yet started; used as a context, it is, and goes with its folder at the end.

    `in_memory`, where there is room: for proofs that make many databases, or kill processes only. What a disk keeps is
    not shown there.
    """

    def __init__(self, in_memory: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="awal-pg-", dir=_memory() if in_memory else None)
        self.folder = Path(self._folder.name)
        self.log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._run_as = _user()
        if self._run_as is not None:
            shutil.chown(self.folder, self._run_as)
        self.port = free_port()
        options = ["-U", USER, "-A", "trust", "-E", "UTF8"]
        self._run("initdb", "-D", str(self.folder / "data"), *options)

    @property
    def process(self) -> int:
        """The number of the server's first process; the others are its children."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        """The URL of the server's first database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def start(self, *settings: str) -> None:
        """Start the server, with `name=value` settings on top, and return once it takes connections."""
        given = ["listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}", *settings]
        command = [program("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        command += [part for setting in given for part in ("-c", setting)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, user=self._run_as, stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + READY
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() < until, self.log.read_text()[-2000:]

    def stop(self) -> None:
        """Stop the server in order: what runs is cut off, what was committed is kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """Kill the server with all its processes; the next start recovers from the log of transactions."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        while left := self._left():  # each in a group of its own; a server does not start beside any of them
            for backend in left:
                with suppress(ProcessLookupError):
                    os.kill(backend, signal.SIGKILL)
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def _left(self) -> list[int]:
        """Return the processes that work in the server's folder, whoever their parent is by now."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if Path(os.readlink(process / "cwd")) == self.folder / "data" and _alive(process):
                    found.append(int(process.name))
        return found

    def new_database(self, template: str = "template1") -> str:
        """Make an empty database, or a copy of `template`, and return its URL."""
        name = f"t{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url_of(name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def cut(self, url: str) -> int:
        """Cut every connection to a database, as a network does; return how many there were."""
        name = url.rpartition("/")[2]
        sql = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = %s"
        return int(self.execute(sql, name)[0][0])

    def terminate(self, backends: Iterable[int]) -> None:
        """Cut the connections of these processes without the way to ask for it; return once they have ended.

        The server knows a process no more before its socket is closed. Until then a client that read the server's last
        words together with a reply has no sign of it, and its next request fails as it may when a server goes.
        """
        ending = []
        for backend in backends:
            with suppress(ProcessLookupError):
                ending.append(os.pidfd_open(backend))
                signal.pidfd_send_signal(ending[-1], signal.SIGTERM)
        for process in ending:
            ended, _, _ = select.select([process], [], [], READY)
            assert ended, "a process of the server does not end"
            os.close(process)

    def execute(self, sql: str, *given: object) -> list[Any]:
        """Run one statement on the server's first database."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql.encode(), given or None)
            return cursor.fetchall() if cursor.description else []

    def _answers(self) -> bool:
        import psycopg

        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, name: str, *arguments: str) -> None:
        found = program(name)
        assert found is not None, name
        subprocess.run([found, *arguments], user=self._run_as, check=True, stdout=subprocess.DEVNULL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()
