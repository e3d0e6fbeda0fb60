"""Networks whose providers call the gateway over HTTP, and whom it calls to send."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import threading
import time
import urllib.error
import urllib.request
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from africastalking_fake import AfricasTalkingFake
from live_gateway import LiveGateway
from networks import NAME, NUMBER, SECRET, Network
from twilio.request_validator import RequestValidator
from twilio_fake import TwilioFake
from vendor import Asked, Reply, Vendor

from flows.encoding import encoding

FORM = "application/x-www-form-urlencoded"


class PushedNetwork(Network):
    """A provider: its vendor takes what we send, and refuses everything with 503 while it is down."""

    def __init__(self, gateway: LiveGateway, folder: Path, name: str = NAME) -> None:
        super().__init__(gateway, folder, name)
        self.vendor = self.vendor_of()
        self.vendor.__enter__()
        self.there, self.closing = threading.Event(), threading.Event()
        self.taken: list[tuple[str, str, str]] = []
        """Phone, text and our vendor's id of each message it took."""
        self.refusals: list[int] = []
        self.ids = itertools.count(1)
        usual = self.vendor.answer
        self.vendor.answer = lambda asked: self._answer(usual, asked)  # type: ignore[method-assign]

    def _answer(self, usual, asked: Asked) -> Reply:  # type: ignore[no-untyped-def]
        if not self.there.is_set():
            return Reply(503, "down")
        reply = usual(asked)
        if reply.status < 300:
            self.taken.append(self.told(asked, reply))
        return reply

    @abstractmethod
    def vendor_of(self) -> Vendor:
        """Return the vendor's end, and add the channel that calls it."""

    @abstractmethod
    def told(self, asked: Asked, reply: Reply) -> tuple[str, str, str]:
        """Return phone, text and id of a message that was taken."""

    @abstractmethod
    def letter(self, route: str, fields: Mapping[str, str]) -> tuple[str, bytes, dict[str, str]]:
        """Return URL, body and headers of an authentic request."""

    @abstractmethod
    def sms(self, phone: str, text: str) -> Mapping[str, str]:
        """Return the fields of a citizen's SMS."""

    @abstractmethod
    def report(self, phone: str, id: str, fate: str) -> Mapping[str, str]:
        """Return the fields of a delivery report."""

    def up(self) -> None:
        self.there.set()

    def down(self) -> None:
        self.there.clear()

    def says(self, phone: str, text: str) -> None:
        fields = self.sms(phone, text)
        threading.Thread(target=self._until_taken, args=("sms", fields), daemon=True).start()

    def _until_taken(self, route: str, fields: Mapping[str, str]) -> None:
        while not self.closing.wait(0.05):
            url, body, headers = self.letter(route, fields)
            try:
                urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=20).close()
            except urllib.error.HTTPError as refused:
                refused.close()
                self.refusals.append(refused.code)
            except OSError:
                continue
            else:
                return

    def heard(self, phone: str) -> list[str]:
        return [text for to, text, _ in self.taken if to == phone]

    def travelled(self, phone: str) -> list[tuple[str, int]]:
        return [(encoding(text), 1) for text in self.heard(phone)]  # such a provider cuts long ones itself

    def tells(self, phone: str, fate: str) -> None:
        id = [id for to, _, id in self.taken if to == phone][-1]
        self._until_taken("delivery", self.report(phone, id, fate))

    def close(self) -> None:
        self.closing.set()
        self.vendor.__exit__(None, None, None)


