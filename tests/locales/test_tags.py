"""Rules that hang on a tag alone."""

from gettext import c2py  # the standard library's reader of Plural-Forms expressions

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.encoding import units
from locales.tags import (
    CHAINS,
    MENU_ORDER,
    PLURAL_HEADERS,
    PLURAL_USES,
    TAGS,
    chain,
    direction,
    menu_order,
    native,
    plural_form,
    same_language,
    script_language,
)

ARABIC_FORMS = {0: 0, 1: 1, 2: 2, 3: 3, 10: 3, 11: 4, 99: 4, 100: 5, 101: 5, 102: 5, 103: 3, 111: 4, 1000: 5}


@pytest.mark.parametrize(("n", "form"), ARABIC_FORMS.items())
def test_arabic_has_six_plural_forms_in_the_right_order(n: int, form: int) -> None:
    assert plural_form("ar", n) == form


@given(st.sampled_from(sorted(TAGS)), st.integers(0, 100_000))
def test_the_header_of_a_catalogue_and_the_program_count_alike(tag: str, n: int) -> None:
    assert PLURAL_HEADERS[tag].startswith(f"nplurals={len(PLURAL_USES[tag])};")
    expression = PLURAL_HEADERS[tag].partition("plural=")[2].rstrip(";")
    assert c2py(expression)(n) == plural_form(tag, n)


def test_the_language_menu_is_in_native_names_and_fits_one_screen() -> None:
    shown = [native(tag) for tag in menu_order(["fr", "ar", "zgh"])]
    assert shown == ["العربية", "Tamazight", "Français"]
    assert units("\n".join(f"{at} {name}" for at, name in enumerate(shown, 1))) <= 70
    assert len({native(tag) for tag in TAGS}) == len(TAGS), "two languages could not be told apart"


def test_the_menu_keeps_what_it_does_not_know_at_the_end() -> None:
    assert menu_order(["rif", "fr", "ar", "fr"]) == ("ar", "fr", "rif")


def test_every_chain_begins_with_the_language_asked_and_names_none_twice() -> None:
    assert set(CHAINS) == TAGS == set(MENU_ORDER)
    for tag, languages in CHAINS.items():
        assert languages[0] == tag
        assert len(set(languages)) == len(languages) > 1
    assert chain("zgh") == ("zgh", "zgh-Latn", "ar", "fr")
    assert chain("zgh-Latn") == ("zgh-Latn", "ar", "fr")
    assert chain("es") == ("es", "fr", "ar")


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("ماء", "ar"),
        ("3afak bghit lma", None),
        ("Eau", None),
        ("ɣur-i", None),
        ("ⴰⵎⴰⵏ", "zgh"),
        ("الماء ⴰⵎⴰⵏ", "zgh"),
        ("ﻣﺎﺀ", "ar"),
        ("گاع", "ar"),
        ("١٢٣", None),
        ("؟", None),
        ("1", None),
        ("", None),
    ],
)
def test_a_script_tells_its_language_and_latin_tells_none(text: str, tag: str | None) -> None:
    assert script_language(text) == tag


def test_only_arabic_runs_from_the_right() -> None:
    assert {tag for tag in TAGS if direction(tag) == "rtl"} == {"ar"}


def test_two_scripts_of_one_language_are_the_same_language() -> None:
    assert same_language("zgh", "zgh-Latn")
    assert not same_language("ar", "fr")
