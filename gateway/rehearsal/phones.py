"""How a simulated phone reaches the gateway: the very requests a provider would send, over HTTP."""

from __future__ import annotations

import http.client
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from flows.model import Bearer

Inbox = Callable[[str], tuple[str, bool]]
TIMEOUT = 20
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Heard(Struct, frozen=True):
    """What the gateway answered: the HTTP status and the body, byte for byte."""

    status: int
    body: bytes


class Line:
    """One kept connection to the gateway; a thread has its own."""

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        self._link = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=TIMEOUT)

    def post(self, url: str, fields: dict[str, str]) -> Heard:
        """Send a form as a provider does; a connection the server closed is opened again once."""
        body = urlencode(fields)
        try:
            return self._post(url, body)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._link.close()
            return self._post(url, body)

    def _post(self, url: str, body: str) -> Heard:
        self._link.request("POST", urlsplit(url).path, body, FORM)
        response = self._link.getresponse()
        return Heard(response.status, response.read())

    def close(self) -> None:
        """Close the connection."""
        self._link.close()


class Phone(ABC):
    """One phone on one channel. `screen` is what it shows, `ended` that nothing is awaited."""

    bearer: ClassVar[Bearer] = "ussd"

    def __init__(self, line: Line, urls: dict[str, str], number: str) -> None:
        self.line = line
        self.urls = urls
        self.number = number
        self.screen = ""
        self.ended = False
        self._sent: tuple[str, dict[str, str]] | None = None
        self._heard = Heard(0, b"")

    @abstractmethod
    def start(self) -> None:
        """Dial, or send the keyword."""

    @abstractmethod
    def reply(self, text: str) -> None:
        """Reply to the screen."""

    def repeat(self) -> bool:
        """Deliver the last request again, as a provider does that missed the answer; True for the same answer."""
        if self._sent is None:
            return True
        return self.line.post(*self._sent) == self._heard

    def _post(self, url: str, fields: dict[str, str]) -> Heard:
        self._sent = (url, fields)
        self._heard = self.line.post(url, fields)
        return self._heard

    def _show(self, heard: Heard) -> None:
        """Take a USSD answer: `CON …` goes on, `END …` is the last."""
        verb, _, self.screen = heard.body.decode("utf-8", "replace").partition(" ")
        self.ended = heard.status != 200 or verb != "CON"


class AfricasTalkingPhone(Phone):
    """A phone behind Africa's Talking: each request carries all inputs of the session, joined by `*`."""

    def start(self) -> None:
        """Dial the code."""
        self._session, self._path = f"ATUid_{uuid.uuid4().hex}", ""
        self._ask()

    def reply(self, text: str) -> None:
        """Send what was typed, after all that came before."""
        self._path = f"{self._path}*{text}" if self._path else text
        self._ask()

    def _ask(self) -> None:
        fields = {
            "sessionId": self._session,
            "serviceCode": "*384*1#",
            "phoneNumber": self.number,
            "networkCode": "99999",
            "text": self._path,
        }
        self._show(self._post(self.urls["ussd"], fields))


class SimulatorPhone(Phone):
    """The phone of the console's page, on USSD."""

    def start(self) -> None:
        """Dial."""
        self._session = uuid.uuid4().hex
        self._ask("", event="start")

    def reply(self, text: str) -> None:
        """Send what was typed."""
        self._ask(text)

    def _ask(self, text: str, **more: str) -> None:
        fields = {"id": uuid.uuid4().hex, "session": self._session, "phone": self.number, "text": text, **more}
        self._show(self._post(self.urls["ussd"], fields))


class SimulatorSms(Phone):
    """The phone of the console's page, on SMS. `inbox` returns its newest message and whether a reply is awaited."""

    bearer = "sms"

    def __init__(self, line: Line, urls: dict[str, str], number: str, keyword: str, inbox: Inbox) -> None:
        super().__init__(line, urls, number)
        self.keyword = keyword
        self.inbox = inbox

    def start(self) -> None:
        """Send the keyword."""
        self.reply(self.keyword)

    def reply(self, text: str) -> None:
        """Send an SMS and look at what came back."""
        fields = {"id": uuid.uuid4().hex, "from": self.number, "to": "1234", "text": text}
        heard = self._post(self.urls["sms"], fields)
        self.screen, awaited = self.inbox(self.number)
        self.ended = heard.status != 200 or not awaited