class AfricasTalkingNetwork(PushedNetwork):
    """Africa's Talking: the official client, and a fake of its API."""

    def vendor_of(self) -> Vendor:
        vendor = AfricasTalkingFake()
        self.gateway.add(
            self.name,
            type="africastalking",
            username=vendor.username,
            api_key=vendor.api_key,
            number=NUMBER,
            secret=SECRET,
            api_url=vendor.url,
        )
        return vendor

    def told(self, asked: Asked, reply: Reply) -> tuple[str, str, str]:
        body = json.loads(reply.encoded())
        return asked.form["to"], asked.form["message"], body["SMSMessageData"]["Recipients"][0]["messageId"]

    def letter(self, route: str, fields: Mapping[str, str]) -> tuple[str, bytes, dict[str, str]]:
        return f"{self.gateway.url}/in/{self.name}/{SECRET}/{route}", urlencode(fields).encode(), {"Content-Type": FORM}

    def sms(self, phone: str, text: str) -> Mapping[str, str]:
        id = f"in{next(self.ids)}"
        return {"from": phone, "to": NUMBER, "text": text, "id": id, "date": "2026-11-23T08:15:30Z"}

    def report(self, phone: str, id: str, fate: str) -> Mapping[str, str]:
        return {"id": id, "status": {"delivered": "Success", "accepted": "Buffered"}[fate], "phoneNumber": phone}


class TwilioNetwork(PushedNetwork):
    """Twilio: the official client and validator, and a fake of its API."""

    sid, token = "AC00112233445566778899aabbccddeeff", "b457f6a29d3f1b3638298f6d3b18e7d3"

    def vendor_of(self) -> Vendor:
        vendor = TwilioFake(self.sid, self.token)
        self.gateway.add(
            self.name,
            type="twilio",
            account_sid=self.sid,
            auth_token=self.token,
            number="+33644600000",
            api_url=vendor.url,
        )
        return vendor

    def told(self, asked: Asked, reply: Reply) -> tuple[str, str, str]:
        return asked.form["To"], asked.form["Body"], json.loads(reply.encoded())["sid"]

    def letter(self, route: str, fields: Mapping[str, str]) -> tuple[str, bytes, dict[str, str]]:
        url = f"{self.gateway.url}/in/{self.name}/{route}"
        signature = RequestValidator(self.token).compute_signature(url, fields)
        return url, urlencode(fields).encode(), {"Content-Type": FORM, "X-Twilio-Signature": signature}

    def sms(self, phone: str, text: str) -> Mapping[str, str]:
        id = f"SM{next(self.ids):032x}"
        return {"MessageSid": id, "AccountSid": self.sid, "From": phone, "To": "+33644600000", "Body": text}

    def report(self, phone: str, id: str, fate: str) -> Mapping[str, str]:
        status = {"delivered": "delivered", "accepted": "sent"}[fate]
        return {"MessageSid": id, "AccountSid": self.sid, "MessageStatus": status, "To": phone}


class RelayVendor(Vendor):
    """The other side of our own JSON: takes an id once, and vouches for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()

    def answer(self, asked: Asked) -> Reply:
        return Reply(200, {"id": f"R-{len(self.asked)}"})


class RelayNetwork(PushedNetwork):
    """Our own JSON, as an aggregator or an Android relay speaks it."""

    def vendor_of(self) -> Vendor:
        vendor = RelayVendor()
        self.gateway.add(self.name, type="http", secret=SECRET, number=NUMBER, api_url=f"{vendor.url}/send")
        return vendor

    def told(self, asked: Asked, reply: Reply) -> tuple[str, str, str]:
        body = json.loads(asked.body)
        return body["to"], body["text"], json.loads(reply.encoded())["id"]

    def letter(self, route: str, fields: Mapping[str, str]) -> tuple[str, bytes, dict[str, str]]:
        body, stamp = json.dumps(fields, ensure_ascii=False).encode(), str(int(time.time()))
        seal = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Awal-Timestamp": stamp, "X-Awal-Signature": seal}
        return f"{self.gateway.url}/in/{self.name}/{route}", body, headers

    def sms(self, phone: str, text: str) -> Mapping[str, str]:
        return {"id": f"in{next(self.ids)}", "bearer": "sms", "from": phone, "to": NUMBER, "text": text}

    def report(self, phone: str, id: str, fate: str) -> Mapping[str, str]:
        return {"id": id, "state": fate}
