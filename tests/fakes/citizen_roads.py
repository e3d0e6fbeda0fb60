"""Every road by which a citizen reaches a gateway: each adapter, by SMS and by USSD, as its provider writes it.

A road takes what a citizen types and gives back what they read. `fresh` numbers are nobody's yet.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlencode

from channel_world import ChannelWorld
from conformance import ENVELOPES, FORM, Letter, post
from modem_world import Modem, awaited
from smpp_world import Smsc

from gateway.channels.base import Channel, Settings
from gateway.channels.gammu import Gammu
from gateway.channels.smpp import Smpp
from gateway.lane import Lane
from gateway.phones import Phones

JSON = "application/json"
PHONES = Phones(b"p" * 32, b"s" * 32)
_ids = itertools.count(1)
_numbers = itertools.count(1)


def fresh() -> str:
    """Return a number that nobody has used."""
    return f"+2126{next(_numbers):08d}"


def unique() -> str:
    """Return an id that was not given before."""
    return f"id-{next(_ids)}"


class Road(ABC):
    """One adapter and one bearer, before a gateway with the water flow."""

    bearer = "sms"
    name = ""

    def __init__(self, world: ChannelWorld) -> None:
        self.world = world
        self.lane = Lane({world.channel.name: world.channel}, world.conversations)

    @abstractmethod
    def says(self, phone: str, text: str) -> str:
        """Bring what a citizen typed; return what they read."""

    def begins(self, phone: str) -> None:
        """Begin as a citizen does: on USSD they dial, by SMS there is nothing to do."""
        assert self.bearer == "sms"

    def read_sms(self, phone: str) -> str:
        """Return the newest SMS to a number; one to an erased citizen has no name any more."""
        rows = self.world.store.outbox(limit=1)
        assert rows
        assert rows[0].citizen in ("", PHONES.pseudonym(phone))
        return rows[0].text


class Web(Road):
    """An adapter with webhooks. `letter` writes the provider's request for (phone, session, typed so far, last)."""

    def __init__(self, world: ChannelWorld, bearer: str, letter: Callable[[str, str, str, str], Letter]) -> None:
        super().__init__(world)
        self.bearer = bearer
        self.letter = letter
        self.sessions: dict[str, tuple[str, list[str]]] = {}

    def begins(self, phone: str) -> None:
        if self.bearer == "ussd":
            self.sessions[phone] = (unique(), [])
            self._request(phone, "")

    def says(self, phone: str, text: str) -> str:
        if self.bearer == "ussd":
            self.sessions[phone][1].append(text)
        shown = self._request(phone, text)
        return shown if self.bearer == "ussd" else self.read_sms(phone)

    def _request(self, phone: str, text: str) -> str:
        session, typed = self.sessions.get(phone, ("", []))
        letter = self.letter(phone, session, "*".join(typed), text)
        channel = self.world.channel
        envelope = ENVELOPES[channel.type]
        path, headers = envelope.seal(channel, letter, envelope.settings[envelope.key])
        response = post(self.lane, path, letter, headers)
        assert response.status_code == 200, response.text
        return envelope.shown(response)[0] if self.bearer == "ussd" else ""


def form(route: str, **fields: str) -> Letter:
    """Return a letter whose fields are a form."""
    return Letter(route, urlencode(fields).encode(), content_type=FORM)


def in_json(route: str, **fields: str) -> Letter:
    """Return a letter whose fields are JSON."""
    return Letter(route, json.dumps(fields).encode(), content_type=JSON)


SECONDS = "2026-11-23T08:15:30Z"
WEB: dict[str, tuple[str, str, Callable[[str, str, str, str], Letter]]] = {
    "africastalking sms": (
        "africastalking",
        "sms",
        lambda phone, _, __, text: form("sms", **{"from": phone}, to="28028", text=text, id=unique(), date=SECONDS),
    ),
    "africastalking ussd": (
        "africastalking",
        "ussd",
        lambda phone, session, path, _: form(
            "ussd", phoneNumber=phone, serviceCode="*384#", text=path, sessionId=session, networkCode="60401"
        ),
    ),
    "twilio sms": (
        "twilio",
        "sms",
        lambda phone, _, __, text: form(
            "sms", From=phone, To="+33644600000", Body=text, MessageSid=unique(), AccountSid="AC1", NumSegments="1"
        ),
    ),
    "kannel sms": (
        "kannel",
        "sms",
        lambda phone, _, __, text: Letter(
            "sms",
            query=urlencode(
                {"from": phone, "to": "1234", "text": text.encode("utf-16-be").decode("latin-1"), "coding": "2"}
                | {"charset": "UTF-16BE", "udh": "", "id": unique(), "smsc": "FAKE", "time": "1795426895"},
                encoding="latin-1",
            ),
            method="GET",
        ),
    ),
    "http sms": (
        "http",
        "sms",
        lambda phone, _, __, text: in_json(
            "sms", **{"from": phone}, id=unique(), bearer="sms", to="1234", text=text, session="", sent_at=SECONDS
        ),
    ),
    "http ussd": (
        "http",
        "ussd",
        lambda phone, session, _, text: in_json(
            "ussd", **{"from": phone}, id=unique(), bearer="ussd", to="*384#", text=text, session=session
        ),
    ),
    "simulator sms": (
        "simulator",
        "sms",
        lambda phone, _, __, text: form("sms", **{"from": phone}, id=unique(), to="2828", text=text),
    ),
    "simulator ussd": (
        "simulator",
        "ussd",
        lambda phone, session, path, text: form(
            "ussd",
            **{"id": unique(), "session": session, "phone": phone, "service": "*123#", "text": text},
            event="reply" if path else "start",
        ),
    ),
    "ussd-http ussd": (
        "ussd-http",
        "ussd",
        lambda phone, session, path, _: form(
            "ussd", phoneNumber=phone, serviceCode="*384#", text=path, sessionId=session, networkCode="60401"
        ),
    ),
}


