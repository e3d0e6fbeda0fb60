"""The receipt that comes back on the stick: what the platform says it holds, under its signature."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
from msgspec import Struct

from flows.errors import AwalError
from reports.carriers.bundle import platform_id
from reports.sync import NOTHING, SKEW_SECONDS, SyncOutcome, newer, summed_up
from reports.wire import canonical
from reports.wire_client import Cursor
from storage.store import Store, SyncRow

VERSION = 1
SIGNED = b"awal-receipt 1\n"
MOST_BYTES = 1024 * 1024
CARRIER = "bundle"
APPLIED = "receipt-date"
"""The store's note of the date of the last receipt applied."""


class ReceiptRefused(AwalError):
    """A receipt that is not this platform's for this gateway; nothing is taken as acknowledged."""


class Conflict(Struct, frozen=True):
    """A snapshot the platform did not keep: it holds this number with other figures."""

    flow_hash: str
    period: str
    epoch: int
    seq: int
    message: str


class Receipt(Cursor, frozen=True):
    """What the platform holds of this gateway, and when the bundle was made, by this gateway's clock."""

    v: int
    gateway: str
    platform: str
    made_at: int
    refused: tuple[Conflict, ...] = ()


def read(data: bytes, gateway: str, platform: bytes) -> Receipt:
    """Return a receipt whose signature is the platform's; raises ReceiptRefused. Unknown members are ignored."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    body, signature = _parts(data)
    try:
        Ed25519PublicKey.from_public_bytes(platform).verify(signature, SIGNED + canonical(body))
    except (InvalidSignature, ValueError):
        raise ReceiptRefused(_foreign(body, platform)) from None
    try:
        receipt = msgspec.convert(body, Receipt)
    except msgspec.ValidationError as fault:
        raise ReceiptRefused(f"The receipt cannot be read ({fault}). Update this gateway, or the platform.") from fault
    if receipt.v != VERSION:
        raise ReceiptRefused(f"The receipt is of form {receipt.v}, only {VERSION} is read here. Update this gateway.")
    if receipt.gateway != gateway:
        raise ReceiptRefused(f"The receipt is for gateway “{receipt.gateway}”, this one is “{gateway}”. Take it there.")
    return receipt


def is_news(store: Store, receipt: Receipt) -> bool:
    """Tell whether this receipt is younger than the last one applied, or acknowledges something that none did."""
    if receipt.date > int(store.get(APPLIED) or -1):
        return True
    numbers = receipt.numbers()
    waiting = [one for one in store.held() if not one.acked]
    return any(numbers.get((one.flow_hash, one.period)) == (one.epoch, one.seq) for one in waiting)


def apply(store: Store, receipt: Receipt, now: int) -> SyncOutcome:
    """Mark what the platform holds as acknowledged, and log it. Repeating it changes nothing."""
    numbers, refused = receipt.numbers(), {(one.flow_hash, one.period, one.epoch, one.seq) for one in receipt.refused}
    sent = already = waiting = 0
    faults = [_not_taken(one.flow_hash, one.period, one.message) for one in receipt.refused]
    for held in store.held():
        ours, theirs = (held.epoch, held.seq), numbers.get((held.flow_hash, held.period), NOTHING)
        if (held.flow_hash, held.period, *ours) in refused:
            continue
        if theirs > ours:
            faults.append(_not_taken(held.flow_hash, held.period, newer(ours, theirs)))
        elif held.acked:
            already += 1
        elif theirs == ours:
            store.acknowledge(held.flow_hash, held.period, *ours)
            sent += 1
        else:
            waiting += 1
    outcome = summed_up(
        faults, sent=sent, held=already, refused=len(faults), waiting=waiting, skew=skew_of(receipt, now)
    )
    store.log_sync(SyncRow(at=now, carrier=CARRIER, ok=outcome.ok, detail=outcome.detail))
    store.put(APPLIED, str(max(receipt.date, int(store.get(APPLIED) or -1))))
    return outcome


def skew_of(receipt: Receipt, now: int) -> int:
    """Return the seconds by which this clock is surely ahead (or, below zero, behind); 0 when it may be right.

    A bundle is made before it is received, and its receipt is read after: a clock that says otherwise is wrong.
    """
    ahead, behind = (receipt.made_at - receipt.date) // 1000, (receipt.date - now) // 1000
    if ahead > SKEW_SECONDS:
        return ahead
    return -behind if behind > SKEW_SECONDS else 0


def _not_taken(flow_hash: str, period: str, why: str) -> str:
    return f"Not taken: {period} of flow {flow_hash}: {why}"


def _parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the receipt without its signature, and the signature."""
    try:
        body = msgspec.json.decode(data[: MOST_BYTES + 1], type=dict[str, Any])
        return body, base64.b64decode(body.pop("signature"), validate=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError, binascii.Error, ValueError):
        raise ReceiptRefused(
            "This is no whole receipt. Copy it again: `awal-national import` writes it beside the bundle, *.receipt"
        ) from None


def _foreign(body: dict[str, Any], platform: bytes) -> str:
    """Say why a signature is not the platform's."""
    told, ours = str(body.get("platform"))[:40], platform_id(platform)
    if told != ours:
        return (
            f"The receipt is by {told}, [national] key in awal.toml is of {ours}. Compare it with `awal-national keys`."
        )
    return "The receipt was changed after the platform signed it. Copy it again from the stick."
