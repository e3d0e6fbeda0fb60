"""A slot is a name in braces and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locales.slots import fill, slots


def test_named_slots_are_filled() -> None:
    assert fill("De {min} à {max}", {"min": 1, "max": 5}) == "De 1 à 5"
    assert slots("De {min} à {max}, {min}") == {"min", "max"}


@pytest.mark.parametrize(
    "text", ["{x.__class__}", "{x[0]}", "{x!r}", "{x:>9}", "{}", "{0}", "{ x }", "{{x}", "{x", "x}"]
)
def test_nothing_but_a_name_is_a_slot(text: str) -> None:
    assert fill(text, {"x": "", "0": "?"}) == text.replace("{x}", "")


def test_an_unknown_slot_stays_as_it_is_written() -> None:
    assert fill("{a} {b}", {"a": 1}) == "1 {b}"


def test_a_value_is_not_filled_again() -> None:
    assert fill("{a}", {"a": "{b}", "b": "secret"}) == "{b}"


def test_a_value_cannot_make_the_sms_dearer() -> None:
    assert fill("{n} %", {"n": "1\u202f234\u00a0\u200f"}) == "1 234  %"


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text()))
def test_filling_never_fails(text: str, values: dict[str, str]) -> None:
    fill(text, values)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("fr", "{n} {n|heure|heures}", {0: "0 heure", 1: "1 heure", 2: "2 heures", 24: "24 heures"}),
        ("zgh", "{n|a|b}", {0: "b", 1: "a", 2: "b"}),
        ("ar", "{n|zero|one|two|few|many|other}", {0: "zero", 1: "one", 2: "two", 7: "few", 24: "many", 100: "other"}),
    ],
)
def test_a_plural_slot_takes_the_form_of_its_language(language: str, text: str, expected: dict[int, str]) -> None:
    assert {n: fill(text, {"n": n}, language) for n in expected} == expected


def test_a_plural_slot_without_a_number_takes_the_last_form() -> None:
    assert fill("{n|heure|heures}", {"n": "beaucoup"}) == "heures"
    assert slots("{n} {n|heure|heures}") == {"n"}
