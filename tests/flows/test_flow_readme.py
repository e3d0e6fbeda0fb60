"""The page that teaches the language: its examples load, its tables are those the program works by."""

import re
from pathlib import Path

import pytest

from flows.check import check_all
from flows.check.reference import TABLES, TYPES, filled
from flows.conditions import parse
from flows.load import load
from flows.model import QUESTION_TYPES

README = Path(__file__).resolve().parent.parent.parent / "flows" / "README.md"
TEXT = README.read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.M | re.S)
FLOWS = [block for block in BLOCKS if "\ntests:" not in block]
HEAD = "flow: example\nlegal: {ground: consent}\ntitle: Exemple\nlanguage: fr\nsteps:\n"


@pytest.mark.parametrize("block", FLOWS, ids=lambda block: block.split("\n")[0])
def test_an_example_loads_and_passes_the_check(block: str) -> None:
    loaded = load(block if block.startswith("flow:") else HEAD + block, "README.md")
    assert [str(one) for one in check_all([loaded])] == []


def test_there_are_examples_of_every_verb() -> None:
    assert len(FLOWS) >= 6
    for verb in ("say", "ask", "menu", "go", "end"):
        assert any(re.search(rf"^(- |  ){verb}:", block, re.M) for block in FLOWS), verb


def test_the_example_conditions_are_understood() -> None:
    section = TEXT.split("## Conditions")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?`) \|", section, re.M)
    conditions = [one for row in rows for one in re.findall(r"`(.*?)`", row)]
    assert len(conditions) >= 7
    for condition in conditions:
        parse(condition)


def test_the_tables_are_those_the_program_works_by() -> None:
    assert filled(TEXT) == TEXT, "run `make docs`"
    for name, table in TABLES.items():
        assert table() in TEXT, name


def test_every_question_type_is_described() -> None:
    assert tuple(TYPES) == QUESTION_TYPES


def test_operators_are_sent_to_the_surveys_first() -> None:
    assert "](surveys/)" in TEXT.split("\n\n")[1]
