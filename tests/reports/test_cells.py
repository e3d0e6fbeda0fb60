from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from wire_world import PLACES, W47, W48, WATER, World, text, water

from flows.model import Ask, End, Flow, Go, Menu, Option
from reports.cells import questions, sheets
from reports.periods import parse, today_of

WEEK = parse("2026-W47", today_of(W48))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_counts_stand_by_question_option_and_area(world: World) -> None:
    world.many(3, {"supply": "yes", "mark": 5}, place=PLACES[0])
    world.many(2, {"supply": "no", "mark": 1, "problem": "taste"}, place=PLACES[1], done=False)
    [sheet] = sheets(world.store, WEEK, "02")
    assert sheet.areas == ("02.411.01.01", "02.411.01.03")
    assert sheet.counts["supply"] == [[3, 0], [0, 2]]
    assert sheet.counts["mark"] == [[0, 2], [0, 0], [0, 0], [0, 0], [3, 0]]
    assert sheet.counts["problem"] == [[0, 0], [0, 2], [0, 0]]
    assert (sheet.started, sheet.completed) == ((3, 2), (3, 0))
    assert sheet.answers == 3 * 2 + 2 * 3


def test_who_named_no_place_counts_for_the_gateways_region(world: World) -> None:
    world.answer({"supply": "yes"})
    [sheet] = sheets(world.store, WEEK, "02")
    assert sheet.areas == ("02",)


def test_every_mark_is_listed_so_that_its_position_is_its_meaning(world: World) -> None:
    world.answer({"recommend": 0})
    [sheet] = sheets(world.store, WEEK, "02")
    assert {name: len(rows) for name, rows in sheet.counts.items()} == {
        "supply": 2,
        "mark": 5,
        "problem": 3,
        "needs": 3,
        "recommend": 11,
    }
    assert sheet.counts["recommend"] == [[1]] + [[0]] * 10


def test_several_choices_count_each(world: World) -> None:
    world.answer({"needs": ["cuts", "price"]})
    world.answer({"needs": ["price"]})
    [sheet] = sheets(world.store, WEEK, "02")
    assert sheet.counts["needs"] == [[1], [0], [2]]


def test_words_numbers_phones_and_dates_are_not_counted(world: World) -> None:
    world.answer({"people": 7, "words": "Fatima", "phone": "+212612345678", "commune": PLACES[0], "supply": "no"})
    [sheet] = sheets(world.store, WEEK, "02")
    assert set(sheet.counts) == {"supply", "mark", "problem", "needs", "recommend"}
    assert sheet.answers == 1


def test_only_the_days_of_the_period_count(world: World) -> None:
    world.answer({"supply": "yes"}, now=W47)
    world.answer({"supply": "yes"}, now=W48)
    [sheet] = sheets(world.store, WEEK, "02")
    assert sheet.counts["supply"] == [[1], [0]]


def test_each_flow_version_has_its_own_sheet(world: World) -> None:
    world.answer({"supply": "yes"})
    world.answer({"supply": "no"}, flow=water(2))
    found = sheets(world.store, WEEK, "02")
    assert sorted((one.flow.version, one.counts["supply"]) for one in found) == [(1, [[1], [0]]), (2, [[0], [1]])]


def test_what_was_erased_still_leaves_as_nothing(world: World) -> None:
    citizen = world.answer({"supply": "yes"})
    world.store.erase(citizen, W47)
    assert sheets(world.store, WEEK, "02") == []
    [sheet] = sheets(world.store, WEEK, "02", [WATER.hash])
    assert (sheet.areas, sheet.counts["supply"], sheet.answers) == ((), [[], []], 0)


@pytest.mark.parametrize("value", ["clean", 2])
def test_a_labelled_rating_counts_by_its_mark_or_its_label(world: World, value: str | int) -> None:
    labels = tuple(Option(key, text(f"f/q/{key}", key)) for key in ("dirty", "clean", "bright"))
    flow = Flow("f", 1, text("f", "F"), "fr", ("fr",), (Ask("q", text("f/q", "?"), "rating", labels),))
    world.answer({"q": value}, flow=flow)
    [sheet] = sheets(world.store, WEEK, "02")
    assert sheet.counts["q"] == [[0], [1], [0]]
    assert [mark.key for mark in sheet.questions[0].marks] == ["1", "2", "3"]


def _asks_after(*steps: object) -> bool:
    ask = Ask("last", text("f/last", "?"), "yes_no")
    flow = Flow("f", 1, text("f", "F"), "fr", ("fr",), (*steps, ask))  # type: ignore[arg-type]
    return questions(flow)[-1].conditional


def test_a_question_is_conditional_when_an_earlier_answer_decides_who_is_asked() -> None:
    jump = (Option("a", text("f/x/a", "A"), go="end"), Option("b", text("f/x/b", "B")))
    nested = (Option("top", text("f/x/top", "Top"), options=jump),)
    assert not _asks_after(Ask("x", text("f/x", "?"), "choice", (msgspec.structs.replace(jump[1]),)))
    assert _asks_after(Ask("x", text("f/x", "?"), "choice", jump))
    assert _asks_after(Menu("x", text("f/x", "?"), nested))
    assert _asks_after(Go("go-1", "last", when="x == 'a'"))
    assert _asks_after(End("end-1", text("f/end-1", "."), when="x == 'a'"))
    assert [one.conditional for one in questions(WATER)] == [False, False, True, False, False]
