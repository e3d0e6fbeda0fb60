"""YAML to flows: what is written is what is meant, and every problem is told in one run."""

from pathlib import Path

import pytest

from flows.load import Loaded, load
from flows.model import Ask, End, Flow, Go, Menu, Option, Say, Text, dump, restore

DATA = Path(__file__).resolve().parent.parent / "data" / "flows"
HEAD = "flow: essai\nversion: 3\ntitle: Essai\nlanguage: fr\n"


def flow(body: str, head: str = HEAD) -> Flow:
    loaded = load(head + body)
    assert loaded.flow is not None, loaded.problems
    return loaded.flow


def step(body: str) -> Ask | Say | Menu | Go | End:
    """Return the one step of a flow; its lines are indented here."""
    return flow("steps:\n- " + body.replace("\n", "\n  ")).steps[0]


def codes(body: str, head: str = HEAD) -> list[tuple[str, int]]:
    loaded = load(head + body)
    return [(one.code, one.line) for one in loaded.problems]


def wrong(body: str) -> str:
    """Return the one problem of a flow with this step."""
    loaded = load(HEAD + "steps:\n- " + body.replace("\n", "\n  "))
    assert len(loaded.problems) == 1, loaded.problems
    assert loaded.flow is None
    return str(loaded.problems[0])


# the whole -----------------------------------------------------------------------------------------------------
def test_the_water_flow_is_loaded_as_the_contract_reads() -> None:
    loaded = load((DATA / "water.yaml").read_text("utf-8"), "water.yaml")
    assert loaded.problems == ()
    assert loaded.flow == Flow(
        id="water",
        version=1,
        title=Text("water", "Eau potable"),
        language="fr",
        languages=("fr", "ar", "zgh"),
        sector="water",
        keywords=("EAU", "ماء", "ⴰⵎⴰⵏ"),
        provisional=("zgh",),
        consent=True,
        resume=86_400,
        steps=(
            Ask("supply", Text("water/supply", "Avez-vous de l'eau au robinet chaque jour ?"), "yes_no", line=13),
            Ask(
                "satisfaction",
                Text("water/satisfaction", "Êtes-vous satisfait du service de l'eau ?"),
                "rating",
                max=5,
                measure="satisfaction",
                line=16,
            ),
            Ask(
                "problem",
                Text("water/problem", "Quel est le problème ?"),
                "choice",
                options=(
                    Option("cuts", Text("water/problem/cuts", "Coupures")),
                    Option("taste", Text("water/problem/taste", "Goût")),
                    Option("price", Text("water/problem/price", "Prix")),
                    Option("other", Text("water/problem/other", "Autre")),
                ),
                when="satisfaction <= 2",
                line=20,
            ),
            Ask("commune", Text("water/commune", "Votre commune ?"), "place", level="commune", line=25),
            Say("say-1", Text("water/say-1", "Merci. Votre avis est transmis à la commune."), line=29),
        ),
    )
    assert restore(dump(loaded.flow)) == loaded.flow


def test_five_errors_are_five_lines_with_file_line_code_and_remedy() -> None:
    loaded = load((DATA / "five-errors.yaml").read_text("utf-8"), "flows/five.yaml")
    assert loaded.flow is None
    assert [str(problem) for problem in loaded.problems] == [
        "flows/five.yaml:5: F204: 'watter' is not a sector. Did you mean 'water'?",
        "flows/five.yaml:9: F305: 'yes-no' is not a question type. Did you mean 'yes_no'?",
        "flows/five.yaml:10: F206: 'Satisfaction' is not an id: small letters, digits, hyphens, a letter first, "
        "50 at most. Write satisfaction.",
        "flows/five.yaml:16: F307: the options are a list, without keys. Write options: {key1: Coupures, key2: Prix}.",
        "flows/five.yaml:17: F201: 'optionel' is not a key of a step with ask. Did you mean 'optional'?",
    ]


def test_what_is_not_said_has_its_default() -> None:
    found = flow("steps:\n- say: Merci\n", "flow: essai\nlanguage: ar\ntitle: x\n")
    assert (found.version, found.sector, found.languages) == (1, "other", ("ar",))
    assert (found.keywords, found.provisional, found.consent, found.resume) == ((), (), True, 86_400)


def test_two_loads_of_one_text_are_one_flow() -> None:
    text = (DATA / "water.yaml").read_text("utf-8")
    first, second = load(text).flow, load("# a comment moves every line\n" + text).flow
    assert first is not None
    assert second is not None
    assert first.hash == second.hash
    assert first != second


def test_lines_lead_to_steps_options_and_keys() -> None:
    loaded = load((DATA / "water.yaml").read_text("utf-8"))
    wanted = {"#keywords": 7, "problem": 20, "problem#when": 21, "problem#ask": 22, "problem/taste": 24, "say-1": 29}
    assert wanted.items() <= loaded.lines.items()


