from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace
from report_world import BERKANE, HEALTH, NEEDS, OUJDA, W46, W47, WATER, Crowd, at, read, shipped

from flows.model import Ask, Flow, Option, Text, Value, dump, restore
from locales.catalogue import Catalogues
from reports.periods import parse
from reports.questions import Question
from reports.report import FlowReport, Report, ReportError, build, covers, live

TODAY = date(2026, 11, 23)
WEEK = parse("2026-W47", TODAY)
TEXTS = Catalogues()
WATER_FLOW, HEALTH_FLOW, NEEDS_FLOW = read(WATER), read(HEALTH), read(NEEDS)


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    made = Crowd(tmp_path)
    yield made
    made.close()


def report(crowd: Crowd, place: str = "", k: int = 10, today: date = TODAY, period: str = "2026-W47") -> Report:
    return build(crowd.store, parse(period, today), place, TEXTS, today, k, region="02")


def question(flow: FlowReport, step: str) -> Question:
    return next(one for one in flow.questions if one.step == step)


def counts(flow: FlowReport, step: str) -> dict[str, int | None]:
    return {cell.key: cell.count for cell in question(flow, step).cells}


def marks(crowd: Crowd, flow: Flow, given: dict[int, int], now: int = W47, **more: Value) -> None:
    """Keep as many satisfied and other answers as asked, by mark."""
    for mark, count in given.items():
        crowd.many(count, flow, {"satisfaction": mark, **more}, now=now)


def test_a_flow_keeps_its_hash_through_the_store() -> None:
    for flow in map(shipped, ("water", "health", "needs", "services")):
        assert restore(dump(flow)).hash == flow.hash


def test_an_empty_gateway_has_an_empty_report(crowd: Crowd) -> None:
    found = report(crowd)
    assert (found.begun, found.completed, found.flows, found.satisfaction, found.worst) == (0, 0, (), None, "")
    assert not found.provisional


def test_every_figure_of_a_flow(crowd: Crowd) -> None:
    crowd.many(40, WATER_FLOW, {"supply": "yes", "satisfaction": 4, "commune": OUJDA}, place=OUJDA)
    crowd.many(30, WATER_FLOW, {"supply": "no", "satisfaction": 2, "problem": "cuts"}, language="ar", bearer="sms")
    crowd.many(10, WATER_FLOW, {"supply": "no", "hours": 6}, language="ar", done=False)
    found = report(crowd)
    (water,) = found.flows
    assert (found.begun, found.completed) == (80, 70)
    assert {cell.key: cell.count for cell in found.languages} == {"ar": 40, "fr": 40}
    assert {cell.key: cell.count for cell in found.bearers} == {"sms": 30, "ussd": 50}
    assert (water.begun, water.completed, water.completion, water.response) == (80, 70, 70 / 80, 70 / 80)
    assert counts(water, "supply") == {"yes": 40, "no": 40}
    assert counts(water, "satisfaction") == {"1": 0, "2": 30, "3": 0, "4": 40, "5": 0}
    assert water.satisfaction is not None
    assert water.satisfaction.estimate is not None
    assert (round(water.satisfaction.estimate.share, 3), water.satisfaction.estimate.n) == (0.571, 70)
    assert found.satisfaction == water.satisfaction
    assert counts(water, "problem") == {"cuts": 30, "taste": 0, "price": 0, "other": 0}
    assert water.problem is not None
    assert water.problem[1].key == "cuts"
    assert counts(water, "commune") == {OUJDA: 40}
    hours = question(water, "hours").numbers
    assert hours is not None
    assert (hours.median, hours.low, hours.high) == (6, 6, 6)


def test_few_answers_tell_nothing_but_that_there_are_some(crowd: Crowd) -> None:
    crowd.many(9, WATER_FLOW, {"supply": "yes", "hours": 3, "satisfaction": 5})
    found = report(crowd)
    (water,) = found.flows
    assert (found.begun, found.completed, water.begun) == (None, None, None)
    for one in water.questions[:3]:
        assert (one.n, one.numbers, {cell.count for cell in one.cells}) == (None, None, {None} if one.cells else set())
    assert water.satisfaction is not None
    assert (water.satisfaction.estimate, water.satisfaction.at_least) == (None, None)
    (open_to_operators,) = live(crowd.store, WEEK)
    assert (open_to_operators.begun, question(open_to_operators, "hours").n) == (9, 9)
    assert counts(open_to_operators, "satisfaction")["5"] == 9


def test_free_texts_and_numbers_given_never_enter_a_report(crowd: Crowd) -> None:
    crowd.many(30, HEALTH_FLOW, {"visited": "yes", "suggestion": "Fatima, 06 12 34 56 78"})
    found = report(crowd)
    assert "Fatima" not in repr(found)
    assert "12 34 56" not in repr(found)
    assert question(found.flows[0], "suggestion").n == 30


