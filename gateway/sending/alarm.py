"""What only an operator can put right, kept among the events: once an hour, however many messages it hits."""

from __future__ import annotations

from storage.store import Store

HOUR = 3_600_000


def alarm(store: Store, channel: str, told: str, now: int) -> None:
    """Keep a provider's refusal for the operator, unless the same was kept in this hour."""
    if store.claim_slot(f"alarm of {channel}", f"{told} {now // HOUR}", now):
        store.log_event("sending-refused", f"{channel}: {told}", now)
