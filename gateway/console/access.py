"""Who may see what: the operator's session, the token that guards forms, the addresses that may be gone back to.

Everything needs a login but what is listed here. A demo project shows its rehearsed data to anyone.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import abort, current_app, redirect, request, session, url_for

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response

    from gateway.project import Project

OPEN = {"console.login", "console.login_once", "console.static"}
"""What anyone may see; /health and /metrics lie outside the console."""
DEMO = {"console.home", "console.inbox", "console.flow", "console.source"}
"""What anyone may see of a demo."""


def here() -> Project:
    """Return the project this application shows."""
    project: Project = current_app.extensions["awal"]
    return project


def is_demo() -> bool:
    """Tell whether this project is a demo."""
    return here().settings.console.demo


def host_is_secure(app: Flask) -> bool:
    """Tell whether this request came over TLS, to us or to a proxy that bears our public name."""
    public = urlsplit(app.extensions["awal"].settings.gateway.public_url)
    return request.is_secure or (public.scheme == "https" and request.host == public.netloc)


# the operator ---------------------------------------------------------------------------------------------------
def mark(project: Project) -> str:
    """Return what a session must hold: it changes with the password, so that a new one ends every session."""
    key = project.settings.keys.raw("cookie")
    return hmac.new(key, b"operator" + project.settings.console.password.encode(), sha256).hexdigest()


def signed_in() -> bool:
    """Tell whether an operator is at the other end."""
    return hmac.compare_digest(str(session.get("operator", "")), mark(here()))


def sign_in() -> None:
    """Begin an operator's session; what the visitor's session held is left, but for the language."""
    language = session.get("language")
    session.clear()
    session.permanent = True
    session.update(operator=mark(here()), csrf=secrets.token_urlsafe(24))
    if language:
        session["language"] = language


def sign_out() -> None:
    """End the session."""
    session.pop("operator", None)
    session.pop("csrf", None)


# the door -------------------------------------------------------------------------------------------------------
def door() -> Response | None:
    """Let a request in, or send it to the login; refuse a form that does not come from our own pages."""
    if request.method == "POST":
        check_token()
    open_here = OPEN | DEMO if is_demo() else OPEN
    if request.endpoint in open_here or signed_in():
        return None
    if request.method != "GET":
        abort(401)
    return redirect(url_for("console.login", next=request.full_path.rstrip("?")))


def token() -> str:
    """Return the token that every form of this session carries."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(24)
    return str(session["csrf"])


def check_token() -> None:
    """Refuse a form without this session's token."""
    given, kept = request.form.get("csrf", ""), str(session.get("csrf", ""))
    if not kept or not hmac.compare_digest(given.encode(), kept.encode()):
        abort(400, "form")


def local(path: str) -> str:
    """Return `path` when it leads back into this console, else the first page."""
    parts = urlsplit(path)
    clean = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if clean and not parts.scheme and not parts.netloc else url_for("console.home")
