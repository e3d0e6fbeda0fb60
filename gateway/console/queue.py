"""The queue page: how the links are, the outbox by state, and the two things an operator can do about a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask import abort, flash, redirect, render_template, request, url_for

from gateway import control
from gateway.console.access import here
from gateway.console.speech import words
from gateway.links import links, seconds
from gateway.metrics import STATES

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

LISTED = 100
ACTIONS = {"retry": control.retry, "discard": control.discard}
OFFERED = {"retry": ("failed", "dead"), "discard": ("queued", "failed")}
"""In which states a button is of use; the store has the last word."""


def page() -> ResponseReturnValue:
    """List the outbox, of one state where one is asked for."""
    store, state = here().store, asked(request.args.get("state", ""))
    return render_template(
        "queue.html",
        messages=store.outbox((state,) if state else (), LISTED),
        outbox=store.outbox_counts(),
        states=STATES,
        state=state,
        offered=OFFERED,
        links={name: shown(state) for name, state in links(here()).items()},
    )


def shown(state: Mapping[str, object]) -> dict[str, object]:
    """Return what the page shows of a link: its moments as milliseconds, like all others."""
    moments = {key: int(seconds(state.get(key)) * 1000) for key in ("since", "last_message", "oldest_unsent")}
    return dict(state) | moments


def steer(message: str, action: str) -> ResponseReturnValue:
    """Queue a message again, or give it up, and say whether that could be done."""
    if action not in ACTIONS:
        abort(404)
    moved = ACTIONS[action](here(), message)
    say, done = words(), "retried" if action == "retry" else "discarded"
    flash(say(done if moved else "unmoved"), "good" if moved else "bad")
    return redirect(url_for("console.queue", state=asked(request.form.get("state", "")) or None), 303)


def asked(state: str) -> str:
    """Return a state that exists, or nothing for all of them."""
    return state if state in STATES else ""
