"""Translations: catalogues kept in step with the flows, their real state, the translator's sheet there and back."""

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.base import Received
from gateway.project import Project
from gateway.talk.talker import PHONE
from gateway.translation import catalogues, sheet
from locales.catalogue import Catalogues
from locales.tags import PLURAL_HEADERS

FLOW = """\
flow: tea
version: 1
title: Le thé
language: fr
languages: [fr, ar, zgh, zgh-Latn]
provisional: [zgh, zgh-Latn]
steps:
- id: name
  ask: Votre nom ?
  type: text
- id: sugar
  ask: Du sucre, {name} ?
  type: choice
  options: {some: Un peu, none: Sans}
- say: {fr: Merci., ar: شكرا.}
"""
ARABIC = """\
# Our own words.
msgid ""
msgstr ""
"Language: ar\\n"
"Last-Translator: Hind\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 "
": n%100>=0 && n%100<=2 ? 4 : 5);\\n"

# ask Hind
msgctxt "tea/name"
msgid "Votre nom ?"
msgstr "ما اسمك؟"

msgctxt "tea/sugar"
msgid "Du sucre ?"
msgstr "سكر؟"

#, fuzzy
msgctxt "tea/sugar/some"
msgid "Un peu"
msgstr "قليلا"

msgctxt "tea/gone"
msgid "Au revoir"
msgstr "إلى اللقاء"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project of one flow whose Arabic catalogue is behind."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "tea.yaml").write_text(FLOW)
    arabic(tmp_path).parent.mkdir(parents=True)
    arabic(tmp_path).write_text(ARABIC)
    return tmp_path


def arabic(project: Path) -> Path:
    return catalogues.path_of(project / "locales", "ar")


def cells(path: Path) -> dict[str, dict[str, str]]:
    """Read a sheet as a spreadsheet does."""
    return {row["context"]: row for row in csv.DictReader(io.StringIO(path.read_text("utf-8-sig")))}


def edited(path: Path, of: str, delimiter: str = ",", **changes: str) -> None:
    """Change cells of one row of a sheet, named with `_` for the blank or hyphen in a column's name."""
    rows = list(cells(path).values())
    for row in rows:
        if row["context"] == of:
            row |= {name.replace("_Latn", "-Latn").replace("_", " "): words for name, words in changes.items()}
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(stream.getvalue(), "utf-8-sig")


# catalogues ----------------------------------------------------------------------------------------------------
def test_the_template_has_every_text_with_its_context_place_and_note(awal, project: Path) -> None:
    assert awal("translate", "extract", project=project).code == 0
    text = (project / "locales" / "flows.pot").read_text()
    assert "#. ask, choice; slots to keep: {name}\n#: flows/tea.yaml:12\n" in text
    assert 'msgctxt "tea/sugar/some"\nmsgid "Un peu"\nmsgstr ""\n' in text
    assert "python-format" not in text


def test_an_update_keeps_translations_and_the_head_and_sets_the_plural_rule_right(awal, project: Path) -> None:
    told = awal("translate", "update", "ar", project=project)
    assert "2 kept, 3 new, 1 changed (drafts), 1 gone" in told.err
    text = arabic(project).read_text()
    assert text.startswith("# Our own words.\n")
    assert '"Last-Translator: Hind\\n"' in text
    assert f'"Plural-Forms: {PLURAL_HEADERS["ar"]}\\n"' in text
    assert "# ask Hind\n" in text
    assert '#~ msgctxt "tea/gone"' in text, "conversations begun with it still read it"
    again = awal("translate", "update", "ar", project=project)
    assert "6 kept, 0 new, 0 changed (drafts), 0 gone" in again.err
    assert arabic(project).read_text() == text


def test_a_text_that_changed_keeps_its_translation_as_a_draft(awal, project: Path) -> None:
    awal("translate", "update", "ar", "--previous", project=project)
    text = arabic(project).read_text()
    assert "#, fuzzy\n" in text
    assert '#| msgid "Du sucre ?"\nmsgctxt "tea/sugar"\nmsgid "Du sucre, {name} ?"\nmsgstr "سكر؟"' in text
    served = Catalogues([project / "locales"])
    (row,) = [one for one in status(awal, project)["open"] if one["context"] == "tea/sugar" and one["language"] == "ar"]
    assert row["state"] == "fuzzy"
    assert served.native("ar") == "العربية"


def test_a_text_that_comes_back_finds_its_translation(awal, project: Path) -> None:
    awal("translate", "update", "ar", project=project)
    path = project / "flows" / "tea.yaml"
    path.write_text(FLOW + "- id: gone\n  end: Au revoir\n")
    awal("translate", "update", "ar", project=project)
    text = arabic(project).read_text()
    assert 'msgctxt "tea/gone"\nmsgid "Au revoir"\nmsgstr "إلى اللقاء"' in text
    assert '#~ msgctxt "tea/gone"' not in text


