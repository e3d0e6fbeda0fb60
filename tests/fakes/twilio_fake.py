"""A fake of Twilio's message resource, not their test credentials.

Built from https://www.twilio.com/docs/messaging/api/message-resource (request, answer), from
https://www.twilio.com/docs/api/errors (error answers) and from what the official client 9.13.0 sends.
"""

from __future__ import annotations

import base64
import hashlib

from vendor import Asked, Reply, Vendor


def error(status: int, code: int, message: str) -> Reply:
    """Return an error answer."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Reply(status, {"code": code, "message": message, "more_info": more, "status": status})


class TwilioFake(Vendor):
    """Accepts what one account sends, with the checks that Twilio makes first."""

    def __init__(self, account_sid: str, auth_token: str) -> None:
        super().__init__()
        self.account_sid = account_sid
        self.credentials = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()

    def answer(self, asked: Asked) -> Reply:
        if asked.headers["Authorization"] != f"Basic {self.credentials}":
            return error(401, 20003, "Authenticate")
        if asked.path != f"/2010-04-01/Accounts/{self.account_sid}/Messages.json":
            return error(404, 20404, f"The requested resource {asked.path} was not found")
        if not asked.form.get("To"):
            return error(400, 21604, "A 'To' phone number is required.")
        if len(asked.form.get("Body", "")) > 1600:
            return error(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
        return Reply(201, self.created(asked.form))

    def created(self, form: dict[str, str]) -> dict[str, object]:
        """Return the resource as it is when just queued."""
        sid = "SM" + hashlib.md5(f"{form['To']} {len(self.asked)}".encode(), usedforsecurity=False).hexdigest()
        return {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": form.get("Body", ""),
            "date_created": "Mon, 23 Nov 2026 08:15:30 +0000",
            "date_sent": None,
            "date_updated": "Mon, 23 Nov 2026 08:15:30 +0000",
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": form.get("From"),
            "messaging_service_sid": form.get("MessagingServiceSid"),
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "sid": sid,
            "status": "queued",
            "subresource_uris": {"media": f"/2010-04-01/Accounts/{self.account_sid}/Messages/{sid}/Media.json"},
            "to": form["To"],
            "uri": f"/2010-04-01/Accounts/{self.account_sid}/Messages/{sid}.json",
        }
