import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from national.figures import figures, percent, wilson
from national.wire import Option, Question, Snapshot, Walks

TITLE = {"fr": "Eau"}


def snapshot(**changes: object) -> Snapshot:
    marks = [Option(str(mark)) for mark in range(1, 6)]
    plain: dict[str, object] = {
        "v": 1,
        "gateway": "demo",
        "region": "02",
        "flow": "water",
        "flow_hash": "aa00aa00",
        "flow_version": 1,
        "title": TITLE,
        "sector": "water",
        "period": "2026-W47",
        "final": True,
        "epoch": 1,
        "seq": 1,
        "made_at": 0,
        "questions": [Question("mark", "rating", marks, {"fr": "Satisfait ?"}, "satisfaction")],
        "areas": ["02.411.01.01", "05.091"],
        "cells": {"mark": [[10, 1], [10, 1], [20, 1], [30, 1], [30, 1]]},
        "walks": Walks([120, 5], [100, 5]),
    }
    return Snapshot(**(plain | changes))  # type: ignore[arg-type]


# exact reference values: R's binom.confint(method = "wilson"), as printed in its documentation and recomputed by hand
@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.27754), (10, 10, 0.72246, 1.0), (1, 10, 0.01788, 0.40415), (50, 100, 0.40383, 0.59617)],
)
def test_the_interval_is_wilsons(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), abs=1e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_solves_the_score_equation(case: tuple[int, int]) -> None:
    hits, n = case
    share = hits / n
    for bound in wilson(hits, n):
        assert 0 <= bound <= 1
        if 1e-9 < bound < 1 - 1e-9:
            assert abs(share - bound) / math.sqrt(bound * (1 - bound) / n) == pytest.approx(1.959964, abs=1e-3)
    assert wilson(hits, n)[0] <= share + 1e-12
    assert wilson(hits, n)[1] >= share - 1e-12


@pytest.mark.parametrize(("part", "whole", "expected"), [(1, 2, 50), (1, 3, 33), (2, 3, 67), (1, 8, 13), (0, 9, 0)])
def test_per_cents_are_whole(part: int, whole: int, expected: int) -> None:
    assert percent(part, whole) == expected


def test_an_area_counts_in_its_own_region_whoever_sends_it() -> None:
    [flow] = figures([snapshot()], "02")
    assert (flow.started, flow.completed) == (120, 100)
    [chart] = flow.charts
    assert chart.base == 100
    assert [bar.count for bar in chart.bars] == [10, 10, 20, 30, 30]
    [other] = figures([snapshot()], "05")
    assert other.started == 5
    assert other.charts[0].shown == "none"
    assert figures([snapshot()], "07") == []


def test_the_top_two_of_five_are_satisfied() -> None:
    [flow] = figures([snapshot()], "02")
    satisfaction = flow.charts[0].satisfaction
    assert satisfaction is not None
    assert (satisfaction.percent, satisfaction.low, satisfaction.high, satisfaction.n) == (60, 50, 69, 100)
    assert not satisfaction.indication


def test_few_answers_are_an_indication_only() -> None:
    cells = {"mark": [[0], [0], [12], [0], [12]]}
    [flow] = figures([snapshot(areas=["02"], cells=cells, walks=Walks([24], [24]))], "02")
    satisfaction = flow.charts[0].satisfaction
    assert satisfaction is not None
    assert satisfaction.indication


def test_gateways_and_versions_that_ask_alike_are_summed() -> None:
    both = [snapshot(), snapshot(gateway="other"), snapshot(flow_version=2, flow_hash="bb00bb00")]
    [flow] = figures(both, "02")
    assert flow.started == 360
    assert [chart.base for chart in flow.charts] == [300]


def test_a_question_that_changed_its_options_is_another_table() -> None:
    three = [Question("mark", "rating", [Option(str(mark)) for mark in range(1, 4)], {}, "satisfaction")]
    newer = snapshot(flow_version=2, flow_hash="bb00bb00", questions=three, cells={"mark": [[10, 0], [20, 0], [30, 0]]})
    [flow] = figures([snapshot(), newer], "02")
    assert [len(chart.bars) for chart in flow.charts] == [3, 5]
    assert flow.charts[0].satisfaction is None


def test_the_newest_version_gives_the_words() -> None:
    newer = snapshot(flow_version=2, flow_hash="bb00bb00", title={"fr": "Eau potable"})
    [flow] = figures([snapshot(), newer], "02")
    assert flow.title == {"fr": "Eau potable"}


def test_hidden_counts_are_shown_together() -> None:
    choices = [Question("need", "choice", [Option(key) for key in ("water", "road", "school", "other")])]
    cells = {"need": [[50], [3], [27], [20]]}
    [flow] = figures([snapshot(areas=["02"], questions=choices, cells=cells, walks=Walks([100], [100]))], "02")
    [chart] = flow.charts
    assert [bar.count for bar in chart.bars] == [None, None, 27, 20]
    assert chart.together is not None
    assert (chart.together.count, chart.together.percent) == (53, 53)
