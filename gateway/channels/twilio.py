"""Twilio: SMS both ways and status callbacks.

Fields and codes as on twilio.com/docs/messaging (webhook request, message resource, error dictionary). Requests are
checked by the official validator, SMS leave through the official client, which loads with the first sending.
"""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)
from werkzeug.wrappers import Request

from gateway.channels.base import (
    BadRequest,
    Cause,
    Ended,
    Receipt,
    Received,
    Reply,
    Route,
    Sendable,
    Sent,
    State,
    brief,
)
from gateway.channels.forms import Form, form, identity, phone, words
from gateway.channels.network import by_status, missed
from gateway.channels.verification import SignedChannel
from gateway.settings import SettingsError

if TYPE_CHECKING:
    from twilio.base.exceptions import TwilioRestException, TwilioServiceException
    from twilio.rest import Client

TIMEOUT = 9.0
LONGEST_SID = 34
ALGORITHMS = ("HMAC_SHA1", "HMAC_SHA256")
NOTHING = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""TwiML that says nothing: replies leave from the outbox."""
REJECT = b'<?xml version="1.0" encoding="UTF-8"?><Response><Reject reason="busy"/></Response>'

STATES: dict[str, State] = {
    "accepted": "accepted",
    "scheduled": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "accepted",
    "partially_delivered": "accepted",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
"""The `MessageStatus` of a callback; `receiving` and `received` are of inbound messages and mean nothing here."""

OUTCOMES: dict[int, Literal["retry", "failed", "opted-out", "stop-channel"]] = {
    21610: "opted-out",  # unsubscribed recipient
    21211: "failed",  # invalid number
    21614: "failed",  # not a mobile number
    30006: "failed",  # landline or unreachable carrier
    21612: "failed",  # not reachable from this sender
    21408: "failed",  # region not enabled on the account
    21608: "failed",  # unverified recipient of a trial account
    30018: "failed",  # sender not registered in the recipient's country
    21606: "stop-channel",  # the sender number is not ours, or sends no SMS
    20429: "retry",  # too many requests
    21611: "retry",  # the sender's queue is full
    14107: "retry",  # rate limit
    30001: "retry",  # queue overflow
    30017: "retry",  # carrier congestion
    30022: "retry",  # carrier rate exceeded
    30003: "retry",  # handset unreachable
    30005: "retry",  # unknown handset
    30008: "retry",  # unknown error
    30004: "failed",  # blocked
    30007: "failed",  # filtered
    21617: "failed",  # text above 1,600 characters
    20003: "stop-channel",  # permission denied
    30002: "stop-channel",  # account suspended
}
"""What an error code means for the message, in an answer of the REST API and in a status callback."""

ALARMS = {21408, 21608, 21612, 21617, 30004, 30007, 30018}
"""Refusals that no other try mends and an operator should know: settings of the account, filters, texts too long."""

CAUSES: dict[str, Cause] = {
    "opted-out": "opted-out",
    "retry": "passing",
    "stop-channel": "alarm",
}
"""What such an outcome means in a callback, when the message had been taken already."""


class Twilio(SignedChannel):
    """One Twilio account with one sender: a number, an alphanumeric sender, or a messaging service (`MG…`)."""

    type = "twilio"
    bearers = ("sms",)
    routes = ("sms", "delivery", "call")

    def require(self) -> None:
        """Raise SettingsError without the account and the token that signs."""
        for name in ("account_sid", "auth_token"):
            if not getattr(self.settings, name):
                message = f"[channels.{self.name}] {name} is missing. Copy it from the Twilio console's first page."
                raise SettingsError(message)

    def genuine(self, request: Request, url: str) -> bool:
        """Ask the official validator, with the current token and the old one; the form is passed untouched."""
        signature = request.headers.get(SIGNATURE_HEADER, "")
        algorithm = get_signature_algorithm(request.headers.get(SIGNATURE_SETTINGS_HEADER))
        if algorithm.upper() not in ALGORITHMS:  # the validator would refuse it too, after logging the stranger's word
            return False
        tokens = [token for token in (self.settings.auth_token, self.settings.auth_token_old) if token]
        checks = [RequestValidator(token).validate(url, request.form, signature, algorithm) for token in tokens]
        return any(checks)

    def parse(self, request: Request, route: Route) -> list[Received | Receipt | Ended]:
        """Translate an inbound SMS, or the new status of one we sent."""
        fields = form(request)
        if route == "delivery":
            return [reported(fields)]
        if route == "call":
            return called(self.name, fields)
        return [
            Received(
                channel=self.name,
                bearer="sms",
                external_id=f"sms:{sid(fields)}",
                sender=phone(fields, "From"),
                recipient=identity(fields, "To"),
                text=words(fields, "OptOutType") or words(fields, "Body"),
            )
        ]

    def render_call(self) -> bytes:
        """Reject the call: any other first verb has it answered, and billed."""
        return REJECT

    def reply(self, body: bytes) -> Reply:
        """Answer in TwiML, which says nothing where the body is empty."""
        return Reply(body or NOTHING, "text/xml; charset=utf-8")

    def send(self, message: Sendable) -> Sent:
        """Send one SMS by the official client."""
        from requests import RequestException
        from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException

        if not self.settings.number:
            return Sent("stop-channel", error="number is not set")
        service = self.settings.number.startswith("MG")
        sender = {"messaging_service_sid" if service else "from_": self.settings.number}
        try:
            created = self.client.messages.create(
                to=message.to, body=message.text, status_callback=self.urls()["delivery"], **sender
            )
        except (TwilioRestException, TwilioServiceException) as error:
            return refused(error)
        except RequestException as error:
            return missed(error)
        except (TwilioException, ValueError, TypeError, AttributeError) as error:  # a 2xx that is no message
            return Sent("retry", error=f"the answer could not be read: {type(error).__name__}")
        return Sent("accepted", provider_id=created.sid or "")

    def close(self) -> None:
        """Close the client's connections, if it ever sent."""
        if "client" in self.__dict__:
            self.client.http_client.session.close()

    @cached_property
    def client(self) -> Client:
        """The official client; it speaks to `api_url` instead of api.twilio.com when that is set."""
        from twilio.rest import Client

        return Client(
            self.settings.account_sid, self.settings.auth_token, http_client=http_client(self.settings.api_url)
        )