class ModemRoad(Road):
    """gammu-smsd's own database, where the daemon writes what arrived."""

    database: Path

    def says(self, phone: str, text: str) -> str:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(
                "INSERT INTO inbox (ReceivingDateTime, Text, SenderNumber, UDH, TextDecoded, RecipientID)"
                " VALUES ('2026-11-23 08:15:30', '', ?, '', ?, 'm')",
                (phone, text),
            )
        assert isinstance(self.world.channel, Gammu)
        self.world.channel.look()
        return self.read_sms(phone)


class SmppRoad(Road):
    """A bind to an SMSC."""

    def __init__(self, world: ChannelWorld, smsc: Smsc, bearer: str) -> None:
        super().__init__(world)
        self.smsc = smsc
        self.bearer = bearer
        self.keys: dict[str, str] = {}

    def begins(self, phone: str) -> None:
        if self.bearer == "ussd":
            self.keys[phone] = f"{next(_ids) % 0x7F00:04x}"[:2] + "00"
            self._screen(phone, 1, short_message="*384#")

    def says(self, phone: str, text: str) -> str:
        body = {"short_message": text} if text.isascii() else {"short_message_hex": _ucs2(text)}
        coding = {} if "short_message" in body else {"data_coding": 8}
        if self.bearer == "ussd":
            return self._screen(phone, 18, **body, **coding)
        assert self.smsc.deliver(source_addr=phone.removeprefix("+"), **body, **coding) == 0
        return self.read_sms(phone)

    def _screen(self, phone: str, operation: int, **fields: object) -> str:
        shown = self.smsc.screen(
            source_addr=phone.removeprefix("+"), ussd_service_op=operation, session=self.keys[phone], **fields
        )
        return str(shown["text"])


def _ucs2(text: str) -> str:
    return text.encode("utf-16-be").hex()


LIVE = ("gammu sms", "smpp sms", "smpp ussd")
ROADS = (*WEB, *LIVE)


@contextmanager
def opened(name: str, folder: Path, need: Callable[..., None]) -> Iterator[Road]:
    """Open a road to a gateway of its own."""
    if name in WEB:
        type, bearer, letter = WEB[name]
        with _world(folder, ENVELOPES[type].channel(type)) as world:
            yield Web(world, bearer, letter)
    elif name == "gammu sms":
        need("gammu-smsd")
        modem = Modem(folder / "modem")
        channel = Gammu(Settings(name="m", type="gammu", database=str(modem.database), number="+212600000000"), "")
        with _world(folder, channel) as world:
            channel.door = world.conversations
            road = ModemRoad(world)
            road.database = modem.database
            yield road
    else:
        need("node", "npm")
        yield from _bound(folder, name.partition(" ")[2])


def _bound(folder: Path, bearer: str) -> Iterator[Road]:
    with closing(_Stopped(Smsc())) as smsc:
        settings = Settings(
            name="op",
            type="smpp",
            host="127.0.0.1",
            port=smsc.one.port,
            system_id="awal",
            password="pass",
            number="2424",
            bearers=("sms", "ussd"),
            database=str(folder / "op.db"),
        )
        with closing(Smpp(settings, "")) as channel, _world(folder, channel) as world:
            channel.start(world.conversations)
            awaited(lambda: channel.state()["connected"], "the bind")
            yield SmppRoad(world, smsc.one, bearer)


class _Stopped:
    """An SMSC that is stopped when it is closed."""

    def __init__(self, one: Smsc) -> None:
        self.one = one

    def close(self) -> None:
        self.one.stop()


@contextmanager
def _world(folder: Path, channel: Channel) -> Iterator[ChannelWorld]:
    world = ChannelWorld(folder, channel)
    try:
        yield world
    finally:
        world.store.close()
