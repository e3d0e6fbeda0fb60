"""The platform as the gateway sees it: a cursor to read, snapshots to put, and what each answer means."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Literal

import msgspec
from msgspec import Struct

from reports.keys import public_key, signing_key
from reports.snapshots import Sender, Snapshot
from reports.wire import cursor_path, idempotency_key, signed_headers
from reports.wire_http import Answered, Carrier, Interrupted

Number = tuple[int, int]
"""`(epoch, seq)` of a snapshot; the highest wins."""

_LATER = {408, 425, 429, 500, 502, 503, 504}
_NEVER = {400, 413, 422}


class Verdict(Struct, frozen=True):
    """What the platform did with a snapshot. `newer`: it holds `theirs`, above ours. `refused`: never as it is."""

    outcome: Literal["held", "newer", "refused"]
    theirs: Number = (0, 0)
    why: str = ""


class _Row(Struct, frozen=True):
    flow_hash: str
    period: str
    epoch: int
    seq: int


class Cursor(Struct, frozen=True):
    """What the platform holds of this gateway, and its own date (milliseconds UTC)."""

    date: int
    held: list[_Row]

    def numbers(self) -> Mapping[tuple[str, str], Number]:
        """Return the number held of each (flow_hash, period)."""
        return {(one.flow_hash, one.period): (one.epoch, one.seq) for one in self.held}


class Platform:
    """Speaks the wire's HTTP contract as one gateway, over any carrier."""

    def __init__(self, carrier: Carrier, sender: Sender, signing: str) -> None:
        self._carrier = carrier
        self._sender = sender
        self._key = signing_key(signing)
        self._public = public_key(signing)

    @property
    def enrolment(self) -> str:
        """Return the remedy for a platform that does not know this gateway's key."""
        who = f"{self._sender.gateway} --region {self._sender.region} --key {self._public}"
        return f"Enrol this gateway there: awal-national gateway add {who}"

    def cursor(self) -> Cursor:
        """Ask what is held; raises Interrupted."""
        answered = self._exchange("GET", cursor_path(self._sender.gateway))
        if answered.status != 200:
            raise Interrupted(f"{_told(answered)} Check that [national] url names an Awal platform.")
        try:
            return msgspec.json.decode(answered.body, type=Cursor)
        except msgspec.MsgspecError as fault:
            raise Interrupted(f"What it holds is not readable ({fault}). Check [national] url.") from fault

    def put(self, snapshot: Snapshot) -> Verdict:
        """Send one snapshot; raises Interrupted when the attempt must end."""
        answered = self._exchange("PUT", snapshot.path(self._sender.gateway), snapshot)
        if answered.status == 200:
            return Verdict("held", (snapshot.epoch, snapshot.seq))
        if answered.status == 409:
            return Verdict("newer", _held(answered), _told(answered))
        if answered.status in _NEVER:
            return Verdict("refused", why=_told(answered))
        raise Interrupted(f"{_told(answered)} Check that [national] url names an Awal platform.")

    def close(self) -> None:
        """Let the connection go."""
        self._carrier.close()

    def _exchange(self, method: str, path: str, snapshot: Snapshot | None = None) -> Answered:
        full = self._carrier.prefix + path
        data = None if snapshot is None else snapshot.data
        answered = self._carrier.request(method, full, self._headers(method, full, snapshot), data)
        if answered.status in (401, 403):
            raise Interrupted(f"{_told(answered)} {self.enrolment}", denied=True)
        if answered.status in _LATER:
            raise Interrupted(f"{_told(answered)} It is tried again by itself.", wait=_retry_after(answered.headers))
        return answered

    def _headers(self, method: str, path: str, snapshot: Snapshot | None) -> dict[str, str]:
        gateway = self._sender.gateway
        if snapshot is None:
            return signed_headers(self._key, gateway, method, path)
        idempotency = idempotency_key(gateway, snapshot.epoch, snapshot.seq)
        signed = signed_headers(self._key, gateway, method, path, snapshot.data, idempotency)
        return {**signed, "Content-Type": "application/json"}


def _told(answered: Answered) -> str:
    """Return the platform's own words after its status, where it gave some."""
    try:
        words = str(msgspec.json.decode(answered.body)["message"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        words = ""
    return f"The platform answered {answered.status}" + (f": {words}" if words else ".")


def _held(answered: Answered) -> Number:
    """Return the number that a 409 says is held."""
    try:
        held = msgspec.json.decode(answered.body)["held"]
        return int(held["epoch"]), int(held["seq"])
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return (0, 0)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that `Retry-After` asks for: a number, or a date by the platform's own clock (RFC 9110)."""
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(headers["date"])).total_seconds())
    except (KeyError, ValueError, TypeError):
        return 0.0
