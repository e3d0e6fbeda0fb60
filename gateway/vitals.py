"""Whether the gateway is well: `/health` and `/metrics`, answered without the framework that shows pages.

A monitor that asks every few seconds costs a board nothing it would not need otherwise, and a start is known to have
succeeded before the first page could be shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flows.errors import AwalError
from gateway import __version__, log
from storage.errors import StoreBusy, StoreFull, StoreLocked

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from gateway.project import Project

REASONS: dict[type[Exception], str] = {
    StoreFull: "the disk is full: make room, writing goes on by itself",
    StoreBusy: "the store is busy or its disk does not answer: try again in a moment",
    StoreLocked: "another process holds the store",
}
"""What `/health` says of a store that cannot keep."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""What every answer of the gateway to a person or a monitor carries."""
STATUS = {200: "200 OK", 503: "503 Service Unavailable"}

Told = tuple[int, str, str]
"""Status, type and text of an answer."""


def vitals(project: Project, otherwise: WSGIApplication) -> WSGIApplication:
    """Return an application that answers both, and leaves everything else to `otherwise`."""
    asked: dict[str, Callable[[Project], Told]] = {"/health": health, "/metrics": figures}

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        tell = asked.get(environ.get("PATH_INFO", ""))
        if tell is None or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return otherwise(environ, start_response)
        status, kind, text = tell(project)
        body = text.encode()
        told = {**HEADERS, "Cache-Control": "no-store", "Content-Type": kind, "Content-Length": str(len(body))}
        start_response(STATUS[status], list(told.items()))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    return application


def health(project: Project) -> Told:
    """Answer 200 when an answer could be kept now, proved by a durable write; else 503 with the reason."""
    try:
        project.store.check()
    except Exception as error:
        told = log.redact(str(error)) if isinstance(error, AwalError) else type(error).__name__
        log.event("unhealthy", level=40, reason=told)
        return 503, "application/json", json.dumps({"status": "failing", "reason": reason(error)}) + "\n"
    found: dict[str, Any] = {"status": "ok", "gateway": project.settings.gateway.id, "version": __version__}
    library = project.__dict__.get("library")  # what is not loaded yet is no reason to wait
    return 200, "application/json", json.dumps(found | ({"flows": len(library.flows)} if library else {})) + "\n"


def reason(error: Exception) -> str:
    """Return why nothing can be kept, for anybody's eyes: no path and no name; the log has those."""
    known = next((told for kind, told in REASONS.items() if isinstance(error, kind)), "the store cannot be written")
    return f"{known}; the log and awal doctor say more"


def figures(project: Project) -> Told:
    """Answer the metrics as Prometheus text."""
    from gateway import metrics
    from gateway.links import links

    text = metrics.render(project.store, project.leads(), project.latency.read(), project.watch.known, links(project))
    return 200, metrics.CONTENT_TYPE, text
