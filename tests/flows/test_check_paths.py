"""What only a walk over every path shows, and the rules on personal data and Arabic lines."""

from pathlib import Path

import pytest
from flow_world import some_steps
from hypothesis import HealthCheck, given, settings

from flows.budget import estimate
from flows.check import check, check_all
from flows.encoding import fits
from flows.load import load
from flows.paths import explore
from flows.paths.routes import trapped
from locales.catalogue import Catalogues

TEXTS = Catalogues()
HEAD = "flow: essai\nlegal: {ground: consent}\ntitle: Essai\nlanguage: fr\n"
BOTH = HEAD.replace("title: Essai", "title: {fr: Essai, ar: تجربة}") + "languages: [fr, ar]\n"
YES_NO = "- id: {0}\n  ask: Oui ou non ?\n  type: yes_no\n"
NAME = "- id: name\n  ask: Votre quartier ?\n  type: text\n"
SURVEYS = Path(__file__).resolve().parent.parent.parent / "flows" / "surveys"


def problems(steps, header=HEAD, deep=True):
    loaded = load(f"{header}steps:\n{steps}", "f.yaml")
    assert loaded.flow is not None, loaded.problems
    return check(loaded.flow, loaded.lines, TEXTS, file="f.yaml", deep=deep)


def found(steps, header=HEAD):
    return [one.code for one in problems(steps, header)]


def only(steps, header=HEAD):
    one, *more = problems(steps, header)
    assert not more, more
    return one


def test_the_shipped_flows_pass_on_every_path():
    paths = [path for path in sorted(SURVEYS.glob("*.yaml")) if not path.name.endswith(".test.yaml")]
    several = [load(path.read_text("utf-8"), path.name) for path in paths]
    assert {one.code for one in check_all(several, TEXTS, deep=True)} <= {"F505"}


def test_paths_are_walked_only_when_asked_for_and_without_an_error():
    steps = YES_NO.format("supply") + "- say: 'Note {mark}'\n" + "- go: nowhere\n"
    assert {one.code for one in problems(steps)} == {"F406", "F321"}
    dear = "- say: Vous êtes entendu. Votre avis est transmis à la commune, qui vous répondra.\n"
    assert found(dear) == ["F602"]
    assert problems(dear, deep=False) == ()


# ends ----------------------------------------------------------------------------------------------------------
def test_a_loop_that_one_answer_leaves_is_no_trap():
    mark = "- id: mark\n  ask: Note ?\n  type: rating\n"
    assert found(YES_NO.format("a") + mark + "- go: mark\n  when: mark <= 4\n- say: Merci\n") == []
    trap = only(YES_NO.format("a") + mark + "- go: mark\n  when: mark <= 5\n- say: Merci\n")
    assert (trap.code, trap.line) == ("F326", 6)


def test_a_step_that_no_answers_reach_is_told_and_so_is_an_option():
    steps = YES_NO.format("a") + '- when: a == "no"\n  end: Fin\n' + '- say: Jamais\n  when: a == "no"\n- say: Merci\n'
    assert only(steps).line == 11
    option = (
        YES_NO.format("a")
        + '- when: a == "no"\n  end: Fin\n- id: q\n  ask: Quoi ?\n  type: choice\n  options:\n    one: Un\n'
        "    two: {label: Deux, when: 'a == \"no\"'}\n    three: Trois\n"
    )
    shown = only(option)
    assert (shown.code, "'two'" in shown.message) == ("F327", True)


def test_a_number_between_two_bounds_is_not_called_impossible():
    people = "- id: people\n  ask: Combien ?\n  type: integer\n  min: 1\n  max: 40\n"
    assert found(people + "- say: Six.\n  when: people > 5 and people < 7\n- say: Merci\n") == []
    assert found(people + "- say: Aucun.\n  when: people > 5 and people < 6\n- say: Merci\n") == ["F327"]


# slots and conditions ------------------------------------------------------------------------------------------
def test_a_skipped_question_leaves_its_slot_open():
    skipped = NAME + "  optional: yes\n- say: 'Merci à {name}'\n"
    assert only(skipped).code == "F408"
    guarded = NAME + "  optional: yes\n- say: 'Merci à {name}'\n  when: answered(name)\n- say: Au revoir\n"
    assert found(guarded) == []


