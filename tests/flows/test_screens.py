"""Screens: whatever is to be shown fits its bearer, in order, and no option is cut."""

from hypothesis import given
from hypothesis import strategies as st

from flows.encoding import fits
from flows.screens import Line, paginate
from flows.types import Limits

SMALL = Limits(gsm=60, ucs2=40)
words = st.text("abcdé ", min_size=1, max_size=120).map(str.strip).filter(bool)
arabic = st.text("ماءصحة ", min_size=1, max_size=80).map(str.strip).filter(bool)
lines = st.lists(st.one_of(words, arabic).map(Line), min_size=1, max_size=4)
options = st.lists(st.sampled_from(["Oui", "Coupures", "ماء", "ⴰⵎⴰⵏ", "Route ou piste"]), max_size=9)


def shown(page: str) -> list[str]:
    """Return a page's lines without the paging key."""
    return [line for line in page.split("\n") if not line.startswith("0 ")]


def test_a_short_question_is_one_screen_without_keys():
    assert paginate([Line("Oui ou non ?"), Line("1 Oui", whole=True)], Limits(), "0 Suite", "0 Retour") == [
        "Oui ou non ?\n1 Oui"
    ]


def test_a_long_menu_pages_on_and_back():
    menu = [Line("Besoin ?"), *(Line(f"{n} Option numéro {n}", whole=True) for n in range(1, 8))]
    pages = paginate(menu, SMALL, "0 Suite", "0 Retour")
    assert len(pages) > 2
    assert all(page.endswith("\n0 Suite") for page in pages[:-1])
    assert pages[-1].endswith("\n0 Retour")


@given(lines, options)
def test_every_screen_fits_and_nothing_is_lost(texts, labels):
    whole = [Line(f"{number} {label}", whole=True) for number, label in enumerate(labels, 1)]
    pages = paginate([*texts, *whole], SMALL, "0 Suite", "0 Retour")
    assert all(fits(page, SMALL.gsm, SMALL.ucs2) for page in pages)
    seen = [line for page in pages for line in shown(page)]
    assert " ".join(" ".join(seen).split()) == " ".join(" ".join(line.text for line in [*texts, *whole]).split())


@given(lines, options)
def test_an_option_is_never_split_over_two_screens(texts, labels):
    whole = [f"{number} {label}" for number, label in enumerate(labels, 1)]
    pages = paginate([*texts, *(Line(one, whole=True) for one in whole)], SMALL, "0 Suite", "0 Retour")
    seen = [line for page in pages for line in shown(page)]
    assert seen[len(seen) - len(whole) :] == whole


def test_a_word_longer_than_a_screen_is_cut_rather_than_lost():
    pages = paginate([Line("x" * 300)], SMALL, "0 Suite", "")
    assert "".join("".join(shown(page)) for page in pages).replace(" ", "") == "x" * 300
    assert all(fits(page, SMALL.gsm, SMALL.ucs2) for page in pages)
