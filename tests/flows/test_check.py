"""What loading cannot see: paths, conditions against answers, texts against languages, flows against each other."""

from pathlib import Path

import pytest

from flows.check import check, check_all
from flows.check.rule import Inline
from flows.load import load
from flows.types import Limits
from locales.catalogue import Catalogues

HEAD = "flow: essai\nlegal: {ground: consent}\ntitle: Essai\nlanguage: fr\n"
SUPPLY = "- id: supply\n  ask: Avez-vous de l'eau ?\n  type: yes_no\n"
PROBLEM = "- id: problem\n  ask: Lequel ?\n  type: choice\n  options: {cuts: Coupures, taste: Saveur}\n"
SEVERAL = "- id: problems\n  ask: Lesquels ?\n  type: choices\n  options: {cuts: Coupures, taste: Saveur}\n"
MARK = "- id: mark\n  ask: Votre note ?\n  type: rating\n"
PEOPLE = "- id: people\n  ask: Combien ?\n  type: integer\n  min: 1\n  max: 30\n"
VISIT = "- id: visit\n  ask: Quel jour ?\n  type: date\n"
WORDS = "- id: words\n  ask: Pourquoi ?\n  type: text\n"
PLACE = "- id: commune\n  ask: Votre commune ?\n  type: place\n"
ALL = SUPPLY + PROBLEM + SEVERAL + MARK + PEOPLE + VISIT + WORDS + PLACE


def found(steps: str, header: str = HEAD) -> list[tuple[str, int]]:
    loaded = load(f"{header}steps:\n{steps}", "f.yaml")
    assert loaded.flow is not None, loaded.problems
    return [(one.code, one.line) for one in check(loaded.flow, loaded.lines, file="f.yaml")]


def messages(steps: str, header: str = HEAD) -> str:
    loaded = load(f"{header}steps:\n{steps}", "f.yaml")
    assert loaded.flow is not None, loaded.problems
    return "\n".join(str(one) for one in check(loaded.flow, loaded.lines, file="f.yaml"))


# paths ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "steps",
    [
        SUPPLY + '- go: supply\n  when: supply == "no"\n- say: Merci\n',
        SUPPLY + '- when: supply == "no"\n  end: Merci\n- say: Parfait\n',
        SUPPLY.replace("yes_no", "text\n  optional: yes") + "- go: end\n",
        "- id: a\n  ask: x\n  type: choice\n  options: {b: {label: B, go: c}, d: {label: D, go: end}}\n"
        "- id: c\n  say: C\n",
        "- id: m\n  menu: x\n  options: {b: {label: B, say: y}, d: {label: D, go: m}}\n- say: z\n",
        "- go: late\n- id: early\n  end: x\n- id: late\n  ask: y\n  type: yes_no\n- go: early\n",
    ],
)
def test_paths_that_end_are_left_alone(steps: str) -> None:
    assert found(steps) == []


def test_a_step_is_unreachable_when_every_option_jumps_over_it() -> None:
    options = "- id: a\n  ask: x\n  type: choice\n  options: {b: {label: B, go: c}, d: {label: D, go: end}}\n"
    rest = "- say: nobody\n- say: nobody either\n- id: c\n  say: C\n"
    assert found(options + rest) == [("F322", 10)]
    assert found(options + "  optional: yes\n" + rest) == []
    assert found(options + "  retries: 1\n  on_fail: skip\n" + rest) == []
    assert found(options + "  retries: 1\n" + rest) == [("F322", 11)]
    assert found(MARK + options + "  when: mark < 3\n" + rest) == []


def test_a_loop_without_a_question_is_found_even_behind_a_condition() -> None:
    loop = '- id: top\n  say: x\n- go: bottom\n  when: supply == "no"\n- say: y\n- id: bottom\n  go: top\n'
    assert ("F323", 11) in found(SUPPLY + loop + "- say: z\n")


def test_a_loop_with_a_question_and_no_way_out_never_ends() -> None:
    assert found(SUPPLY + MARK + "- go: supply\n") == [("F324", 6)]
    assert found(SUPPLY + MARK + "- go: supply\n  when: mark < 3\n") == []


def test_a_jump_from_an_option_must_arrive_too() -> None:
    steps = "- id: m\n  menu: x\n  options:\n    b: {label: B, options: {c: {label: C, go: nowhere}}}\n- say: z\n"
    assert found(steps) == [("F321", 9)]
    assert "Did you mean 'mark'?" in messages(MARK + "- go: mrak\n  when: mark < 3\n- say: x\n")


