"""The envelope of a dense frame: who says what about which snapshot, sealed so that one SMS holds it.

    byte 0      kind (high four bits) and version (low four)
    byte 1      key id: the first byte of SHA-256("awal key id" ‖ gateway's public key ‖ platform's)
    bytes 2-3   gateway: the first two bytes of SHA-256("awal gateway" ‖ id)
    then        COUNTS, SIGNED: flow hash 4, week 2, seq 3 · LAYOUT: flow hash 4 · ACK: seq 3
    then        the payload, encrypted
    last 8      the tag

The tag comes from the plain text (a synthetic IV, as in RFC 5297), and the key stream from header and tag:

    tag    = HMAC-SHA256(mac key, header ‖ plain)[:8]
    block i = HMAC-SHA256(stream key, header ‖ tag ‖ i), i one byte

Why not a nonce of gateway, week and seq: a gateway restored from a backup numbers anew, and two plain texts under one
nonce would show each other. Here the stream differs as soon as a bit of header or plain text does; the same frame made
twice is the same bytes, which is what lets a repeat be recognised. `epoch` is in the payload, so the tag covers it.
Eight bytes are enough against forging, since every attempt costs an SMS.

HMAC-SHA256 is the only primitive, so that a platform in any language can read frames. The text form is Base64 whose
last two letters are `-` and `.`: they have one code in GSM-7 and in ASCII, and no meaning in a URL.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from datetime import date

from msgspec import Struct

from reports.frames.bits import FrameError

VERSION = 1
COUNTS, LAYOUT, ACK, SIGNED = 1, 2, 3, 4
HEADER_BYTES = {COUNTS: 13, LAYOUT: 8, ACK: 7, SIGNED: 13}
TAG_BYTES = 8
SIGNATURE_BYTES = 64
SMS_BYTES = 120
"""What 160 characters of six bits hold."""
CODE_BYTES = 510
"""What a printed code holds that a phone still reads from an A4 page: 680 characters."""
FIRST_WEEK = date(2019, 12, 30)
"""The Monday of 2020-W01, week 0."""
CONTEXT = b"awal frame 1"
"""For `shared_key`: one secret for both directions; the kind, which the tag covers, tells them apart."""
LETTERS = b"-."


class Link(Struct, frozen=True):
    """What seals frames between one gateway and its platform."""

    gateway: str
    own_public: bytes
    platform_public: bytes
    secret: bytes

    @property
    def sender(self) -> bytes:
        """Return the key id and the gateway's short name, as every header has them."""
        key = hashlib.sha256(b"awal key id" + self.own_public + self.platform_public).digest()[:1]
        return key + hashlib.sha256(b"awal gateway" + self.gateway.encode()).digest()[:2]

    def __repr__(self) -> str:
        return f"Link(gateway={self.gateway!r})"


def open_link(gateway: str, signing: str, platform: bytes) -> Link:
    """Return the link of a gateway (`signing` as in awal.toml) to the platform of this public key (32 bytes)."""
    from reports.keys import signing_key
    from reports.seal import shared_key

    key = signing_key(signing)
    secret = shared_key(key.private_bytes_raw(), platform, CONTEXT)
    return Link(gateway, key.public_key().public_bytes_raw(), platform, secret)


def header(kind: int, link: Link, rest: bytes) -> bytes:
    """Return the open part of a frame."""
    return bytes([kind << 4 | VERSION]) + link.sender + rest


def seal(link: Link, head: bytes, plain: bytes) -> bytes:
    """Return the frame that only the other end can read, and cannot have been made by a third."""
    tag = _tag(link.secret, head, plain)
    return head + _crypt(link.secret, head, tag, plain) + tag


def unseal(link: Link, kind: int, frame: bytes) -> tuple[bytes, bytes]:
    """Return `(header, plain)` of a frame of this kind for this link; raises FrameError."""
    size = HEADER_BYTES[kind]
    head, sealed, tag = frame[:size], frame[size:-TAG_BYTES], frame[-TAG_BYTES:]
    if len(frame) < size + TAG_BYTES or head[:4] != header(kind, link, b""):
        raise FrameError("This is not a frame for this gateway.")
    plain = _crypt(link.secret, head, tag, sealed)
    if not hmac.compare_digest(_tag(link.secret, head, plain), tag):
        raise FrameError("This frame is forged or damaged. Have it sent again.")
    return head, plain


def to_text(frame: bytes) -> str:
    """Return a frame as characters of GSM-7, each one septet."""
    return b64encode(frame, LETTERS).decode().rstrip("=")


def from_text(text: str) -> bytes:
    """Return the frame in a text; raises FrameError for any other text."""
    try:
        data = text.strip().encode("ascii")
        frame = b64decode(data + b"=" * (-len(data) % 4), LETTERS, validate=True)
    except ValueError:
        raise FrameError("This text is not a frame.") from None
    if to_text(frame) != text.strip():
        raise FrameError("This text is not a frame.")
    return frame


def week_index(monday: date) -> int:
    """Return the number of an ISO week, from its Monday."""
    index = (monday - FIRST_WEEK).days // 7
    if not 0 <= index < 1 << 16:
        raise FrameError(f"The week of {monday} cannot be numbered: frames begin with 2020. Set the clock.")
    return index


def _tag(secret: bytes, head: bytes, plain: bytes) -> bytes:
    return hmac.digest(hmac.digest(secret, b"awal frame tag", "sha256"), head + plain, "sha256")[:TAG_BYTES]


def _crypt(secret: bytes, head: bytes, tag: bytes, data: bytes) -> bytes:
    key = hmac.digest(secret, b"awal frame stream", "sha256")
    blocks = (hmac.digest(key, head + tag + bytes([at]), "sha256") for at in range(-(-len(data) // 32)))
    return bytes(one ^ other for one, other in zip(data, b"".join(blocks), strict=False))
