"""The one helper that says which known word was meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows.nearest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("watr", ("water", "roads"), "water"),
        ("Price-SMS", ("price_in", "price_sms"), "price_sms"),
        ("zgh_latn", ("fr", "zgh", "zgh-Latn"), "zgh-Latn"),
        ("xyz", ("water", "roads"), ""),
        ("water", (), ""),
    ],
)
def test_the_nearest_is_found_whatever_its_capitals_and_hyphens(word: str, known: tuple[str, ...], meant: str) -> None:
    assert nearest(word, known) == meant


def test_without_a_near_one_other_advice_is_given_or_what_is_known() -> None:
    assert did_you_mean("watr", ["water"], "Ask") == "Did you mean 'water'?"
    assert did_you_mean("x", ["water", "roads"]) == "Known: water, roads."
    assert did_you_mean("x", ["water"], "Ask") == "Ask"


def test_there_is_one_such_helper(root: Path) -> None:
    rooms = ("flows", "gateway", "reports", "storage", "locales")
    defined = re.compile(r"def did_you_mean\(|get_close_matches\(\w+, \w+, 1(, 0\.6)?\)")
    found = {
        str(path.relative_to(root))
        for room in rooms
        for path in (root / room).rglob("*.py")
        if defined.search(path.read_text("utf-8"))
    }
    assert found == {"flows/nearest.py"}