# conditions ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "when",
    [
        'supply == "no"',
        'problem in ("cuts", "taste")',
        'problem != "cuts"',
        'problems contains "cuts"',
        """'"cuts" in problems'""",
        "1 < mark <= 3",
        "mark in (1, 2)",
        "people >= 30",
        'visit < "2026-11-01"',
        'words contains "eau"',
        'commune == "02.411.01.01"',
        "people > mark",
        "problem == words",
        "not answered(commune) or mark == 5",
    ],
)
def test_a_condition_that_can_hold_is_left_alone(when: str) -> None:
    assert found(f"{ALL}- when: {when}\n  say: x\n- say: y\n") == []


@pytest.mark.parametrize(
    ("when", "code", "says"),
    [
        ("problem == cuts", "F402", 'Put the word in quotes: "cuts"'),
        ("supply == yes", "F402", 'Put the word in quotes: "yes"'),
        ('problm == "cuts"', "F402", "Did you mean 'problem'?"),
        ('later == "x"', "F403", "'later'"),
        ("answered(later)", "F403", "'later'"),
        ('mark == "2"', "F404", "without quotes"),
        ("problem == 2", "F404", '"2"'),
        ("commune == 2", "F404", "in quotes"),
        ('problems == "cuts"', "F404", 'problems contains "cuts"'),
        ('problems in ("cuts", "taste")', "F404", 'problems contains "cuts"'),
        ('problem contains "cuts"', "F404", "Write problem =="),
        ("""'"cuts" in problem'""", "F404", "Write problem =="),
        ("mark contains 2", "F404", "Write mark =="),
        ('problem < "cuts"', "F404", "has no order"),
        ('words > "cuts"', "F404", "has no order"),
        ("problem == mark", "F404", "different types"),
        ("problems == problem", "F404", "different types"),
        ('problem == "cutz"', "F405", "Did you mean 'cuts'?"),
        ('supply == "oui"', "F405", "Write one of: yes, no"),
        ('problems contains "prices"', "F405", "'prices'"),
        ('problem in ("cuts", "price")', "F405", "'price'"),
        ("mark > 5", "F405", "never true"),
        ("mark == 0", "F405", "never true"),
        ("5 < mark", "F405", "never true"),
        ("people >= 31", "F405", "never true"),
        ("people < 1", "F405", "never true"),
    ],
)
def test_a_condition_that_cannot_hold_is_found(when: str, code: str, says: str) -> None:
    later = "- id: later\n  ask: Encore ?\n  type: text\n"
    steps = f"{ALL}- say: x\n  when: {when}\n{later}"
    assert [one for one, _ in found(steps)] == [code]
    assert says in messages(steps)


def test_the_condition_of_an_option_is_checked_at_its_line() -> None:
    options = "- id: q\n  ask: x\n  type: choice\n  options:\n    a: A\n    b:\n      label: B\n      when: mark > 9\n"
    assert found(MARK + options) == [("F405", 16)]


def test_an_answer_given_on_the_way_back_is_known() -> None:
    steps = (
        '- say: Encore une fois\n  id: again\n  when: supply == "no"\n'
        + SUPPLY
        + '- go: again\n  when: supply == "no"\n- say: x\n'
    )
    assert found(steps) == []


# texts ---------------------------------------------------------------------------------------------------------
THREE = HEAD.replace("title: Essai", "title: {fr: Essai, ar: تجربة}") + "languages: [fr, ar]\n"


def test_every_text_is_translated_into_every_language_offered() -> None:
    steps = "- id: q\n  ask: {fr: Un, ar: واحد}\n  type: choice\n  options:\n    a: {fr: A, ar: ب}\n    b: {label: B}\n"
    assert found(steps, THREE) == [("F503", 12)]
    assert "not translated into 'ar'" in messages(steps, THREE)
    assert found(steps) == []


def test_a_provisional_language_is_one_warning_with_its_count() -> None:
    header = HEAD + "languages: [fr, zgh]\nprovisional: [zgh]\n"
    assert found("- say: {fr: Merci, zgh: ⵜⴰⵏⵎⵎⵉⵔⵜ}\n- say: Au revoir\n", header) == [("F505", 6)]
    assert "of 3 texts in 'zgh', 2 are missing and 0 not reviewed" in messages(
        "- say: {fr: Merci, zgh: ⵜⴰⵏⵎⵎⵉⵔⵜ}\n- say: Au revoir\n", header
    )


def test_a_slot_lost_in_translation_is_found() -> None:
    assert (
        found("- id: q\n  ask: {fr: Nom, ar: اسم}\n  type: text\n- say: {fr: 'Merci {q}', ar: 'شكرا {q}'}\n", THREE)
        == []
    )
    assert found("- id: q\n  ask: {fr: Nom, ar: اسم}\n  type: text\n- say: {fr: 'Merci {q}', ar: شكرا}\n", THREE) == [
        ("F506", 10)
    ]


