"""However snapshots travel, the platform ends with the newest of each: the property the whole format rests on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from wire_world import W48

from national.errors import Refused
from national.store import Store, Totals, open_store
from national.wire import Snapshot, read
from reports.wire import canonical

GATEWAYS = {"alpha": "02", "beta": "02", "gamma": "05"}
FLOWS = ("aa00aa00", "bb00bb00")
WEEKS = ("2026-W46", "2026-W47")

Message = tuple[str, str, str, int, int, tuple[int, int]]
"""Gateway, flow hash, week, epoch, seq, and how many said yes and no."""


def snapshot(message: Message) -> Snapshot:
    gateway, flow_hash, week, epoch, seq, (yes, no) = message
    body: dict[str, Any] = {
        "v": 1,
        "gateway": gateway,
        "region": GATEWAYS[gateway],
        "flow": "water",
        "flow_hash": flow_hash,
        "flow_version": 1,
        "title": {"fr": "Eau"},
        "sector": "water",
        "period": week,
        "final": True,
        "epoch": epoch,
        "seq": seq,
        "made_at": W48,
        "questions": [{"id": "supply", "type": "yes_no", "options": [{"key": "yes"}, {"key": "no"}]}],
        "areas": [GATEWAYS[gateway]],
        "cells": {"supply": [[yes], [no]]},
        "walks": {"started": [yes + no], "completed": [yes]},
    }
    return read(canonical(body))


@st.composite
def histories(draw: st.DrawFn) -> list[list[Message]]:
    """Draw what each gateway made of each flow and week: numbers rise, values rise and fall, epochs jump."""
    made = []
    for gateway in draw(st.sets(st.sampled_from(sorted(GATEWAYS)), min_size=1)):
        for flow_hash in FLOWS:
            for week in WEEKS:
                epoch, seq, history = 1, 0, []
                for _ in range(draw(st.integers(0, 5))):
                    if draw(st.booleans()) and draw(st.booleans()):
                        epoch, seq = epoch + 1, draw(st.integers(0, seq))  # restored from an older backup
                    seq += 1
                    values = (draw(st.integers(0, 60)), draw(st.integers(0, 60)))
                    history.append((gateway, flow_hash, week, epoch, seq, values))
                if history:
                    made.append(history)
    return made


@st.composite
def journeys(draw: st.DrawFn) -> tuple[list[Message], list[Message]]:
    """Draw histories and one way they may arrive: shuffled, repeated, all but the last of each lost at will."""
    history = draw(histories())
    newest = [one[-1] for one in history]
    older = [message for one in history for message in one[:-1]]
    arriving = newest + [message for message in older if draw(st.booleans())]
    repeated = draw(st.lists(st.sampled_from(arriving), max_size=6)) if arriving else []
    return newest, draw(st.permutations(arriving + repeated))


def deliver(store: Store, message: Message) -> None:
    try:
        store.put(snapshot(message), W48)
    except Refused as fault:
        if fault.code != "older":
            raise


def expected(newest: list[Message]) -> dict[str, Totals]:
    sums: dict[str, Totals] = {}
    for gateway, _, _, _, _, (yes, no) in newest:
        before = sums.get(GATEWAYS[gateway], Totals())
        sums[GATEWAYS[gateway]] = Totals(before.started + yes + no, before.completed + yes, before.answers + yes + no)
    return sums


@settings(deadline=None, max_examples=60)
@given(journeys())
def test_the_newest_of_each_wins_whatever_the_order(journey: tuple[list[Message], list[Message]]) -> None:
    newest, arriving = journey
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:{Path(folder) / 'national.db'}")
        for gateway, region in GATEWAYS.items():
            store.enrol(gateway, region, "key", W48)
        for message in arriving:
            deliver(store, message)
        assert store.totals() == expected(newest)
        for gateway in GATEWAYS:
            numbers = {(one.flow_hash, one.period): (one.epoch, one.seq) for one in store.cursor(gateway)}
            assert numbers == {(m[1], m[2]): (m[3], m[4]) for m in newest if m[0] == gateway}
        store.close()
