"""Who sent a request: `Content-Digest` (RFC 9530) and an Ed25519 message signature (RFC 9421, label `awal`)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from werkzeug.datastructures import Headers

from national.errors import NationalError, Refused

WITH_BODY = ("@method", "@path", "content-digest", "idempotency-key")
WITHOUT = ("@method", "@path")

_INPUT = re.compile(r'awal=(\(([^()]{0,400})\)((?:;[a-z]{1,12}=(?:"[^"\\]{0,100}"|[0-9]{1,15})){0,8}))')
_SIGNATURE = re.compile(r"awal=:([A-Za-z0-9+/]{86}==):")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


def key_of(text: str, gateway: str) -> str:
    """Return the public key (base64 of 32 bytes) in what `awal keys` prints, JSON or bare; raises NationalError."""
    value = text.strip()
    if value.startswith("{"):
        value = _key_in_json(value, gateway)
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise NationalError(f"“{value[:60]}” is not a public key. Give the one that `awal keys` prints on the gateway.")
    return base64.b64encode(raw).decode()


def _key_in_json(text: str, gateway: str) -> str:
    try:
        told = json.loads(text)
        name, key = str(told["id"]), str(told["public_key"])
    except (ValueError, KeyError, TypeError):
        raise NationalError("The key is not the JSON that `awal keys --json` prints. Copy its whole line.") from None
    if name != gateway:
        raise NationalError(f"This is the key of gateway “{name}”, not of “{gateway}”. Enrol it under its own id.")
    return key


def check_digest(value: str, data: bytes) -> None:
    """Raise Refused (400) unless `Content-Digest` is that of the body."""
    found = _DIGEST.fullmatch(value)
    actual = base64.b64encode(hashlib.sha256(data).digest()).decode()
    if found is None or not hmac.compare_digest(found[1], actual):
        raise Refused(400, "digest", "Content-Digest is missing or is not the SHA-256 of the body.")


def check_signature(method: str, path: str, headers: Headers, gateway: str, key: str, body: bool) -> None:
    """Raise Refused (401 nothing signed, 403 wrongly signed) unless `gateway` signed this very request with `key`."""
    given = _INPUT.fullmatch(headers.get("Signature-Input", ""))
    signature = _SIGNATURE.fullmatch(headers.get("Signature", ""))
    if given is None or signature is None:
        raise Refused(401, "unsigned", "Signature-Input or Signature (label awal) is missing or malformed.")
    parameters, listed, extras = given[1], given[2], given[3]
    components = re.findall(r'"([^"]*)"', listed)
    if listed != " ".join(f'"{name}"' for name in components) or len(set(components)) != len(components):
        raise Refused(401, "unsigned", "The list of signed components is malformed.")
    if not set(WITH_BODY if body else WITHOUT) <= set(components):
        raise Refused(401, "unsigned", f"These must be signed: {', '.join(WITH_BODY if body else WITHOUT)}.")
    if f';keyid="{gateway}"' not in extras or ';alg="' in extras.replace(';alg="ed25519"', ""):
        raise Refused(403, "forged", f'The signature must carry keyid="{gateway}" and alg="ed25519".')
    lines = [f'"{name}": {_value(name, method, path, headers)}' for name in components]
    base = "\n".join((*lines, f'"@signature-params": {parameters}')).encode()
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
        public.verify(base64.b64decode(signature[1]), base)
    except InvalidSignature:
        raise Refused(403, "forged", "The signature is not this gateway's for this request.") from None


def _value(name: str, method: str, path: str, headers: Headers) -> str:
    if name == "@method":
        return method
    if name == "@path":
        return path
    if name.startswith("@"):
        raise Refused(401, "unsigned", f"The component {name} is not known here.")
    return headers.get(name, "").strip()