def test_a_fallback_is_not_blamed_for_another_language() -> None:
    header = THREE.replace("[fr, ar]", "[fr, ar, zgh]") + "provisional: [zgh]\n"
    steps = "- id: q\n  ask: {fr: Nom, ar: اسم}\n  type: text\n- say: {fr: 'Merci {q}', ar: شكرا}\n"
    loaded = load(f"{header}steps:\n{steps}")
    assert loaded.flow is not None
    found = check(loaded.flow, loaded.lines, Catalogues())
    assert [one.line for one in found if one.code == "F506"] == [11]


@pytest.mark.parametrize(
    "words", ["Merci {name}", "Merci {quartier", "Merci }", "Merci {}", "Merci {words.upper}", "{{words}}"]
)
def test_a_slot_that_nothing_fills_is_found(words: str) -> None:
    assert {code for code, _ in found(f"{WORDS}- say: '{words}'\n")} == {"F406"}


def test_a_slot_inside_another_is_told_in_the_source_and_in_a_catalogue(tmp_path: Path) -> None:
    many = "- id: n\n  ask: Combien ?\n  type: integer\n"
    loaded = load(f"{HEAD}steps:\n{many}- say: '{{n|un|{{n}} fois}}'\n")
    assert loaded.flow is not None
    told = [str(one) for one in check(loaded.flow, loaded.lines, Inline())]
    assert any("F406" in one and "without a slot inside" in one for one in told)
    catalogue = tmp_path / "ar" / "LC_MESSAGES" / "flows.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text('msgctxt "x/say-1"\nmsgid "{n} fois"\nmsgstr "{n|مرة|{n} مرات}"\n', "utf-8")
    text = "flow: x\ntitle: {fr: X, ar: س}\nlanguage: fr\nlanguages: [fr, ar]\nsteps:\n"
    loaded = load(text + many.replace("Combien ?", "{fr: Combien ?, ar: كم؟}") + "- say: '{n} fois'\n")
    assert loaded.flow is not None
    told = [str(one) for one in check(loaded.flow, loaded.lines, Catalogues([tmp_path]))]
    assert any("F506" in one and "a brace without its pair" in one for one in told), told


def test_a_slot_is_filled_only_by_a_question_before_it() -> None:
    assert found(WORDS + "- say: 'Merci {words}'\n") == []
    assert found("- say: 'Merci {words}'\n" + WORDS) == [("F406", 6)]
    assert found("- id: words\n  ask: 'Pourquoi {words} ?'\n  type: text\n") == [("F406", 7)]


# screens -------------------------------------------------------------------------------------------------------
def test_an_option_fits_one_screen_of_the_channel_with_the_key_of_the_next_page() -> None:
    steps = f"- id: q\n  ask: x\n  type: choice\n  options: {{a: A, b: {'b' * 149}}}\n"
    assert found(steps) == []
    assert found(steps.replace("b" * 149, "b" * 150)) == [("F601", 9)]
    loaded = load(f"{HEAD}steps:\n{steps}")
    assert loaded.flow is not None
    small = check(loaded.flow, loaded.lines, limits=Limits(gsm=100, ucs2=40))
    assert [one.code for one in small] == ["F601"]


# between flows -------------------------------------------------------------------------------------------------
def test_keywords_of_two_flows_clash_whatever_their_case_and_accents() -> None:
    first = load("flow: a\ntitle: A\nlanguage: fr\nkeywords: [Forêt, ماء]\nsteps:\n- say: x\n", "a.yaml")
    second = load("flow: b\ntitle: B\nlanguage: fr\nkeywords: [FORET]\nsteps:\n- say: x\n", "b.yaml")
    assert [(one.file, one.line, one.code) for one in check_all([first, second])] == [("b.yaml", 4, "F712")]
    assert check_all([first]) == ()


def test_one_run_tells_the_problems_of_every_file() -> None:
    broken = load("flow: a\ntitle: A\nlanguage: fr\nsteps:\n- sya: x\n", "z.yaml")
    looping = load(f"{HEAD}steps:\n{SUPPLY}- go: supply\n", "a.yaml")
    assert [(one.file, one.code) for one in check_all([broken, looping])] == [("a.yaml", "F324"), ("z.yaml", "F301")]


def test_the_catalogues_are_asked_for_translations() -> None:
    header = HEAD + "languages: [fr, ar]\n"
    loaded = load(f"{header}steps:\n- say: Merci\n", "f.yaml")
    assert loaded.flow is not None
    codes = [one.code for one in check(loaded.flow, loaded.lines, Catalogues(), file="f.yaml")]
    assert "F503" in codes
