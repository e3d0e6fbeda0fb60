"""The campaigns' pages: the list, one campaign's preview and progress, and what an operator may do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, render_template, request, url_for

from flows.errors import AwalError
from gateway.campaigns import files
from gateway.campaigns.operators import proved
from gateway.campaigns.record import read
from gateway.campaigns.telling import listed, perform, previewed, status
from gateway.console.access import here
from gateway.console.login import throttle
from gateway.console.speech import words

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

OFFERED = {
    "ready": ("start",),
    "waiting": ("approve", "stop"),
    "running": ("pause", "stop"),
    "paused": ("resume", "stop"),
}
"""What can be done about a campaign in each state; the campaign itself has the last word."""
SIGNED = ("start", "approve")
"""What is done in a person's own name."""
SHOWN = ("drawn", "asked", "delivered", "failed", "answered", "completed", "stopped", "unclear")


def page() -> ResponseReturnValue:
    """List the campaigns with how far they are."""
    return render_template("campaigns.html", campaigns=listed(here()), operators=bool(here().settings.operators))


def one(name: str) -> ResponseReturnValue:
    """Show one campaign: its preview while it was not started, how it goes from then on."""
    project = here()
    if read(project.store, name) is None and name not in {path.stem for path in files.files(project)}:
        abort(404)
    try:
        state: dict[str, Any] = status(project, name)
        plan = previewed(project, name) if state["state"] == "ready" else None
    except AwalError as error:
        state, plan = {"campaign": name, "state": "wrong", "reason": str(error), "title": "", "flow": ""}, None
    return render_template(
        "campaign.html",
        one=state,
        plan=plan,
        acts=OFFERED.get(str(state["state"]), ()),
        signed=SIGNED if _asks_name(state, plan) else (),
        operators=list(project.settings.operators),
        shown=SHOWN,
    )


def _asks_name(state: dict[str, Any], plan: dict[str, Any] | None) -> bool:
    """Tell whether who acts has to sign: where a second person must, or already has to."""
    return state["state"] == "waiting" or (plan is not None and plan["approvals"] == 2)


def steer(name: str, act: str) -> ResponseReturnValue:
    """Do what an operator asks of a campaign, in their own name where it is signed, and say whether it was done."""
    if act not in {one for acts in OFFERED.values() for one in acts}:
        abort(404)
    project, say = here(), words()
    try:
        operator = _signer() if act in SIGNED else ""
        perform(project, act, name, operator, request.form.get("digest", ""))
    except AwalError as error:
        flash(say("campaign_refused", reason=str(error)), "bad")
    else:
        flash(say("campaign_done"), "good")
    return redirect(url_for("console.campaign", name=name), 303)


def _signer() -> str:
    """Return who signs, once their password has proved it; too many wrong ones have to wait, as at the door."""
    name, password = request.form.get("operator", ""), request.form.get("password", "")
    if not name:
        return ""
    held, address = throttle(), request.remote_addr or ""
    wait = held.wait(address)
    if wait:
        raise AwalError(words()("login_wait", minutes=max(1, -(-wait // 60))))
    with held.turn() as free:
        if not free:
            raise AwalError(words()("login_busy"))
        try:
            found = proved(here(), name, password)
        except AwalError:
            held.failed(address)
            raise
    held.passed(address)
    return found
