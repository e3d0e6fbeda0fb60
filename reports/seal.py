"""Secrets between a gateway and its platform, from the signing keys both have already: no further key to hand over.

An Ed25519 identity is also an X25519 one: the private half is the first half of SHA-512(seed), clamped (RFC 8032,
5.1.5), the public half the u of the same point, u = (1 + y) / (1 - y) mod p (RFC 7748, 4.1). `national/seal.py` is the
other end, written apart; `national/README.md` describes both forms.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from flows.errors import AwalError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

KEY_BYTES = 32
OVERHEAD = 48
"""Bytes by which a sealed text is longer: the one-time public key and the tag."""
SHARED, SEALED = b"awal shared key 1", b"awal seal 1"
PRIME = 2**255 - 19
CURVE_D = -121665 * pow(121666, -1, PRIME) % PRIME


class SealBroken(AwalError):
    """A key that cannot be used, or a sealed text that is not the other side's for this use."""


def shared_key(own_ed25519_private_raw: bytes, their_ed25519_public_raw: bytes, context: bytes) -> bytes:
    """Return the 32 bytes that only these two identities can work out, another for each context.

    The same in both directions: put the direction in the context where a key must serve one side only.
    """
    static = exchange_key(own_ed25519_private_raw)
    secret = _exchange(static, exchange_point(their_ed25519_public_raw))
    both = sorted((_public(own_ed25519_private_raw), their_ed25519_public_raw))
    return _derive(secret, SHARED + b"".join(both) + context)


def seal(own: bytes, theirs: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Return a text that only `theirs` can read, and that only `own` can have written (keys raw Ed25519).

    A one-time X25519 key, so that the gateway itself cannot read it again; then ChaCha20-Poly1305.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    point, once = exchange_point(theirs), X25519PrivateKey.generate()
    sent = once.public_key().public_bytes_raw()
    secret = _exchange(once, point) + _exchange(exchange_key(own), point)
    key = _derive(secret, SEALED + sent + _public(own) + theirs + context)
    return sent + ChaCha20Poly1305(key).encrypt(bytes(12), plaintext, context)


def unseal(own: bytes, theirs: bytes, sealed: bytes, context: bytes) -> bytes:
    """Return the text that `theirs` sealed for `own`; raises SealBroken when one byte of it differs."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    if len(sealed) < OVERHEAD:
        raise SealBroken("The sealed text is cut short. Fetch it again.")
    static, sent = exchange_key(own), sealed[:KEY_BYTES]
    secret = _exchange(static, X25519PublicKey.from_public_bytes(sent)) + _exchange(static, exchange_point(theirs))
    key = _derive(secret, SEALED + sent + theirs + _public(own) + context)
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), sealed[KEY_BYTES:], context)
    except InvalidTag:
        raise SealBroken("The sealed text was changed, or is not for this key. Fetch it again.") from None


def exchange_key(seed: bytes) -> X25519PrivateKey:
    """Return the X25519 private key of an Ed25519 seed (the library clamps it on use)."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    if len(seed) != KEY_BYTES:
        raise SealBroken(f"A private key has {KEY_BYTES} bytes, this one {len(seed)}. Copy it from a backup.")
    return X25519PrivateKey.from_private_bytes(hashlib.sha512(seed).digest()[:KEY_BYTES])


def exchange_point(public: bytes) -> X25519PublicKey:
    """Return the X25519 public key of an Ed25519 one; what is no point of the curve is refused."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    y = int.from_bytes(public, "little") & (2**255 - 1)
    if len(public) != KEY_BYTES or y >= PRIME or y == 1 or not _on_curve(y):
        raise SealBroken("The other side's public key is not an Ed25519 key. Copy it again, as it prints it.")
    u = (1 + y) * pow(1 - y, -1, PRIME) % PRIME
    return X25519PublicKey.from_public_bytes(u.to_bytes(KEY_BYTES, "little"))


def _on_curve(y: int) -> bool:
    """Tell whether some x has -x² + y² = 1 + d·x²·y²: Euler's criterion."""
    square = (y * y - 1) * pow(CURVE_D * y * y + 1, -1, PRIME) % PRIME
    return pow(square, (PRIME - 1) // 2, PRIME) in (0, 1)


def _exchange(own: X25519PrivateKey, theirs: X25519PublicKey) -> bytes:
    try:
        return own.exchange(theirs)
    except ValueError:  # a point of low order: everybody knows the result
        raise SealBroken("The other side's public key keeps no secret. Ask it for its real one.") from None


def _public(seed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _derive(secret: bytes, info: bytes) -> bytes:
    """Return 32 bytes of HKDF-SHA256 without salt; every part of `info` before the context has a fixed length."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), KEY_BYTES, None, info).derive(secret)
