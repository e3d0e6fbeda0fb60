"""The report as an SMS."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from report_world import HEALTH, OUJDA, W46, W47, WATER, Crowd, read

from flows.encoding import encoding, measure
from flows.model import Text
from locales.catalogue import Catalogues
from locales.report_phrases import REPORT_PHRASES
from reports.periods import month_of, parse, single, week_of
from reports.questions import Cell, Question, Satisfaction
from reports.render import render
from reports.render_words import Wording
from reports.report import FlowReport, Report, build
from reports.statistics import Change, estimate

TODAY = date(2026, 11, 23)
TEXTS = Catalogues()
WATER_FLOW, HEALTH_FLOW = read(WATER), read(HEALTH)
REGIONS = tuple(place.code for place in TEXTS.places.children(""))
LONGEST = max(
    (
        commune.code
        for region in REGIONS
        for province in TEXTS.places.children(region)
        for commune in TEXTS.places.children(province.code)
    ),
    key=lambda code: len(TEXTS.places.get(code).name("fr")),  # type: ignore[union-attr]
)


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    made = Crowd(tmp_path)
    yield made
    made.close()


def sms(crowd: Crowd, language: str = "fr", place: str = "", period: str = "2026-W47", today: date = TODAY) -> str:
    report = build(crowd.store, parse(period, today), place, TEXTS, today, region="02")
    return str(render(report, "sms", language, TEXTS))


def test_the_whole_story_in_one_segment(crowd: Crowd) -> None:
    crowd.many(40, WATER_FLOW, {"satisfaction": 1}, now=W46)
    crowd.many(40, WATER_FLOW, {"satisfaction": 4})
    crowd.many(40, WATER_FLOW, {"satisfaction": 2, "problem": "cuts"})
    assert sms(crowd) == "AWAL S47 Oriental: 50% sat (39-61) n=80. Problème: Coupures. Hausse: 50 pts."
    crowd.many(60, HEALTH_FLOW, {"visited": "yes", "satisfaction": 5})
    crowd.many(20, HEALTH_FLOW, {"visited": "yes", "satisfaction": 1})
    assert sms(crowd) == "AWAL S47 Oriental: 63% sat (55-70) n=160. Pire: Eau potable. Problème: Coupures."


def test_arabic_puts_each_figure_on_a_line_of_its_own(crowd: Crowd) -> None:
    crowd.many(40, WATER_FLOW, {"satisfaction": 4})
    crowd.many(40, WATER_FLOW, {"satisfaction": 2, "problem": "cuts"})
    text = sms(crowd, "ar")
    assert text.split("\n") == [
        "أوال، الأسبوع 47",
        "الشرق",
        "الرضا: 50 في المائة",
        "بين 39 و 61",
        "الأجوبة: 80",
        "المشكل: الانقطاع",
    ]
    assert sms(crowd, "zgh") == text


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "AWAL S47 Oriental: Aucune conversation."),
        (9, "AWAL S47 Oriental: Moins de 10 conversations."),
        (12, "AWAL S47 Oriental: 12 conversations, 12 finies."),
    ],
)
def test_small_samples_say_only_what_they_may(crowd: Crowd, count: int, said: str) -> None:
    crowd.many(count, WATER_FLOW, {"satisfaction": 4})
    assert sms(crowd) == said


def test_one_conversation_is_no_plural() -> None:
    say = Wording(TEXTS, "fr")
    assert say("digest_conversations", begun=1, completed=0) == "1 conversation, 0 finie."
    assert say("digest_begun", begun=1) == "1 conversation."


def test_between_10_and_29_it_is_an_indication(crowd: Crowd) -> None:
    crowd.many(14, WATER_FLOW, {"satisfaction": 4})
    crowd.many(10, WATER_FLOW, {"satisfaction": 1})
    assert sms(crowd) == "AWAL S47 Oriental: 58% sat (39-76) n=24, indicatif."


def test_a_bound_stands_for_a_share_that_would_tell_too_much(crowd: Crowd) -> None:
    crowd.many(60, WATER_FLOW, {"satisfaction": 5})
    crowd.many(2, WATER_FLOW, {"satisfaction": 1})
    assert sms(crowd) == "AWAL S47 Oriental: Au moins 85% sat, n=62."


def test_place_and_period_are_named(crowd: Crowd) -> None:
    crowd.many(30, WATER_FLOW, {"supply": "yes"}, place=OUJDA, done=False, now=W47)
    assert sms(crowd, place=OUJDA).startswith("AWAL S47 Oujda: 30 conversations")
    assert sms(crowd, period="2026-11").startswith("AWAL 11/2026 (provisoire) Oriental:")
    assert sms(crowd, period="2026-11-18").startswith("AWAL 18/11 Oriental:")
    assert sms(crowd, "ar", period="2026-11", today=date(2026, 12, 1)).startswith("أوال، نونبر 2026\n")


def test_the_digests_phrases_keep_to_gsm_7() -> None:
    for name, phrase in REPORT_PHRASES.items():
        if name.startswith("report_digest"):
            assert encoding(phrase) == "GSM-7", name


def flow(title: str, label: str, share: int, n: int) -> FlowReport:
    found = Satisfaction(frozenset("45"), estimate(n * share // 100, n), change=Change(-0.5, -0.6, -0.4))
    mark = Question("satisfaction", "rating", Text("x/s", "?"), n, satisfaction=found)
    named = Question("problem", "choice", Text("x/p", "?"), n, (Cell("worst", n, Text("x/p/w", label)),))
    return FlowReport("worst", 1, Text("x", title), "fr", "other", n, n, (mark, named))


PERIODS = (week_of(TODAY), month_of(TODAY), single(TODAY))


@settings(deadline=None)
@given(
    st.text(min_size=1, max_size=60),
    st.text(min_size=1, max_size=60),
    st.integers(0, 100),
    st.integers(30, 10_000_000),
    st.sampled_from(PERIODS),
    st.sampled_from([*REGIONS, LONGEST, ""]),
    st.booleans(),
)
def test_whatever_the_words_the_cost_is_bounded(
    title: str, label: str, share: int, n: int, period: object, place: str, running: bool
) -> None:
    made = flow(title, label, share, n)
    report = Report(
        period=period,  # type: ignore[arg-type]
        provisional=running,
        place=place,
        made=TODAY,
        k=10,
        begun=n,
        completed=n,
        flows=(made,),
        satisfaction=made.satisfaction,
        worst="worst",
        alerts=n,
    )
    for language in ("fr", "ar"):
        cost = measure(str(render(report, "sms", language, TEXTS)))
        assert cost.segments <= (1 if cost.encoding == "GSM-7" else 3)


@settings(deadline=None)
@given(st.sampled_from([*REGIONS, LONGEST]), st.sampled_from(PERIODS), st.booleans(), st.integers(10, 9_999_999))
def test_a_french_digest_of_any_place_is_one_segment(place: str, period: object, running: bool, n: int) -> None:
    made = flow("Eau potable et assainissement rural", "Réparation trop tardive des fuites", 62, n)
    report = Report(period, running, place, TODAY, 10, n, n, (made,), satisfaction=made.satisfaction, worst="worst")  # type: ignore[arg-type]
    text = str(render(report, "sms", "fr", TEXTS))
    assert measure(text).segments == 1
    assert measure(text).encoding == "GSM-7"
    assert "% sat (" in text
    assert ".." not in text


def test_a_letter_outside_gsm_7_is_written_without_its_accent(crowd: Crowd) -> None:
    crowd.many(12, WATER_FLOW, {"supply": "yes"}, place="08.401.01.01")
    assert sms(crowd, place="08") == "AWAL S47 Draa-Tafilalet: 12 conversations, 12 finies."


@settings(deadline=None)
@given(st.sampled_from(REGIONS), st.sampled_from(PERIODS), st.integers(10, 9_999_999))
def test_an_arabic_digest_cannot_be_turned_round(place: str, period: object, n: int) -> None:
    """No percent sign, no range, no Latin letter; one number to a line beside Arabic words."""
    made = replace(flow("x", "y", 62, n), title=Text("x", "الماء"))
    named = replace(made.questions[1], cells=(Cell("worst", n, Text("x/p/w", "الانقطاع")),))
    made = replace(made, questions=(made.questions[0], named))
    report = Report(period, False, place, TODAY, 10, n, n, (made,), satisfaction=made.satisfaction, worst="worst")  # type: ignore[arg-type]
    text = str(render(report, "sms", "ar", TEXTS))
    assert not re.search("[A-Za-z%*#+]|[0-9]-[0-9]", text)
    assert measure(text).segments <= 3
