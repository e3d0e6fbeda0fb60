"""The simulator: a phone without a network, for the web page, the rehearsal and tests.

Its form has a field for each thing a phone does and nothing of any provider. It is guarded like the others: who can
post here can answer in a citizen's name.
"""

from __future__ import annotations

from werkzeug.wrappers import Request

from gateway.channels.base import Ended, Receipt, Received, Route, Sendable, Sent
from gateway.channels.forms import Form, form, identity, phone, words
from gateway.channels.verification import PathSecretChannel


class Simulator(PathSecretChannel):
    """A phone on a page. What it is sent stays in the outbox, where the page reads it."""

    type = "simulator"
    bearers = ("ussd", "sms")
    routes = ("ussd", "sms", "ussd-end")
    stands_in = False

    def parse(self, request: Request, route: Route) -> list[Received | Receipt | Ended]:
        """Translate what the phone did."""
        fields = form(request)
        if route == "ussd-end":
            return [Ended(session=identity(fields, "session"), sender=phone(fields, "phone"), dropped=True)]
        return [self.dialled(fields) if route == "ussd" else self.texted(fields)]

    def dialled(self, fields: Form) -> Received:
        """Read one USSD input: `id` unique to it, `session`, `phone`, `text`, and `event=start` when dialling."""
        return Received(
            channel=self.name,
            bearer="ussd",
            external_id=f"ussd:{identity(fields, 'id')}",
            session=identity(fields, "session"),
            sender=phone(fields, "phone"),
            recipient=words(fields, "service"),
            text=words(fields, "text"),
            opens=fields.get("event") == "start",
        )

    def texted(self, fields: Form) -> Received:
        """Read one SMS: `id`, `from`, `to`, `text`."""
        return Received(
            channel=self.name,
            bearer="sms",
            external_id=f"sms:{identity(fields, 'id')}",
            sender=phone(fields, "from"),
            recipient=words(fields, "to"),
            text=words(fields, "text"),
        )

    def send(self, message: Sendable) -> Sent:
        """Accept the message; there is nowhere to send it."""
        return Sent("accepted", provider_id=message.id)
