"""The Flask application: the console. Webhooks (`lane.py`) and monitors (`vitals.py`) are answered in front of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException

from flows.errors import AwalError
from gateway import log
from gateway.console.access import host_is_secure
from gateway.console.pages import console, fault
from gateway.envelope import PAGE_BYTES
from gateway.vitals import HEADERS, Told, figures, health

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from gateway.project import Project

SIGNED_IN = timedelta(hours=12)


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
    app.add_url_rule("/health", view_func=lambda: answered(health(project)), endpoint="health")
    app.add_url_rule("/metrics", view_func=lambda: answered(figures(project)), endpoint="metrics")
    app.register_blueprint(console)
    app.register_error_handler(HTTPException, fault)
    app.register_error_handler(Exception, crash)
    app.after_request(guarded)
    return app


def answered(told: Told) -> Response:
    """Return what the vitals answer as Flask's own answer."""
    status, kind, text = told
    return Response(text, status, content_type=kind)


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
