"""Which language is spoken before the citizen is asked."""

import pytest

from locales.negotiation import keyword_language, match, negotiate

ALL = ("fr", "ar", "zgh")


def test_what_the_citizen_chose_once_comes_first() -> None:
    assert negotiate(ALL, "zgh", "fr", "ar") == "zgh"
    assert negotiate(ALL, None, "fr", "ar") == "fr"
    assert negotiate(ALL, None, None, "ar") == "ar"


def test_a_citizen_of_whom_nothing_is_known_is_asked() -> None:
    assert negotiate(ALL) is None
    assert negotiate(ALL, "", "", "") is None


def test_a_language_that_is_not_offered_does_not_count() -> None:
    assert negotiate(("fr", "ar"), "zgh") is None
    assert negotiate(("fr", "ar"), "zgh", None, "ar") == "ar"


def test_a_language_offered_in_another_script_is_taken_in_that_script() -> None:
    assert negotiate(("fr", "zgh-Latn"), "zgh") == "zgh-Latn"
    assert match("zgh", ("zgh-Latn", "zgh")) == "zgh"


def test_a_single_offer_needs_no_question() -> None:
    assert negotiate(("ar",)) == "ar"
    assert negotiate(("ar",), "fr") == "ar"
    assert negotiate(()) is None


@pytest.mark.parametrize(
    ("keyword", "written_in", "language"),
    [
        ("ماء", "fr", "ar"),
        ("ⴰⵎⴰⵏ", "fr", "zgh"),
        ("EAU", "fr", "fr"),
        ("EAU", "ar", ""),
        ("aman", "zgh-Latn", "zgh-Latn"),
        ("aman", "zgh", ""),
        ("3737", "fr", ""),
        ("", "fr", ""),
    ],
)
def test_a_keyword_tells_its_language(keyword: str, written_in: str, language: str) -> None:
    assert keyword_language(keyword, written_in) == language