# values are what is written ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "written", ["no", "yes", "12:30", "1.0", "007", "null", "~", "2026-11-23", "1e3", "0x1F", "on"]
)
def test_a_text_is_what_is_written(written: str) -> None:
    assert step(f"say: {written}") == Say("say-1", Text("essai/say-1", written), line=6)
    assert step(f'say: "{written}"') == Say("say-1", Text("essai/say-1", written), line=6)


def test_an_option_may_be_called_no() -> None:
    asked = step("id: more\nask: Encore ?\ntype: choice\noptions: {no: Non, yes: Oui}")
    assert isinstance(asked, Ask)
    assert [(one.key, one.label.source) for one in asked.options] == [("no", "Non"), ("yes", "Oui")]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("yes", True), ("no", False), ("true", True), ("false", False), ("oui", True), ("Non", False)],
)
def test_yes_and_no(written: str, meant: bool) -> None:
    assert flow(f"consent: {written}\nsteps:\n- say: x\n").consent is meant


@pytest.mark.parametrize(
    ("written", "seconds"), [("24h", 86_400), ("30m", 1800), ("2d", 172_800), ("90", 90), ("45s", 45), ("1 h", 3600)]
)
def test_durations(written: str, seconds: int) -> None:
    assert flow(f"resume: {written}\nsteps:\n- say: x\n").resume == seconds


def test_one_word_is_a_list_of_one() -> None:
    assert flow("keywords: EAU\nlanguages: ar\nsteps:\n- say: x\n").keywords == ("EAU",)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert load("\ufeff" + HEAD + "steps:\n- say: x\n").flow is not None


# texts ---------------------------------------------------------------------------------------------------------
def test_a_text_in_several_languages_keeps_them_in_place() -> None:
    said = step("say: {fr: Merci, ar: شكرا, zgh-Latn: tanmmirt}")
    assert said == Say("say-1", Text("essai/say-1", "Merci", {"ar": "شكرا", "zgh-Latn": "tanmmirt"}), line=6)


def test_a_text_over_several_lines_is_folded_and_stripped() -> None:
    assert step("say: >\n  Merci de\n  votre avis\n") == Say(
        "say-1", Text("essai/say-1", "Merci de votre avis"), line=6
    )
    assert step("say: |\n  Merci\n  Au revoir\n") == Say("say-1", Text("essai/say-1", "Merci\nAu revoir"), line=6)


def test_a_label_in_several_languages_is_no_option_of_keys() -> None:
    asked = step(
        "id: a\nask: x\ntype: choice\noptions:\n"
        "  one: {fr: Un, ar: واحد}\n  two: {label: {fr: Deux, ar: اثنان}, go: end}"
    )
    assert isinstance(asked, Ask)
    assert asked.options == (
        Option("one", Text("essai/a/one", "Un", {"ar": "واحد"})),
        Option("two", Text("essai/a/two", "Deux", {"ar": "اثنان"}), go="end"),
    )


# steps ---------------------------------------------------------------------------------------------------------
def test_steps_without_an_id_are_numbered_by_verb() -> None:
    found = flow(
        'steps:\n- say: a\n- id: q\n  ask: b\n  type: text\n- say: c\n- id: named\n  say: d\n- when: q == "x"\n'
        "  go: q\n- say: e\n- end: f\n"
    )
    assert [one.id for one in found.steps] == ["say-1", "q", "say-2", "named", "go-1", "say-3", "end-1"]
    assert found.steps[4] == Go("go-1", "q", 'q == "x"', 13)
    assert found.steps[6] == End("end-1", Text("essai/end-1", "f"), line=16)


def test_every_key_of_a_question() -> None:
    assert step(
        "id: people\nask: Combien ?\ntype: integer\nmin: 0\nmax: 120\noptional: yes\nretries: 2\non_fail: skip\n"
        "audio: people.ogg\nwhen: answered(people)"
    ) == Ask(
        "people",
        Text("essai/people", "Combien ?"),
        "integer",
        when="answered(people)",
        optional=True,
        retries=2,
        on_fail="skip",
        min=0,
        max=120,
        line=6,
        audio="people.ogg",
    )


@pytest.mark.parametrize("written", ["[Mauvais, Moyen, Bon]", "{1: Mauvais, 2: Moyen, 3: Bon}"])
def test_the_labels_of_a_rating_count_its_marks(written: str) -> None:
    asked = step(f"id: mark\nask: Votre note ?\ntype: rating\nlabels: {written}")
    assert isinstance(asked, Ask)
    assert asked.max == 3
    assert asked.options == (
        Option("1", Text("essai/mark/1", "Mauvais")),
        Option("2", Text("essai/mark/2", "Moyen")),
        Option("3", Text("essai/mark/3", "Bon")),
    )


