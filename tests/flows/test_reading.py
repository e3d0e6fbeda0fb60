"""The rules of reading that hold for every text, and the places where a wrong value would be stored."""

import doctest
import importlib
import pkgutil
import sys
from datetime import date

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows import reading
from flows.model import QUESTION_TYPES
from flows.reading import Reading, Spec, command, read
from flows.reading.commands import WORDS
from flows.reading.courtesy import THANKS
from flows.reading.yes_no import NO, YES
from flows.texts import Place
from locales import places
from locales.folding import fold

OPTIONS = {"water": ("Eau", "الماء", "ⴰⵎⴰⵏ"), "road": ("Route", "الطريق", "ⴰⴱⵔⵉⴷ"), "health": ("Santé", "الصحة")}
TODAY = date(2026, 11, 23)
ODD = (
    "0 1 2 3 12 13 ١ ٢ -1 1,5 1.5 4/5 ½ 2² 3afak 24ans 2h30 12/03/2026 hier ? ؟ , ; & + / - et و ⴷ w ou pas sans "
    "deux vingt جوج 👍 2️⃣ 🔟"
)
HAZARDS = sorted(
    {*YES, *NO, *THANKS, *(word for words in WORDS.values() for word in words), *ODD.split()}
    | {label for labels in OPTIONS.values() for label in labels}
    | {"\u00a0", "\u202f", "\u200f", "\ufeff", "\x00", "\ud800", "\n", "1\u00a0000"}
)
replies = st.one_of(
    st.text(),
    st.text(st.characters()),  # lone surrogates too
    st.lists(st.sampled_from(HAZARDS), max_size=6).map(" ".join),
    st.lists(st.sampled_from(HAZARDS), max_size=4).map("".join),
)


class Two:
    """A gazetteer of two communes of one name beginning, and what it was asked."""

    def __init__(self):
        self.places = [
            Place("01.051.01.01", "commune", {"fr": "Sidi Ali", "ar": "سيدي علي"}),
            Place("01.051.01.03", "commune", {"fr": "Sidi Ahmed", "ar": "سيدي أحمد"}),
        ]
        self.asked = []

    def get(self, code):
        return None

    def children(self, code):
        return ()

    def find(self, text, level, within=""):
        self.asked.append((text, level, within))
        return [place for place in self.places if place.code == text or fold(place.names["fr"]).startswith(text)]


def specs():
    return [
        Spec(type=kind, options=OPTIONS if kind in ("choice", "choices") else {}, today=TODAY)
        for kind in QUESTION_TYPES
    ]


def is_one_reading(found: Reading) -> bool:
    return sum(part is not None for part in (found.value, found.command, found.invalid)) == 1


def allowed(value, spec):
    """Tell whether a value is one that this question can hold at all."""
    match spec.type:
        case "yes_no":
            return value in ("yes", "no")
        case "choice":
            return value in OPTIONS
        case "choices":
            return bool(value) and set(value) <= set(OPTIONS) and len(set(value)) == len(value)
        case "rating":
            return type(value) is int and 1 <= value <= 5
        case "nps":
            return type(value) is int and 0 <= value <= 10
        case "integer":
            return type(value) is int and value >= 0
        case "decimal":
            return type(value) is float and 0 <= value < 1e16
        case "date":
            return date.fromisoformat(value).isoformat() == value
        case "phone":
            return phonenumbers.is_valid_number(phonenumbers.parse(value))
        case "place":
            return value in ("01.051.01.01", "01.051.01.03")
        case "language":
            return value in ("fr", "ar", "zgh")
    return isinstance(value, str) and bool(value.encode()) and "\x00" not in value


@given(replies)
@example("\ud800")
@example("9" * 5000)
@example("1 " * 2000)
def test_every_text_has_exactly_one_reading_of_the_right_kind(raw):
    for spec in specs():
        found = read(raw, spec, Two())
        assert is_one_reading(found), (spec.type, found)
        assert found.value is None or allowed(found.value, spec), (spec.type, found)
        assert found.command is None or found.command in WORDS
        assert not found.candidates or found.invalid == "ambiguous"


@given(replies, st.sampled_from(["\u200f", "\ufeff", "\u200b", " ", "\u00a0", "\u2003", "\t"]))
def test_blanks_and_invisible_characters_around_never_change_a_reading(raw, around):
    for spec in specs():
        assert read(around + raw + around, spec, Two()) == read(raw, spec, Two())


@given(replies)
def test_a_repeated_reading_is_the_same(raw):
    for spec in specs():
        assert read(raw, spec, Two()) == read(raw, spec, Two())


