"""The platform's end of the secrets it shares with each gateway, out of the Ed25519 keys of both.

Form and derivation stand in `README.md` (“Sealed for the platform”). Nothing here is shared with the gateways' own
code: the tests have each end open what the other sealed.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256, sha512
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from national.errors import NationalError

P: Final = 2**255 - 19
D: Final = 0x52036CEE2B6FFE738CC740797779E89800700A4D4141D8AB75EB4DCA135978A3
NONCE: Final = b"\0" * 12  # each key seals one text only
LEAST: Final = 32 + 16


class Unsealable(NationalError):
    """A key that is none, or a text that was not sealed by this sender, for this platform and this use."""


class Identity:
    """An Ed25519 private key (raw, 32 bytes), as it signs and agrees on secrets; `id` tells its public half."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise Unsealable("A private key has 32 bytes. Restore the platform's database from its backup.")
        self.seed = seed
        self._signing = Ed25519PrivateKey.from_private_bytes(seed)
        self._agreeing = X25519PrivateKey.from_private_bytes(sha512(seed).digest()[:32])
        self.public = self._signing.public_key().public_bytes_raw()
        self.public_key = b64encode(self.public).decode()
        self.id = f"platform-{sha256(self.public).hexdigest()[:8]}"

    def sign(self, data: bytes) -> bytes:
        """Return the signature of these bytes."""
        return self._signing.sign(data)

    def agree(self, other: X25519PublicKey) -> bytes:
        """Return the secret with another key; a key of low order, which gives none, is refused."""
        try:
            return self._agreeing.exchange(other)
        except ValueError as fault:
            raise Unsealable("A public key of low order agrees on no secret. Enrol the sender's real key.") from fault


def shared_key(own_ed25519_private_raw: bytes, their_ed25519_public_raw: bytes, context: bytes) -> bytes:
    """Return the 32 bytes that only these two identities can work out for a context; the same in both directions."""
    me = Identity(own_ed25519_private_raw)
    names = min(me.public, their_ed25519_public_raw) + max(me.public, their_ed25519_public_raw)
    return _hkdf(me.agree(montgomery(their_ed25519_public_raw)), b"awal shared key 1" + names + context)


def seal(own: bytes, theirs: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Return a text for the owner of `theirs` alone, which shows that `own` wrote it (keys raw Ed25519)."""
    me, them, fresh = Identity(own), montgomery(theirs), X25519PrivateKey.generate()
    head = fresh.public_key().public_bytes_raw()
    try:
        first = fresh.exchange(them)
    except ValueError as fault:
        raise Unsealable("A public key of low order agrees on no secret. Enrol the sender's real key.") from fault
    key = _hkdf(first + me.agree(them), b"awal seal 1" + head + me.public + theirs + context)
    return head + ChaCha20Poly1305(key).encrypt(NONCE, plaintext, context)


def unseal(own: bytes, theirs: bytes, sealed: bytes, context: bytes) -> bytes:
    """Return what `theirs` sealed for `own`; raises Unsealable when one byte differs."""
    if len(sealed) < LEAST:
        raise Unsealable("It is cut short. Have it sent again.")
    me, head, box = Identity(own), sealed[:32], sealed[32:]
    secret = me.agree(X25519PublicKey.from_public_bytes(head)) + me.agree(montgomery(theirs))
    key = _hkdf(secret, b"awal seal 1" + head + theirs + me.public + context)
    try:
        return ChaCha20Poly1305(key).decrypt(NONCE, box, context)
    except InvalidTag:
        raise Unsealable("It was changed on the way, or its sender holds another key. Have it sent again.") from None


def montgomery(public: bytes) -> X25519PublicKey:
    """Return the X25519 form of an Ed25519 public key; raises Unsealable for what is no point of the curve."""
    if len(public) != 32:
        raise Unsealable("A public key has 32 bytes. Give the one that `awal keys` prints on the gateway.")
    y = int.from_bytes(public, "little") % 2**255
    if y in (0, 1, P - 1) or y >= P or not _is_square((y * y - 1) * pow(D * y * y + 1, P - 2, P)):
        raise Unsealable("This is no Ed25519 public key. Give the one that `awal keys` prints on the gateway.")
    u = (1 + y) * pow(1 - y, P - 2, P) % P
    return X25519PublicKey.from_public_bytes(u.to_bytes(32, "little"))


def _is_square(value: int) -> bool:
    return pow(value, (P - 1) // 2, P) <= 1


def _hkdf(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)
