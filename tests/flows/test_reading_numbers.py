"""Numbers as digits and as words."""

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from flows.reading import Spec, read
from flows.reading.number_words import counted
from locales.folding import fold

SMALL = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"


@given(st.integers(0, 10**12))
def test_a_number_as_french_morocco_writes_it_is_read_back(number):
    assert read(format_decimal(number, locale="fr_MA"), Spec(type="integer")).value == number
    assert read(str(number), Spec(type="integer")).value == number


@given(st.integers(0, 99_999), st.integers(1, 99))
def test_a_decimal_in_any_digits_is_read_back(whole, hundredths):
    text = f"{whole},{hundredths:02}"
    for digits in ("0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹"):
        written = text.translate(str.maketrans("0123456789", digits))
        assert read(written, Spec(type="decimal")).value == float(f"{whole}.{hundredths:02}")


@pytest.mark.parametrize("number", [*range(1000), 1001, 1999, 2026, 80_080, 100_000, 999_999])
def test_french_number_words(number):
    assert counted(fold(spelt(number))) == number


def spelt(number):
    """Write a number as a French schoolbook does (1990 spelling: hyphens everywhere)."""
    small = SMALL.split()
    tens = {2: "vingt", 3: "trente", 4: "quarante", 5: "cinquante", 6: "soixante"}
    if number >= 1000:
        head, rest = divmod(number, 1000)
        return "-".join(([] if head == 1 else [spelt(head)]) + ["mille"] + ([spelt(rest)] if rest else []))
    if number >= 100:
        head, rest = divmod(number, 100)
        cents = "cent" + ("s" if head > 1 and not rest else "")
        return "-".join(([] if head == 1 else [small[head]]) + [cents] + ([spelt(rest)] if rest else []))
    if number <= 16:
        return small[number]
    if number < 20:
        return f"dix-{small[number - 10]}"
    if number >= 80:
        return "quatre-vingts" if number == 80 else f"quatre-vingt-{spelt(number - 80)}"
    ten = min(number // 10, 6)
    rest = number - ten * 10
    link = "-et-" if rest in (1, 11) else "-"
    return tens[ten] + (f"{link}{spelt(rest)}" if rest else "")


@pytest.mark.parametrize(
    "words",
    [
        *(
            "deux trois",
            "vingt trente",
            "dix deux",
            "un mille",
            "mille mille",
            "et un",
            "cinq et",
            "et",
            "cent et",
            "zéro un",
        ),
        *("واحد جوج", "عشرين خمسة", "و", "خمسة و", "و عشرين", "صفر وعشرين", "حداش وعشرين", "ثلاثة وعشرة"),
        *("w", "khamsa w", "w 3chrin", "3chrin w khamsa", "yan sin", "mraw d yan", "un" * 50),
    ],
)
def test_number_words_out_of_order_are_no_number(words):
    assert counted(fold(words)) is None


def test_zero_is_an_answer_only_where_the_range_holds_it():
    assert read("0", Spec(type="integer", min=0, max=5)).value == 0
    assert read("0", Spec(type="integer", min=1, max=5)).invalid == "navigation"
    assert read("0", Spec(type="nps")).value == 0
    assert read("0", Spec(type="rating")).invalid == "navigation"


def test_a_rating_by_label_gives_the_mark():
    marks = ("Mauvais", "Moyen", "Bon")
    by_number = Spec(type="rating", options={str(at): (label, "x" * at) for at, label in enumerate(marks, start=1)})
    by_name = Spec(type="rating", options={f"k{at}": (label,) for at, label in enumerate(marks)})
    for spec in (by_number, by_name):
        assert read("bon", spec).value == 3
        assert read("2 moyen", spec).value == 2
        assert read("1 bon", spec).invalid == "two-answers"
        assert read("3/3", spec).value == 3
        assert read("4", spec).invalid == "out-of-range"


@pytest.mark.parametrize("raw", ["-3", "- 3", ".3", "3+", "1-3"])
def test_a_mark_is_not_its_key_without_its_sign(raw):
    options = {str(mark): (f"Note {mark}",) for mark in range(1, 6)}
    assert read("3", Spec(type="rating", options=options)).value == 3
    assert read(raw, Spec(type="rating", options=options)).invalid
