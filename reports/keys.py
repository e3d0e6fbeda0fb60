"""The gateway's signing key: an Ed25519 seed in base64, made by `awal init` and never shown."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from flows.errors import AwalError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SEED_BYTES = 32


class KeyUnusable(AwalError):
    """The signing key of awal.toml is missing or is not 32 bytes of base64."""


def signing_key(text: str) -> Ed25519PrivateKey:
    """Return the private key whose seed is `text` (base64 of 32 bytes); raises KeyUnusable."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        seed = base64.b64decode(text, altchars=b"-_" if {"-", "_"} & set(text) else None, validate=True)
    except (binascii.Error, ValueError):
        seed = b""
    if len(seed) != SEED_BYTES:
        raise KeyUnusable(
            "“signing” under [keys] in awal.toml is not 32 bytes of base64. "
            "Put the key of your last backup there; `awal init` makes a new one, to enrol again."
        )
    return Ed25519PrivateKey.from_private_bytes(seed)


def seed(text: str) -> bytes:
    """Return the 32 bytes of the signing key `text`, from which secrets with the platform are made (`reports.seal`)."""
    return signing_key(text).private_bytes_raw()


def public_key(text: str) -> str:
    """Return the public half of the signing key `text`: base64 of 32 bytes, as the national platform enrols it."""
    return base64.b64encode(signing_key(text).public_key().public_bytes_raw()).decode()


def keys(signing_key_b64: str, gateway_id: str) -> dict[str, str]:
    """Return what the national platform needs to know this gateway: `{id, public_key}`."""
    return {"id": gateway_id, "public_key": public_key(signing_key_b64)}
