"""The body of SMPP messages, read and written by us: SMPP 3.4 sections 4.4 to 4.6 and 5.2.

smpplib carries whole messages; it reads optional parameters by the size they should have, cuts escape and surrogate
pairs, and has signs of GSM-7 wrong.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from itertools import groupby

from msgspec import Struct

from flows.encoding import encoding, split

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|"}
EXTENSION[0x65] = "€"
TO_SEPTETS = {character: bytes([at]) for at, character in enumerate(BASIC) if character != "\x1b"} | {
    character: bytes([0x1B, at]) for at, character in EXTENSION.items()
}
UDHI, RECEIPT, KINDS = 0x40, 0x04, 0x3C
"""Bits of esm_class: a header is in the text; a delivery receipt; all kinds of message but an ordinary one."""
SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER = 0x020C, 0x020E, 0x020F
PAYLOAD, RECEIPTED_ID, MESSAGE_STATE, USSD_OP = 0x0424, 0x001E, 0x0427, 0x0501


class Senseless(Exception):
    """The message breaks off, or is none."""


class Deliver(Struct, frozen=True):
    """What the SMSC brings: a deliver_sm. `tlvs` holds the optional parameters by tag, as bytes."""

    service_type: str
    sender: str
    recipient: str
    esm_class: int
    coding: int
    body: bytes
    tlvs: dict[int, bytes]

    def __repr__(self) -> str:
        return f"Deliver(bytes={len(self.body)})"

    def number(self, tag: int) -> int | None:
        """Return an optional parameter as a number, whatever its size; None where it is absent."""
        value = self.tlvs.get(tag)
        return int.from_bytes(value, "big") if value else None


class Part(Struct, frozen=True):
    """The place of a message in a longer one."""

    reference: int
    total: int
    number: int


def parse(raw: bytes) -> Deliver:
    """Read the body of a deliver_sm; raises Senseless where it breaks off."""
    try:
        service, at = _string(raw, 0)
        international = raw[at] == 1
        sender, at = _string(raw, at + 2)
        recipient, at = _string(raw, at + 2)
        esm_class = raw[at]
        _, at = _string(raw, at + 3)
        _, at = _string(raw, at)
        coding, size = raw[at + 2], raw[at + 4]
        at += 5
        body, tlvs = raw[at : at + size], _tlvs(raw[at + size :])
    except (IndexError, ValueError, struct.error) as error:
        raise Senseless from error
    if len(body) < size:
        raise Senseless
    if not sender.startswith("+") and sender.isdigit() and (international or re.fullmatch("212[5-8][0-9]{8}", sender)):
        sender = f"+{sender}"
    return Deliver(service, sender, recipient, esm_class, coding, tlvs.get(PAYLOAD, b"") or body, tlvs)


def _string(raw: bytes, at: int) -> tuple[str, int]:
    end = raw.index(b"\0", at)
    return raw[at:end].decode("latin-1"), end + 1


def _tlvs(raw: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while raw:
        tag, size = struct.unpack(">HH", raw[:4])
        value, raw = raw[4 : 4 + size], raw[4 + size :]
        if len(value) < size:
            raise Senseless
        found[tag] = value
    return found


def tlv(tag: int, value: bytes) -> bytes:
    """Return one optional parameter as it travels."""
    return struct.pack(">HH", tag, len(value)) + value


def opened(message: Deliver) -> tuple[Part | None, bytes]:
    """Return the place of a message in a longer one, by its header or its sar_* parameters, and its text's bytes."""
    body = message.body
    part = None
    if message.esm_class & UDHI and body:
        header, body = body[1 : 1 + body[0]], body[1 + body[0] :]
        part = _by_header(header)
    total, number = message.number(SAR_TOTAL), message.number(SAR_NUMBER)
    if part is None and total and number:
        part = Part(message.number(SAR_REFERENCE) or 0, total, number)
    sound = part is not None and part.total > 1 and 1 <= part.number <= part.total
    return (part if sound else None), body


