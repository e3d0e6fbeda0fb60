"""Providers' requests to every adapter with webhooks, and strangers' variations of them that nothing vouches for."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Callable
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace
from twilio.request_validator import RequestValidator

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
SECRETS = {"af": "a3f9c1d7e5b04682a1c3e5f708192a3b", "box": "b0c1d2e3f4a59687", "menu": "c7d6e5f4a3b29180"}
SECRET, TOKEN, ACCOUNT = "d1e2f3a4b5c69788f3a9c1d7e5b04682", "e4f5a6b7c8d99aab", "AC00112233445566778899aabbccddeeff"
CHANNELS: dict[str, dict[str, str]] = {
    "af": {"type": "africastalking", "secret": SECRETS["af"], "username": "awal", "api_key": "k"},
    "box": {"type": "kannel", "secret": SECRETS["box"]},
    "menu": {"type": "ussd-http", "secret": SECRETS["menu"], "profile": "plain", "flow": "water"},
    "tw": {"type": "twilio", "account_sid": ACCOUNT, "auth_token": TOKEN, "number": "+33644600000"},
    "relay": {"type": "http", "secret": SECRET, "number": "1234"},
}
"""The channels of the gateway that is attacked: all adapters with webhooks but the simulator, which has no provider."""


class Letter(Struct, frozen=True):
    """One request on its way; `fields` are those of its form, query or JSON before they were written out."""

    channel: str
    route: str
    fields: dict[str, str]
    path: str
    method: str = "POST"
    body: bytes = b""
    headers: dict[str, str] = {}
    taken: int = 0
    """How many inbounds the gateway keeps of it."""


class Post:
    """Writes genuine requests, each with an id and a phone of its own, as the providers do behind `public`."""

    def __init__(self, public: str, seed: int) -> None:
        self.public = public
        self.chance = random.Random(seed)
        self.kinds: list[Callable[[], Letter]] = [
            lambda: self.at("ussd"),
            lambda: self.at("sms"),
            lambda: self.at("delivery"),
            lambda: self.at("ussd-end"),
            lambda: self.box("sms"),
            lambda: self.box("delivery"),
            lambda: self.menu(),
            lambda: self.tw("sms"),
            lambda: self.tw("delivery"),
            lambda: self.relay("ussd"),
            lambda: self.relay("sms"),
            lambda: self.relay("delivery"),
        ]

    def genuine(self) -> Letter:
        """Return a request of any channel and route."""
        return self.chance.choice(self.kinds)()

    def _ids(self) -> tuple[str, str]:
        """Return a fresh id of 32 digits, and a phone."""
        return uuid.UUID(int=self.chance.getrandbits(128)).hex, f"+2126{self.chance.randrange(10**8):08d}"

    def at(self, route: str) -> Letter:
        """Write as Africa's Talking."""
        id, phone = self._ids()
        fields = {
            "ussd": {"sessionId": id, "phoneNumber": phone, "serviceCode": "*384*1#", "networkCode": "1", "text": ""},
            "sms": {"from": phone, "to": "2424", "text": "EAU é", "id": id, "date": "2026-11-23T08:15:30Z"},
            "delivery": {"id": id, "status": "Success", "phoneNumber": phone},
            "ussd-end": {"sessionId": id, "phoneNumber": phone, "status": "Incomplete"},
        }[route]
        return self.form("af", route, fields, f"/in/af/{SECRETS['af']}/{route}")

    def box(self, route: str) -> Letter:
        """Write as Kannel."""
        id, phone = self._ids()
        sms = {"from": phone, "to": "1234", "text": "EAU", "coding": "0", "charset": "UTF-8", "id": id}
        fields = sms if route == "sms" else {"id": id, "type": "1", "answer": "", "smsc": "x"}
        path = f"/in/box/{SECRETS['box']}/{route}?{urlencode(fields)}"
        return Letter("box", route, fields, path, "GET", taken=int(route == "sms"))

    def menu(self) -> Letter:
        """Write as an operator's USSD gateway."""
        id, phone = self._ids()
        fields = {"phoneNumber": phone, "serviceCode": "*384#", "text": "", "sessionId": id}
        return self.form("menu", "ussd", fields, f"/in/menu/{SECRETS['menu']}/ussd")

    def tw(self, route: str) -> Letter:
        """Write as Twilio, signed."""
        id, phone = self._ids()
        common = {"MessageSid": f"SM{id}", "AccountSid": ACCOUNT, "To": "+33644600000"}
        sms = {"From": phone, "Body": "ماء 1", "NumMedia": "0", "NumSegments": "1", "SmsSid": f"SM{id}"}
        fields = common | (sms if route == "sms" else {"MessageStatus": "delivered"})
        return self.signed(self.form("tw", route, fields, f"/in/tw/{route}"))

    def signed(self, letter: Letter, token: str = TOKEN, public: str = "") -> Letter:
        """Return a letter with Twilio's signature over its fields, at the public address or another."""
        signature = RequestValidator(token).compute_signature(f"{public or self.public}{letter.path}", letter.fields)
        return replace(letter, headers=letter.headers | {"X-Twilio-Signature": signature})

    def form(self, channel: str, route: str, fields: dict[str, str], path: str) -> Letter:
        """Write a form, in either of its two content types."""
        taken = int(route in ("ussd", "sms"))
        if self.chance.random() < 0.3:
            edge = "awal-boundary-7f3a"
            parts = "".join(
                f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                for name, value in fields.items()
            )
            kind, body = f"multipart/form-data; boundary={edge}", f"{parts}--{edge}--\r\n".encode()
        else:
            kind, body = FORM, urlencode(fields).encode()
        return Letter(channel, route, fields, path, body=body, headers={"Content-Type": kind}, taken=taken)

    def relay(self, route: str, late: int = 0) -> Letter:
        """Write as a relay that speaks our own JSON, signed at this moment or `late` seconds ago."""
        id, phone = self._ids()
        fields = {"id": id, "bearer": route, "from": phone, "to": "1234", "text": "" if route == "ussd" else "EAU"}
        fields |= {"session": id} if route == "ussd" else {}
        if route == "delivery":
            fields = {"id": id, "state": "delivered"}
        body, stamp = json.dumps(fields, ensure_ascii=False).encode(), str(int(time.time()) - late)
        seal = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": JSON, "X-Awal-Timestamp": stamp, "X-Awal-Signature": seal}
        taken = int(route in ("ussd", "sms"))
        return Letter("relay", route, fields, f"/in/relay/{route}", body=body, headers=headers, taken=taken)