def test_new_catalogues_begin_with_the_words_that_are_served_but_not_with_generated_ones(awal, project: Path) -> None:
    (project / "flows" / "tea.yaml").write_text(FLOW.replace("Un peu", "Eau"))
    assert awal("translate", "update", project=project).code == 0
    tifinagh = catalogues.path_of(project / "locales", "zgh").read_text()
    assert '#, fuzzy\nmsgctxt "tea/sugar/some"\nmsgid "Eau"\nmsgstr "ⴰⵎⴰⵏ"' in tifinagh
    latin = catalogues.path_of(project / "locales", "zgh-Latn").read_text()
    assert '"Language: zgh-Latn\\n"' in latin
    assert set(re.findall(r'\n\nmsgstr "(.*)"', latin)) <= {""}
    assert "aman" not in latin


def test_an_unknown_language_is_refused(awal, project: Path) -> None:
    told = awal("translate", "update", "fra", project=project)
    assert told.code == 1
    assert "Did you mean 'fr'" in told.err


def test_compile_says_what_is_wrong_and_writes_for_other_programs(awal, project: Path) -> None:
    told = awal("translate", "compile", project=project)
    assert told.code == 1
    assert "the plural rule is not that of 'ar'" in told.out
    awal("translate", "update", "ar", project=project)
    text = arabic(project).read_text()
    arabic(project).write_text(text.replace("ما اسمك؟", "ما اسمك {x}؟"))
    told = awal("translate", "compile", project=project)
    assert re.search(r"flows\.po:\d+: 'ما اسمك \{x\}؟' has other slots", told.out)
    arabic(project).write_text(text.replace("#, fuzzy\n", "").replace('msgstr "سكر؟"', 'msgstr "سكر {name}؟"'))
    assert awal("translate", "compile", "--mo", project=project).code == 0
    assert arabic(project).with_suffix(".mo").read_bytes()[:4] == b"\xde\x12\x04\x95"


def test_a_spoilt_catalogue_is_named_with_its_line(awal, project: Path) -> None:
    arabic(project).write_text(ARABIC + 'msgid "half\n')
    told = awal("translate", "update", "ar", project=project)
    assert told.code == 1
    assert re.search(r"ar/LC_MESSAGES/flows\.po:\d+: is no gettext", told.err)


# state ---------------------------------------------------------------------------------------------------------
def status(awal, project: Path, *more: str):
    return awal("translate", "status", "--json", *more, project=project).json


def test_only_what_a_person_reviewed_counts_as_done(awal, project: Path) -> None:
    awal("translate", "update", "ar", project=project)
    by_language = {one["language"]: one for one in status(awal, project)["flows"]}
    assert by_language["fr"]["coverage"] == 100
    assert {**by_language["ar"], "flow": ""} == {
        **{"flow": "", "language": "ar", "texts": 6, "ok": 2, "fuzzy": 2, "missing": 2, "long": 0, "coverage": 33}
    }


def test_long_is_over_a_screen_or_over_the_segments_allowed(awal, project: Path) -> None:
    words = "ع" * 71
    arabic(project).write_text(ARABIC.replace("ما اسمك؟", words))
    long = lambda *more: {one["language"]: one["long"] for one in status(awal, project, *more)["flows"]}  # noqa: E731
    assert long()["ar"] == 1
    assert long("--segments", "1")["ar"] == 1
    assert long("--segments", "2")["ar"] == 0
    listed = awal("translate", "status", "--list", project=project).out
    assert "tea.yaml:9: ar: long: Votre nom ?" in listed


def test_fallbacks_that_were_served_are_shown(awal, demo: Path) -> None:
    assert status(awal, demo)["fallbacks"] == {}
    with Project(demo) as opened:
        for at, text in enumerate(("ⴰⵎⴰⵏ", "1")):
            sent = Received(channel="simulator", bearer="sms", external_id=str(at), sender=PHONE, text=text)
            opened.conversations.take(opened.channel("simulator"), sent)
    assert status(awal, demo)["fallbacks"] == {"zgh>ar": 1}
    assert "Served in ar to who reads zgh: 1 texts." in awal("translate", "status", project=demo).out


# sheets --------------------------------------------------------------------------------------------------------
@pytest.fixture
def sheet_of(awal, project: Path):
    def make() -> Path:
        path = project / "texts.csv"
        assert awal("translate", "sheet", "export", path, project=project).code == 0
        return path

    return make


