"""Networks with USSD, one for each kind of channel: citizens dial and press keys, the provider repeats until answered.

What a dial or a reply returns is what the phone shows, and whether the session is over.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

from live_gateway import LiveGateway
from modem_world import awaited
from networks import NAME, SECRET
from smpp_world import Smsc

from gateway.channels.http import SIGNATURE, TIMESTAMP, signature

CODE = "*384#"
PATIENCE = 40.0
Shown = tuple[str, bool]


class Dialler(ABC):
    """One provider of USSD; made, it has added its channel to the gateway's project."""

    programs: tuple[str, ...] = ()

    def __init__(self, gateway: LiveGateway) -> None:
        self.gateway = gateway
        self.sessions: dict[str, tuple[str, list[str]]] = {}
        self.ids = itertools.count(1)
        self.add()

    @abstractmethod
    def add(self) -> None:
        """Add the channel."""

    def dial(self, phone: str) -> Shown:
        """Open a session."""
        self.sessions[phone] = (f"s{next(self.ids)}", [])
        return self.asked(phone, "")

    def reply(self, phone: str, text: str) -> Shown:
        """Answer a screen."""
        self.sessions[phone][1].append(text)
        return self.asked(phone, text)

    @abstractmethod
    def asked(self, phone: str, text: str) -> Shown:
        """Bring one input until it is answered."""

    def close(self) -> None:  # noqa: B027  # most start nothing
        """End what was started."""


class HttpDialler(Dialler):
    """A provider that calls over HTTP."""

    def asked(self, phone: str, text: str) -> Shown:
        id = str(next(self.ids))
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(self.request(phone, text, id), timeout=20) as answer:
                    return self.read(answer.read().decode())
            except urllib.error.HTTPError as refused:
                refused.close()
                threading.Event().wait(0.05)
            except (OSError, HTTPException):
                threading.Event().wait(0.05)
        raise AssertionError("never answered")

    @abstractmethod
    def request(self, phone: str, text: str, id: str) -> urllib.request.Request:
        """Return the request that brings an input."""

    def read(self, body: str) -> Shown:
        """Read a screen behind CON or END."""
        mark, _, text = body.partition(" ")
        return text, {"CON": False, "END": True}[mark]


class AfricasTalkingDialler(HttpDialler):
    """Africa's Talking: every request holds all inputs so far."""

    def add(self) -> None:
        self.gateway.add(
            NAME, type="africastalking", secret=SECRET, username="awal", api_key="k", number="2424", flow="water"
        )

    def request(self, phone: str, text: str, id: str) -> urllib.request.Request:
        session, inputs = self.sessions[phone]
        fields = {"sessionId": session, "phoneNumber": phone, "serviceCode": CODE, "text": "*".join(inputs)}
        return urllib.request.Request(f"{self.gateway.url}/in/{NAME}/{SECRET}/ussd", urlencode(fields).encode())


class PlainDialler(AfricasTalkingDialler):
    """An operator's gateway, in the shipped profile `plain`."""

    def add(self) -> None:
        self.gateway.add(NAME, type="ussd-http", secret=SECRET, profile="plain", flow="water")


class RelayDialler(HttpDialler):
    """Our own JSON, signed."""

    def add(self) -> None:
        self.gateway.add(NAME, type="http", secret=SECRET, number=CODE, flow="water")

    def request(self, phone: str, text: str, id: str) -> urllib.request.Request:
        told = {"id": id, "bearer": "ussd", "from": phone, "to": CODE, "text": text, "session": self.sessions[phone][0]}
        body, stamp = json.dumps(told, ensure_ascii=False).encode(), str(int(time.time()))
        headers = {"Content-Type": "application/json", TIMESTAMP: stamp, SIGNATURE: signature(SECRET, stamp, body)}
        return urllib.request.Request(f"{self.gateway.url}/in/{NAME}/ussd", body, headers)

    def read(self, body: str) -> Shown:
        """Read a screen in JSON."""
        shown = json.loads(body)
        return shown["text"], shown["end"]


class SmppDialler(Dialler):
    """An SMSC with USSD, of npm's `smpp`; a session lives as long as the bind."""

    programs = ("node", "npm")

    def add(self) -> None:
        self.smsc = Smsc()
        self.gateway.add(
            NAME,
            type="smpp",
            host="127.0.0.1",
            port=self.smsc.port,
            system_id="awal",
            password="pass",
            number=CODE,
            flow="water",
            bearers=["ussd", "sms"],
        )

    def asked(self, phone: str, text: str) -> Shown:
        opens = not self.sessions[phone][1]
        operation, key = 1 if opens else 18, f"{2 * int(self.sessions[phone][0][1:]):04x}"
        fields = {"source_addr": phone[1:], "ussd_service_op": operation, "session": key}
        awaited(lambda: self.smsc.all("bound"), "the bind")
        screen: dict[str, Any] = self.smsc.screen(**fields, short_message=CODE if opens else text)
        return screen["text"], screen["op"] == 17

    def close(self) -> None:
        self.smsc.stop()


class XmlDialler(PlainDialler):
    """An operator's gateway, in the shipped profile `xml`."""

    def add(self) -> None:
        self.gateway.add(NAME, type="ussd-http", secret=SECRET, profile="xml", flow="water")

    def request(self, phone: str, text: str, id: str) -> urllib.request.Request:
        session, inputs = self.sessions[phone]
        fields = {"msisdn": phone, "sessionid": session, "input": text, "transactionid": id, "servicecode": CODE}
        fields |= {} if inputs else {"type": "1"}
        return urllib.request.Request(f"{self.gateway.url}/in/{NAME}/{SECRET}/ussd?{urlencode(fields)}")

    def read(self, body: str) -> Shown:
        """Read a screen in XML."""
        root = ElementTree.fromstring(body)
        return root.findtext("message", ""), {"2": False, "3": True}[root.findtext("type", "")]