class Forger:
    """Turns genuine requests, never sent as such, into ones that nothing vouches for; each way has a name."""

    def __init__(self, post: Post) -> None:
        self.post, self.chance = post, post.chance
        self.any = {
            "method": self.method,
            "another channel": self.elsewhere,
            "nowhere": self.nowhere,
            "headers of a proxy": self.disguised,
        }
        self.in_path = {"secret": self.secret, "secret elsewhere": self.moved, "secret written oddly": self.odd}
        self.by_twilio = {
            "signature": self.signature,
            "another address": self.readdressed,
            "field": self.field,
            "fields moved under one signature": self.resplit,
            "query": self.query,
            "algorithm": self.algorithm,
        }
        self.by_relay = {
            "signature": self.signature,
            "body": self.body,
            "timestamp": self.timestamp,
            "caught and kept": self.kept,
        }

    def forged(self) -> tuple[str, Letter]:
        """Return one forgery and the name of its way."""
        letter = self.post.genuine()
        own = {"tw": self.by_twilio, "relay": self.by_relay}.get(letter.channel, self.in_path)
        name, way = self.chance.choice(list((own | self.any).items()))
        return name, way(letter)

    # for all -------------------------------------------------------------------------------------------------------
    def method(self, letter: Letter) -> Letter:
        """Use another method, with the right one in a header that some programs obey."""
        others = [one for one in ("PUT", "DELETE", "PATCH", "OPTIONS", "POST", "GET", "HEAD") if one != letter.method]
        headers = letter.headers | {"X-HTTP-Method-Override": letter.method}
        return replace(letter, method=self.chance.choice(others), headers=headers)

    def elsewhere(self, letter: Letter) -> Letter:
        """Bring it to another channel, which knows another secret."""
        other = self.chance.choice([name for name in CHANNELS if name != letter.channel])
        return replace(letter, path=letter.path.replace(f"/in/{letter.channel}/", f"/in/{other}/", 1))

    def nowhere(self, letter: Letter) -> Letter:
        """Bring it to a path that is not quite ours."""
        path, mark, query = letter.path.partition("?")
        last = path.rsplit("/", 1)[-1]
        wrong = self.chance.choice(
            [
                f"{path}/",
                f"{path}/{last}",
                path.removesuffix(last) + last.upper(),
                path.removesuffix(last) + last + "%00",
                path.replace("/in/", "/In/"),
                path.replace("/in/", "/in//"),
                path.replace("/in/", "/in/../in/../"),
                path.removesuffix(last) + "admin",
                path.replace("/in/", "/in;x=1/"),
            ]
        )
        return replace(letter, path=wrong + mark + query)

    def disguised(self, letter: Letter) -> Letter:
        """Take away what vouches for it, and add what a careless gateway believes of a proxy."""
        bare = {name: value for name, value in letter.headers.items() if not name.startswith(("X-Awal", "X-Twilio"))}
        claims = {
            "X-Forwarded-For": "127.0.0.1",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "awal.example",
            "X-Forwarded-Prefix": "/gateway",
            "Forwarded": 'for=127.0.0.1;host="awal.example";proto=https',
            "X-Real-IP": "127.0.0.1",
            "X-Original-URL": letter.path,
            "X-Rewrite-URL": letter.path,
            "X-Forwarded-User": "twilio",
        }
        path = letter.path
        for secret in SECRETS.values():
            path = path.replace(f"/{secret}/", self.chance.choice(("/", "//", "/x/")))
        return replace(letter, path=path, headers=bare | claims)

    # secrets in the path -------------------------------------------------------------------------------------------
    def _with(self, letter: Letter, secret: str) -> Letter:
        return replace(letter, path=letter.path.replace(SECRETS[letter.channel], secret, 1))

    def secret(self, letter: Letter) -> Letter:
        """Guess: another secret, or nearly the right one."""
        right = SECRETS[letter.channel]
        at, digit = self.chance.randrange(len(right)), self.chance.choice("0123456789abcdef")
        near = right[:at] + (digit if digit != right[at] else "g") + right[at + 1 :]
        guesses = [near, right[:-1], right + digit, right[1:], right.upper(), right[::-1], "", "x", "*", "%2a", "null"]
        return self._with(letter, self.chance.choice([one for one in guesses if one != right]))

    def moved(self, letter: Letter) -> Letter:
        """Know the secret and put it where it does not belong: then the path is another one."""
        right = SECRETS[letter.channel]
        bare = letter.path.replace(f"/{right}", "", 1)
        mark = "&" if "?" in bare else "?"
        return replace(letter, path=f"{bare}{mark}secret={right}", headers=letter.headers | {"Authorization": right})

    def odd(self, letter: Letter) -> Letter:
        """Write the secret so that some programs take it for the same, or for its beginning."""
        right = SECRETS[letter.channel]
        wide = "".join(chr(ord(one) + 0xFEE0) for one in right)  # full-width letters, which folding makes plain
        spelt = [f"{right}%00", f"{right}%20", f"%09{right}", f"{right};a=b", quote(wide), "%25" + f"{ord(right[0]):x}"]
        spelt += [f"{right}%2f", f"..%2f{right}", f"{right}%0d%0a", f"{right}%c0%80", f"{right}.json"]
        return self._with(letter, self.chance.choice(spelt))

    # signatures ----------------------------------------------------------------------------------------------------
    def signature(self, letter: Letter) -> Letter:
        """Leave the signature out, cut it, bend it, or make it with a key that is not ours."""
        name = "X-Twilio-Signature" if letter.channel == "tw" else "X-Awal-Signature"
        right = letter.headers[name]
        at = self.chance.randrange(len(right) - 1)
        bent = right[:at] + ("A" if right[at] not in "Aa" else "7") + right[at + 1 :]
        wrong = self.chance.choice(["", "0", bent, right[:-2], right + right, "=", "null", "sha256=" + right])
        if letter.channel == "tw" and self.chance.random() < 0.3:
            return self.post.signed(letter, self.chance.choice(["x", "null", ACCOUNT, TOKEN[:-1], TOKEN.upper()]))
        return replace(letter, headers=letter.headers | {name: wrong})

    def readdressed(self, letter: Letter) -> Letter:
        """Have the right key sign for another address, as a request caught elsewhere is, and claim to be there."""
        public = self.chance.choice(["https://evil.example", "http://awal.example", "https://awal.example:8443/x"])
        host = public.split("//")[1].split("/")[0]
        claims = {"Host": host, "X-Forwarded-Host": host, "X-Forwarded-Proto": public.split(":")[0]}
        signed = self.post.signed(letter, public=public)
        return replace(signed, headers=signed.headers | claims)

    def field(self, letter: Letter) -> Letter:
        """Change, add, take away or repeat one field of a signed form."""
        fields = dict(letter.fields)
        name = self.chance.choice(list(fields))
        how = self.chance.randrange(4)
        body = urlencode(fields | {name: fields[name] + "1"} if how == 0 else fields).encode()
        if how == 1:
            body += b"&Extra=1"
        elif how == 2:
            body = urlencode({key: value for key, value in fields.items() if key != name}).encode()
        elif how == 3:
            body += f"&{name}={quote(fields[name] + 'x')}".encode()
        return replace(letter, body=body, headers=letter.headers | {"Content-Type": FORM})

    def resplit(self, letter: Letter) -> Letter:
        """Move words between fields so that what is signed stays the same, and the message gets a new id."""
        fields = dict(letter.fields)
        if letter.route != "sms":
            return self.field(letter)
        id = fields.pop("MessageSid")
        if self.chance.random() < 0.5:  # the id takes the next field in
            fields["MessageSid"] = f"{id}NumMedia{fields.pop('NumMedia')}"
        else:  # the id leaves its end to a field that swallows all that follow
            tail = "".join(name + fields.pop(name) for name in sorted(fields) if name > "MessageSid")
            at = next(at for at in range(3, 34) if id[at] in "abcdef")
            fields |= {"MessageSid": id[:at], id[at:]: tail}
        return replace(letter, body=urlencode(fields).encode(), headers=letter.headers | {"Content-Type": FORM})

    def query(self, letter: Letter) -> Letter:
        """Add a query to an address that was signed without one."""
        return replace(letter, path=letter.path + self.chance.choice(["?x=1", "?From=%2B212612345678", "?="]))

    def algorithm(self, letter: Letter) -> Letter:
        """Say that another algorithm made the signature."""
        wrong = self.chance.choice(["HMAC_SHA256", "none", "HMAC_MD5", "HMAC_SHA512", "RSA"])
        claim = {"X-Twilio-Webhooks-Signature-Settings": f"key=K1,algorithm={wrong}"}
        return replace(letter, headers=letter.headers | claim)

    def body(self, letter: Letter) -> Letter:
        """Change one byte of a signed body, cut it, or add to it."""
        body, at = letter.body, self.chance.randrange(len(letter.body))
        bent = body[:at] + bytes([body[at] ^ (1 + self.chance.randrange(255))]) + body[at + 1 :]
        return replace(letter, body=self.chance.choice([bent, body[:at], body + b" ", b" " + body, body + body, b"{}"]))

    def timestamp(self, letter: Letter) -> Letter:
        """Change the time that was signed, or write it otherwise."""
        stamp = letter.headers["X-Awal-Timestamp"]
        later = str(int(stamp) + self.chance.randrange(1, 200))
        wrong = self.chance.choice([later, f"0{stamp}", f"{stamp}.0", f"+{stamp}", stamp + "0", "", "now"])
        return replace(letter, headers=letter.headers | {"X-Awal-Timestamp": wrong})

    def kept(self, letter: Letter) -> Letter:
        """Bring one that was caught, rightly signed, and is older than five minutes."""
        return self.post.relay(letter.route, late=301 + self.chance.randrange(10**6))
