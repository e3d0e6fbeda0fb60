"""Which words are served in which language, and what a start costs when nothing has changed."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.model import Text
from flows.texts import Texts
from locales.catalogue import SHIPPED, Catalogues, Words
from locales.pofile import entries
from locales.tags import TAGS, chain

HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'


def write(folder: Path, tag: str, domain: str, *blocks: str) -> Path:
    path = folder / tag / "LC_MESSAGES" / f"{domain}.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join((HEADER, *blocks)), encoding="utf-8")
    return path


def entry(context: str, source: str, text: str, flag: str = "") -> str:
    return f'{flag}\nmsgctxt "{context}"\nmsgid "{source}"\nmsgstr "{text}"\n'


def asked(context: str, source: str, **inline: str) -> Text:
    return Text(context, source, inline)


QUESTION = asked("demo/supply", "Avez-vous une fontaine ?")


def test_the_project_fulfils_what_the_engine_asks_for() -> None:
    texts: Texts = Catalogues()
    assert texts.native("ar") == "العربية"
    assert texts.places.get("02") is not None


def test_a_translation_is_served_in_its_language(tmp_path: Path) -> None:
    write(tmp_path, "ar", "flows", entry(QUESTION.context, QUESTION.source, "هل لديكم سقاية؟"))
    catalogues = Catalogues([tmp_path])
    assert catalogues.flow(QUESTION, "ar", "fr") == Words("هل لديكم سقاية؟", "ar")
    assert catalogues.state(QUESTION, "ar", "fr") == "ok"


def test_a_missing_translation_falls_back_and_says_to_which_language(tmp_path: Path) -> None:
    write(tmp_path, "ar", "flows", entry(QUESTION.context, QUESTION.source, "هل لديكم سقاية؟"))
    catalogues = Catalogues([tmp_path])
    assert catalogues.flow(QUESTION, "zgh", "fr") == Words("هل لديكم سقاية؟", "ar")
    assert catalogues.flow(QUESTION, "zgh-Latn", "fr") == Words("هل لديكم سقاية؟", "ar")
    assert catalogues.state(QUESTION, "zgh", "fr") == "missing"
    assert Catalogues().flow(QUESTION, "zgh", "fr") == Words(QUESTION.source, "fr")


def test_words_in_the_flows_own_language_are_served_as_written() -> None:
    text = asked("demo", "سقاية")
    assert Catalogues().flow(text, "ar", "ar") == Words("سقاية", "ar")
    assert Catalogues().flow(text, "fr", "ar") == Words("سقاية", "ar")
    assert Catalogues().state(text, "ar", "ar") == "ok"


@pytest.mark.parametrize("flag", ["#, fuzzy", ""])
def test_a_draft_is_not_served(tmp_path: Path, flag: str) -> None:
    write(tmp_path, "ar", "flows", entry(QUESTION.context, QUESTION.source, "مسودة" if flag else "", flag))
    catalogues = Catalogues([tmp_path])
    assert catalogues.flow(QUESTION, "ar", "fr") == Words(QUESTION.source, "fr")
    assert catalogues.state(QUESTION, "ar", "fr") == ("fuzzy" if flag else "missing")


def test_words_written_in_the_flow_win_over_the_catalogue(tmp_path: Path) -> None:
    write(tmp_path, "ar", "flows", entry("demo/q", "Oui", "من الملف"))
    catalogues = Catalogues([tmp_path])
    text = asked("demo/q", "Oui", ar="من السؤال")
    assert catalogues.flow(text, "ar", "fr") == Words("من السؤال", "ar")
    assert catalogues.flow(text, "zgh-Latn", "fr").text != "من السؤال", "yah is in the glossary"
    assert catalogues.flow(asked("demo/q", "Oui"), "ar", "fr") == Words("من الملف", "ar")


def test_inline_words_are_found_on_the_way_down_the_chain() -> None:
    text = asked("demo/q", "Que voulez-vous dire ?", ar="ماذا؟")
    assert Catalogues().flow(text, "zgh", "fr") == Words("ماذا؟", "ar")


def test_the_same_words_elsewhere_in_the_flow_help_out(tmp_path: Path) -> None:
    write(tmp_path, "ar", "flows", entry("demo/a/other", "Autre chose", "شيء آخر"))
    catalogues = Catalogues([tmp_path])
    assert catalogues.flow(asked("demo/b/other", "Autre chose"), "ar", "fr") == Words("شيء آخر", "ar")
    assert catalogues.flow(asked("demonstration/b", "Autre chose"), "ar", "fr").language == "fr"


def test_the_same_words_with_two_meanings_help_nobody(tmp_path: Path) -> None:
    blocks = (entry("demo/a/open", "Ouvert", "مفتوح"), entry("demo/b/open", "Ouvert", "مفتوحة"))
    write(tmp_path, "ar", "flows", *blocks)
    catalogues = Catalogues([tmp_path])
    assert catalogues.flow(asked("demo/c/open", "Ouvert"), "ar", "fr") == Words("Ouvert", "fr")
    assert catalogues.flow(asked("demo/b/open", "Ouvert"), "ar", "fr") == Words("مفتوحة", "ar")


def test_a_text_that_left_the_flow_still_serves_conversations_begun_before(tmp_path: Path) -> None:
    path = write(tmp_path, "ar", "flows")
    path.write_text(
        f'{HEADER}\n#~ msgctxt "demo/old"\n#~ msgid "Ancien texte"\n#~ msgstr "نص قديم"\n', encoding="utf-8"
    )
    catalogues = Catalogues([tmp_path])
    assert catalogues.flow(asked("demo/old", "Ancien texte"), "ar", "fr") == Words("نص قديم", "ar")
    assert catalogues.flow(asked("demo/new", "Ancien texte"), "ar", "fr").language == "fr"


@pytest.mark.parametrize("source", ["Eau", "eau", "Eau !", " EAU.", "Eau\u00a0?"])
def test_a_whole_text_that_is_a_glossary_word_is_served_in_amazigh(source: str) -> None:
    catalogues = Catalogues()
    text = asked("demo/sector/water", source)
    assert catalogues.flow(text, "zgh", "fr") == Words("ⴰⵎⴰⵏ", "zgh")
    assert catalogues.flow(text, "zgh-Latn", "fr") == Words("aman", "zgh-Latn")
    assert catalogues.state(text, "zgh", "fr") == "fuzzy"


@pytest.mark.parametrize("source", ["Hôpital", "Hopital", "Âge", "Age", "s’il vous plaît", "S'il vous plait"])
def test_a_glossary_word_may_lack_the_accent_that_an_sms_cannot_carry(source: str) -> None:
    assert Catalogues().flow(asked("demo/x", source), "zgh", "fr").language == "zgh"


def test_a_glossary_word_inside_a_sentence_or_another_word_is_not_used() -> None:
    catalogues = Catalogues()
    for source in ("Eau potable", "Avez-vous de l'eau ?", "Marche", "Eaux"):
        assert catalogues.flow(asked("demo/x", source), "zgh", "fr") == Words(source, "fr")
    assert catalogues.flow(asked("demo/x", "Eau"), "ar", "fr").language == "fr", "the glossary is Amazigh"


def test_a_reviewed_amazigh_text_wins_over_the_glossary(tmp_path: Path) -> None:
    write(tmp_path, "zgh", "flows", entry("demo/x", "Eau", "ⴰⵎⴰⵏ ⵏ ⵓⵙⵡⴰ"))
    catalogues = Catalogues([tmp_path])
    assert catalogues.flow(asked("demo/x", "Eau"), "zgh", "fr") == Words("ⴰⵎⴰⵏ ⵏ ⵓⵙⵡⴰ", "zgh")
    assert catalogues.state(asked("demo/x", "Eau"), "zgh", "fr") == "ok"


def test_latin_amazigh_is_generated_and_never_called_reviewed(tmp_path: Path) -> None:
    write(tmp_path, "zgh", "flows", entry("demo/x", "Il reste {n}", "ⵇⵇⵉⵎⵏ {n}"))
    catalogues = Catalogues([tmp_path])
    text = asked("demo/x", "Il reste {n}")
    assert catalogues.flow(text, "zgh-Latn", "fr") == Words("qqimn {n}", "zgh-Latn")
    assert catalogues.state(text, "zgh", "fr") == "ok"
    assert catalogues.state(text, "zgh-Latn", "fr") == "fuzzy"
    write(tmp_path, "zgh-Latn", "flows", entry("demo/x", "Il reste {n}", "qqimn {n} s ufus"))
    by_hand = Catalogues([tmp_path])
    assert by_hand.flow(text, "zgh-Latn", "fr") == Words("qqimn {n} s ufus", "zgh-Latn")
    assert by_hand.state(text, "zgh-Latn", "fr") == "ok"


def test_the_projects_words_come_before_the_shipped_ones(tmp_path: Path) -> None:
    write(tmp_path, "ar", "awal", entry("thanks", "Merci.", "بارك الله فيكم."))
    write(tmp_path, "fr", "awal", entry("thanks", "Merci.", "Grand merci."))
    catalogues = Catalogues([tmp_path])
    assert catalogues.phrase("thanks", "ar") == "بارك الله فيكم."
    assert catalogues.phrase("thanks", "fr") == "Grand merci."
    assert catalogues.phrase("yes", "ar") == "نعم"


def test_an_unfinished_project_entry_does_not_hide_a_shipped_one(tmp_path: Path) -> None:
    write(tmp_path, "ar", "awal", entry("thanks", "Merci.", ""), entry("yes", "Oui", "أجل", "#, fuzzy"))
    catalogues = Catalogues([tmp_path])
    assert catalogues.phrase("thanks", "ar") == "شكرا لكم."
    assert catalogues.phrase("yes", "ar") == "نعم"


def test_a_translation_of_older_words_is_not_served(tmp_path: Path) -> None:
    write(tmp_path, "fr", "awal", entry("thanks", "Merci bien.", "De rien."))
    assert Catalogues([tmp_path]).phrase("thanks", "fr") == "Merci."


def test_a_phrase_has_its_slots_filled() -> None:
    assert Catalogues().phrase("hint_choice", "fr", last=4) == "Répondez par un numéro de 1 à 4."
    assert Catalogues().phrase("hint_choice", "ar", last=4) == "أجيبوا برقم من 1 إلى 4."
    with pytest.raises(KeyError):
        Catalogues().phrase("no_such_phrase", "fr")


def test_a_translators_odd_blank_does_not_reach_the_phone(tmp_path: Path) -> None:
    write(tmp_path, "ar", "flows", entry("demo/x", "Prix", "\u200fالثمن\u00a0:"))
    assert Catalogues([tmp_path]).flow(asked("demo/x", "Prix"), "ar", "fr").text == "الثمن :"
    assert Catalogues().flow(asked("demo/x", "Quel prix\u202f?"), "fr", "fr").text == "Quel prix ?"


def test_two_versions_of_a_flow_keep_their_own_inline_words() -> None:
    catalogues = Catalogues()
    first, second = asked("demo/x", "Texte", ar="واحد"), asked("demo/x", "Texte", ar="اثنان")
    assert [catalogues.flow(text, "ar", "fr").text for text in (first, second, first)] == ["واحد", "اثنان", "واحد"]


@settings(deadline=None)  # the first example reads the catalogues
@given(
    context=st.sampled_from(["water", "water/supply", "x/y/z", ""]),
    source=st.text(min_size=1),
    inline=st.dictionaries(st.sampled_from(sorted(TAGS)), st.text(min_size=1)),
    language=st.sampled_from([*sorted(TAGS), "es"]),
    written_in=st.sampled_from(["fr", "ar", "zgh"]),
)
def test_some_language_of_the_chain_or_the_source_is_always_served(
    context: str, source: str, inline: dict[str, str], language: str, written_in: str
) -> None:
    text = Text(context, source, inline)
    served = SHARED.flow(text, language, written_in)
    assert served.language in (*chain(language), written_in)
    assert served == SHARED.flow(text, language, written_in)
    if (language in inline or language == written_in) and language != "es":
        assert served.language == language


SHARED = Catalogues()


# what a start costs -------------------------------------------------------------------------------------------
def babel_is_needed(cache: Path, *folders: Path) -> bool:
    """Start a fresh interpreter, serve a phrase in every language, and tell whether Babel was imported."""
    program = (
        "import sys; from pathlib import Path; from locales.catalogue import Catalogues\n"
        "cache, *folders = map(Path, sys.argv[1:])\n"
        "catalogues = Catalogues(folders, cache=cache)\n"
        "print([catalogues.phrase('yes', tag) for tag in ('fr', 'ar', 'zgh', 'zgh-Latn')], file=sys.stderr)\n"
        "print('babel' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(cache), *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=SHIPPED.parent)
    return done.stdout.strip() == "True"


def test_only_a_changed_catalogue_is_read_by_babel_again(tmp_path: Path) -> None:
    project, cache = tmp_path / "locales", tmp_path / "cache"
    write(project, "ar", "awal", entry("yes", "Oui", "أجل"))
    assert babel_is_needed(cache, project)
    held = sorted(cache.iterdir())
    assert not babel_is_needed(cache, project)
    write(project, "ar", "awal", entry("yes", "Oui", "بلى"))
    assert babel_is_needed(cache, project)
    assert sorted(cache.iterdir()) == held, "old content does not pile up"
    assert Catalogues([project], cache=cache).phrase("yes", "ar") == "بلى"


@pytest.mark.parametrize("spoilt", [b"", b"\x00" * 99, b"\x92\xc4\x00\x90", "{}".encode("utf-16")])
def test_a_spoilt_cache_is_done_without(tmp_path: Path, spoilt: bytes) -> None:
    cache = tmp_path / "cache"
    Catalogues(cache=cache).phrase("yes", "ar")
    for kept in cache.iterdir():
        kept.write_bytes(spoilt)
    assert Catalogues(cache=cache).phrase("yes", "ar") == "نعم"


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    assert Catalogues(cache=blocked).phrase("yes", "ar") == "نعم"


@pytest.mark.parametrize("content", [b"nonsense", b"\xff\xfe", b'msgid "a"\nmsgstr "\xe9"\n'])
def test_a_file_that_is_no_catalogue_is_named(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path, "ar", "flows")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"flows\.po: not a gettext catalogue"):
        Catalogues([tmp_path]).warm(["ar"])


def test_entries_survive_the_cache(tmp_path: Path) -> None:
    path = SHIPPED / "ar" / "LC_MESSAGES" / "awal.po"
    assert entries(path, tmp_path) == entries(path, tmp_path) == entries(path)
