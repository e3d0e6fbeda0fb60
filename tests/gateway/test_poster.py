"""The poster: what it lists, that its example is understood, and that it is one page."""

import re
import zlib

import pytest
import segno

from flows.load import load
from gateway.cli.play import find
from gateway.poster.content import PosterError, poster
from gateway.poster.fit import POINTS
from gateway.poster.page import page, pdf
from gateway.poster.questions import asked
from gateway.talk.talker import Talker
from locales.catalogue import SHIPPED, Catalogues
from locales.negotiation import keyword_language
from locales.phrases import PHRASES
from locales.pofile import entries
from locales.poster_phrases import POSTER_PHRASES
from locales.slots import slots

TEXTS = Catalogues()
SURVEYS = SHIPPED.parent / "flows" / "surveys"
NAMES = ("health", "needs", "water")
LANGUAGES = ("fr", "ar", "zgh")
HEAD = "flow: essai\ntitle: Essai\nlanguage: fr\nkeywords: [ESSAI]\nsteps:\n"
YES_NO = "- {id: a, ask: A, type: yes_no}\n"
OTHER = YES_NO.replace("a,", "b,")


def shipped(name):
    return find(str(SURVEYS / f"{name}.yaml"))[0]


def made(steps, **more):
    loaded = load(HEAD + steps, "essai.yaml")
    assert loaded.flow, loaded.problems
    return poster(loaded.flow, TEXTS, "fr", "2626", **more)


def listed(steps):
    return [one.ask.id for one in asked(load(HEAD + steps).flow)[0]]


