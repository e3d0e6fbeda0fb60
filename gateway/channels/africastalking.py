"""Africa's Talking: USSD callbacks, SMS both ways, delivery reports, ends of sessions.

Form fields as on developers.africastalking.com (USSD and SMS, "handle notifications"). The provider signs nothing, so
the secret is in the path. SMS leave through the official client `africastalking`, whose version is pinned because its
address and its HTTP status are only to be had from private names.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec
from msgspec import Struct
from werkzeug.wrappers import Request

from gateway.channels.base import Cause, Ended, Receipt, Received, Route, Sendable, Sent, State, brief
from gateway.channels.forms import Form, form, identity, moment, phone, words
from gateway.channels.network import by_status, missed
from gateway.channels.verification import PathSecretChannel

TIMEOUT = (3.05, 6.0)
"""Seconds to connect, and to wait for the answer."""

REJECT = b'<?xml version="1.0" encoding="UTF-8"?><Response><Reject/></Response>'

STATES: dict[str, State] = {
    "Success": "delivered",
    "Sent": "accepted",
    "Submitted": "accepted",
    "Buffered": "accepted",
    "Rejected": "failed",
    "Failed": "failed",
    "Expired": "failed",
    "AbsentSubscriber": "failed",
}
"""The `status` of a delivery report."""

OUTCOMES: dict[int, Literal["accepted", "retry", "failed", "opted-out", "stop-channel"]] = {
    100: "accepted",  # Processed
    101: "accepted",  # Sent
    102: "accepted",  # Queued
    401: "retry",  # RiskHold
    402: "stop-channel",  # InvalidSenderId
    403: "failed",  # InvalidPhoneNumber
    404: "failed",  # UnsupportedNumberType
    405: "stop-channel",  # InsufficientBalance
    406: "opted-out",  # UserInBlacklist
    407: "retry",  # CouldNotRoute
    409: "retry",  # DoNotDisturbRejection: outside the hours allowed
    500: "retry",  # InternalServerError
    501: "retry",  # GatewayError
    502: "failed",  # RejectedByGateway
}
"""The `statusCode` of each recipient in the answer to a sending."""

ALARMS = {404, 502}
"""Refusals of one message that an operator should know: numbers the account cannot reach, texts it may not send."""

CAUSES: dict[str, Cause] = {
    "userinblacklist": "opted-out",
    "deliveryfailure": "passing",  # the network gave no reason
    "donotdisturbrejection": "passing",  # outside the hours allowed
    "absentsubscriber": "passing",
    "useraccountsuspended": "alarm",
    "insufficientcredit": "alarm",
}
"""The `failureReason` of a delivery report, in any case; all others are final."""


class Recipient(Struct, rename="camel"):
    """One line of the answer to a sending."""

    status_code: int
    number: str = ""
    status: str = ""
    message_id: str = ""


class Report(Struct):
    """What the answer holds: a line per recipient, or only a message when the whole sending is refused."""

    recipients: list[Recipient] = msgspec.field(name="Recipients")
    message: str = msgspec.field(name="Message", default="")


class Answer(Struct):
    """The answer to a sending."""

    report: Report = msgspec.field(name="SMSMessageData")


class AfricasTalking(PathSecretChannel):
    """One Africa's Talking application: a USSD code, a short code, or both."""

    type = "africastalking"
    bearers = ("ussd", "sms")
    routes = ("ussd", "sms", "delivery", "ussd-end", "call")

    def parse(self, request: Request, route: Route) -> list[Received | Receipt | Ended]:
        """Translate a callback of one of the five kinds."""
        fields = form(request)
        match route:
            case "ussd":
                return [self.dialled(fields)]
            case "sms":
                return [self.texted(fields)]
            case "delivery":
                return [reported(fields)]
            case "ussd-end":
                return [ended(fields)]
            case "call":
                return called(self.name, fields)

    def dialled(self, fields: Form) -> Received:
        """Read a USSD callback; `text` is everything the session sent, joined by `*`, and is kept whole."""
        session = identity(fields, "sessionId")
        path = words(fields, "text")
        digest = hashlib.sha256(path.encode()).hexdigest()[:24]
        return Received(
            channel=self.name,
            bearer="ussd",
            external_id=f"ussd:{session}:{digest}",
            session=session,
            sender=phone(fields, "phoneNumber"),
            recipient=words(fields, "serviceCode"),
            network=words(fields, "networkCode"),
            path=path,
        )

    def texted(self, fields: Form) -> Received:
        """Read an inbound SMS; `linkId` and `networkCode` may be absent."""
        return Received(
            channel=self.name,
            bearer="sms",
            external_id=f"sms:{identity(fields, 'id')}",
            sender=phone(fields, "from"),
            recipient=words(fields, "to"),
            network=words(fields, "networkCode"),
            text=words(fields, "text"),
            sent_at=moment(words(fields, "date")),
        )

    def render_call(self) -> bytes:
        """Reject the call: it is the only answer that is not billed."""
        return REJECT

    def send(self, message: Sendable) -> Sent:
        """Send one SMS by the official client."""
        settings = self.settings
        if not (settings.username and settings.api_key):
            return Sent("stop-channel", error="username or api_key is not set")
        return deliver(_Client(settings.username, settings.api_key, settings.api_url), message, settings.number)