def test_a_sheet_shows_all_languages_with_cost_and_state(sheet_of, project: Path) -> None:
    (project / "flows" / "tea.yaml").write_text(FLOW.replace("Un peu", "Eau"))
    found = cells(sheet_of())
    row = found["tea/sugar/some"]
    assert (row["source"], row["zgh"], row["zgh state"]) == ("Eau", "ⴰⵎⴰⵏ", "fuzzy")
    assert (row["zgh-Latn"], row["zgh-Latn state"], row["ASCII"]) == ("aman", "generated", "aman")
    assert (row["zgh units"], row["zgh segments"]) == ("4", "1")
    assert found["tea/name"]["ar state"] == "ok"
    assert found["tea/sugar"]["note"] == "question, choice; keep {name}"


def test_a_sheet_that_comes_back_as_it_went_out_changes_nothing(awal, sheet_of, project: Path) -> None:
    told = awal("translate", "sheet", "import", sheet_of(), "--yes", project=project)
    assert told.code == 0
    assert told.out == ""
    assert arabic(project).read_text() == ARABIC


def test_an_import_shows_first_and_writes_only_when_told(awal, sheet_of, project: Path) -> None:
    path = sheet_of()
    edited(path, "tea/sugar/none", ar="بدون", zgh="ⵓⵔ", delimiter=";")
    shown = awal("translate", "sheet", "import", path, project=project)
    assert "tea/sugar/none ar: '' → 'بدون' [0 → 1 SMS]\n" in shown.out
    assert "→ 'ⵓⵔ' [0 → 1 SMS] (draft)" in shown.out
    assert "add --yes" in shown.err
    assert arabic(project).read_text() == ARABIC
    assert awal("translate", "sheet", "import", path, "--yes", project=project).code == 0
    assert 'msgctxt "tea/sugar/none"\nmsgid "Sans"\nmsgstr "بدون"' in arabic(project).read_text()
    assert '#, fuzzy\nmsgctxt "tea/sugar/none"' in catalogues.path_of(project / "locales", "zgh").read_text()
    assert awal("translate", "sheet", "import", path, project=project).out == "", "nothing is left to change"


def test_amazigh_is_final_only_with_the_name_of_who_read_it(awal, sheet_of, project: Path) -> None:
    path = sheet_of()
    edited(path, "tea/sugar/none", zgh="ⵓⵔ")
    awal("translate", "sheet", "import", path, "--reviewed-by", "Itto  A.", "--yes", project=project)
    text = catalogues.path_of(project / "locales", "zgh").read_text()
    assert re.search(r"# reviewed by Itto A\., \d{4}-\d\d-\d\d\n(#.*\n)*msgctxt \"tea/sugar/none\"", text)
    assert '#, fuzzy\nmsgctxt "tea/sugar/none"' not in text
    by_language = {one["language"]: one for one in status(awal, project)["flows"]}
    assert by_language["zgh"]["ok"] == 1
    assert by_language["zgh-Latn"]["ok"] == 0, "what is generated is nobody's translation"
    later = sheet_of()
    edited(later, "tea/sugar/none", zgh="ⵓⵔⵉ")
    awal("translate", "sheet", "import", later, "--yes", project=project)
    assert "reviewed by" not in catalogues.path_of(project / "locales", "zgh").read_text()


def test_a_draft_is_confirmed_in_its_state_column_by_name(awal, sheet_of, project: Path) -> None:
    (project / "flows" / "tea.yaml").write_text(FLOW.replace("Un peu", "Eau"))
    path = sheet_of()
    edited(path, "tea/sugar/some", zgh_state="ok")
    refused = awal("translate", "sheet", "import", path, "--yes", project=project)
    assert refused.code == 1
    assert "zgh: only a named native speaker makes a draft final. Add --reviewed-by NAME." in refused.err
    assert awal("translate", "sheet", "import", path, "--reviewed-by", "Itto", "--yes", project=project).code == 0
    assert {one["language"]: one["ok"] for one in status(awal, project)["flows"]}["zgh"] == 1


def test_the_generated_latin_can_be_overridden_by_hand(awal, sheet_of, project: Path) -> None:
    (project / "flows" / "tea.yaml").write_text(FLOW.replace("Un peu", "Eau"))
    path = sheet_of()
    edited(path, "tea/sugar/some", zgh_Latn="amane")
    awal("translate", "sheet", "import", path, "--reviewed-by", "Itto", "--yes", project=project)
    assert cells(sheet_of())["tea/sugar/some"]["zgh-Latn"] == "amane"


