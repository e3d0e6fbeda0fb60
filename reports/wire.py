"""The form of what leaves: canonical JSON, its digests, and the signature of a request.

Bodies are JSON with sorted keys, no spaces, UTF-8 and no fractions, so that the same content is the same bytes.
`Content-Digest` follows RFC 9530, the signature RFC 9421 (label `awal`, Ed25519). `national/README.md` describes the
format for whoever writes another platform.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VERSION = 1
LABEL = "awal"
SIGNED_WITH_BODY = ("@method", "@path", "content-digest", "idempotency-key")
SIGNED_WITHOUT = ("@method", "@path")

Body = dict[str, Any]


def canonical(body: Mapping[str, Any]) -> bytes:
    """Return the one JSON form of a body."""
    return msgspec.json.encode(body, order="sorted")


def content_digest(data: bytes) -> str:
    """Return the value of the `Content-Digest` header."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def figures_digest(body: Mapping[str, Any]) -> str:
    """Return a digest of what a snapshot counts (its body before it is numbered), blind to its words.

    A corrected translation alone does not send years of figures again: the new words travel with the next change.
    """
    figures = {name: value for name, value in body.items() if name not in ("title", "questions")}
    figures["questions"] = [
        {**question, "text": None, "options": [option["key"] for option in question["options"]]}
        for question in body["questions"]
    ]
    return hashlib.sha256(canonical(figures)).hexdigest()


def idempotency_key(gateway: str, epoch: int, seq: int) -> str:
    """Return the value of the `Idempotency-Key` header."""
    return f"{gateway}:{epoch}:{seq}"


def snapshot_path(gateway: str, flow_hash: str, period: str) -> str:
    """Return where a snapshot is put."""
    return f"/v1/gateways/{gateway}/snapshots/{flow_hash}/{period}"


def cursor_path(gateway: str) -> str:
    """Return where the platform says what it holds of this gateway."""
    return f"/v1/gateways/{gateway}/cursor"


def signed_headers(
    key: Ed25519PrivateKey, gateway: str, method: str, path: str, data: bytes | None = None, idempotency: str = ""
) -> dict[str, str]:
    """Return the headers that prove who asks, for what, and with which body."""
    headers = {} if data is None else {"Content-Digest": content_digest(data), "Idempotency-Key": idempotency}
    values = {"@method": method, "@path": path} | {name.lower(): value for name, value in headers.items()}
    components = SIGNED_WITHOUT if data is None else SIGNED_WITH_BODY
    quoted = " ".join(f'"{name}"' for name in components)
    parameters = f'({quoted});keyid="{gateway}";alg="ed25519"'
    base = signature_base({name: values[name] for name in components}, parameters)
    signature = base64.b64encode(key.sign(base)).decode()
    return {**headers, "Signature-Input": f"{LABEL}={parameters}", "Signature": f"{LABEL}=:{signature}:"}


def signature_base(values: Mapping[str, str], parameters: str) -> bytes:
    """Return the bytes that are signed (RFC 9421, section 2.5)."""
    lines = [f'"{name}": {value}' for name, value in values.items()]
    return "\n".join((*lines, f'"@signature-params": {parameters}')).encode()