def _by_header(header: bytes) -> Part | None:
    while len(header) >= 2:
        kind, size = header[0], header[1]
        value, header = header[2 : 2 + size], header[2 + size :]
        if (kind, size, len(value)) in ((0, 3, 3), (8, 4, 4)):
            return Part(int.from_bytes(value[:-2], "big"), value[-2], value[-1])
    return None


def decoded(body: bytes, coding: int) -> str | None:
    """Return the text of bytes by their data_coding; None for data that no citizen wrote."""
    general, alphabet = coding >> 6 == 0, (coding >> 2) & 3
    if coding in (1, 3):
        return body.decode("latin-1")
    if (general and alphabet == 2) or coding in (0x48, 0x11):  # and USSD's own codes for UCS-2
        return body.decode("utf-16-be", "replace")
    if coding == 2 or (alphabet == 1 and (general or coding >> 4 == 0xF)):
        return None
    return from_septets(body)


def joined(bodies: Sequence[tuple[int, bytes]]) -> str | None:
    """Return the text of the parts of a message, each with its data_coding; None where one is no citizen's.

    Parts of one coding are joined as bytes: some phones cut an emoji, or the escape of a `€`, in two.
    """
    texts: list[str | None] = []
    for coding, parts in groupby(bodies, key=lambda one: one[0]):
        texts.append(decoded(b"".join(body for _, body in parts), coding))
    return None if None in texts else "".join(text or "" for text in texts)


def from_septets(body: bytes) -> str:
    """Read GSM-7, an octet for each septet."""
    text: list[str] = []
    escaped = False
    for octet in body:
        septet = octet & 0x7F
        if escaped:
            text.append(EXTENSION.get(septet, BASIC[septet]))
            escaped = False
        elif septet == 0x1B:
            escaped = True
        else:
            text.append(BASIC[septet])
    return "".join(text)


def encoded(text: str) -> bytes:
    """Return the bytes of a text: an octet for each septet of GSM-7, or UCS-2."""
    if encoding(text) == "UCS-2":
        return text.encode("utf-16-be", "surrogatepass")
    return b"".join(TO_SEPTETS[character] for character in text)


def pieces(text: str, reference: int) -> list[bytes]:
    """Return the bytes of each SMS that a text takes, with the header that joins them where there are several."""
    parts = split(text)
    if len(parts) == 1:
        return [encoded(text)]
    wide = encoding(text) == "UCS-2"
    bodies = [one.encode("utf-16-be", "surrogatepass") if wide else encoded(one) for one in parts]
    total = len(parts)
    return [bytes([5, 0, 3, reference & 0xFF, total, at]) + body for at, body in enumerate(bodies, 1)]


STATES = {
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "ACCEPTD": 6,
    "UNKNOWN": 7,
    "REJECTD": 8,
}
FIELD = re.compile(r"(?i)\b(id|stat|err):\s*(\S+)")


class Fate(Struct, frozen=True):
    """What a delivery receipt tells: the SMSC's id, a message_state (SMPP 3.4, 5.2.28; 0 for none), and an error."""

    id: str
    state: int
    detail: str
    told_in_text: bool


def fate(message: Deliver) -> Fate:
    """Read a delivery receipt: its optional parameters go before the words in its text."""
    fields = {name.lower(): value for name, value in FIELD.findall(from_septets(message.body))}
    id = message.tlvs.get(RECEIPTED_ID, b"").rstrip(b"\0").decode("latin-1")
    stat = fields.get("stat", "").upper()
    state = message.number(MESSAGE_STATE) or STATES.get(stat, 0)
    names = {number: name for name, number in STATES.items()}
    detail = f"{names.get(state, stat) or state} {fields.get('err', '')}".strip()
    return Fate(id or fields.get("id", ""), state, detail, told_in_text=not id)
