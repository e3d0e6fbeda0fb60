"""How a command reaches the gateway that is running: a Unix socket in the project's data directory, mode 600.

One process holds the store. So `awal erase`, `awal sync` and the like ask the gateway to do it when one is running,
and do it themselves when none is.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from flows.errors import AwalError
from gateway import log
from gateway.clock import UNKNOWN, ClockUnknown
from gateway.project import Project

NAME = "control.sock"
TIMEOUT = 120.0
MOST_BYTES = 1 << 22
UNDATED_WAIT = 60.0
"""Seconds until a sync is tried again that the clock held up."""

_sync_turn = threading.Lock()


def sync(project: Project) -> dict[str, Any]:
    """Make one attempt to bring the platform up to date."""
    if not project.keep_time().known:
        return {"ok": False, "detail": f"not tried: {UNKNOWN}", "wait": UNDATED_WAIT}
    with _sync_turn:
        outcome = project.syncer.once()
        return {"ok": outcome.ok, "detail": outcome.detail, "wait": project.syncer.next_delay()}


def bundle(project: Project, everything: bool = False, after: int = -1) -> dict[str, Any] | None:
    """Make the next bundle of what a USB stick must carry; None when nothing is left."""
    from gateway.carriers import bundle

    dated(project)
    with _sync_turn:
        return bundle.made(project, everything, after)


def receipt(project: Project, text: str, noticed: bool = False) -> dict[str, Any] | None:
    """Take what a receipt of the platform acknowledges; None for one that was `noticed` only and is no news."""
    from gateway.carriers import bundle

    with _sync_turn:
        return bundle.acknowledged(project, text, noticed)


def sms(project: Project) -> dict[str, Any]:
    """Queue the frames of what the platform does not hold, as SMS to it."""
    from gateway import platform_sms

    dated(project)
    with _sync_turn:
        return platform_sms.send(project)


def frame_receipt(project: Project, text: str) -> str:
    """Take what the text of a frame receipt acknowledges, and tell it."""
    from gateway import platform_sms

    with _sync_turn:
        return platform_sms.take_receipt(project, text)


def codes(project: Project, week: str = "") -> list[dict[str, Any]]:
    """Return the printed codes of what the platform does not hold, or of all of one week."""
    from gateway.carriers import qr

    dated(project)
    with _sync_turn:
        return qr.made(project, week)


def erase(project: Project, phone: str, code: str = "") -> int:
    """Forget the citizen of this number, or who has this code on it; return how many rows went."""
    project.keep_time()
    try:
        return project.store.erase(_citizen(project, phone, code), project.clock())
    finally:
        project.phones.forget()  # last: to name the citizen keeps the number in mind


def mydata(project: Project, phone: str, code: str = "") -> dict[str, object]:
    """Return everything kept of the citizen of this number, or of who has this code on it."""
    return dict(project.store.mydata(_citizen(project, phone, code)))


def _citizen(project: Project, phone: str, code: str) -> str:
    number = project.phone(phone)
    return project.phones.person(number, code) if code else project.phones.pseudonym(number)


def bring_in(project: Project, lines: str, ground: str, proof: str) -> int:
    """Keep a page of an operator's list (JSON), with the ground for it; return how many citizens were new to it."""
    from msgspec import json

    from gateway import bringing_in

    page = json.decode(lines, type=list[bringing_in.Line])
    kept = project.store.bring_in(bringing_in.proofs(project, page, ground, proof, project.clock()))
    if kept:
        project.store.log_event("brought-in", f"{kept} citizens: {ground}", project.clock())
    return kept


def retry(project: Project, message: str) -> bool:
    """Queue a failed or dead message again, and have the sender look."""
    project.keep_time()
    done = project.store.retry_outbox(message, project.clock())
    project.grown()
    return done


def discard(project: Project, message: str) -> bool:
    """Give a message up."""
    project.keep_time()
    return project.store.discard_outbox(message, project.clock())


def clock(project: Project) -> dict[str, object]:
    """Return what is known of the clock and what waits for it."""
    watch = project.keep_time()
    if not project.readonly:
        watch.look()
    return watch.state()


def confirm_clock(project: Project) -> dict[str, object]:
    """Believe the machine's clock from now on."""
    watch = project.keep_time()
    watch.confirm()
    return watch.state()