def test_a_condition_on_the_way_back_may_say_that_it_is_meant():
    back = YES_NO.format("supply") + '- go: again\n  when: supply == "no"\n- say: x\n'
    early = '- id: again\n  say: Encore\n  when: supply == "no"\n' + back
    assert found(early) == ["F407"]
    assert found(early.replace('when: supply == "no"\n- id', 'when: answered(supply) and supply == "no"\n- id')) == []


# what fits -----------------------------------------------------------------------------------------------------
def test_an_option_is_measured_with_its_longest_answer_in_every_language():
    choice = "- id: {0}\n  ask: {{fr: Exact ?, ar: صحيح؟}}\n  type: choice\n"
    steps = choice.format("name") + "  options: {a: {fr: Medina, ar: %s}, b: {fr: B, ar: ب}}\n"
    steps += choice.format("right") + "  options: {a: {fr: 'Oui {name}', ar: 'نعم {name}'}, b: {fr: Non, ar: لا}}\n"
    assert found(steps % "المدينة", BOTH) == []
    long = problems(steps % ("المدينة القديمة والحي الجديد " * 3).strip(), BOTH)
    assert "F603" in [one.code for one in long]
    assert "'ar'" in next(one.message for one in long if one.code == "F603")


def test_a_word_longer_than_a_screen_is_told():
    assert only(f"- say: Voyez {'x' * 170}\n").code == "F603"
    assert found(f"- say: Voyez {'x' * 120}\n") == []


def test_a_message_that_providers_refuse_is_told_where_it_is_sent():
    say = f"- say: {'mot ' * 200}\n"
    assert found(say) == []
    assert found(say + say) == ["F604"]
    assert only(say + say + YES_NO.format("q")).line == 8


def test_a_session_too_short_for_the_usual_citizen_names_both_figures():
    told = only("".join(YES_NO.format(f"q{at}") for at in range(30)))
    assert told.code == "F605"
    assert "31 USSD screens" in told.message
    assert "the slowest" in told.message
    assert "180 s" in told.message


def test_last_words_are_told_at_their_own_line():
    assert only(YES_NO.format("q") + f"- say: Merci\n- say: Voyez {'x' * 170}\n").line == 10
    assert only(YES_NO.format("q") + f"- say: {'mot ' * 200}\n- say: {'mot ' * 200}\n").line == 10


# what costs ----------------------------------------------------------------------------------------------------
def test_a_letter_is_told_only_where_it_costs():
    short = "- say: Vous êtes là.\n"
    long = "- say: Vous êtes entendu. Votre avis est transmis à la commune, qui vous répondra.\n"
    assert found(short) == []
    assert "Write e for ê, or fold: accents" in str(only(long))
    assert found(long, HEAD + "fold: accents\n") == []
    assert found("- say: « Merci » — l’eau revient…\n" * 4) == []


def test_short_texts_that_cost_together_are_told_together():
    assert (
        found("- say: Le service est bien noté chez vous, même la nuit.\n- say: Le goût est noté aussi.\n")
        == ["F602"] * 2
    )


# personal data -------------------------------------------------------------------------------------------------
PLAIN = HEAD.replace("legal: {ground: consent}\n", "")
PHONE = "- id: phone\n  ask: Votre numéro ?\n  type: phone\n"


@pytest.mark.parametrize("steps", [NAME, PHONE, YES_NO.format("q") + "  personal: yes\n"])
def test_a_personal_question_needs_a_ground(steps):
    assert found(steps, PLAIN) == ["F801"]
    assert found(steps) == []
    assert found(YES_NO.format("q"), PLAIN) == []


@pytest.mark.parametrize("kind", ["sensitive", "political", "religious", "union", "health", "identity"])
def test_a_sensitive_question_needs_the_number_of_an_authorisation(kind):
    steps = YES_NO.format("q") + f"  personal: {kind}\n"
    assert found(steps) == ["F802"]
    ground = PLAIN + "legal: {ground: authorisation%s}\n"
    assert found(steps, ground % "") == ["F802"]
    assert found(steps, ground % ', number: "A-12/2026"') == []