def test_a_place_takes_in_what_lies_below_it(crowd: Crowd) -> None:
    crowd.many(30, WATER_FLOW, {"supply": "yes"}, place=OUJDA)
    crowd.many(20, WATER_FLOW, {"supply": "no"}, place=BERKANE)
    crowd.many(10, WATER_FLOW, {"supply": "no"})
    begun = {code: report(crowd, code).begun for code in ("", "02", "02.411", OUJDA, BERKANE, "03", "02.113")}
    assert begun == {"": 60, "02": 50, "02.411": 30, OUJDA: 30, BERKANE: 20, "03": 0, "02.113": 20}
    assert report(crowd, "02").languages == ()


@pytest.mark.parametrize(
    ("place", "code", "below"),
    [
        ("", "02.411", True),
        ("02", "02", True),
        ("02", "02.411.01.03", True),
        ("02.41", "02.411", False),
        ("02", "", False),
    ],
)
def test_codes_are_compared_whole(place: str, code: str, below: bool) -> None:
    assert covers(place, code) is below


@pytest.mark.parametrize(("place", "k", "named"), [("99", 10, "99"), ("Oujda", 10, "Oujda"), ("", 3, "3")])
def test_what_cannot_be_reported_is_refused_with_the_remedy(crowd: Crowd, place: str, k: int, named: str) -> None:
    with pytest.raises(ReportError, match=rf"{named}.* Give ") as refused:
        report(crowd, place, k)
    assert "\n" not in str(refused.value)


def test_a_running_period_is_provisional(crowd: Crowd) -> None:
    assert report(crowd, today=date(2026, 11, 22)).provisional
    assert not report(crowd, today=date(2026, 11, 23)).provisional
    assert report(crowd, period="this-month").provisional


def test_a_change_is_named_when_it_is_beyond_chance(crowd: Crowd) -> None:
    marks(crowd, WATER_FLOW, {2: 60, 4: 40}, W46)
    marks(crowd, WATER_FLOW, {2: 30, 4: 70})
    found = report(crowd).satisfaction
    assert found is not None
    assert found.change is not None
    assert (round(found.change.difference, 2), found.change.direction) == (0.3, "up")
    old = report(crowd, period="2026-W46").satisfaction
    assert old is not None
    assert old.change is None


def test_a_flow_is_singled_out_only_when_it_is_worse_beyond_chance(crowd: Crowd) -> None:
    marks(crowd, WATER_FLOW, {2: 40, 4: 20})
    assert report(crowd).worst == ""
    marks(crowd, HEALTH_FLOW, {2: 25, 4: 35}, visited="yes")
    assert report(crowd).worst == "water"
    marks(crowd, HEALTH_FLOW, {2: 40}, visited="yes")
    assert report(crowd).worst == ""


def test_the_satisfaction_of_all_flows_counts_only_what_may_be_printed(crowd: Crowd) -> None:
    marks(crowd, WATER_FLOW, {2: 40, 4: 20})
    marks(crowd, HEALTH_FLOW, {2: 3, 4: 37}, visited="yes")
    found = report(crowd)
    health, _ = found.flows
    assert health.satisfaction is not None
    assert (health.satisfaction.estimate, health.satisfaction.at_least) == (None, 31 / 40)
    assert found.satisfaction is not None
    assert found.satisfaction.estimate is not None
    assert found.satisfaction.estimate.n == 60


def test_a_hidden_answer_is_not_told_by_those_it_leads_to(crowd: Crowd) -> None:
    """Only who visited is asked on: the exact number of marks would tell how many did not."""
    crowd.many(43, HEALTH_FLOW, {"visited": "yes", "satisfaction": 4, "wait": 10, "suggestion": "x", "commune": OUJDA})
    crowd.many(7, HEALTH_FLOW, {"visited": "no"})
    (health,) = report(crowd).flows
    assert counts(health, "visited") == {"yes": None, "no": None}
    told = {one.step: (one.n, one.approximate) for one in health.questions}
    assert told["visited"] == (50, False)
    for step in ("satisfaction", "wait", "suggestion", "commune"):
        assert told[step] == (45, True)
    assert counts(health, "satisfaction")["4"] == 45
    assert health.satisfaction is not None
    assert health.satisfaction.estimate is not None
    assert health.satisfaction.estimate.n == 45
    (exact,) = live(crowd.store, WEEK)
    assert question(exact, "wait").n == 43


def test_hidden_counts_are_summed_where_the_sum_is_known_anyway(crowd: Crowd) -> None:
    for key, count in {"water": 30, "health": 25, "school": 4, "roads": 12}.items():
        crowd.many(count, NEEDS_FLOW, {"first": key})
    first = question(report(crowd).flows[0], "first")
    (group,) = first.together
    assert ([cell.key for cell in group.cells], group.count) == (["health", "school"], 29)
    visible = sum(cell.count or 0 for cell in first.cells)
    assert visible + group.count == first.n


