"""The one folding: what a reader takes for the same word is one string."""

import doctest
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locales import folding
from locales.folding import EDGES, fold, letters, plain, spaced, strip_edges

HAZARDS = (
    "اأإآٱىيیةهكگڭپڤ\u064b\u0640\ufee7\ufefb\u200f\u200e\ufeff\u00a0\u202f\u20e3\ufe0f١۲３éÉœŒßİıḍɣγⴽⵯʷ№º²½'’«»`-–—.,;:"
)
texts = st.one_of(st.text(), st.text(st.sampled_from(HAZARDS)), st.text(st.characters(max_codepoint=0xFFFF)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("FORÊT", "foret"),
        ("e\u0301cole", "École"),
        ("ﻧَﻌَــم", "نعم"),
        ("أحمد", "احمد"),
        ("إيه", "ايه"),
        ("آه", "اه"),
        ("ٱلماء", "الماء"),
        ("مدرسة", "مدرسه"),
        ("مصطفى", "مصطفي"),
        ("فارسی", "فارسي"),
        ("أگادير", "أكادير"),
        ("أڭادير", "اكادير"),
        ("پاريس", "باريس"),
        ("مسؤول", "مسوول"),
        ("هيئة", "هييه"),
        ("١٢٣", "123"),
        ("۱۲۳", "123"),
        ("１２３", "123"),
        ("1️⃣2️⃣", "12"),
        ("🔟", "10"),
        ("ｏｕｉ", "oui"),
        ("\u200f\u202bنعم\u202c\ufeff", "نعم"),
        ("o\u200bu\u00adi", "oui"),
        ("uḍfiṛ", "udfir"),
        ("aɣul", "aghul"),
        ("AΓUL", "aghul"),
        ("ⴽⵯ", "ⴽⵡ"),
        ("gʷ", "gw"),
        ("cœur", "coeur"),
        ("n°2", "Nº2"),
        ("№ 2", "n° 2"),
        ("l’eau", "l'eau"),
        ("«\u00a0Eau\u202f»\u2003!", "eau"),
        ("(eau)", "eau"),
        ("a\tb\nc\x00d", "a b c d"),
        ("٥٪", "5%"),
    ],
)
def test_folded_alike(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2²", "22"),
        ("1½", "112"),
        ("①", "1"),
        ("ⴷ", "ⴹ"),
        ("ح", "خ"),
        ("ماء", "ما"),
        ("5+", "5"),
        (">5", "5"),
        ("5%", "5"),
    ],
)
def test_not_folded_alike(one, other):
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    "nothing", ["", "   ", "\u200f\u200e", "\ufeff", "\u00a0\u202f\u2003", "...", "«»", "\u064b", "?!", "\u3164"]
)
def test_nothing_left(nothing):
    assert fold(nothing) == ""


def test_the_quick_way_for_ascii_agrees_with_the_table():
    for code in range(0x80):
        assert plain(chr(code)) == " ".join(chr(code).translate(folding._FOLDED).split())


@given(texts)
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)
    assert plain(plain(text)) == plain(text)


@given(texts)
def test_folding_is_the_same_for_all_normal_forms(text):
    for form in ("NFC", "NFD"):
        assert fold(unicodedata.normalize(form, text)) == fold(text)


@given(texts)
def test_folded_text_has_no_marks_no_foreign_digits_and_plain_blanks(text):
    folded = fold(text)
    assert not any(unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc") for character in folded)
    assert all(character in "0123456789" for character in folded if character.isdecimal())
    assert folded == " ".join(folded.split())
    assert not folded or (folded[0] not in EDGES and folded[-1] not in EDGES)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from("\u200f\u200e\u200b\ufeff\u00ad\u061c"))
def test_invisible_characters_anywhere_change_nothing(text, unseen):
    assert fold(unseen.join(text)) == fold(text)


def test_a_flood_of_new_characters_does_not_grow_the_table_for_ever():
    plain("".join(map(chr, range(0x4E00, 0x4E00 + 20_000))))
    assert len(folding._FOLDED) <= folding._Table._ROOM


def test_helpers():
    assert spaced("rendez-vous a l'ecole") == "rendez vous a l ecole"
    assert spaced("1-5 ans") == "1-5 ans"
    assert letters("n° 12 ماء") == 4
    assert strip_edges(" -«eau»- ") == "eau"


def test_the_examples_in_the_module_hold():
    assert doctest.testmod(folding).failed == 0
