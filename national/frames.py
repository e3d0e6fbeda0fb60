"""Dense frames as the platform reads them: the envelope, for SMS and printed codes. `README.md` has the format.

Written from that page alone; nothing here is shared with the gateways' own code. What a frame says is in `dense.py`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from national.errors import Refused
from national.seal import Identity, Unsealable, shared_key

Kind = Literal["counts", "layout", "ack", "signed"]

KINDS: Final[dict[int, tuple[Kind, int]]] = {
    0x11: ("counts", 13),
    0x21: ("layout", 8),
    0x31: ("ack", 7),
    0x41: ("signed", 13),
}
"""First byte (kind and version) to the kind and the length of its header."""
ACK_BYTE: Final = 0x31
TAG: Final = 8
SIGNATURE: Final = 64
MOST_CHARACTERS: Final = 2000
CONTEXT: Final = b"awal frame 1"
TEXT: Final = re.compile(r"[A-Za-z0-9.-]{20,}")
LEAST_BYTES: Final = 1 + 3 + TAG


class Sender(Struct, frozen=True):
    """A gateway as frames name it, with the secret it shares with this platform."""

    gateway: str
    region: str
    short: bytes
    """Key id and gateway code: bytes 1 to 3 of every frame."""
    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        """Show no secret."""
        return f"Sender(gateway={self.gateway!r}, region={self.region!r})"


class Frame(Struct, frozen=True):
    """An authentic frame, decrypted. `flow` is eight hex digits; `week` counts from 2020-W01."""

    sender: Sender
    kind: Kind
    payload: bytes
    flow: str = ""
    week: int = 0
    seq: int = 0


@lru_cache(4096)
def sender(platform: bytes, gateway: str, region: str, key: str) -> Sender | None:
    """Return how frames name an enrolled gateway; None when its key can share no secret."""
    public = base64.b64decode(key)
    try:
        secret = shared_key(platform, public, CONTEXT)
    except Unsealable:
        return None
    named = hashlib.sha256(b"awal key id" + public + Identity(platform).public).digest()
    code = hashlib.sha256(b"awal gateway" + gateway.encode()).digest()
    return Sender(gateway, region, named[:1] + code[:2], public, secret)


def read(text: str, senders: Iterable[Sender]) -> Frame:
    """Return the frame in a text; raises Refused (422) when it is none, 403 when no enrolled gateway wrote it."""
    data = _bytes(text)
    kind, size = KINDS.get(data[0], ("ack", 0))
    if kind == "ack" or len(data) < size + TAG:
        raise _no_frame()
    head, body, tag = data[:size], data[size:-TAG], data[-TAG:]
    for one in senders:
        if head[1:4] != one.short:
            continue
        plain = _stream(one.secret, head + tag, body)
        if hmac.compare_digest(_mark(one.secret, head + plain), tag):
            return _frame(one, kind, head, plain)
    raise Refused(
        403, "forged", "No gateway enrolled here wrote this frame. Check its key, and that [national] key is ours."
    )


def write_ack(to: Sender, top: int, payload: bytes) -> str:
    """Return the receipt for a gateway as a text to send back; `top` is the highest number it tells about."""
    head = bytes([ACK_BYTE]) + to.short + top.to_bytes(3, "big")
    tag = _mark(to.secret, head + payload)
    return _text(head + _stream(to.secret, head + tag, payload) + tag)


def _frame(one: Sender, kind: Kind, head: bytes, plain: bytes) -> Frame:
    flow = head[4:8].hex()
    if kind == "layout":
        return Frame(one, kind, plain, flow)
    if kind == "signed":
        plain = _unsigned(one, head, plain)
    return Frame(one, kind, plain, flow, int.from_bytes(head[8:10], "big"), int.from_bytes(head[10:13], "big"))


def _unsigned(one: Sender, head: bytes, plain: bytes) -> bytes:
    """Return the payload whose signature is at its end; raises Refused (403)."""
    payload, signature = plain[:-SIGNATURE], plain[-SIGNATURE:]
    try:
        Ed25519PublicKey.from_public_bytes(one.public).verify(signature, CONTEXT + head + payload)
    except (InvalidSignature, ValueError):
        raise Refused(403, "forged", "The signature in this code is not its gateway's.") from None
    return payload


def _mark(secret: bytes, data: bytes) -> bytes:
    key = hmac.new(secret, b"awal frame tag", hashlib.sha256).digest()
    return hmac.new(key, data, hashlib.sha256).digest()[:TAG]


def _stream(secret: bytes, seed: bytes, data: bytes) -> bytes:
    """Encrypt or decrypt: the same both ways."""
    key = hmac.new(secret, b"awal frame stream", hashlib.sha256).digest()
    pad = b""
    while len(pad) < len(data):
        pad += hmac.new(key, seed + bytes([len(pad) // 32]), hashlib.sha256).digest()
    return (int.from_bytes(data, "big") ^ int.from_bytes(pad[: len(data)], "big")).to_bytes(len(data), "big")


def _bytes(text: str) -> bytes:
    given = text.strip()
    if len(given) > MOST_CHARACTERS or not TEXT.fullmatch(given) or len(given) % 4 == 1:
        raise _no_frame()
    data = base64.b64decode(given.replace("-", "+").replace(".", "/") + "=" * (-len(given) % 4))
    if len(data) < LEAST_BYTES or _text(data) != given:
        raise _no_frame()
    return data


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=").replace("+", "-").replace("/", ".")


def _no_frame() -> Refused:
    return Refused(422, "no-frame", "This text is no frame of a gateway. Take the whole SMS or code, as it is.")
