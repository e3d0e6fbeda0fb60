"""Signing in: by the operator's password, or by a link that opens once."""

from __future__ import annotations

import secrets
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from flask import current_app, redirect, render_template, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.security import check_password_hash

from gateway import log
from gateway.console.access import here, local, sign_in, sign_out
from gateway.console.throttle import Throttle
from gateway.settings import Settings
from gateway.settings_file import load

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

LINK_SECONDS = 24 * 3600
"""A link that nobody opened is void after a day."""
SALT = "awal login link"


def one_time_link(directory: Path, address: str) -> str:
    """Return a URL that signs its first visitor in, for a day; any process of the project can make one.

    The link is a random number under the cookie key's signature. Which of them were used, the store remembers.
    """
    return address.rstrip("/") + link_path(load(directory))


def link_path(settings: Settings) -> str:
    """Return the path of a new one-time link."""
    return f"/login/once/{_signer(settings).dumps(secrets.token_urlsafe(18))}"


def throttle() -> Throttle:
    """Return what counts this application's failures."""
    kept: Throttle = current_app.extensions.setdefault("awal-throttle", Throttle(time.monotonic))
    return kept


def login() -> ResponseReturnValue:
    """Show the form; check the password that it sends."""
    back = local(request.values.get("next", "/"))
    if request.method == "GET":
        return page(back)
    address, held = request.remote_addr or "", throttle()
    wait = held.wait(address)
    if wait:
        return page(back, "login_wait", 429, wait)
    with held.turn() as free:
        if not free:
            return page(back, "login_busy", 429, 1)
        right = is_password(here().settings.console.password, request.form.get("password", ""))
    if not right:
        held.failed(address)
        here().note("login-failed", "wrong password")
        return page(back, "login_wrong", 403)
    held.passed(address)
    sign_in()
    return redirect(back, 303)


def login_once(link: str) -> ResponseReturnValue:
    """Sign in whoever comes first by a one-time link."""
    project = here()
    try:
        number = _signer(project.settings).loads(link, max_age=LINK_SECONDS)
    except BadData:
        return page(url_for("console.home"), "login_link", 403)
    digest = sha256(str(number).encode()).hexdigest()
    if not project.store.claim_slot("login-link", digest, project.clock()):
        return page(url_for("console.home"), "login_link", 403)
    sign_in()
    return redirect(url_for("console.home"), 303)


def logout() -> ResponseReturnValue:
    """End the operator's session."""
    sign_out()
    return redirect(url_for("console.home"), 303)


def is_password(kept: str, given: str) -> bool:
    """Tell whether this is the operator's password; no password, or one that is no hash, lets nobody in."""
    if not kept or not given or len(given) > 1000:
        return False
    try:
        return check_password_hash(kept, given)
    except ValueError:
        log.event("[console] password is no hash; make one with awal password", level=40)
        return False


def page(back: str, problem: str = "", status: int = 200, wait: int = 0) -> ResponseReturnValue:
    """Return the login page, with what went wrong."""
    minutes = max(1, -(-wait // 60))
    shown = render_template("login.html", back=back, problem=problem, minutes=minutes)
    return shown, status, {"Retry-After": str(wait)} if wait else {}


def _signer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.keys.raw("cookie"), salt=SALT)
