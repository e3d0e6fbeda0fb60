"""Phone numbers: read in any writing, known by a pseudonym, sealed where a reply must still be sent.

A pseudonym is a keyed hash. All Moroccan mobile numbers can be hashed in minutes, so that a hash without a key would
hide nothing; whoever lacks the key learns nothing, and destroying the key makes every record anonymous.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Sequence
from functools import lru_cache

from flows.errors import AwalError

MOROCCAN = re.compile(r"\+212[5-8][0-9]{8}")
WRITTEN = re.compile(r"[+＋]?[\d\s().\-/]{6,32}")
"""What a full number may be written with; letters are a sender's name, fewer digits a service."""

FORMAT = b"\x01"
KEY_ID, NONCE = 4, 12
LATELY = 2_000
"""Numbers whose pseudonyms are kept in mind: most inbounds are of who was heard a moment ago."""
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
PAIRS = tuple(first + second for first in BASE32 for second in BASE32)
"""Ten bits each, as two letters of base 32 (RFC 4648): the standard library's own way takes twice as long."""


class PhoneError(AwalError):
    """A sealed number that cannot be opened, or a key that cannot seal."""


def normalise(raw: str, region: str = "MA") -> str | None:
    """Return a number in E.164 (`+212600000001`), or None for what nobody can answer: short codes, names, noise."""
    raw = raw.strip()
    if MOROCCAN.fullmatch(raw):
        return raw
    if not WRITTEN.fullmatch(raw):
        return None
    return _parsed(raw, region)


def _parsed(raw: str, region: str) -> str | None:
    """Read a number by the world's numbering plans, which take a moment to import."""
    import phonenumbers

    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None
    # Possible, not valid: operators open new ranges faster than tables of ranges are renewed.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class Phones:
    """The gateway's keys for phone numbers. `old_phone_keys` still open what was sealed before a change of key."""

    def __init__(self, pseudonym_key: bytes, phone_key: bytes, old_phone_keys: Sequence[bytes] = ()) -> None:
        if len(pseudonym_key) < 16:
            raise PhoneError("[keys] pseudonym is too short: give at least 16 bytes in base64, as awal init does")
        for key in (phone_key, *old_phone_keys):
            if len(key) not in (16, 24, 32):
                raise PhoneError("[keys] phone must be 16, 24 or 32 bytes in base64, as awal init makes it")
        self._named_by = hmac.new(pseudonym_key, b"awal citizen\0", "sha256")
        """The key taken in once, to be copied for each name."""
        # In memory alone, where the key is too: who could read these numbers could find them all by it.
        self._lately = lru_cache(LATELY)(self._named)
        self._keys = {_key_id(key): key for key in (*old_phone_keys, phone_key)}
        self._key_id = _key_id(phone_key)

    def pseudonym(self, e164: str) -> str:
        """Return the citizen's name in every table and log: 26 characters a-z 2-7, 128 bits of HMAC-SHA256."""
        return self._lately(e164)

    def forget(self) -> None:
        """Let go of the numbers kept in mind: somebody of them is to be forgotten."""
        self._lately.cache_clear()

    def person(self, e164: str, code: str) -> str:
        """Return the name of the person who has this code on a shared phone: nothing in it leads to the phone's."""
        return self._named(f"{e164}\0{code}")

    def veiled(self, id: str) -> str:
        """Return an inbound's id without what it was made from: a code that somebody typed could be guessed from it."""
        return self._named(f"inbound\0{id}")

    def _named(self, whole: str) -> str:
        mac = self._named_by.copy()
        mac.update(whole.encode())
        bits = int.from_bytes(mac.digest()[:16], "big") << 2
        return "".join([PAIRS[bits >> at & 1023] for at in range(120, -1, -10)])

    def seal(self, e164: str) -> bytes:
        """Encrypt a number (AES-GCM): format, key id, random nonce, ciphertext. Sealed twice, it differs."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        header, nonce = FORMAT + self._key_id, os.urandom(NONCE)
        sealed = AESGCM(self._keys[self._key_id]).encrypt(nonce, e164.encode(), header)
        return header + nonce + sealed

    def unseal(self, sealed: bytes) -> str:
        """Return the number; raise PhoneError when it was wiped, altered, or sealed under a key we do not have."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        header, rest = sealed[: 1 + KEY_ID], sealed[1 + KEY_ID :]
        key = self._keys.get(header[1:])
        if header[:1] != FORMAT or key is None or len(rest) <= NONCE:
            raise PhoneError("this number was wiped or sealed under another key: put the former [keys] phone back")
        try:
            return AESGCM(key).decrypt(rest[:NONCE], rest[NONCE:], header).decode()
        except InvalidTag:
            raise PhoneError("this sealed number is damaged: discard the message, awal outbox discard ID") from None

    def __repr__(self) -> str:
        return "<Phones, keys hidden>"


def _key_id(key: bytes) -> bytes:
    """Return what names a key without telling it."""
    return hashlib.sha256(b"awal phone key\0" + key).digest()[:KEY_ID]
