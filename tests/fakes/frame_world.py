"""Numbered bodies of any shape, and the link that seals their frames, for the tests of both ends."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from wire_world import SIGNING, W48

from reports.frames.envelope import Link, open_link, to_text

Body = dict[str, Any]
Shape = Sequence[tuple[str, str, int]]
"""Id, type and number of options of each question."""

PLAIN: Shape = (("supply", "yes_no", 2), ("mark", "rating", 5), ("problem", "choice", 4), ("recommend", "nps", 11))
FLOW_HASH = "5d41d585afa47fa1"


def link(platform: bytes, gateway: str = "demo", signing: str = SIGNING) -> Link:
    return open_link(gateway, signing, platform)


def body(rows: dict[str, list[int]], shape: Shape = PLAIN, **changes: Any) -> Body:
    """Return a numbered body; `rows` gives each area's begun, completed and counts, in canonical order."""
    areas = sorted(rows)
    cells, at = {}, 2
    for name, _, options in shape:
        cells[name] = [[rows[area][at + option] for area in areas] for option in range(options)]
        at += options
    made: Body = {
        "v": 1,
        "gateway": "demo",
        "region": "02",
        "flow": "water",
        "flow_hash": FLOW_HASH,
        "flow_version": 1,
        "title": {"fr": "Eau potable", "ar": "الماء"},
        "sector": "water",
        "period": "2026-W47",
        "final": True,
        "questions": [question(*one) for one in shape],
        "areas": areas,
        "cells": cells,
        "walks": {"started": [rows[a][0] for a in areas], "completed": [rows[a][1] for a in areas]},
        "epoch": 1,
        "seq": 7,
        "made_at": W48,
    }
    return made | changes


def question(name: str, type: str, options: int) -> Body:
    named = {"yes_no": ["yes", "no"], "nps": [str(at) for at in range(11)], "rating": [str(at + 1) for at in range(5)]}
    keys = named.get(type) or [f"option-{at}" for at in range(options)]
    shown = [{"key": key, "label": {}} for key in keys]
    return {
        "id": name,
        "type": type,
        "measure": "satisfaction" if name == "mark" else "",
        "conditional": name == "problem",
        "text": {},
        "options": shown,
    }


def width(shape: Shape = PLAIN) -> int:
    return 2 + sum(options for _, _, options in shape)


def texts(frames: Sequence[bytes]) -> list[str]:
    return [to_text(one) for one in frames]


def polled(rng: random.Random, areas: Sequence[str], questions: int, options: int, each: float = 15) -> Body:
    """Return a body of many areas whose citizens each answer every question, early options more often."""
    shape = [(f"q{at}", "choice", options) for at in range(questions)]
    rows = {}
    for area in areas:
        begun = max(1, round(rng.gauss(each, 3)))
        row = [begun, begun]
        for _ in range(questions):
            given = [min(options - 1, int(rng.expovariate(1))) for _ in range(begun)]
            row += [given.count(option) for option in range(options)]
        rows[area] = row
    return body(rows, shape)


AREA = st.builds(
    ".".join,
    st.tuples(
        st.sampled_from(["02", "02", "05", "12"]), st.sampled_from(["411", "411", "7"]), st.sampled_from(["01", "23"])
    ).flatmap(lambda parts: st.integers(1, 3).map(lambda depth: parts[:depth]))
    | st.tuples(st.just("02"), st.just("411"), st.just("01"), st.integers(0, 99).map("{:02d}".format)),
)
COUNT = st.integers(0, 3) | st.integers(0, 60) | st.integers(0, 1_000_000)


@st.composite
def bodies(draw: st.DrawFn, shape: Shape = PLAIN) -> Body:
    """Draw a body: no area or many, zeros or huge counts, open or final, any epoch."""
    rows = {}
    for area in draw(st.sets(AREA, max_size=12)):
        begun = draw(COUNT)
        counts = draw(st.lists(COUNT, min_size=width(shape) - 2, max_size=width(shape) - 2))
        rows[area] = [begun, draw(st.integers(0, begun)), *counts]
    numbers = {"epoch": draw(st.integers(1, 9) | st.integers(1, 100_000)), "seq": draw(st.integers(0, 2**24 - 1))}
    return body(rows, shape, final=draw(st.booleans()), **numbers)
