"""The console's pages: one blueprint, one function a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, jsonify, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from gateway.console import access, login

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

console = Blueprint("console", __name__, template_folder="templates", static_folder="static", static_url_path="/static")
console.before_request(access.door)
console.add_url_rule("/login", view_func=login.login, methods=["GET", "POST"])
console.add_url_rule("/login/once/<link>", view_func=login.login_once)
console.add_url_rule("/logout", view_func=login.logout, methods=["POST"])


@console.context_processor
def shared() -> dict[str, object]:
    """Return what every template may use."""
    return {"token": access.token, "signed_in": access.signed_in(), "demo": access.is_demo()}


@console.get("/")
def home() -> ResponseReturnValue:
    """Show the first page."""
    return render_template("home.html")


def fault(error: Exception) -> ResponseReturnValue:
    """Return a page for what cannot be shown, in plain words; JSON where a program asks."""
    found = error if isinstance(error, HTTPException) else InternalServerError()
    if found.response is not None:
        return found.response
    status = found.code or 500
    if request.path.startswith("/phone/"):
        return jsonify(error=found.name), status
    return render_template("fault.html", status=status), status
