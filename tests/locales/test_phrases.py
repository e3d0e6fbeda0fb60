"""The gateway's own words: complete in Arabic, honest in Amazigh, and cheap to send."""

import re

import pytest

from flows.encoding import GSM7, units
from flows.reading.commands import command
from locales.catalogue import SHIPPED, Catalogues
from locales.extract import phrases as extracted
from locales.phrases import CITIZEN_PHRASES, PHRASES
from locales.pofile import Entry, entries
from locales.poster_phrases import POSTER_PHRASES
from locales.report_phrases import REPORT_PHRASES
from locales.slots import slots

ARABIC_LETTER = re.compile(r"[\u0621-\u064A]")
SEVERAL_SCREENS = {"help"}
FILES = [("phrases", CITIZEN_PHRASES), ("report_phrases", REPORT_PHRASES), ("poster_phrases", POSTER_PHRASES)]
LONGEST = {"last": 12, "min": 0, "max": 1000, "answers": 999, "title": "المركز الصحي", "words": "ماء صحة خدمة"}


def shipped(tag: str, domain: str) -> tuple[Entry, ...]:
    return entries(SHIPPED / tag / "LC_MESSAGES" / f"{domain}.po")


@pytest.fixture(scope="module")
def catalogues() -> Catalogues:
    return Catalogues()


@pytest.mark.parametrize("name", PHRASES)
def test_every_phrase_is_translated_into_arabic(catalogues: Catalogues, name: str) -> None:
    words = catalogues.phrase_words(name, "ar")
    assert words.language == "ar"
    assert catalogues.phrase_state(name, "ar") == "ok"
    if name in CITIZEN_PHRASES:
        assert slots(words.text) == slots(PHRASES[name]), "the slots of the translation differ"


def test_no_catalogue_holds_a_phrase_that_is_gone() -> None:
    for tag, domain, known in (
        ("ar", "awal", CITIZEN_PHRASES),
        ("zgh", "awal", CITIZEN_PHRASES),
        ("ar", "report", REPORT_PHRASES),
        ("ar", "poster", POSTER_PHRASES),
    ):
        held = [(entry.context, entry.source) for entry in shipped(tag, domain)]
        assert set(held) <= set(known.items())
        assert len(held) == len(set(held))


@pytest.mark.parametrize("name", CITIZEN_PHRASES)
def test_a_french_phrase_needs_no_letter_that_doubles_the_price(name: str) -> None:
    assert set(PHRASES[name]) - GSM7 == set()
    assert not re.search(r"[{}\[\]~|^\\€]", re.sub(r"\{\w+\}", "", PHRASES[name])), "costs two septets a sign"


@pytest.mark.parametrize("name", sorted(CITIZEN_PHRASES.keys() - SEVERAL_SCREENS))
def test_a_phrase_fits_one_screen_in_every_language(catalogues: Catalogues, name: str) -> None:
    for tag, room in (("fr", 160), ("ar", 70), ("zgh", 70), ("zgh-Latn", 70)):
        assert units(catalogues.phrase(name, tag, **LONGEST)) <= room


@pytest.mark.parametrize("tag", ["fr", "ar", "zgh", "zgh-Latn"])
def test_the_question_of_consent_fits_one_screen_with_its_options(catalogues: Catalogues, tag: str) -> None:
    shown = "{}\n1 {}\n2 {}".format(*(catalogues.phrase(f"consent_{part}", tag) for part in ("ask", "yes", "no")))
    assert units(shown) <= (160 if tag == "fr" else 70)


@pytest.mark.parametrize("name", CITIZEN_PHRASES)
def test_arabic_is_written_as_phones_need_it(catalogues: Catalogues, name: str) -> None:
    text = catalogues.phrase(name, "ar")
    assert not re.search(r"[\u0640\u064B-\u0652\u0660-\u0669\u06F0-\u06F9\u200e\u200f\u2066-\u2069\uFB50-\uFEFC]", text)
    for line in re.sub(r"\{\w+\}", "", text).split("\n"):
        assert not re.search(r"\d-\d|[A-Za-z]", line), "reads otherwise from right to left"
        assert not ("/" in line and ARABIC_LETTER.search(line)), "a date stands on a line of its own"


def test_amazigh_phrases_are_attested_words_that_await_a_review() -> None:
    from babel.messages.pofile import read_po

    attested = {entry.text for entry in shipped("zgh", "glossary")}
    with (SHIPPED / "zgh" / "LC_MESSAGES" / "awal.po").open("rb") as file:
        found = [message for message in read_po(file) if message.id]
    assert len(found) >= 8
    for message in found:
        assert message.fuzzy
        assert "confidence" in " ".join(message.user_comments)
        assert message.string in attested


def test_an_unreviewed_phrase_is_served_and_called_so(catalogues: Catalogues) -> None:
    assert catalogues.phrase("back", "zgh") == "ⴰⵖⵓⵍ"
    assert catalogues.phrase("back", "zgh-Latn") == "aɣul"
    assert catalogues.phrase_state("back", "zgh") == "fuzzy"
    assert catalogues.phrase_state("back", "zgh-Latn") == "fuzzy"
    assert catalogues.phrase_state("unclear", "zgh") == "missing"
    assert catalogues.phrase_words("unclear", "zgh").language == "ar"


@pytest.mark.parametrize("tag", ["fr", "ar"])
def test_the_help_names_words_that_are_obeyed(catalogues: Catalogues, tag: str) -> None:
    told = [command(line.partition(":")[0]) for line in catalogues.phrase("help", tag).split("\n")]
    assert told == ["STOP", "START", "LANGUAGE", "BACK", "RESTART", "MYDATA", "DELETE"]


@pytest.mark.parametrize(("module", "known"), FILES)
def test_every_phrase_reaches_the_translators(module: str, known: dict[str, str]) -> None:
    with (SHIPPED / f"{module}.py").open("rb") as file:
        found = {context: text for _, _, (context, text), _ in extracted(file, (), (), {})}
    assert found == known


def test_citizens_and_reports_share_no_name() -> None:
    assert not CITIZEN_PHRASES.keys() & REPORT_PHRASES.keys()
    assert all(name.startswith("report_") for name in REPORT_PHRASES)