def test_a_menu_of_any_depth() -> None:
    menu = step(
        "id: service\nmenu: Que cherchez-vous ?\noptions:\n"
        "  papers:\n    label: Papiers\n    options:\n"
        "      birth: {label: Naissance, say: A la mairie}\n      other: Autre\n"
        "  leave: {label: Sortir, go: end}"
    )
    assert menu == Menu(
        "service",
        Text("essai/service", "Que cherchez-vous ?"),
        (
            Option(
                "papers",
                Text("essai/service/papers", "Papiers"),
                options=(
                    Option(
                        "birth",
                        Text("essai/service/papers/birth", "Naissance"),
                        say=Text("essai/service/papers/birth/say", "A la mairie"),
                    ),
                    Option("other", Text("essai/service/papers/other", "Autre")),
                ),
            ),
            Option("leave", Text("essai/service/leave", "Sortir"), go="end"),
        ),
        line=6,
    )


# what is refused -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("asq: x", "F301: the step has no verb: 'asq' is none. Did you mean 'ask'?"),
        ("id: a", "F301: the step has no verb. Write one of: say, ask, menu, go, end, set, run."),
        ("set: x", "F203: `set` needs names with their values. Write set: {kind: rural}."),
        ("set: {}", "F203: `set` needs names with their values."),
        ("set: {Kind: x}", "F206"),
        ("run: No Flow", "F206"),
        ("ask: x\ntype: text", "F202: a step with ask has no key 'id'."),
        ("id: a\nask: x", "F202: the question 'a' has no key 'type'."),
        ("id: a\nask: x\ntipe: text", "F201: 'tipe' is not a key of a step with ask. Did you mean 'type'?"),
        ("id: a\nask: x\ntype: choice", "F202: the step 'a' has no key 'options'."),
        ("id: a\nmenu: x", "F202: the step 'a' has no key 'options'."),
        ("id: a\nask: [x]\ntype: text", "F203: a list stands where a text is needed."),
        ("id: a\nask: x\ntype: choise\noptions: {b: B, c: C}", "Did you mean 'choice'?"),
        ("id: stop\nask: x\ntype: text", "F207: the id 'stop' has a meaning of its own."),
        ("id: contains\nsay: x", "F207: the id 'contains' has a meaning of its own."),
        ("id: 1a\nsay: x", "F206: '1a' is not an id"),
        ("id: a\nask: x\ntype: choice\noptions: {1: Un, deux: Deux, trois: Trois}", "F206"),
        ("id: a\nask: x\ntype: choice\noptions: {help: Un, b: Deux}", "F207: the id 'help'"),
        ("id: a\nask: x\ntype: choice\noptions: {b: {lable: B}, c: C}", "Did you mean 'label'?"),
        ("id: a\nask: x\ntype: choice\noptions: {b: {go: end}, c: C}", "F202: option 'b' has no key 'label'."),
        (
            "id: a\nask: x\ntype: choice\noptions: {b: {label: B, say: C}, c: C}",
            "F209: `say` belongs to the options of",
        ),
        ("id: a\nask: x\ntype: choice\noptions: {b: {fr: B, en: C}, c: C}", "F205: 'en' is not a language"),
        ("id: a\nask: x\ntype: choice\noptions: B", "F203: one word stands where options are needed."),
        ("id: a\nask: x\ntype: choices\noptions: {b: {label: B, go: end}, c: C}", "F209: `go` belongs to choice"),
        ("id: a\nask: x\ntype: rating\nlabels: [B]", "F308: 1 labels are given"),
        ("id: a\nask: x\ntype: rating\nlabels: B", "F203: one word stands where labels are needed."),
        ("id: a\nask: x\ntype: rating\nlabels: [B, C]\nmax: 5", "F308: 2 labels are given for 5 marks."),
        ("id: a\nask: x\ntype: rating\nmax: 100", "F204: a rating up to 100 is not possible."),
        ("id: a\nask: x\ntype: integer\nmin: 1.5", "F204: 1.5 bounds whole numbers."),
        ("id: a\nask: x\ntype: integer\nmin: '٣'", "F204: '٣' is not a number."),
        ("id: a\nask: x\ntype: integer\nmin:", "F204: a value is missing after the colon."),
        ("id: a\nask: x\ntype: text\nretries: many", "F204: 'many' is not a whole number from 0 to 20."),
        ("id: a\nask: x\ntype: text\non_fail: stop", "F204: 'stop' is not what `on_fail` can do."),
        ("id: a\nask: x\ntype: text\nmeasure: satisfaction", "F209: `measure` belongs to rating, nps, yes_no"),
        ("id: a\nask: x\ntype: place\nlevel: city", "F204: 'city' is not a level of place."),
        ("id: a\nask: x\ntype: text\noptional: perhaps", "F204: 'perhaps' is neither yes nor no."),
        ("id: a\nask: x\ntype: text\naudio: ../secret", "F204: '../secret' is not a plain file name."),
        ("say: x\ntype: text", "F209: `type` does not belong to a step with say."),
        ("say: {fr: x, ar: [y]}", "F203: the text in 'ar' is not one text."),
        ("say: {fr: x, ar: ' '}", "F501: the text is empty."),
        ("say: ''", "F501: the text is empty."),
        ("say:", "F501: the text is empty."),
        ("go: {a: b}", "F203: a map stands where one word or text is needed."),
        ("say: x\nwhen: mark = 2", "F401: '=' is not a sign of conditions. Write ==."),
    ],
)
def test_a_wrong_step_is_refused_with_its_remedy(body: str, says: str) -> None:
    assert says in wrong(body)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("flow: Eau\nlanguage: fr\ntitle: x\n", "F206: 'Eau' is not an id"),
        ("flow: home\nlanguage: fr\ntitle: x\n", "F207: the id 'home'"),
        ("language: fr\ntitle: x\n", "F202: the flow has no key 'flow'."),
        ("flow: a\ntitle: x\n", "F202: the flow has no key 'language'."),
        ("flow: a\nlanguage: fra\ntitle: x\n", "F205: 'fra' is not a language of the program. Did you mean 'fr'?"),
        ("flow: a\nlanguage: fr\ntitle: x\nversion: 1.0\n", "F204: '1.0' is not a whole number"),
        ("flow: a\nlanguage: fr\ntitle: x\nversion: 0\n", "F204: '0' is not a whole number"),
        ("flow: a\nlanguage: fr\ntitle: x\nresume: soon\n", "F204: 'soon' is not a duration."),
        ("flow: a\nlanguage: fr\ntitle: x\nprovisional: zgh\n", "F204: 'zgh' is provisional but not offered."),
        ("flow: a\nlanguage: fr\ntitle: x\nlanguages: [fr, fr]\n", "F208: 'fr' is in the list twice."),
        (
            "flow: a\nlanguage: fr\ntitle: x\nsectors: water\n",
            "F201: 'sectors' is not a key of a flow. Did you mean 'sector'?",
        ),
    ],
)
def test_a_wrong_header_is_refused_with_its_remedy(head: str, says: str) -> None:
    loaded = load(head + "steps:\n- say: x\n")
    assert len(loaded.problems) == 1, loaded.problems
    assert says in str(loaded.problems[0])


