"""What providers tell besides what citizens send: what became of a message, and that a session is over."""

from __future__ import annotations

from collections.abc import Callable

from gateway.channels.base import Channel, Ended, Receipt
from gateway.following import GRACE
from gateway.phones import Phones
from gateway.sending.alarm import alarm
from storage.store import Store

AGAIN = 600_000
"""Milliseconds after which a message is sent again whose delivery failed for a reason that may pass."""


class Hearing:
    """Keeps what is told; `Conversations` is one. `clock` returns milliseconds UTC."""

    store: Store
    phones: Phones
    clock: Callable[[], int]

    def receipt(self, channel: Channel, receipt: Receipt) -> None:
        """Record what the provider says became of a message; an unknown word is kept for the operator."""
        now = self.clock()
        if receipt.state == "unknown":
            self.store.log_event("unknown-receipt", f"{channel.name}: {receipt.detail}", now)
            return
        if receipt.cause == "opted-out":
            self._opted_out(channel, receipt, now)
            if receipt.sender:
                return
        elif receipt.cause == "alarm":
            alarm(self.store, channel.name, receipt.detail, now)
        again_at = now + AGAIN if receipt.cause == "passing" else 0
        self.store.receipt(channel.name, receipt.provider_id, receipt.state, receipt.detail, now, again_at)

    def _opted_out(self, channel: Channel, receipt: Receipt, now: int) -> None:
        """Stop writing to a citizen who told the provider to stop."""
        named = self.phones.pseudonym(receipt.sender) if receipt.sender else ""
        citizen = named or self.store.addressee(channel.name, receipt.provider_id)
        if citizen and self.store.stop(citizen, now, channel.name):
            self.store.log_event("opted-out", f"{channel.name}: a citizen told the provider to stop", now)

    def ended(self, channel: Channel, ended: Ended) -> None:
        """Note that a USSD session was lost; the conversation waits where it was, and is looked after soon."""
        if ended.dropped:
            now = self.clock()
            self.store.log_event("ussd-drop", ": ".join(filter(None, (channel.name, ended.detail))), now)
            if ended.session:
                self.store.lost(channel.name, ended.session, now, now + GRACE)
