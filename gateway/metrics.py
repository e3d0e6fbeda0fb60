"""What `/metrics` answers: Prometheus text, counted by the store, so that it is right after a restart too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from storage.store import OutboxState, Store, Waiting

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATES: tuple[str, ...] = get_args(OutboxState)
TOTALS = {
    "steps": "Replies and dials taken, each one step of a conversation.",
    "answers": "Answers kept.",
    "inbound": "Inbounds kept.",
    "conversations": "Conversations begun.",
}


def render(store: Store, leader: bool) -> str:
    """Return every metric of this gateway; `leader` says whether this process runs the scheduled jobs."""
    counts, outbox = store.counts(), store.outbox_counts()
    lines: list[str] = []
    for name, help_text in TOTALS.items():
        lines += _family(f"awal_{name}_total", "counter", help_text, {"": counts.get(name, 0)})
    open_now = {"": counts.get("open", 0)}
    lines += _family("awal_conversations_open", "gauge", "Conversations that wait for a reply.", open_now)
    by_state = {f'{{state="{state}"}}': outbox.get(state, 0) for state in STATES}
    lines += _family("awal_outbox_messages", "gauge", "Messages of the outbox by state.", by_state)
    lines += _sending(store.waiting())
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


def _family(name: str, kind: str, help_text: str, values: Mapping[str, int]) -> list[str]:
    head = [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
    return head + [f"{name}{labels} {value}" for labels, value in values.items()]