@pytest.mark.parametrize(
    ("context", "changes", "wrong"),
    [
        ("tea/sugar", {"ar": "سكر {nom}؟"}, "ar: 'سكر {nom}؟' has {nom} where the source has {name}. Keep"),
        ("tea/sugar", {"zgh": "ⵙⴽⴽⵕ"}, "zgh: 'ⵙⴽⴽⵕ' has no slot where the source has {name}. Keep"),
        ("tea/name", {"fr": "Ton nom ?"}, "fr: the flow itself is written in this language. Change the words in"),
        ("tea/say-1", {"ar": "شكرا جزيلا"}, "ar: this translation stands in the flow itself."),
        ("tea/name", {"ar": "ما\u200f اسمك؟"}, "holds a character that nobody sees (U+200F)"),
        ("tea/name", {"source": "Nom ?"}, "have changed since this sheet was exported. Export a new sheet"),
        ("tea/name", {"context": "tea/nom"}, "no flow has the text 'tea/nom'"),
    ],
)
def test_a_sheet_with_a_mistake_changes_nothing(awal, sheet_of, project: Path, context, changes, wrong) -> None:
    path = sheet_of()
    edited(path, "tea/sugar/none", ar="بدون")
    edited(path, context, **changes)
    told = awal("translate", "sheet", "import", path, "--yes", project=project)
    assert told.code == 1
    assert wrong in told.err
    assert re.search(rf"{re.escape(str(path))}:\d: ", told.err)
    assert arabic(project).read_text() == ARABIC


HOURS = """\
flow: hours
title: Heures
language: fr
languages: [fr, ar]
consent: no
steps:
- id: hours
  ask: Combien ?
  type: integer
- say: "{hours} {hours|heure|heures}"
"""
SIX = "{hours} {hours|ساعة|ساعة|ساعتان|ساعات|ساعة|ساعة}"


def test_a_plural_has_one_form_for_each_number_of_its_language(awal, sheet_of, project: Path) -> None:
    (project / "flows" / "hours.yaml").write_text(HOURS)
    path = sheet_of()
    assert "{name|…} is a plural: 6 forms in ar, 2 forms in fr" in cells(path)["hours/say-1"]["note"]
    edited(path, "hours/say-1", ar="{hours} {hours|ساعة|ساعات}")
    told = awal("translate", "sheet", "import", path, "--yes", project=project)
    assert told.code == 1
    assert "the plural slot of {hours} has 2 forms, not 6. Give it one for each number of 'ar': " in told.err
    assert "{hours|for 0|for 1|for 2|for 3 to 10|for 11 to 99|for 100 to 102}" in told.err
    edited(path, "hours/say-1", ar=SIX)
    assert awal("translate", "sheet", "import", path, "--yes", project=project).code == 0
    arabic(project).write_text(arabic(project).read_text().replace("|ساعتان", ""))
    assert "has 5 forms, not 6" in awal("translate", "compile", project=project).out


def test_an_emptied_cell_takes_nothing_away(awal, sheet_of, project: Path) -> None:
    path = sheet_of()
    edited(path, "tea/name", ar="")
    told = awal("translate", "sheet", "import", path, "--yes", project=project)
    assert "1 emptied cells were left as they are" in told.err
    assert arabic(project).read_text() == ARABIC


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "is empty. Export a sheet with"),
        ("a,b\n1,2\n", ":1: lacks the column context and source."),
        ('context,source,ar\n"x', "is no CSV"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused(awal, project: Path, text: str, wrong: str) -> None:
    path = project / "bad.csv"
    path.write_text(text)
    told = awal("translate", "sheet", "import", path, project=project)
    assert told.code == 1
    assert wrong in told.err


def test_no_cell_is_a_formula(sheet_of, project: Path) -> None:
    (project / "flows" / "tea.yaml").write_text(FLOW.replace("Un peu", '"=HYPERLINK(1)"').replace("Sans", '"@x"'))
    path = sheet_of()
    assert cells(path)["tea/sugar/some"]["fr"] == "'=HYPERLINK(1)"
    for row in csv.reader(io.StringIO(path.read_text("utf-8-sig"))):
        assert not [cell for cell in row if cell[:1] in ("=", "+", "-", "@", "\t")]


@given(st.text(alphabet=st.sampled_from("'=+-@\t\r\n＝aب "), max_size=8) | st.text(max_size=20))
def test_what_is_made_safe_comes_back(text: str) -> None:
    assert sheet.plain(sheet.safe(text)) == text
    assert not sheet.safe(text).startswith(("=", "+", "-", "@", "\t", "\r"))


# side by side --------------------------------------------------------------------------------------------------
def test_the_page_tells_language_direction_cost_and_what_is_too_long(awal, project: Path) -> None:
    words = "ع" * 71
    arabic(project).write_text(ARABIC.replace("ما اسمك؟", words))
    (project / "flows" / "tea.yaml").write_text(FLOW.replace("Un peu", "<b>Eau</b>"))
    page = project / "side.html"
    assert awal("translate", "side", page, project=project).code == 0
    text = page.read_text()
    assert f'<td class="ok long"><span lang="ar" dir="rtl">{words}</span>' in text
    assert "71 unités, 2 SMS, trop long" in text
    assert "&lt;b&gt;Eau&lt;/b&gt;" in text
    assert "<b>Eau" not in text
    assert 'lang="zgh" dir="ltr"' in text
