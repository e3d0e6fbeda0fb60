"""USSD over HTTP, for operators' gateways: they GET or POST, and expect plain text, XML or xHTML links.

One adapter; a profile says how the operator words its requests and what it wants to hear (`profile.py`). Such gateways
sign nothing, so the secret is in the path. What is kept of a turn is the screen (`CON text`), and the markup is made
anew for each answer, so that a repeat shows the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import uuid
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request, Response

from gateway.channels.base import Ended, Receipt, Received, Route, Sendable, Sent
from gateway.channels.forms import Form, form, identity, pairs, phone, words
from gateway.channels.profile import Answer, Profile, fill, find
from gateway.channels.verification import PathSecretChannel
from gateway.settings import SettingsError

OPTION = re.compile(r"([0-9]{1,2}) +(\S.*)")
"""A line of a screen that a citizen chooses by its number."""
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""What no document may hold, and no handset shows."""


class UssdHttp(PathSecretChannel):
    """One USSD code at an operator's gateway."""

    type = "ussd-http"
    bearers = ("ussd",)
    routes = ("ussd",)
    methods = ("GET", "POST")
    stands_in = False

    def require(self) -> None:
        """Raise SettingsError without a secret or a sound profile."""
        super().require()
        try:
            self.profile: Profile = find(self.settings.profile)
        except SettingsError as error:
            raise SettingsError(f"[channels.{self.name}] profile: {error}") from None

    def parse(self, request: Request, route: Route) -> list[Received | Receipt | Ended]:  # noqa: ARG002 - one route
        """Translate what a citizen dialled or typed."""
        return [self.dialled(given(request))]

    def dialled(self, fields: Form) -> Received:
        """Read one request by the names of the profile."""
        asked = self.profile.request
        session, service = identity(fields, asked.session), words(fields, asked.service)
        opens = bool(asked.new[0]) and fields.get(asked.new[0]) == asked.new[1]
        text = typed(words(fields, asked.text), service, opens=opens)
        return Received(
            channel=self.name,
            bearer="ussd",
            external_id=f"ussd:{session}:{self.told_apart(fields, text)}",
            session=session,
            sender=phone(fields, asked.phone),
            recipient=service,
            network=words(fields, asked.network),
            text="" if asked.all else text,
            path=text if asked.all else None,
            opens=opens and not asked.all,
        )

    def told_apart(self, fields: Form, text: str) -> str:
        """Return what a repeat of this request has too, and no other request of its session."""
        asked = self.profile.request
        if asked.id == "none":
            return uuid.uuid4().hex
        if asked.id:
            return identity(fields, asked.id)
        turn = identity(fields, asked.turn) if words(fields, asked.turn) else ""
        return hashlib.sha256(f"{turn}:{text}".encode()).hexdigest()[:24]

    def reply(self, body: bytes) -> Response:
        """Return the screen in the operator's markup; nothing on the way may keep it."""
        mark, _, text = body.decode().partition(" ")
        ends, answer = mark == "END", self.profile.answer
        headers = {"Cache-Control": "no-store"}
        if answer.header:
            headers[answer.header] = answer.ends if ends else answer.goes_on
        whole = page(self.profile, UNSEEN.sub("", text), ends=ends)
        return Response(whole, status=200, content_type=f"{answer.type}; charset=utf-8", headers=headers)

    def send(self, message: Sendable) -> Sent:  # noqa: ARG002 - nothing can be sent here
        """Refuse: a USSD gateway carries no SMS."""
        return Sent("failed", error="this channel carries USSD only")


def given(request: Request) -> Form:
    """Return the fields of the query, and of the form where there is one; a body of another kind is senseless."""
    query = [(name, value.decode("utf-8", "replace")) for name, value in pairs(request.query_string)]
    posted = request.method == "POST" and (request.mimetype or request.content_length)
    return MultiDict([*query, *(form(request).items(multi=True) if posted else ())])


def typed(text: str, service: str, *, opens: bool) -> str:
    """Return what a citizen typed: operators tell a dial as no text, or as the code itself, maybe with inputs in it."""
    code, dial = service.rstrip("#"), text.rstrip("#")
    if code and dial == code:
        return ""
    if code and dial.startswith(f"{code}*"):
        return dial.removeprefix(f"{code}*")
    return "" if opens and re.fullmatch(r"[*#][0-9*#]*#", text) else text


def page(profile: Profile, text: str, *, ends: bool) -> str:
    """Return the whole answer that shows `text`."""
    answer = profile.answer
    mark = encoded(answer, answer.ends if ends else answer.goes_on)
    if not answer.links:
        return fill(answer.template, {"text": encoded(answer, text), "mark": mark, "form": ""})
    key, turn = profile.request.text, {profile.request.turn: secrets.token_hex(8)} if profile.request.turn else {}
    lines = [escape(line) if ends else linked(line, key, turn) for line in text.split("\n")]
    return fill(answer.template, {"text": "<br/>".join(lines), "mark": mark, "form": "" if ends else blank(key, turn)})


def encoded(answer: Answer, text: str) -> str:
    """Return text as the answer's type must have it, so that no citizen and no flow can write markup."""
    if answer.type == "text/plain":
        return text
    if answer.type == "application/json":
        return json.dumps(text, ensure_ascii=False)[1:-1]
    return escape(text, {'"': "&quot;", "'": "&apos;"})


def linked(line: str, key: str, turn: dict[str, str]) -> str:
    """Return one line of a screen, as a link that replies with its number where it is an option."""
    option = OPTION.fullmatch(line)
    if not option:
        return escape(line)
    return f"<a href={quoteattr('?' + urlencode({key: option[1]} | turn))}>{escape(line)}</a>"


def blank(key: str, turn: dict[str, str]) -> str:
    """Return the form by which any other reply goes."""
    hidden = "".join(f'<input type="hidden" name={quoteattr(name)} value="{value}"/>' for name, value in turn.items())
    field = f'<p><input type="text" name={quoteattr(key)}/>{hidden}<input type="submit" value="OK"/></p>'
    return f'<form action="?" method="get">{field}</form>'
