"""USSD sessions over one bind: which phone is in which, under which key, and which of its messages is a repeat."""

from __future__ import annotations

import threading
import time

from msgspec import Struct

from gateway.channels.base import Ended, Received
from gateway.channels.smpp_dialect import Dialect
from gateway.channels.smpp_pdu import USSD_OP, Deliver
from gateway.ids import uuid7

FORGOTTEN = 600.0
"""Seconds of silence after which a session is over: networks end theirs sooner."""


class Dialogue(Struct):
    """One session: `id` is ours and unique, `key` the SMSC's, which it uses again."""

    id: str
    key: int
    turn: int
    last: tuple[int | None, str]
    at: float
    pending: bool = True


class Foreign(Exception):
    """The session belongs to another phone."""


class Repeat(Exception):
    """The SMSC sent again what is being worked out."""


class Dialogues:
    """The sessions of one channel, by phone: a phone has one at a time."""

    def __init__(self, dialect: Dialect, channel: str, number: str) -> None:
        self.dialect = dialect
        self.channel = channel
        self.number = number
        self._lock = threading.Lock()
        self._open: dict[str, Dialogue] = {}

    def carries(self, message: Deliver) -> bool:
        """Tell whether a message is USSD."""
        return USSD_OP in message.tlvs or (
            bool(self.dialect.service_type) and message.service_type == self.dialect.service_type
        )

    def take(self, message: Deliver, sender: str, text: str) -> tuple[Received | Ended, Dialogue | None]:
        """Return what a message means, and its session while it lasts. Raises Foreign, or Repeat."""
        op, key = message.number(USSD_OP), message.number(self.dialect.session_tag) or 0
        with self._lock:
            self._forget()
            known = self._known(sender, key, begins=op in self.dialect.begin)
            over = op in self.dialect.abort or bool(key & self.dialect.end_bit)
            if over or (op is not None and op not in self.dialect.begin | self.dialect.reply):
                self._open.pop(sender, None)
                told = f"operation {op}"
                return Ended(session=known.id if known else "", sender=sender, dropped=over, detail=told), None
            if known and known.pending and known.last == (op, text):
                raise Repeat
            opens = known is None or op in self.dialect.begin
            if known is None or opens:
                known = self._open[sender] = Dialogue(uuid7(int(time.time() * 1000)), key, 0, (op, text), 0.0)
            known.turn, known.key, known.last, known.pending = known.turn + 1, key, (op, text), True
            known.at = time.monotonic()
            return self._received(known, message, sender, self._dialled(text) if opens else text, opens), known

    def _known(self, sender: str, key: int, begins: bool) -> Dialogue | None:
        """Return the phone's own session under this key; raises Foreign where another phone has it."""
        mask = self.dialect.session_mask
        known = self._open.get(sender)
        if known is not None and known.key & mask == key & mask:
            return known
        whole = 0xFFFFFFFF & ~self.dialect.end_bit
        others = [phone for phone, one in self._open.items() if one.key & whole == key & whole and phone != sender]
        if others and not begins:
            raise Foreign
        for phone in others:  # the SMSC gave the key to a new session: the former one is over
            del self._open[phone]
        return None

    def _received(self, known: Dialogue, message: Deliver, sender: str, text: str, opens: bool) -> Received:
        return Received(
            channel=self.channel,
            bearer="ussd",
            external_id=f"ussd:{known.id}:{known.turn}",
            session=known.id,
            sender=sender,
            recipient=message.recipient or self.number,
            text=text,
            opens=opens,
        )

    def _dialled(self, text: str) -> str:
        """Return what a citizen dialled behind the service code: `*384*1*2#` gives `1*2`.

        A reply to a session that we lost is no such thing: the conversation shows where it stands.
        """
        code, dialled = self.number.rstrip("#"), text.rstrip("#")
        return dialled.removeprefix(f"{code}*") if code and dialled.startswith(f"{code}*") else ""

    def answered(self, known: Dialogue, sender: str, ends: bool) -> None:
        """Note that a session got its screen, the last one or not."""
        with self._lock:
            known.pending = False
            if ends and self._open.get(sender) is known:
                del self._open[sender]

    def lost(self) -> list[Ended]:
        """End every session, since the link broke; return them."""
        with self._lock:
            gone = [
                Ended(session=one.id, sender=phone, dropped=True, detail="link lost")
                for phone, one in self._open.items()
            ]
            self._open.clear()
        return gone

    def _forget(self) -> None:
        limit = time.monotonic() - FORGOTTEN
        for phone in [phone for phone, one in self._open.items() if one.at and one.at < limit]:
            del self._open[phone]