def test_consent_as_a_ground_must_be_asked_for():
    assert found(PHONE, HEAD + "consent: no\n") == ["F803"]


# Arabic lines --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "line",
    [
        "اتصل *555#",
        "هاتفنا +212612345678",
        "هاتفنا 05 37 12 34 56",
        "من 1-5",
        "يوم 23/11/2026",
        "1) نعم 2) لا",
        "الموقع www.example.ma",
    ],
)
def test_what_phones_turn_round_stands_on_a_line_of_its_own(line):
    assert found(f"- say: {{fr: Bonjour, ar: {line!r}}}\n", BOTH) == ["F509"]


@pytest.mark.parametrize(
    "line", ["من 1 إلى 5", "1. نعم", "اتصل بالرقم:\\n*555#", "من 8:30 إلى 16:30", "الرقم 3737", "يوم:\\n23/11/2026"]
)
def test_a_safe_arabic_line_is_left_alone(line):
    assert found(f'- say: {{fr: Bonjour, ar: "{line}"}}\n', BOTH) == []


def test_an_answer_that_phones_turn_round_is_one_too():
    phone = "- id: phone\n  ask: {fr: Numero ?, ar: رقمكم؟}\n  type: phone\n"
    assert found(phone + "- say: {fr: 'Vu {phone}', ar: 'رقمكم {phone}'}\n", BOTH) == ["F509"]
    assert found(phone + '- say: {fr: "Vu {phone}", ar: "رقمكم:\\n{phone}"}\n', BOTH) == []


def test_a_latin_word_in_an_arabic_line_is_a_warning():
    assert only("- say: {fr: Bonjour, ar: رمز PIN الخاص}\n", BOTH).level == "warning"


# any flow ------------------------------------------------------------------------------------------------------
@given(some_steps())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_flow_is_checked_without_a_fault(steps):
    """A flow that passes keeps its word: every path ends, and no screen shows a brace or is too long."""
    loaded = load(f"{BOTH}provisional: [ar]\nsteps:\n{steps}", "f.yaml")
    errors = [one for one in check_all([loaded], TEXTS, deep=True) if one.level == "error"]
    if loaded.flow is None or errors:
        return
    for bearer in ("ussd", "sms"):
        walked = explore(loaded.flow, TEXTS, "fr", bearer)
        assert walked.complete
        assert not trapped(walked)
        pages = [page for node in walked.nodes for page in node.scene.pages]
        assert not any("{" in page for page in pages)
        assert bearer == "sms" or all(fits(page, 160, 70) for page in pages)
        assert estimate(walked) is not None


# sub-flows -----------------------------------------------------------------------------------------------------
INNER = load(f"flow: inner\ntitle: Dedans\nlanguage: fr\nsteps:\n{YES_NO.format('deep')}", "inner.yaml")


def outer(steps):
    return list(check_all([load(f"{HEAD}steps:\n{steps}", "f.yaml")], TEXTS, beside=[INNER], deep=True))


def test_the_answers_of_a_sub_flow_are_known_and_its_paths_are_walked():
    run = "- id: part\n  run: inner\n"
    assert outer(run + '- say: Non.\n  when: part-deep == "no"\n- say: Merci\n') == []
    assert [one.code for one in outer(run + '- say: x\n  when: part-deeep == "no"\n- say: y\n')] == ["F402"]
    never = run + '- when: part-deep == "no"\n  end: Fin\n- say: x\n  when: part-deep == "no"\n- say: y\n'
    assert [(one.code, one.line) for one in outer(never)] == [("F327", 10)]
    assert "Did you mean 'inner'?" in str(outer("- id: part\n  run: iner\n- say: x\n")[0])


def test_flows_that_run_each_other_are_told():
    one = load(f"{HEAD}steps:\n- id: b\n  run: autre\n", "a.yaml")
    two = load(f"{HEAD.replace('essai', 'autre')}steps:\n- id: a\n  run: essai\n", "b.yaml")
    assert [found.code for found in check_all([one, two])] == ["F312", "F312"]


def test_a_value_that_is_set_may_be_asked_for():
    assert found('- set: {kind: rural}\n- say: Rural.\n  when: kind == "rural"\n- say: Merci\n') == []
