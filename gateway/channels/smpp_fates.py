"""What became of long messages: their parts are reported one by one, the whole is told once."""

from __future__ import annotations

import threading

from msgspec import Struct

from gateway.channels.base import Cause, Receipt, State
from gateway.channels.smpp_pdu import Fate

STATES: dict[int, State] = {
    1: "accepted",  # ENROUTE
    2: "delivered",
    3: "failed",  # EXPIRED
    4: "failed",  # DELETED
    5: "failed",  # UNDELIVERABLE
    6: "accepted",  # ACCEPTED
    8: "failed",  # REJECTED
}
"""message_state of SMPP 3.4, section 5.2.28; UNKNOWN and what is not listed are kept as such."""
PASSING = {3}
"""Expired: the phone was off. It may be sent again."""
REMEMBERED = 10_000


class Whole(Struct):
    """One message: the id we told, and the parts not yet reported as delivered."""

    id: str
    missing: set[str]


class Fates:
    """The parts that were submitted lately, by the SMSC's id."""

    def __init__(self, receipt_id: str) -> None:
        self._form = receipt_id
        self._lock = threading.Lock()
        self._parts: dict[str, Whole] = {}

    def sent(self, ids: list[str]) -> str:
        """Remember the parts of one message; return the id that stands for the whole, the last one's."""
        whole = Whole(ids[-1], set(ids))
        with self._lock:
            self._parts |= dict.fromkeys(ids, whole)
            while len(self._parts) > REMEMBERED:
                del self._parts[next(iter(self._parts))]
        return whole.id

    def told(self, fate: Fate) -> Receipt:
        """Return what a receipt means for its message: delivered once the last part is."""
        state = STATES.get(fate.state, "unknown")
        with self._lock:
            id = self._meant(fate)
            whole = self._parts.get(id)
            if whole is not None and state == "delivered":
                whole.missing.discard(id)
                state = "accepted" if whole.missing else state
        cause: Cause = "passing" if fate.state in PASSING else ""
        return Receipt(provider_id=whole.id if whole else id, state=state, detail=fate.detail, cause=cause)

    def _meant(self, fate: Fate) -> str:
        """Return the id as submit_sm_resp told it: many SMSCs write one in hex and the other in decimal."""
        forms = {"same": fate.id, "hex": _in_decimal(fate.id), "decimal": _in_hex(fate.id)}
        if not fate.told_in_text:
            return fate.id
        if self._form != "same":
            forms = {self._form: forms[self._form]} | forms
        known = [one for form in forms.values() for one in (form, form.lower()) if one in self._parts]
        return known[0] if known else forms[self._form] or fate.id


def _in_decimal(id: str) -> str:
    try:
        return str(int(id, 16))
    except ValueError:
        return ""


def _in_hex(id: str) -> str:
    return f"{int(id):X}" if id.isascii() and id.isdigit() and len(id) < 40 else ""
