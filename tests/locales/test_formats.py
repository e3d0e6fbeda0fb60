"""Numbers and dates that cost no extra SMS and read as in Morocco."""

import unicodedata
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.encoding import encoding
from locales.formats import MONTHS, date_long, date_short, number, visible
from locales.tags import TAGS
from locales.tifinagh import to_latin

NOVEMBER = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("value", "places", "written"),
    [
        (1234.5, None, "1234,5"),
        (1234567, None, "1234567"),
        (0.1 + 0.2, None, "0,3"),
        (100.0, None, "100"),
        (-2.50, None, "-2,5"),
        (-0.0000001, None, "0"),
        (Decimal("2.50"), None, "2,5"),
        (66.666, 0, "67"),
        (66.666, 1, "66,7"),
        (7, 2, "7,00"),
        (-0.001, 1, "-0,0"),
    ],
)
def test_a_number_has_a_decimal_comma_and_no_group_marks(value: float, places: int | None, written: str) -> None:
    assert number(value, "fr", places) == written


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False, width=32), st.sampled_from(sorted(TAGS)))
def test_a_number_is_plain_in_every_language(value: float, tag: str) -> None:
    assert set(number(value, tag)) <= set("-0123456789,")


def test_month_names_are_moroccan_arabic_and_cldr_amazigh() -> None:
    from babel.dates import get_month_names

    for tag, locale in (("ar", "ar_MA"), ("fr", "fr_MA"), ("zgh", "zgh_MA")):
        assert MONTHS[tag] == tuple(get_month_names("wide", "format", locale).values())
    assert MONTHS["zgh-Latn"] == tuple(map(to_latin, MONTHS["zgh"]))


def test_a_long_date_in_each_language() -> None:
    assert date_long(NOVEMBER, "ar") == "23 نونبر 2026"
    assert date_long(NOVEMBER, "fr") == "23 novembre 2026"
    assert date_long(NOVEMBER, "zgh") == "23 ⵏⵓⵡⴰⵏⴱⵉⵔ 2026"
    assert date_long(NOVEMBER, "zgh-Latn") == "23 nuwanbir 2026"
    assert date_long(NOVEMBER, "es") == date_short(NOVEMBER) == "23/11/2026"


def test_no_french_month_doubles_the_price_of_an_sms() -> None:
    months = [date(2026, month, 1) for month in range(1, 13)]
    assert {encoding(date_long(day, "fr", sms=True)) for day in months} == {"GSM-7"}
    assert date_long(date(2026, 8, 1), "fr") == "1 août 2026"


@given(st.text())
def test_visible_leaves_no_odd_blank_and_no_invisible_mark(text: str) -> None:
    shown = visible(text)
    assert not [c for c in shown if unicodedata.category(c) == "Zs" and c != " "]
    assert not set(shown) & set("\u200b\u200c\u200d\u200e\u200f\u2066\u2067\u2068\u2069\ufeff\u00ad")
    assert visible(shown) == shown


def test_visible_makes_babels_formats_safe() -> None:
    from babel.numbers import format_decimal, format_percent

    assert visible(format_decimal(1234.5, locale="fr_MA")) == "1 234,5"
    assert visible(format_percent(0.25, locale="fr_MA")) == "25 %"
