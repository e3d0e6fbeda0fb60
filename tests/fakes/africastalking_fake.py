"""A fake of Africa's Talking's messaging API, not their sandbox.

Built from https://developers.africastalking.com/docs/sms/sending/bulk (request, answer, status codes) and from what
the official client 2.0.3 sends.
"""

from __future__ import annotations

import itertools

from vendor import Asked, Reply, Vendor

IDS = itertools.count(1)

STATUSES = {
    100: "Processed",
    101: "Success",
    102: "Queued",
    401: "RiskHold",
    402: "InvalidSenderId",
    403: "InvalidPhoneNumber",
    404: "UnsupportedNumberType",
    405: "InsufficientBalance",
    406: "UserInBlacklist",
    407: "CouldNotRoute",
    409: "DoNotDisturbRejection",
    500: "InternalServerError",
    501: "GatewayError",
    502: "RejectedByGateway",
}


def recipient(number: str, code: int = 101) -> dict[str, object]:
    """Return one line of the answer."""
    return {
        "statusCode": code,
        "number": number,
        "status": STATUSES.get(code, "Unheard"),
        "cost": "KES 0.8000" if code < 200 else "0",
        "messageId": f"ATXid_{next(IDS):08d}" if code < 200 else "None",
    }


def sent(
    number: str, code: int = 101, content_type: str = "application/json", line: dict[str, object] | None = None
) -> Reply:
    """Return the answer to a sending to one number."""
    told = f"Sent to {int(code < 200)}/1 Total Cost: KES 0.8000"
    body = {"SMSMessageData": {"Message": told, "Recipients": [line or recipient(number, code)]}}
    return Reply(201, body, content_type)


class AfricasTalkingFake(Vendor):
    """Accepts what one account sends; refuses another key, as the real one does: in plain words."""

    def __init__(self, username: str = "awal", api_key: str = "atsk_9f8e7d6c") -> None:
        super().__init__()
        self.username = username
        self.api_key = api_key
        self.last: dict[str, str] = {}
        """The id of the last message to each number."""

    def answer(self, asked: Asked) -> Reply:
        if asked.path != "/version1/messaging":
            return Reply(404, "The requested resource could not be found.", "text/plain")
        if asked.headers["apiKey"] != self.api_key or asked.form.get("username") != self.username:
            return Reply(401, "The supplied authentication is invalid", "text/plain;charset=utf-8")
        missing = [name for name in ("to", "message") if not asked.form.get(name)]
        if missing:
            return Reply(400, f"Bad request: must have required property '{missing[0]}'", "text/plain")
        line = recipient(asked.form["to"])
        self.last[asked.form["to"]] = str(line["messageId"])
        return sent(asked.form["to"], line=line)
