"""A sender on a real store, made anew for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sending_bench import Bench

from gateway.channels.base import Channel
from gateway.settings import Sending
from storage.open import open_store


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Return `bench(*channels, **rules)`; all benches of a test share one store."""
    store = open_store("sqlite:awal.db", tmp_path)

    def make(*channels: Channel, **rules: object) -> Bench:
        return Bench(store, {channel.name: channel for channel in channels}, rules=Sending(**rules))

    yield make
    store.close()
