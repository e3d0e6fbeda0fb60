import csv
import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_world import NEEDS, OUJDA, W47, WATER, Crowd, at, read

from flows.errors import AwalError
from reports.export import COLUMNS, answers
from reports.render_csv import guard, line
from storage.store import AnswerRow

CONTRACT = (
    "answer_id,conversation_id,citizen,flow,flow_version,step,value,raw,language,bearer,channel,place,answered_at"
)
WATER_FLOW, NEEDS_FLOW = read(WATER), read(NEEDS)


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    made = Crowd(tmp_path)
    yield made
    made.close()


def table(crowd: Crowd, **more: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(answers(crowd.store, "csv", **more)), newline="")))  # type: ignore[arg-type]


def objects(crowd: Crowd, **more: object) -> list[dict[str, object]]:
    return [json.loads(one) for one in answers(crowd.store, "jsonl", **more)]  # type: ignore[arg-type]


def test_an_answer_has_the_contracts_columns_in_order(crowd: Crowd) -> None:
    crowd.answer(WATER_FLOW, {"satisfaction": 4}, place=OUJDA, language="ar", bearer="sms", raw="٤")
    first, second = answers(crowd.store)
    assert first == CONTRACT + "\n"
    assert (
        second
        == f"a1-satisfaction,c1,p1,water,1,satisfaction,4,٤,ar,sms,simulator,{OUJDA},2026-11-18T10:00:00.000+01:00\n"
    )
    (found,) = objects(crowd)
    assert tuple(found) == COLUMNS == tuple(CONTRACT.split(","))
    assert found["value"] == 4


def test_several_choices_are_a_json_list_in_both_forms(crowd: Crowd) -> None:
    crowd.answer(NEEDS_FLOW, {"others": ["water", "roads"]})
    assert json.loads(table(crowd)[0]["value"]) == objects(crowd)[0]["value"] == ["water", "roads"]


def test_times_are_civil_with_their_offset_in_ramadan_too(crowd: Crowd) -> None:
    crowd.answer(WATER_FLOW, {"supply": "yes"}, now=at(2026, 3, 2, 9))
    (found,) = objects(crowd)
    assert found["answered_at"] == "2026-03-02T09:00:00.000+00:00"
    (found,) = objects(crowd, tz="Europe/Paris")
    assert found["answered_at"] == "2026-03-02T10:00:00.000+01:00"
    assert datetime.fromisoformat(str(found["answered_at"])).timestamp() * 1000 == at(2026, 3, 2, 9)


def test_an_export_is_narrowed_by_flow_and_by_civil_day(crowd: Crowd) -> None:
    crowd.answer(WATER_FLOW, {"supply": "yes"}, now=at(2026, 11, 17, 22, 59))
    crowd.answer(WATER_FLOW, {"supply": "no"}, now=at(2026, 11, 17, 23, 0))
    crowd.answer(NEEDS_FLOW, {"first": "water"}, now=W47)
    since = date(2026, 11, 18)
    assert [row["value"] for row in objects(crowd, since=since)] == ["no", "water"]
    assert [row["value"] for row in objects(crowd, flow="water")] == ["yes", "no"]
    assert [row["value"] for row in objects(crowd, flow="water", since=since)] == ["no"]


def test_an_export_of_nothing_has_its_heading(crowd: Crowd) -> None:
    assert list(answers(crowd.store)) == [CONTRACT + "\n"]
    assert list(answers(crowd.store, "jsonl")) == []


def test_an_unknown_format_is_refused_at_once(crowd: Crowd) -> None:
    with pytest.raises(AwalError, match=r"xlsx.*csv or jsonl"):
        answers(crowd.store, "xlsx")


def test_an_export_streams() -> None:
    """The first lines come before the last answer is read."""

    class Endless:
        def answers(self, flow: str = "", since: int = 0) -> Iterator[AnswerRow]:
            for number in range(10**9):
                yield AnswerRow(f"a{number}", "c", "p", "f", 1, "h", "s", "yes", "1", "fr", "ussd", "at", W47, "d")

    lines = answers(Endless(), "csv")  # type: ignore[arg-type]
    assert next(lines).startswith("answer_id")
    assert next(lines).startswith("a0,")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(crowd: Crowd, start: str) -> None:
    hostile = start + "cmd|' /C calc'!A0"
    crowd.answer(WATER_FLOW, {"supply": "yes"}, raw=hostile)
    assert table(crowd)[0]["raw"] == "'" + hostile
    assert objects(crowd)[0]["raw"] == hostile


@pytest.mark.parametrize("number", ["-5", "+3", "-1,5", "12", "0.5", "+212612345678"])
def test_a_plain_number_stays_one(number: str) -> None:
    assert guard(number) == number


@pytest.mark.parametrize("text", ["-5-3", "+1+1", "-1e5x", "--5", "-", "=-5"])
def test_what_only_begins_like_a_number_is_guarded(text: str) -> None:
    assert guard(text) == "'" + text


def test_a_negative_value_is_a_number_for_programs(crowd: Crowd) -> None:
    crowd.answer(WATER_FLOW, {"hours": -5}, raw="-5")
    (row,) = table(crowd)
    assert (row["value"], row["raw"]) == ("-5", "-5")


def test_what_cannot_be_seen_is_shown(crowd: Crowd) -> None:
    crowd.answer(WATER_FLOW, {"supply": "yes"}, raw="oui\u202etxt.exe\0\u200b")
    assert table(crowd)[0]["raw"] == "oui[U+202E]txt.exe␀[U+200B]"
    (only,) = answers(crowd.store, "jsonl")
    assert "\\u202etxt.exe\\u0000\\u200b" in only
    assert json.loads(only)["raw"] == "oui\u202etxt.exe\0\u200b"


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_every_line_reads_back_as_its_guarded_cells(cells: list[str]) -> None:
    (read_back,) = csv.reader(io.StringIO(line(cells), newline=""))
    assert read_back == [guard(cell) for cell in cells]


@settings(deadline=None)
@given(TEXTS)
def test_nothing_that_leaves_begins_a_formula_or_hides(text: str) -> None:
    shown = guard(text)
    assert not shown or shown[0] not in "=@\t\r\n＝＋－＠"
    assert not shown or shown[0] not in "+-" or shown[1:].replace(",", ".", 1).replace(".", "", 1).isdigit()
    assert not set(shown) & {"\0", "\u202a", "\u202e", "\u2066", "\u2069", "\u200f"}
    assert guard(shown) in (shown, "'" + shown)