@pytest.mark.parametrize("body", ["steps:\n", "steps: []\n", "steps: x\n", "steps: {say: x}\n"])
def test_steps_are_a_list(body: str) -> None:
    assert codes(body) == [("F203", 5)]


def test_a_slip_in_a_needed_key_is_told_once() -> None:
    loaded = load("flw: a\nlangage: fr\ntitel: x\nstep:\n- say: x\n")
    assert [one.code for one in loaded.problems] == ["F201"] * 4
    assert [one.remedy for one in loaded.problems] == [
        f"Did you mean '{key}'?" for key in ("flow", "language", "title", "steps")
    ]


def test_a_missing_title_is_a_warning_and_the_id_stands_for_it() -> None:
    loaded = load("flow: essai\nlanguage: fr\nsteps:\n- say: x\n")
    assert [(one.code, one.level) for one in loaded.problems] == [("F210", "warning")]
    assert loaded.flow is not None
    assert loaded.flow.title == Text("essai", "essai")


def test_every_error_of_a_step_is_told_in_one_run() -> None:
    body = (
        "steps:\n- id: A\n  ask: ''\n  type: integer\n  min: 3\n  max: 1\n  when: x = 1\n  labels: [a]\n  foo: b\n- 7\n"
    )
    assert codes(body) == [
        ("F206", 6),
        ("F501", 7),
        ("F309", 9),
        ("F401", 11),
        ("F209", 12),
        ("F201", 13),
        ("F203", 14),
    ]


def test_a_message_shows_nothing_invisible_and_stays_on_one_line() -> None:
    loaded: Loaded = load(HEAD + 'steps:\n- say: x\n  "a\\u202eb\\nc": y\n')
    (problem,) = loaded.problems
    assert "'a\\u202eb\\u000ac'" in problem.message
    assert str(problem).isprintable()


def test_a_long_value_is_cut_in_the_message() -> None:
    assert len(wrong("id: a\nask: x\ntype: " + "y" * 500)) < 300
