"""Kannel: SMS both ways through bearerbox and smsbox, on the operator's own machine.

Requests as in Kannel's user guide ("SMS services", "Using the HTTP interface to send SMS messages", "Delivery
reports"). Kannel signs nothing, so the secret is in the path. It percent-encodes a message's bytes as they are: UTF-8
for GSM-7, big-endian UTF-16 for UCS-2, so that the query is read as bytes. smsbox tries again after any answer but
200, even 400: what can never be answered is therefore taken and left, or it would come back for days.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request

from gateway import log
from gateway.channels.base import Ended, Receipt, Received, Route, Sendable, Sent, brief
from gateway.channels.forms import Form, identity, pairs, words
from gateway.channels.network import Unanswered, Unheard, ask, by_status
from gateway.channels.verification import PathSecretChannel
from gateway.phones import normalise

SMS = "from=%p&to=%P&text=%b&coding=%c&charset=%C&udh=%u&id=%I&smsc=%i&time=%T"
DELIVERY = "id={id}&type=%d&answer=%A&smsc=%i&time=%T"
"""The escapes that Kannel fills; `%b` keeps the bytes, `%I` is a UUID that survives its repeats and restarts."""
CHARSETS = {"utf-8": "utf-8", "utf-16be": "utf-16-be", "ucs-2": "utf-16-be", "iso-8859-1": "latin-1"}
"""The charsets that Kannel declares; another one is read by the coding."""
EVENTS = 1 | 2 | 8 | 16
"""What we want to hear of: delivered, failed, taken or refused by the SMSC."""

STATES: dict[str, Literal["accepted", "delivered", "failed"]] = {
    "1": "delivered",
    "2": "failed",
    "4": "accepted",  # buffered
    "8": "accepted",  # by the SMSC
    "16": "failed",  # refused by the SMSC
}
"""The `%d` of a delivery report."""


class Kannel(PathSecretChannel):
    """One smsbox."""

    type = "kannel"
    bearers = ("sms",)
    routes = ("sms", "delivery")
    methods = ("GET",)
    has_link = True
    remedy = "Start bearerbox, then smsbox; `sendsms_url` must be the address that smsbox listens at."

    def urls(self) -> dict[str, str]:
        """Return the get-url whole, and the dlr-url, which travels with each message under its own id."""
        plain = super().urls()
        return {"sms": f"{plain['sms']}?{SMS}", "delivery": f"{plain['delivery']}?{DELIVERY.format(id='ID')}"}

    def parse(self, request: Request, route: Route) -> list[Received | Receipt | Ended]:
        """Translate a message, or what became of one."""
        raw = pairs(request.query_string)
        fields: Form = MultiDict([(name, value.decode("utf-8", "replace")) for name, value in raw])
        if route == "delivery":
            return [reported(fields)]
        return self.texted(fields, dict(reversed(raw)).get("text", b""))

    def texted(self, fields: Form, text: bytes) -> list[Received | Receipt | Ended]:
        """Read an inbound SMS; one from a name or a short code is nobody's word and gives nothing."""
        id, told = identity(fields, "id"), identity(fields, "from")
        sender = normalise(told)
        if sender is None:
            log.event("not-from-a-citizen", channel=self.name, id=id)
            return []
        at = words(fields, "time")
        return [
            Received(
                channel=self.name,
                bearer="sms",
                external_id=f"sms:{id}",
                sender=sender,
                recipient=words(fields, "to"),
                network=words(fields, "smsc"),
                text=decoded(text, words(fields, "charset"), words(fields, "coding")),
                sent_at=int(at) * 1000 if at.isascii() and at.isdigit() and len(at) <= 10 else None,
            )
        ]

    def send(self, message: Sendable) -> Sent:
        """Hand one SMS to smsbox; it cuts long ones itself and tells us their fate under our own id."""
        settings = self.settings
        for name in ("sendsms_url", "username", "password"):
            if not getattr(settings, name):
                return Sent("stop-channel", error=f"{name} is not set")
        try:
            status, body = ask(f"{settings.sendsms_url}?{urlencode(self.asked(message))}")
        except Unheard as error:
            return Sent("unreachable", error=f"network: {error}")
        except Unanswered as error:
            return Sent("retry", error=f"network: {error}")
        return outcome(status, body, message.id)

    def state(self) -> Mapping[str, object]:
        """Return whether smsbox answers; asked without a password, it refuses, and so shows that it is there."""
        if not self.settings.sendsms_url:
            return {"connected": False, "error": "sendsms_url is not set"}
        try:
            status, body = ask(self.settings.sendsms_url)
        except (Unheard, Unanswered) as error:
            return {"connected": False, "error": f"network: {error}"}
        there = status in (400, 403) or body.startswith("Authorization failed")
        return {"connected": there} | ({} if there else {"error": brief(f"no answer of Kannel: HTTP {status}: {body}")})

    def asked(self, message: Sendable) -> dict[str, str]:
        """Return what smsbox is asked. The coding is ours to choose: by itself it would send Tifinagh as `?`."""
        settings = self.settings
        report = f"{super().urls()['delivery']}?{DELIVERY.format(id=message.id)}"
        return {
            "username": settings.username,
            "password": settings.password,
            "from": settings.number,
            "to": message.to,
            "text": message.text,
            "charset": "UTF-8",
            "coding": "0" if message.encoding == "GSM-7" else "2",
            "dlr-mask": str(EVENTS),
            "dlr-url": report,
        }


def decoded(text: bytes, charset: str, coding: str) -> str:
    """Read a message's bytes by the charset that Kannel declares, else by the coding; what is senseless is replaced."""
    fallback = "utf-16-be" if coding == "2" else "utf-8"
    return text.decode(CHARSETS.get(charset.strip().lower(), fallback), "replace").replace("\0", "")


def reported(fields: Form) -> Receipt:
    """Read a delivery report; a type not in the table is kept as `unknown`."""
    kind = words(fields, "type")
    return Receipt(
        provider_id=identity(fields, "id"),
        state=STATES.get(kind, "unknown"),
        detail=brief(f"{kind} {words(fields, 'answer')}"),
    )


def outcome(status: int, body: str, id: str) -> Sent:
    """Say what smsbox's answer means: `0: Accepted for delivery`, `3: Queued for later delivery`, or a refusal."""
    told = brief(f"HTTP {status}: {body}")
    if status in (200, 202):
        taken = body.startswith(("0:", "3:", "Sent"))
        return Sent("accepted", provider_id=id) if taken else Sent("retry", error=f"no answer of Kannel: {told}")
    if status == 404:
        return Sent("stop-channel", error=f"sendsms_url leads nowhere: {told}")
    if status == 503:
        return Sent("unreachable", error=told)  # smsbox has no bearerbox now, and kept nothing
    return by_status(status, told)