def test_satisfied_and_others_are_summed_apart(crowd: Crowd) -> None:
    marks(crowd, WATER_FLOW, {1: 4, 2: 30, 3: 12, 4: 20, 5: 5})
    found = question(report(crowd).flows[0], "satisfaction")
    groups = [([cell.key for cell in group.cells], group.count) for group in found.together]
    assert groups == [(["1", "2"], 34), (["4", "5"], 25)]


def test_the_problem_named_most_is_not_guessed(crowd: Crowd) -> None:
    for key, count in {"cuts": 12, "taste": 25, "price": 3, "other": 20}.items():
        crowd.many(count, WATER_FLOW, {"problem": key})
    assert report(crowd).flows[0].problem is None
    crowd.many(20, WATER_FLOW, {"problem": "cuts"})
    found = report(crowd).flows[0].problem
    assert found is not None
    assert found[1].key == "cuts"


def test_several_choices_are_counted_as_mentions(crowd: Crowd) -> None:
    crowd.many(15, NEEDS_FLOW, {"others": ["water", "roads"]})
    others = question(report(crowd).flows[0], "others")
    assert others.n == 30
    assert [others.share(cell) for cell in others.cells if cell.key == "roads"] == [0.5]


def text(words: str) -> Text:
    return Text(f"bus/{words}", words)


def bus(version: int, *keys: str, kind: str = "choice") -> Flow:
    options = tuple(Option(key, text(f"{key} v{version}")) for key in keys)
    ask = Ask("why", text(f"Pourquoi v{version} ?"), kind, options)  # type: ignore[arg-type]
    return Flow("bus", version, text("Bus"), "fr", ("fr",), (ask,))


def test_versions_of_a_flow_are_read_together(crowd: Crowd) -> None:
    crowd.many(12, bus(1, "late", "full"), {"why": "full"})
    crowd.many(15, bus(2, "late", "dear"), {"why": "late"})
    (found,) = report(crowd).flows
    assert (found.version, found.begun) == (2, 27)
    (why,) = found.questions
    assert why.text.source == "Pourquoi v2 ?"
    labels = [(cell.key, cell.label.source, cell.count) for cell in why.cells if cell.label]
    assert labels == [("late", "late v2", 15), ("dear", "dear v2", 0), ("full", "full v1", 12)]


def test_a_question_whose_type_changed_is_two(crowd: Crowd) -> None:
    crowd.many(12, bus(1, "late", "full"), {"why": "full"})
    crowd.many(15, bus(2, kind="text"), {"why": "full of dust"})
    (found,) = report(crowd).flows
    assert [(one.type, one.n) for one in found.questions] == [("text", 15), ("choice", 12)]


def test_a_labelled_mark_counts_under_its_number(crowd: Crowd) -> None:
    labels = tuple(Option(key, text(key)) for key in ("bad", "fair", "good"))
    flow = replace(bus(1), steps=(Ask("mark", text("Note ?"), "rating", labels, measure="satisfaction"),))
    crowd.many(20, flow, {"mark": "good"})
    crowd.many(20, flow, {"mark": 1})
    (found,) = report(crowd).flows
    assert counts(found, "mark") == {"1": 20, "2": 0, "3": 20}
    assert found.satisfaction is not None
    assert found.satisfaction.estimate is not None
    assert found.satisfaction.estimate.share == 0.5


def test_an_answer_counts_on_its_civil_day_in_morocco(crowd: Crowd) -> None:
    crowd.many(12, WATER_FLOW, {"supply": "yes"}, now=at(2026, 11, 22, 23, 30))
    assert report(crowd).begun == 0
    assert report(crowd, period="2026-W48").begun == 12


def test_the_change_of_all_flows_needs_the_same_flows_before(crowd: Crowd) -> None:
    marks(crowd, WATER_FLOW, {2: 60, 4: 40}, W46)
    marks(crowd, WATER_FLOW, {2: 30, 4: 70})
    marks(crowd, HEALTH_FLOW, {2: 30, 4: 70}, visited="yes")
    found = report(crowd).satisfaction
    assert found is not None
    assert found.change is None
    marks(crowd, HEALTH_FLOW, {2: 60, 4: 40}, W46, visited="yes")
    found = report(crowd).satisfaction
    assert found is not None
    assert found.change is not None
    assert (round(found.change.difference, 2), found.change.direction) == (0.3, "up")


def test_what_was_not_finished_is_told_apart_and_what_is_small_not_given_away() -> None:
    from reports.report import _unfinished
    from storage.store import Walks

    def told(started: int, completed: int, partial: int, going: int) -> tuple[int | None, int | None]:
        return _unfinished([Walks("water", "h", "", started, completed, partial, going)], 10)

    assert told(100, 60, 25, 15) == (25, 15)
    assert told(100, 60, 40, 0) == (40, 0)
    assert told(100, 60, 37, 3) == (None, None), "100, 60 and 37 would tell 3"
    assert told(100, 60, 20, 3)[1] is None
