"""The names that dashboards rely on, in Prometheus' text form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.metrics import STATES, render
from storage.histogram import Histogram
from storage.memory import MemoryStore
from storage.sqlite import SqliteStore
from storage.store import SyncRow

NAMES = ("awal_outbox_messages", "awal_scheduler_leader", "awal_steps_total", "awal_answers_total")
SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="[a-z0-9.+I]+"\})? \d+(\.\d+)?')


@pytest.mark.parametrize("name", NAMES)
def test_the_contracts_names_are_there(name: str) -> None:
    text = render(MemoryStore(), leader=False)
    assert f"# TYPE {name} " in text
    assert f"# HELP {name} " in text
    assert re.search(rf"^{name}\W", text, re.M)


def test_every_line_is_a_comment_or_a_sample(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "awal.db") as store:
        lines = render(store, True, Histogram().read()).splitlines()
    assert [line for line in lines if not line.startswith("# ") and not SAMPLE.fullmatch(line)] == []
    assert "awal_scheduler_leader 1" in lines


def test_every_state_of_the_outbox_is_told_even_when_nothing_is_in_it() -> None:
    text = render(MemoryStore(), leader=False)
    assert [state for state in STATES if f'awal_outbox_messages{{state="{state}"}} 0' not in text] == []


def test_a_histogram_counts_what_is_no_greater_than_each_bound() -> None:
    latency = Histogram((0.01, 0.1))
    for seconds in (0.002, 0.01, 0.05, 7):
        latency.add(seconds)
    lines = render(MemoryStore(), False, latency.read()).splitlines()
    assert [line for line in lines if line.startswith("awal_inbound_seconds")] == [
        'awal_inbound_seconds_bucket{le="0.01"} 2',
        'awal_inbound_seconds_bucket{le="0.1"} 3',
        'awal_inbound_seconds_bucket{le="+Inf"} 4',
        "awal_inbound_seconds_sum 7.062",
        "awal_inbound_seconds_count 4",
    ]


def test_the_writer_tells_its_commits_and_the_disk_its_room(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "awal.db") as store:
        before = store.writing()
        store.put("a", "b")
        store.check()
        text, after = render(store, False), store.writing()
        assert before is not None
        assert after is not None
        assert after.seconds.count - before.seconds.count == after.sizes.sum - before.sizes.sum == 2
        assert "\nawal_store_queue 0\n" in text
        assert f'\nawal_commit_changes_bucket{{le="1"}} {after.sizes.count}\n' in text
        assert "\nawal_disk_full 0\n" in text
        assert re.search(r"^awal_disk_free_bytes [1-9]\d+$", text, re.M)
        assert re.search(r"^awal_disk_size_bytes [1-9]\d+$", text, re.M)


def test_the_last_success_is_told_not_the_last_attempt_nor_what_was_only_sent() -> None:
    store = MemoryStore()
    name = "awal_sync_last_success_timestamp_seconds"
    assert f"\n{name} 0\n" in render(store, False)
    rows = (("https", True), ("https", False), ("sms (sent)", True))
    for at, (carrier, ok) in enumerate(rows, 5):
        store.log_sync(SyncRow(at * 1000, carrier, ok, ""))
    assert f"\n{name} 5\n" in render(store, False)
