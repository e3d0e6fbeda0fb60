"""The door for SMS: any gateway that receives them hands each over, and sends back what is answered."""

from __future__ import annotations

import hmac

import msgspec
from flask import Blueprint, Response, current_app, jsonify, request

from national.errors import Refused
from national.publication import Publication
from national.reception import Reception

blueprint = Blueprint("sms", __name__, url_prefix="/v1/sms")

MOST_BYTES = 16 * 1024
PLAIN = "text/plain"


@blueprint.post("")
def post_sms() -> Response:
    """Take an SMS; the secret is a bearer token."""
    return _taken(request.headers.get("Authorization", "").removeprefix("Bearer "))


@blueprint.post("/<secret>")
def post_sms_secret(secret: str) -> Response:
    """Take an SMS; the secret is in the address, for gateways that can set no header."""
    return _taken(secret)


def _taken(secret: str) -> Response:
    """Take the frame in an SMS: `reply` is the text to send back to its sender, empty for none.

    To a gateway that asks for plain text, the body is the reply and nothing else, as Kannel and its like send it.
    """
    own = str(current_app.config["SMS_SECRET"])
    if not own or not hmac.compare_digest(own.encode(), secret.encode()):
        raise Refused(403, "forbidden", "The secret is missing or wrong. See `awal-national serve --sms-secret`.")
    reception: Reception = current_app.extensions["reception"]
    publication: Publication = current_app.extensions["national"]
    now = publication.clock()
    taken = reception.take(_text(), now)
    replies = reception.receipts([taken], now) if taken.answer else []
    reply = replies[0] if replies else ""
    if request.accept_mimetypes.best_match(["application/json", PLAIN]) == PLAIN:
        return Response(reply, content_type=f"{PLAIN}; charset=utf-8")
    return jsonify(gateway=taken.gateway, status=taken.outcome, reply=reply, date=now)


def _text() -> str:
    """Return the text of the SMS: `{"from": …, "text": …}`, or a form with the same fields. Who sent it is not used.

    A frame tells its gateway by itself, under its seal; a number proves nothing.
    """
    request.max_content_length = MOST_BYTES
    text: object = None
    if request.is_json:
        try:
            told = msgspec.json.decode(request.get_data())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            told = None
        text = told.get("text") if isinstance(told, dict) else None
    else:
        text = request.form.get("text")
    if not isinstance(text, str):
        raise Refused(400, "no-text", "There is no “text”. Send JSON or a form with “from” and “text”.")
    return text
