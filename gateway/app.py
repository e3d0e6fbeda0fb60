"""The Flask application: health, metrics, and the console. Webhooks do not pass here (`gateway/lane.py`)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Flask, Response, jsonify
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException

from flows.errors import AwalError
from gateway import __version__, log, metrics
from gateway.console.access import host_is_secure
from gateway.console.pages import console, fault
from gateway.request import PAGE_BYTES
from storage.errors import StoreBusy, StoreFull, StoreLocked

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from gateway.project import Project

SIGNED_IN = timedelta(hours=12)
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


class Cookies(SecureCookieSessionInterface):
    """Signed cookies that go over TLS only, where the console was reached over TLS."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Tell whether the browser reached us by the https address it would send the cookie to."""
        return host_is_secure(app)


def create_app(project: Project) -> Flask:
    """Return the application that shows `project`; raises SettingsError when the cookie key is missing."""
    gateway = project.settings.gateway
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.config.update(
        SECRET_KEY=project.settings.keys.raw("cookie"),
        SESSION_COOKIE_NAME=f"awal-{gateway.id}",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=SIGNED_IN,
        MAX_CONTENT_LENGTH=PAGE_BYTES,
        MAX_FORM_MEMORY_SIZE=PAGE_BYTES,
    )
    app.session_interface = Cookies()
    app.extensions["awal"] = project
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.add_url_rule("/health", view_func=lambda: health(project), endpoint="health")
    app.add_url_rule("/metrics", view_func=lambda: figures(project), endpoint="metrics")
    app.register_blueprint(console)
    app.register_error_handler(HTTPException, fault)
    app.register_error_handler(Exception, crash)
    app.after_request(guarded)
    return app


def health(project: Project) -> ResponseReturnValue:
    """Answer 200 when an answer could be kept now, proved by a durable write; else 503 with the reason."""
    try:
        project.store.check()
    except Exception as error:
        told = log.redact(str(error)) if isinstance(error, AwalError) else type(error).__name__
        log.event("unhealthy", level=40, reason=told)
        return jsonify(status="failing", reason=reason(error)), 503
    gateway = project.settings.gateway
    return jsonify(status="ok", gateway=gateway.id, version=__version__, flows=len(project.library.flows))


def reason(error: Exception) -> str:
    """Return why nothing can be kept, for anybody's eyes: no path and no name; the log has those."""
    known = next((told for kind, told in REASONS.items() if isinstance(error, kind)), "the store cannot be written")
    return f"{known}; the log and awal doctor say more"


def figures(project: Project) -> ResponseReturnValue:
    """Answer the metrics as Prometheus text."""
    text = metrics.render(project.store, project.leads(), project.latency.read(), project.watch.known)
    return Response(text, content_type=metrics.CONTENT_TYPE)


def crash(error: Exception) -> ResponseReturnValue:
    """Log what went wrong with where, and show a page that tells nothing of it."""
    from traceback import extract_tb

    frames = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in extract_tb(error.__traceback__)[-3:]]
    told = str(error) if isinstance(error, AwalError) else type(error).__name__
    log.event("page-fault", level=40, at=" < ".join(reversed(frames)), error=told)
    return fault(error)


def guarded(response: Response) -> Response:
    """Set the headers that keep a page to itself; a page that set a stricter one keeps it."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response
