"""The HTTP server: granian (one worker process) or waitress, around the program's one WSGI application.

Under granian a small parent process holds the port and the worker holds everything else. The worker dies with its
parent, opens the store itself, and says that it listens once `/health` really answers.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.errors import AwalError
from gateway import log
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.running import Running

DRAIN = 10
"""Seconds that requests under way are given when the server stops."""
READY = 30
"""Seconds after which a server that does not answer is reported."""
PROMPT = 5
"""Seconds in which a server that works says whether it is well."""
PR_SET_PDEATHSIG = 1
M_ARENA_MAX, ARENAS = -8, 2
LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not chosen
"""Where to reach a server that listens on every address."""

Announce = Callable[[str], None]


def serve(directory: Path, settings: Settings, host: str, port: int, announce: Announce) -> None:
    """Serve a project until SIGTERM or SIGINT; `announce` is called once, with the URL, when it answers.

    Raises AwalError when the port is taken; leaves with code 1 when the worker cannot start, having said why.
    """
    port = claim_port(host, port)
    if settings.gateway.server == "waitress":
        _waitress(directory, settings, host, port, announce)
    else:
        _granian(directory, settings, host, port, announce)


def claim_port(host: str, port: int) -> int:
    """Return `port`, or a free one for 0; raises AwalError when another program listens there.

    granian sets SO_REUSEPORT, under which two servers on one port would share its calls without a word.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            message = f"{host}:{port}: {reason}. Stop the other program, or choose another port with --port."
            raise AwalError(message) from None
        return int(probe.getsockname()[1])


def _granian(directory: Path, settings: Settings, host: str, port: int, announce: Announce) -> None:
    import asyncio
    import multiprocessing

    from granian import Granian, loops
    from granian.constants import Interfaces

    from gateway.front import event_loop

    class Server(Granian):  # type: ignore[misc, valid-type]  # one of two classes, by the kind of Python
        """granian without its pid file, which we do not ask for, and the look at every process that comes with it."""

        def _write_pidfile(self) -> None:
            pass

    multiprocessing.set_start_method("fork", force=True)  # the worker takes what is loaded here along
    parent = os.getpid()

    def worker(*_: object, **__: object) -> Any:  # granian looks for `__rsgi__` on it
        running = _in_worker(parent, lambda: _start(directory, settings, url(host, port)))
        announce_soon(host, port, running, announce)
        return running.front

    @loops.register("auto")
    def loop() -> asyncio.AbstractEventLoop:
        made = event_loop()
        asyncio.set_event_loop(made)
        return made

    server = Server(
        "awal",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        workers=1,
        websockets=False,
        log_enabled=False,
        workers_kill_timeout=DRAIN,
    )
    gc.freeze()  # what is loaded stays: the worker shares it, and need not look through it for garbage
    server.serve(target_loader=worker, wrap_loader=False)


def _in_worker(parent: int, start: Callable[[], Running]) -> Running:
    """Start the program in granian's worker process, tied to its parent and closed when the worker ends."""
    from multiprocessing.util import Finalize

    die_with(parent)
    few_arenas()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # the parent's handlers came along; granian sets its own afterwards
    running = start()
    Finalize(None, running.close, exitpriority=100)
    return running


def _waitress(directory: Path, settings: Settings, host: str, port: int, announce: Announce) -> None:
    from waitress.server import create_server

    running = _start(directory, settings, url(host, port))
    server: Any = create_server(
        running.application, host=host, port=port, threads=settings.gateway.threads, clear_untrusted_proxy_headers=True
    )
    announce_soon(host, port, running, announce)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        server.run()
    finally:
        server.task_dispatcher.shutdown(timeout=DRAIN)
        server.close()
        running.close()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _start(directory: Path, settings: Settings, address: str) -> Running:
    """Start the program, as far as it must be to answer."""
    from gateway.running import Running

    log.setup(settings.gateway.log)
    with leaving():
        return Running(directory, settings, address)


@contextmanager
def leaving() -> Iterator[None]:
    """Say a reason not to start in one line, and end the process; granian would show where instead."""
    try:
        yield
    except Exception as error:
        if os.environ.get("AWAL_DEBUG"):
            raise
        sys.stderr.write(f"awal: {log.told(error)}\n")
        sys.stderr.flush()
        os._exit(1)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent is gone, so that no orphan keeps the store."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def few_arenas() -> None:
    """Have the C library's allocator share its memory among threads: each would else keep what others could use."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's; others have no arenas
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)


def url(host: str, port: int) -> str:
    """Return the address as people type it."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def announce_soon(host: str, port: int, running: Running, announce: Announce) -> None:
    """In a thread of its own, begin the rest of the work once the server answers, then call `announce`."""

    def ready(address: str) -> None:
        with leaving():
            running.begin()
        announce(address)

    threading.Thread(target=announce_when_ready, args=(host, port, ready), name="ready", daemon=True).start()


def announce_when_ready(host: str, port: int, announce: Announce) -> None:
    """Call `announce` once `/health` answers 200; say so on the log when it does not in time."""
    local = LOCAL.get(host, host)
    until = time.monotonic() + READY
    while time.monotonic() < until:
        if healthy(local, port):
            announce(url(host, port))
            return
        threading.Event().wait(0.02)  # by the kernel's own count, whoever sets the clock meanwhile
    log.event("the server does not answer on its own address", level=40, url=url(host, port))


def healthy(host: str, port: int) -> bool:
    """Tell whether a gateway answers 200 on `/health`; plain sockets, because http.client costs an import."""
    request = f"GET /health HTTP/1.0\r\nHost: {host}\r\n\r\n".encode()
    try:
        with _link(host, port) as link:
            link.sendall(request)
            first = link.makefile("rb").readline()
    except OSError:
        return False
    return b" 200 " in first


def _link(host: str, port: int) -> socket.socket:
    """Connect; an address in figures is not looked up, which would bring in how names of all scripts are written."""
    if not (":" in host or host.replace(".", "").isdecimal()):
        return socket.create_connection((host, port), timeout=PROMPT)
    link = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        link.settimeout(PROMPT)
        link.connect((host, port))
    except BaseException:
        link.close()
        raise
    return link
