"""What `/metrics` answers, as Prometheus text.

Totals are counted by the store, so that they are right after a restart too. What this process measures of itself
(latency, commits) begins anew with it, as Prometheus expects of histograms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from gateway.links import Links, seconds
from storage.histogram import Spread
from storage.store import OutboxState, Room, Store, SyncRow, Waiting, Writing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SYNCS = 50
"""How many of the last attempts are looked through for one that succeeded."""
UNSURE = "sms (sent)"
"""The carrier of what was only sent; its receipt is a row of its own."""
STATES: tuple[str, ...] = get_args(OutboxState)
TOTALS = {
    "steps": "Replies and dials taken, each one step of a conversation.",
    "answers": "Answers kept.",
    "inbound": "Inbounds kept.",
    "conversations": "Conversations begun.",
}


def render(
    store: Store, leader: bool, latency: Spread | None = None, known: bool = True, found: Links | None = None
) -> str:
    """Return every metric of this gateway; `leader` says whether this process runs the scheduled jobs.

    `latency` is how long its inbounds took; `known` tells whether its clock can be believed; `found` is the
    state of its links.
    """
    counts, outbox = store.counts(), store.outbox_counts()
    lines: list[str] = []
    for name, help_text in TOTALS.items():
        lines += _family(f"awal_{name}_total", "counter", help_text, {"": counts.get(name, 0)})
    open_now = {"": counts.get("open", 0)}
    lines += _family("awal_conversations_open", "gauge", "Conversations that wait for a reply.", open_now)
    by_state = {f'{{state="{state}"}}': outbox.get(state, 0) for state in STATES}
    lines += _family("awal_outbox_messages", "gauge", "Messages of the outbox by state.", by_state)
    lines += _sending(store.waiting())
    lines += _linked(found or {})
    lines += _synced(store.syncs(SYNCS))
    undated = {"": sum(span.answers for span in store.undated())}
    lines += _family("awal_clock_known", "gauge", "1 while the machine's clock can be believed.", {"": int(known)})
    lines += _family("awal_undated_answers", "gauge", "Answers that wait for the clock to get their day.", undated)
    lines += _disk(store.room())
    lines += _writing(store.writing())
    if latency is not None:
        lines += _histogram("awal_inbound_seconds", "Seconds from a webhook's request to its answer.", latency)
    lines += _family("awal_scheduler_leader", "gauge", "1 where the scheduled jobs run.", {"": int(leader)})
    return "\n".join(lines) + "\n"


def _sending(waiting: Mapping[str, Waiting]) -> list[str]:
    """Return what waits on each channel, and what it has cost so far."""
    by_channel = {f'{{channel="{name}"}}': one for name, one in waiting.items()}
    queues = {label: one.messages for label, one in by_channel.items()}
    oldest = {label: one.oldest // 1000 for label, one in by_channel.items()}
    segments = {label: one.segments for label, one in by_channel.items()}
    return [
        *_family("awal_outbox_waiting", "gauge", "Messages that wait for their channel.", queues),
        *_family("awal_outbox_oldest_timestamp_seconds", "gauge", "Since when the oldest of them waits; or 0.", oldest),
        *_family("awal_segments_total", "counter", "Segments sent, as far as the budgets count them.", segments),
    ]


def _linked(found: Links) -> list[str]:
    """Return how each link is, as far as its adapter knows."""
    by_channel = {f'{{channel="{name}"}}': state for name, state in found.items()}

    def told(key: str) -> dict[str, float]:
        figures = {label: state.get(key) for label, state in by_channel.items()}
        return {label: one for label, one in figures.items() if isinstance(one, int | float)}

    def since(key: str) -> dict[str, float]:
        return {label: int(seconds(state[key])) for label, state in by_channel.items() if key in state}

    families = [
        ("awal_link_up", "1 while the link to the network is there.", told("connected")),
        ("awal_link_since_timestamp_seconds", "Since when it is.", since("since")),
        ("awal_link_last_message_timestamp_seconds", "When a citizen was last heard on it.", since("last_message")),
        ("awal_link_signal_percent", "Signal of the modem.", told("signal")),
        ("awal_link_battery_percent", "Battery of the modem.", told("battery")),
    ]
    return [
        line for name, help_text, values in families if values for line in _family(name, "gauge", help_text, values)
    ]


def _synced(rows: Sequence[SyncRow]) -> list[str]:
    """Return when the national platform last held all it was given."""
    last = next((row.at // 1000 for row in rows if row.ok and row.carrier != UNSURE), 0)
    return _family(
        "awal_sync_last_success_timestamp_seconds", "gauge", "When the platform was last reached; or 0.", {"": last}
    )


def _disk(room: Room | None) -> list[str]:
    """Return the room on the store's disk, where it is ours to watch."""
    if room is None:
        return []
    return [
        *_family("awal_disk_free_bytes", "gauge", "Bytes free on the store's disk.", {"": room.free}),
        *_family("awal_disk_size_bytes", "gauge", "Bytes of all of that disk.", {"": room.total}),
        *_family("awal_disk_reserve_bytes", "gauge", "Bytes kept there for when it is full.", {"": room.reserve}),
        *_family("awal_disk_full", "gauge", "1 while nobody new is taken for lack of room.", {"": int(room.full)}),
    ]


def _writing(writing: Writing | None) -> list[str]:
    """Return how writing goes."""
    if writing is None:
        return []
    return [
        *_family("awal_store_queue", "gauge", "Changes that wait to be written.", {"": writing.waiting}),
        *_histogram("awal_commit_changes", "Changes that shared a commit.", writing.sizes),
        *_histogram("awal_commit_seconds", "Seconds until a commit was on disk.", writing.seconds),
    ]


def _histogram(name: str, help_text: str, spread: Spread) -> list[str]:
    """Return a histogram: what was no greater than each bound, the count and the sum."""
    bounds = [*(f"{bound:g}" for bound in spread.bounds), "+Inf"]
    buckets = zip(bounds, [*spread.below, spread.count], strict=True)
    values: dict[str, float] = {f'_bucket{{le="{bound}"}}': count for bound, count in buckets}
    return _family(name, "histogram", help_text, {**values, "_sum": round(spread.sum, 6), "_count": spread.count})


def _family(name: str, kind: str, help_text: str, values: Mapping[str, float]) -> list[str]:
    head = [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
    return head + [f"{name}{labels} {value + 0}" for labels, value in values.items()]