@pytest.mark.parametrize("digit", list("2356789"))
@pytest.mark.parametrize("shape", ["{}afak", "{}it", "na{}am", "bel{}", "{}bel ", "m{}a"])
@pytest.mark.parametrize("kind", ["yes_no", "choice", "choices", "rating", "nps", "integer", "decimal"])
def test_an_arabizi_digit_is_a_letter(digit, shape, kind):
    raw = shape.format(digit)
    if raw == "na3am" and kind == "yes_no":
        assert read(raw, Spec(type=kind)).value == "yes"
    else:
        assert read(raw, Spec(type=kind, options=OPTIONS if kind.startswith("choice") else {})).invalid


@pytest.mark.parametrize("word", [word for word in (*YES, *NO) if 2 <= len(fold(word)) <= 3])
def test_a_letter_more_than_a_short_yes_or_no_is_unclear(word):
    known = {fold(one) for one in (*YES, *NO)}
    for letter in "abeinostuzانعلⴰⵉ":
        for near in (word + letter, letter + word):
            if fold(near) not in known and command(near) is None:
                assert read(near, Spec(type="yes_no")).invalid, near


def test_yes_and_no_never_clash():
    assert not {fold(word) for word in YES} & {fold(word) for word in NO}


def test_no_command_is_also_an_answer_or_another_command():
    words = [fold(word) for name in WORDS for word in WORDS[name]]
    assert not set(words) & {fold(word) for word in (*YES, *NO, *THANKS)}
    assert all(command(word) == name for name, group in WORDS.items() for word in group)


@pytest.mark.parametrize("word", ["Stop.", "ARRET", "توقف", "قف!", "أوقف", "اوقف", "إلغاء"])
def test_the_usual_ways_to_write_stop_are_obeyed(word):
    assert command(word) == "STOP"


@pytest.mark.parametrize("kind", QUESTION_TYPES)
def test_a_command_is_obeyed_on_any_question(kind):
    assert read(" « Arrêt ! » ", Spec(type=kind, options=OPTIONS)) == Reading(command="STOP")


def test_a_command_wins_over_an_option_of_its_name():
    spec = Spec(type="choice", options={"stop": ("Arrêt de bus",), "back": ("Retour",)})
    assert read("Retour", spec).command == "BACK"
    assert read("Arrêt de bus", spec).value == "stop"


def test_a_place_is_asked_of_the_gazetteer_without_its_edges_and_courtesy():
    two = Two()
    spec = Spec(type="place", level="commune", within="01")
    assert read(" « Sidi Ali », merci ! ", spec, two).value == "01.051.01.01"
    assert two.asked == [("sidi ali", "commune", "01")]


def test_an_ambiguous_place_offers_its_candidates():
    found = read("Sidi", Spec(type="place"), Two())
    assert found == Reading(invalid="ambiguous", candidates=("01.051.01.01", "01.051.01.03"))


@pytest.mark.parametrize("raw", ["Sidi Ali, Sidi Ahmed", "Sidi Ali/Sidi Ahmed", "Sidi Ali 2", "2 Sidi Ali", "1", "0"])
def test_two_places_or_a_number_are_not_even_looked_up(raw):
    two = Two()
    assert read(raw, Spec(type="place"), two).invalid
    assert two.asked == []


def test_every_official_name_is_read_as_its_place_or_offers_it():
    gazetteer = places.load()
    regions = list(gazetteer.children(""))
    provinces = [place for region in regions for place in gazetteer.children(region.code)]
    communes = [place for province in provinces for place in gazetteer.children(province.code)]
    for place in (*regions, *provinces, *communes):
        for name in place.names.values():
            found = read(f" {name}, merci", Spec(type="place", level=place.level), gazetteer)
            assert place.code in (found.value, *found.candidates), (name, found)


@pytest.mark.parametrize(
    "raw", ["Tanger et Tétouan", "Nador et Berkane", "Nador ou Berkane", "الناظور و بركان", "Nador w Berkane"]
)
def test_two_linked_places_are_unclear(raw):
    for level in ("region", "province", "commune"):
        assert read(raw, Spec(type="place", level=level), places.load()).invalid == "not-a-place"


def test_without_a_gazetteer_a_place_is_unclear():
    assert read("Sidi Ali", Spec(type="place")).invalid == "not-a-place"


def test_reading_asks_for_the_phone_library_only_when_a_phone_is_asked(monkeypatch):
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    assert read("0612345678", Spec(type="integer")).value == 612345678


@pytest.mark.parametrize("raw", ["  mot  ", "\u200fmot\ufeff", "mot\n"])
def test_a_text_keeps_its_words_and_loses_its_edges(raw):
    assert read(raw, Spec(type="text")).value == "mot"


def test_the_examples_in_the_modules_hold():
    names = [one.name for one in pkgutil.iter_modules(reading.__path__, "flows.reading.")]
    results = [doctest.testmod(importlib.import_module(name)) for name in ("flows.reading", *names)]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) >= 7