def reported(fields: Form) -> Receipt:
    """Read a delivery report; a status not in the table is kept as `unknown`.

    The callback of "Bulk SMS Opt Out" (senderId, phoneNumber) may be pointed at the same address: a citizen said stop.
    """
    if "senderId" in fields and "status" not in fields:
        told = f"opted out from {words(fields, 'senderId')}"
        return Receipt(
            provider_id="", state="failed", detail=told, cause="opted-out", sender=phone(fields, "phoneNumber")
        )
    status, reason = words(fields, "status"), words(fields, "failureReason")
    state: State = STATES.get(status, "unknown")
    return Receipt(
        provider_id=identity(fields, "id"),
        state=state,
        detail=brief(f"{status} {reason}"),
        cause=CAUSES.get((reason or status).strip().lower(), "") if state == "failed" else "",
    )


def called(channel: str, fields: Form) -> list[Received | Receipt | Ended]:
    """Read a voice callback: a call that comes in. One of ours, and the last word on a call, say nothing new."""
    session, caller = identity(fields, "sessionId"), phone(fields, "callerNumber")
    if words(fields, "isActive") != "1" or words(fields, "direction").lower() != "inbound":
        return []
    return [
        Received(
            channel=channel,
            bearer="sms",
            external_id=f"call:{session}",
            sender=caller,
            recipient=words(fields, "destinationNumber"),
            call=True,
        )
    ]


def ended(fields: Form) -> Ended:
    """Read the end of a session: `Success`, or `Incomplete` and `Failed` when the citizen was lost."""
    status = words(fields, "status")
    return Ended(
        session=identity(fields, "sessionId"),
        sender=phone(fields, "phoneNumber"),
        dropped=status != "Success",
        detail=brief(f"{status} {words(fields, 'errorMessage')}"),
    )


class _Client:
    """The official SMS service, for one account, remembering the HTTP status that its exceptions leave out."""

    def __init__(self, username: str, api_key: str, api_url: str) -> None:
        from africastalking.SMS import SMSService

        # Not `africastalking.initialize`: that keeps one account per process and warns in the sandbox.
        self.service = SMSService(username, api_key)
        if api_url:
            self.service._baseUrl = f"{api_url.rstrip('/')}/version1"
        self.status = 0
        self.post = self.service._Service__make_post_request
        self.service._Service__make_post_request = self.remember

    def remember(self, **request: Any) -> Any:
        response = self.post(**request)
        self.status = response.status_code
        return response

    def send(self, message: Sendable, number: str) -> Any:
        return self.service.send(message.text, [message.to], sender_id=number or None, timeout=TIMEOUT)


def deliver(client: _Client, message: Sendable, number: str) -> Sent:
    """Hand one SMS to the client and say what came of it."""
    from africastalking.Service import AfricasTalkingException
    from requests import RequestException

    try:
        return outcome(client.send(message, number), message.to)
    except AfricasTalkingException as error:
        return by_status(client.status, brief(f"HTTP {client.status}: {error}"))
    except RequestException as error:
        return missed(error)
    except ValueError:
        return Sent("failed", error="the client takes no such phone number")


def outcome(answer: object, to: str) -> Sent:
    """Read what became of `to` in the answer to a sending; it is text where the content type names a charset."""
    try:
        if isinstance(answer, str):
            report = msgspec.json.decode(answer, type=Answer, strict=False).report
        else:
            report = msgspec.convert(answer, Answer, strict=False).report
    except (msgspec.MsgspecError, UnicodeError):
        return Sent("retry", error="the answer could not be read")
    if not report.recipients:
        stops = report.message in ("InvalidSenderId", "InsufficientBalance")
        return Sent("stop-channel" if stops else "failed", error=brief(report.message or "no recipient was taken"))
    ours = next((one for one in report.recipients if one.number == to), report.recipients[0])
    result = OUTCOMES.get(ours.status_code, "failed")
    if result == "accepted":
        return Sent(result, provider_id=ours.message_id)
    return Sent(result, error=brief(f"{ours.status_code} {ours.status}"), alarm=ours.status_code in ALARMS)
