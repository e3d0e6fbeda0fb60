"""Taking a bundle, and the receipt that goes back on the same stick: signed by the platform, it says what is held."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from national.bundle import header_of, open_bundle
from national.errors import Refused
from national.reception import Reception
from national.seal import Identity
from national.store import CursorRow, Merged, Store

VERSION = 1
SIGNED = b"awal-receipt 1\n"
"""What is signed before the receipt's bytes."""
SKEW = 10 * 60 * 1000
"""Milliseconds that a bundle may come from the future before its gateway's clock is called wrong."""


class Taken(Struct, frozen=True):
    """A bundle that was kept: what was in it, and the receipt to send back."""

    gateway: str
    merged: Merged
    receipt: bytes
    ahead: int = 0
    """Minutes by which the gateway's clock is ahead, 0 when it is not, or cannot be told."""


def take(store: Store, data: bytes, now: int) -> Taken:
    """Keep what a bundle brings: all of it or, when anything in it is refused, nothing; raises Refused."""
    header, identity = header_of(data), store.identity()
    sender = store.gateway(header.gateway)
    if sender is None:
        message = (
            f"The gateway “{header.gateway}” is not enrolled here. Run `awal keys` on it, then: "
            f"awal-national gateway add {header.gateway} --region CODE --key KEY"
        )
        raise Refused(401, "unknown", message)
    bundle = open_bundle(data, header, identity, sender.public_key, sender.region)
    made_at = bundle.manifest.made_at
    merged = store.put_all(sender.id, bundle.snapshots(), now, max(0, made_at - now))
    Reception(store).settle_all(sender.id, now)
    receipt = written(identity, sender.id, made_at, now, store.cursor(sender.id), merged)
    return Taken(sender.id, merged, receipt, (made_at - now) // 60_000 if made_at - now > SKEW else 0)


def written(
    identity: Identity, gateway: str, made_at: int, now: int, held: Sequence[CursorRow], merged: Merged
) -> bytes:
    """Return the receipt: one JSON object whose `signature` is over all its other members in canonical form."""
    body = {
        "v": VERSION,
        "gateway": gateway,
        "platform": identity.id,
        "made_at": made_at,
        "date": now,
        "accepted": merged.accepted,
        "already": merged.held,
        "older": merged.older,
        "refused": [msgspec.to_builtins(one) for one in merged.refused],
        "held": [msgspec.to_builtins(one) for one in held],
    }
    signature = base64.b64encode(identity.sign(SIGNED + msgspec.json.encode(body, order="sorted"))).decode()
    return msgspec.json.encode({**body, "signature": signature}, order="sorted") + b"\n"
