"""Options: which label a reply means, and when two labels make it unclear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.reading import Reading, Spec, read
from flows.reading.labels import form, one_letter_apart

OPTIONS = {"water": ("Eau", "الماء", "ⴰⵎⴰⵏ"), "road": ("Route", "الطريق", "ⴰⴱⵔⵉⴷ")}


def choice(raw, **options):
    return read(raw, Spec(type="choice", options={key: (label,) for key, label in options.items()}))


def test_an_ambiguous_option_offers_its_candidates():
    found = choice("centre", a="Centre de santé", b="Centre social", c="Eau")
    assert found == Reading(invalid="ambiguous", candidates=("a", "b"))


def test_labels_of_every_language_are_understood():
    for label in ("eau", "الماء", "ماء", "ⴰⵎⴰⵏ"):
        assert read(label, Spec(type="choice", options=OPTIONS)).value == "water"


def test_the_arabic_article_may_be_there_or_not():
    assert choice("الماء", a="ماء", b="طريق").value == "a"
    assert choice("ماء", a="الماء", b="الطريق").value == "a"


def test_punctuation_inside_a_label_is_free_but_not_between_digits():
    assert form("eau, route : 1") == "eau route 1"
    assert form("1,5 km") == "1,5 km"
    assert choice("oui tout a fait", a="Oui, tout à fait", b="Autre").value == "a"


def test_a_negation_is_not_the_beginning_of_a_label_among_others():
    options = {"walk": ("Passage piéton",), "road": ("Route",)}
    assert read("pas route", Spec(type="choices", options=options)).invalid
    assert read("passage route", Spec(type="choices", options=options)).value == ["walk", "road"]


@pytest.mark.parametrize("raw", ["et 1", "1 et", "1 et et 2", "et"])
def test_a_linking_word_stands_between_two_options(raw):
    assert read(raw, Spec(type="choices", options=OPTIONS)).invalid


def test_two_options_of_one_label_are_never_guessed():
    assert choice("autre", a="Autre", b="autre").candidates == ("a", "b")


def test_a_typing_error_never_touches_a_digit():
    assert choice("niveau 2", a="Niveau 1", b="Autre").invalid
    assert choice("niveaux 1", a="Niveau 1", b="Autre").value == "a"


def test_a_short_label_forgives_nothing():
    assert choice("eaux", a="Eau", b="Route").invalid


def test_a_number_word_that_begins_another_label_is_not_a_position():
    assert choice("un", a="Jamais", b="Un peu").candidates == ("a", "b")
    assert choice("deux", a="Jamais", b="Parfois").value == "b"


@pytest.mark.parametrize("key", ["2", "-2"])
def test_a_negative_number_is_not_the_key_without_its_sign(key):
    spec = Spec(type="choice", options={"1": ("Un",), "2": ("Deux",)})
    assert read(key, spec).value == ("2" if key == "2" else None)


def test_an_option_without_options_is_unclear():
    assert read("1", Spec(type="choice")).invalid
    assert read("1", Spec(type="choices")).invalid


def test_choices_are_searched_in_a_bounded_time():
    ambiguous = {f"k{at}": ("a" * at,) for at in range(1, 10)}
    assert read("aaa " * 59, Spec(type="choices", options=ambiguous)).value == ["k3"]
    assert read("a et " * 500, Spec(type="choices", options=ambiguous)).invalid


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("route", "rout", True),
        ("route", "routes", True),
        ("route", "roote", True),
        ("route", "route", False),
        ("route", "ruote", False),
        ("a1", "a2", False),
        ("a", "a1", False),
        ("", "a", True),
        ("abc", "abcde", False),
    ],
)
def test_one_letter_apart(one, other, apart):
    assert one_letter_apart(one, other) is apart
    assert one_letter_apart(other, one) is apart


@given(st.text(st.sampled_from("abc"), max_size=6), st.text(st.sampled_from("abc"), max_size=6))
def test_one_letter_apart_agrees_with_the_edit_distance(one, other):
    def edits(left, right):
        if not left or not right:
            return len(left) + len(right)
        same = edits(left[1:], right[1:])
        if left[0] == right[0]:
            return same
        return 1 + min(same, edits(left[1:], right), edits(left, right[1:]))

    assert one_letter_apart(one, other) == (edits(one, other) == 1)