def pages(data):
    """Count the pages of a PDF, whose objects are compressed."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    plain = b"".join(zlib.decompressobj().decompress(one) for one in streams if one[:1] == b"x")
    return len(re.findall(rb"/Type\s*/Page\b", data + plain))


def message(one):
    return " ".join(word for _, word, _ in one.example)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_the_example_answers_every_question_that_it_numbers(name, language):
    flow = shipped(name)
    found = poster(flow, TEXTS, language, "2626", within="02")
    talker = Talker([flow], TEXTS, opens=flow.id, bearer="sms")
    talker.reply(message(found))
    told = keyword_language(found.keyword, flow.language)
    assert TEXTS.phrase("consent_ask", told) in talker.screen, "the keyword tells the language"
    assert told == language or (name, language) == ("needs", "zgh"), "the next language of the fallback"
    talker.reply("1")
    numbers = [int(number) for number, _, _ in found.example if number]
    assert list(talker.answers()) == [asked(flow)[0][number - 1].ask.id for number in numbers]
    assert len(numbers) >= 3


def test_the_water_poster_says_what_an_sms_holds():
    found = poster(shipped("water"), TEXTS, "fr", "34567", within="02")
    assert message(found) == "EAU 1 4 Oujda"
    assert [item.number for item in found.items] == [1, 2, 3, 4, 5]
    assert found.items[1].only.text == "Seulement si votre réponse à la question 1 est : 2"
    assert found.items[3].only.text == "Seulement si votre réponse à la question 3 est : 1, 2"
    assert [(reply, label.text) for reply, label in found.items[0].options] == [("1", "Oui"), ("2", "Non")]
    assert found.uri == "SMSTO:34567:EAU "


def test_questions_behind_a_free_text_are_left_to_the_conversation():
    found = poster(shipped("health"), TEXTS, "fr", "2626")
    assert [item.text.text for item in found.items][-1].startswith("Les médicaments")
    assert found.items[0].ends.text == "Si votre réponse est 2, n'écrivez rien de plus."
    assert found.after[-1].text == PHRASES["poster_rest"]


@pytest.mark.parametrize(
    ("steps", "ids"),
    [
        (YES_NO + "- {id: b, ask: B, type: text}\n", ["a", "b"]),
        (YES_NO + "- {id: b, ask: B, type: text}\n- {id: c, ask: C, type: yes_no}\n", ["a"]),
        (YES_NO + "- {id: b, ask: 'B {a}', type: yes_no}\n", ["a"]),
        (YES_NO + "- {id: b, ask: B, type: nps, when: 'a == \"yes\"'}\n- {id: c, ask: C, type: nps}\n", [*"abc"]),
        (YES_NO + "- {id: b, ask: B, type: integer}\n- {id: c, ask: C, type: nps, when: b > 2}\n", ["a", "b"]),
        (YES_NO + "- {id: b, menu: B, options: {x: {label: X, say: Y}}}\n- {id: c, ask: C, type: nps}\n", ["a"]),
        (
            YES_NO + "- {go: c, when: 'a == \"no\"'}\n- {id: b, ask: B, type: nps}\n- {id: c, ask: C, type: nps}\n",
            [*"a"],
        ),
        (YES_NO + "- {when: 'a == \"no\"', go: end}\n- {id: b, ask: B, type: nps}\n", ["a", "b"]),
        (YES_NO + "- {set: {x: 1}}\n- {id: b, ask: B, type: nps}\n", ["a", "b"]),
        ("- {id: a, ask: A, type: choice, options: {x: X, y: {label: Y, go: end}}}\n" + OTHER, ["a"]),
        ("".join(f"- {{id: q{at}, ask: Q, type: yes_no}}\n" for at in range(12)), [f"q{at}" for at in range(8)]),
    ],
)
def test_the_list_ends_where_a_reader_could_no_longer_know_what_is_asked(steps, ids):
    assert listed(steps) == ids


@pytest.mark.parametrize(
    ("kind", "reply"),
    [
        ("type: nps", "9"),
        ("type: date", "23/11/2025"),
        ("type: phone", "0612345678"),
        ("type: 'decimal', min: 0, max: 1", "0"),
        ("type: integer, min: 0, max: 600", "30"),
        ("type: text", "Plus de bus"),
        ("type: choices, options: {a: A1, b: B1, c: C1}", "1,3"),
        ("type: rating, max: 3", "2"),
        ("type: place, level: region", "Oriental"),
    ],
)
def test_each_type_of_question_has_an_example(kind, reply):
    assert message(made(f"- {{id: q, ask: Q, {kind}}}\n")).startswith("ESSAI ")
    if "region" not in kind:
        assert message(made(f"- {{id: q, ask: Q, {kind}}}\n")) == f"ESSAI {reply}"


@pytest.mark.parametrize(
    ("flow", "language", "said"),
    [
        (shipped("services"), "fr", "is a menu"),
        (shipped("water"), "zgh-Latn", "is not offered"),
        (load(HEAD.replace("keywords: [ESSAI]\n", "") + YES_NO).flow, "fr", "has no keyword"),
        (
            load(HEAD + "- {id: a, ask: A, type: text}\n" + YES_NO.replace("a,", "b,")).flow,
            "fr",
            "one SMS cannot answer",
        ),
    ],
)
def test_a_flow_that_one_sms_cannot_answer_is_refused_with_the_remedy(flow, language, said):
    with pytest.raises(PosterError, match=said) as error:
        poster(flow, TEXTS, language, "2626")
    assert str(error.value).endswith(".")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_it_is_one_page(need, name, language):
    need("module:weasyprint")
    data = pdf(poster(shipped(name), TEXTS, language, "+15005550006"), TEXTS)
    assert data.startswith(b"%PDF")
    assert pages(data) == 1


@pytest.mark.parametrize("count", [4, 9])
def test_a_long_poster_is_made_smaller_and_shorter_until_it_is_one_page(need, count):
    need("module:weasyprint")
    options = ", ".join(f"o{at}: {'Une réponse assez longue'} {at}" for at in range(count))
    steps = "".join(f"- {{id: q{at}, ask: Question {at}, type: choice, options: {{{options}}}}}\n" for at in range(8))
    found = made(steps)
    assert f"font-size:{POINTS[0]}pt" not in page(found, TEXTS)
    assert 4 <= len(found.items) <= 8
    assert pages(pdf(found, TEXTS)) == 1


def test_arabic_runs_from_the_right_and_each_fallback_in_its_own_direction():
    arabic = page(poster(shipped("water"), TEXTS, "ar", "2626"), TEXTS)
    assert '<html lang="ar" dir="rtl">' in arabic
    assert '<bdi dir="ltr">2626</bdi>' in arabic
    tifinagh = page(poster(shipped("water"), TEXTS, "zgh", "2626"), TEXTS)
    assert '<span lang="zgh" dir="ltr">ⵢⴰⵀ</span>' in tifinagh
    assert '<span lang="ar" dir="rtl">' in tifinagh


def test_the_page_fetches_nothing_and_escapes_what_operators_write():
    loaded = load(HEAD.replace("Essai\n", "'<b>Essai</b>'\n") + YES_NO)
    shown = page(poster(loaded.flow, TEXTS, "fr", "2626"), TEXTS)
    assert "&lt;b&gt;Essai&lt;/b&gt;" in shown
    assert not re.search(r"<script|<img|<link|@import|url\(", shown)


def test_the_code_opens_an_sms_with_the_keyword():
    found = poster(shipped("water"), TEXTS, "ar", "2626")
    drawn = segno.make("SMSTO:2626:ماء ", error="m", micro=False).svg_inline(
        border=0, omitsize=True, svgclass=None, lineclass=None
    )
    assert drawn in page(found, TEXTS)


def test_only_an_operator_says_that_it_is_free():
    assert PHRASES["poster_gratis"] not in page(made(YES_NO), TEXTS)
    assert PHRASES["poster_gratis"] in page(made(YES_NO, gratis=True), TEXTS)


def test_the_command_takes_the_number_and_the_region_from_the_project(awal, demo, tmp_path):
    done = awal("poster", "water", "--output", tmp_path / "p.html", project=demo)
    assert (done.code, done.out) == (0, "")
    text = (tmp_path / "p.html").read_text("utf-8")
    assert ">34567<" in text
    assert "Oujda" in text


def test_the_command_asks_for_a_number_and_a_place_to_write(awal, tmp_path):
    file = SURVEYS / "water.yaml"
    without = awal("poster", file, project=tmp_path)
    assert without.code == 1
    assert "--number" in without.err
    assert awal("poster", file, "--number", "1", "--output", tmp_path / "no" / "p", project=tmp_path).code == 1


def test_the_words_are_the_catalogue_s_own():
    arabic = entries(SHIPPED / "ar" / "LC_MESSAGES" / "poster.po")
    assert {one.context: one.source for one in arabic if one.context} == POSTER_PHRASES
    assert all(slots(one.text) == slots(one.source) for one in arabic)


def test_the_questions_of_a_sub_flow_are_on_the_poster():
    inner = load("flow: inner\ntitle: Dedans\nlanguage: fr\nsteps:\n" + YES_NO, "inner.yaml").flow
    outer = load(HEAD + "- {id: part, run: inner}\n" + OTHER, "essai.yaml").flow
    one = poster(outer, TEXTS, "fr", "2626", flows=[inner, outer])
    assert [row.number for row in one.items] == [1, 2]
    assert len(message(one).split()) == 3, "the keyword and both answers"
