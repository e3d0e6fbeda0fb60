"""Tifinagh to Latin is exact both ways; ASCII is what GSM-7 can carry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.encoding import encoding
from locales.catalogue import SHIPPED
from locales.pofile import entries
from locales.tifinagh import to_ascii, to_latin, to_tifinagh

TIFINAGH = "ⴰⴱⴳⴷⴹⴻⴼⴽⵀⵃⵄⵅⵇⵉⵊⵍⵎⵏⵓⵔⵕⵖⵙⵚⵛⵜⵟⵡⵢⵣⵥⵯ"
LATIN = "abgdḍefkhḥɛxqijlmnurṛɣsṣctṭwyzẓʷ"
AROUND = " 0123456789.,;:!?'()\n-/…ماء"


@given(st.text(TIFINAGH + AROUND))
def test_tifinagh_to_latin_and_back_is_the_identity(text: str) -> None:
    assert to_tifinagh(to_latin(text)) == text


@given(st.text(LATIN + AROUND))
def test_latin_to_tifinagh_and_back_is_the_identity(text: str) -> None:
    assert to_latin(to_tifinagh(text)) == text


def test_the_alphabet_of_morocco_is_whole() -> None:
    assert to_latin(TIFINAGH) == LATIN
    assert to_latin("ⴳⵯ ⴽⵯ") == "gʷ kʷ"


@given(st.text(TIFINAGH + LATIN + LATIN.upper() + " 0123456789.,?"))
def test_the_ascii_form_of_amazigh_is_ascii(text: str) -> None:
    assert to_ascii(text).isascii()
    assert encoding(f"{to_ascii(text)} ") == "GSM-7"


@pytest.mark.parametrize(
    ("text", "ascii_form"),
    [("ⵜⴰⵎⴰⵣⵉⵖⵜ", "tamazight"), ("taɛṛabt", "taarabt"), ("ⴰⵙⴳⴳⵯⴰⵙ", "asggwas"), ("Ɣur", "Ghur"), ("ⵢⴰⵀ?", "yah?")],
)
def test_ascii_forms(text: str, ascii_form: str) -> None:
    assert to_ascii(text) == ascii_form


@pytest.mark.parametrize(
    ("latin", "tifinagh"),
    [
        ("Tamaziɣt", "ⵜⴰⵎⴰⵣⵉⵖⵜ"),
        ("TAMAZIƔT", "ⵜⴰⵎⴰⵣⵉⵖⵜ"),
        ("taεrabt", "ⵜⴰⵄⵔⴰⴱⵜ"),
        ("tamaziγt", "ⵜⴰⵎⴰⵣⵉⵖⵜ"),
        ("d\u0323ar", "ⴹⴰⵔ"),
        ("аman", "ⴰⵎⴰⵏ"),
        ("polo", "ⴱⵓⵍⵓ"),
        ("č ǧ", "ⵜⵛ ⴷⵊ"),
    ],
)
def test_capitals_accents_and_look_alikes_are_understood(latin: str, tifinagh: str) -> None:
    assert to_tifinagh(latin) == tifinagh


@given(st.text(st.characters(blacklist_characters=TIFINAGH)))
def test_other_scripts_pass_unchanged(text: str) -> None:
    assert to_latin(text) == text


def test_the_glossary_gives_the_latin_form_that_the_table_makes() -> None:
    from babel.messages.pofile import read_po

    path = SHIPPED / "zgh" / "LC_MESSAGES" / "glossary.po"
    with path.open("rb") as file:
        words = {
            entry.id: (entry.string, entry.auto_comments[0].partition(" | ")[0]) for entry in read_po(file) if entry.id
        }
    assert len(words) == len(entries(path)) > 90
    assert {french: to_latin(tifinagh) for french, (tifinagh, _) in words.items()} == {
        french: latin for french, (_, latin) in words.items()
    }
