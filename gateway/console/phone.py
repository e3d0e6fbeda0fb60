"""The phone simulator's side of the server: what its page needs to know, and the inbox it polls.

The page posts to the simulator channel's own webhooks, like any provider; nothing here takes an answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import abort, jsonify, request, url_for

from flows.encoding import BASIC, EXTENSION, PART, SINGLE
from gateway.channels.base import Channel
from gateway.console.access import here
from gateway.console.words import Say
from gateway.project import Project
from gateway.settings import PHONE

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

CODE = "*212#"
"""What is dialled where the channel's number is no USSD code."""
SHOWN = ("accepted", "delivered")
MOST = 50
WORDS = (
    *("dial_label", "reply_label", "sms_label", "send", "close", "waiting", "lost", "unknown_code", "no_link", "ready"),
    *("ready_help", "sms_ready", "number_wrong", "measure", "measure_sms"),
)
"""The words the script shows."""


def simulator(project: Project) -> Channel | None:
    """Return the first channel of type simulator."""
    return next((one for one in project.channels.values() if one.type == "simulator"), None)


def phone(project: Project, say: Say) -> dict[str, object] | None:
    """Return all that the phone on the page needs, or None when there is no simulator."""
    channel = simulator(project)
    if channel is None:
        return None
    number = channel.settings.number
    code = number if re.fullmatch(r"\*[0-9*]+#", number) else CODE
    slots = {"ready": {"code": code}, "unknown_code": {"code": code}}
    return {
        "urls": {"inbox": url_for("console.inbox")}
        | {route: url.removeprefix(channel.public_url) for route, url in channel.urls().items()},
        "code": code,
        "limits": {"GSM-7": channel.limits.gsm, "UCS-2": channel.limits.ucs2},
        "single": SINGLE,
        "part": PART,
        "basic": "".join(sorted(BASIC)),
        "extension": "".join(sorted(EXTENSION)),
        "words": {name: say(name, **slots.get(name, {})) for name in WORDS},
    }


def keywords(project: Project) -> list[str]:
    """Return the words that start a flow by SMS, each flow's first one first."""
    lists = [flow.keywords for flow in project.library.flows.values()]
    longest = max(map(len, lists), default=0)
    return [words[at] for at in range(longest) for words in lists if at < len(words)]


def inbox() -> ResponseReturnValue:
    """Answer the SMS that the simulator sent to a number since a moment, oldest first."""
    project = here()
    channel, number = simulator(project), request.args.get("phone", "")
    if channel is None or not re.fullmatch(PHONE, number):
        abort(400)
    after = request.args.get("after", 0, int)
    sent = project.store.outbox(SHOWN, MOST, project.phones.pseudonym(number))
    shown = [row for row in sent if row.channel == channel.name and row.created_at >= after]
    messages = [{"id": row.id, "at": row.created_at, "text": row.text} for row in reversed(shown)]
    return jsonify(messages=messages, now=project.clock())