def sid(fields: Form) -> str:
    """Return the message's id, no longer than Twilio's are.

    Its signature joins names and values without a mark between them: whoever caught a request could move words from one
    field to the next under the same signature, and so give an old message a new id. An id of the right length, with
    `To` apart, leaves no room for that.
    """
    given = identity(fields, "MessageSid")
    if len(given) > LONGEST_SID:
        raise BadRequest("MessageSid is missing or unsound.")
    return given


def reported(fields: Form) -> Receipt:
    """Read a status callback; a status not in the table is kept as `unknown`."""
    status = words(fields, "MessageStatus") or words(fields, "SmsStatus")
    code = words(fields, "ErrorCode")
    state: State = STATES.get(status, "unknown")
    return Receipt(
        provider_id=identity(fields, "MessageSid"),
        state=state,
        detail=brief(f"{status} {code}"),
        cause=cause(int(code)) if state == "failed" and code.isdecimal() and len(code) < 8 else "",
    )


def called(channel: str, fields: Form) -> list[Received | Receipt | Ended]:
    """Read the voice webhook: a call that comes in."""
    call, caller = identity(fields, "CallSid"), phone(fields, "From")
    if words(fields, "Direction").lower() != "inbound":
        return []
    return [
        Received(
            channel=channel,
            bearer="sms",
            external_id=f"call:{call}",
            sender=caller,
            recipient=words(fields, "To"),
            call=True,
        )
    ]


def cause(code: int) -> Cause:
    """Return what the error code of a failed message asks for."""
    return "alarm" if code in ALARMS else CAUSES.get(OUTCOMES.get(code, "failed"), "")


def http_client(origin: str) -> Any:
    """Return the official HTTP client, rewritten to another scheme and host where `origin` names one."""
    from twilio.http.http_client import TwilioHttpClient

    class Relayed(TwilioHttpClient):  # type: ignore[misc]  # the package is not typed
        """The client has no base address to set (twilio 9.13): the address of each request is replaced."""

        def request(self, method: str, url: str, *rest: Any, **named: Any) -> Any:
            parts = urlsplit(url)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            return super().request(method, (origin.rstrip("/") + path) if origin else url, *rest, **named)

    quiet = logging.getLogger("awal.twilio")
    quiet.setLevel(logging.WARNING)  # below that the client logs each request's address and answer
    return Relayed(timeout=TIMEOUT, logger=quiet)


def refused(error: TwilioRestException | TwilioServiceException) -> Sent:
    """Say what an error answer means, by its code, else by its HTTP status."""
    code = error.code or error.status
    told = brief(f"{code} {getattr(error, 'msg', '') or getattr(error, 'title', '')}")
    if code in OUTCOMES:
        return Sent(OUTCOMES[code], error=told, alarm=code in ALARMS)
    return by_status(error.status, told)