def date_clock(project: Project, number: int, began: int) -> dict[str, object]:
    """Date what an earlier boot kept, by when it began."""
    watch = project.keep_time()
    watch.tell(number, began)
    return watch.state()


def dated(project: Project) -> None:
    """Raise ClockUnknown where the clock is not known: what leaves carries a date."""
    if not project.keep_time().known:
        raise ClockUnknown(f"{UNKNOWN[0].upper()}{UNKNOWN[1:]}")


def note(project: Project, kind: str, detail: str) -> None:
    """Keep something an operator should be able to read later."""
    project.note(kind, detail)


def campaign(project: Project, act: str, name: str, operator: str = "", seen: str = "") -> dict[str, object]:
    """Do what a person asks of a campaign; `operator` proved who they are to whoever asks here."""
    from gateway.campaigns.telling import perform

    return perform(project, act, name, operator, seen)


def where(project: Project) -> str:
    """Return the address under which this very gateway answers here."""
    return project.address or project.settings.gateway.public_url


def links(project: Project) -> dict[str, dict[str, object]]:
    """Return the state of each channel that has a link, as this very process sees it."""
    from gateway.links import links

    return links(project)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "sync": sync,
    "bundle": bundle,
    "receipt": receipt,
    "sms": sms,
    "frame_receipt": frame_receipt,
    "codes": codes,
    "erase": erase,
    "mydata": mydata,
    "bring_in": bring_in,
    "retry": retry,
    "discard": discard,
    "clock": clock,
    "confirm_clock": confirm_clock,
    "date_clock": date_clock,
    "note": note,
    "campaign": campaign,
    "where": where,
    "links": links,
}


def perform(project: Project, name: str, *arguments: str | int) -> Any:
    """Do an operation: in the running gateway when there is one, else here. Raises AwalError when it is refused."""
    with _connected(project.directory) as link:
        if link is None:
            return OPERATIONS[name](project, *arguments)
        link.sendall(json.dumps([name, *arguments]).encode() + b"\n")
        line = link.makefile("rb").readline()
    answer = json.loads(line) if line else {"error": "the running gateway stopped before it answered; try again."}
    if "error" in answer:
        raise AwalError(answer["error"])
    return answer["result"]


def is_running(directory: Path) -> bool:
    """Tell whether a gateway serves this project."""
    with _connected(directory) as link:
        return link is not None


@contextmanager
def _connected(directory: Path) -> Iterator[socket.socket | None]:
    """Connect to the gateway that runs this project; None when none does."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(TIMEOUT)
        try:
            with _near(directory) as path:
                link.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            yield None
            return
        yield link


@contextmanager
def _near(directory: Path) -> Iterator[str]:
    """Name the socket through an open directory: a socket's path may hold 107 bytes only, a project's holds more."""
    folder = os.open(directory / "data", os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{NAME}"
    finally:
        os.close(folder)


class Control:
    """The listening side, in the gateway's process, between its making and `close`."""

    def __init__(self, project: Project) -> None:
        self.path = project.directory / "data" / NAME
        self.path.parent.mkdir(exist_ok=True)
        self.path.unlink(missing_ok=True)
        umask = os.umask(0o177)
        try:
            with _near(project.directory) as near:
                self._server = _Server(near, _handler(project))
        finally:
            os.umask(umask)
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="control", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self.path.unlink(missing_ok=True)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def _handler(project: Project) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline(MOST_BYTES)
            if not line:
                return  # only asked whether somebody is here
            answer = json.dumps(_answer(project, line), ensure_ascii=False).encode()
            with suppress(OSError):  # the command was stopped meanwhile; what it asked for is done
                self.wfile.write(answer + b"\n")

    return Handler


def _answer(project: Project, line: bytes) -> dict[str, object]:
    try:
        name, *arguments = json.loads(line)
        result = OPERATIONS[name](project, *arguments)
    except AwalError as error:
        return {"error": str(error)}
    except Exception as error:  # whatever it was, the gateway goes on, and the command hears it in one line
        log.event("control failed", level=40, error=f"{type(error).__name__}: {error}")
        return {"error": f"the running gateway failed: {type(error).__name__}. Its log says more."}
    return {"result": result}
