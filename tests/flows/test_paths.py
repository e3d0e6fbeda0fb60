"""Every path of a flow: what the walk says a citizen can see is what the engine shows them, and nothing else."""

from pathlib import Path

import msgspec
import pytest
from flow_world import some_steps
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from flows.check import check
from flows.encoding import fits
from flows.engine import step
from flows.link import link
from flows.load import load
from flows.paths import explore
from flows.paths.routes import Routes, trapped
from flows.paths.scene import NOW, begin, scene
from flows.types import Inbound, Limits
from flows.walk import Walk
from locales.catalogue import Catalogues

TEXTS = Catalogues()
HEAD = "flow: essai\ntitle: Essai\nlanguage: fr\nlegal: {ground: consent}\nsteps:\n"
YES_NO = "- id: {0}\n  ask: Oui ou non {0} ?\n  type: yes_no\n"
SURVEYS = Path(__file__).resolve().parent.parent.parent / "flows" / "surveys"


def flow_of(steps, head=HEAD):
    loaded = load(head + steps, "f.yaml")
    assert loaded.flow, loaded.problems
    return loaded.flow


def walk(steps, bearer="ussd", language="fr", **more):
    return explore(flow_of(steps), TEXTS, language, bearer, **more)


def screens(walked):
    return {page for node in walked.nodes for page in node.scene.pages}


def shown(walked):
    return "\n".join(screens(walked))


SHIPPED = {
    path.stem: load(path.read_text("utf-8"), path.name).flow
    for path in sorted(SURVEYS.glob("*.yaml"))
    if not path.name.endswith(".test.yaml")
}
WALKED = {
    (name, language, bearer): explore(flow, TEXTS, language, bearer)
    for name, flow in SHIPPED.items()
    for language in flow.languages
    for bearer in ("ussd", "sms")
}


@pytest.mark.parametrize("key", WALKED, ids="-".join)
def test_a_shipped_flow_is_walked_whole(key):
    walked = WALKED[key]
    assert walked.complete
    assert {node.step for node in walked.nodes} >= {step.id for step in walked.flow.steps if hasattr(step, "type")}
    assert any(node.ends and node.state.status == "done" for node in walked.nodes)
    assert not trapped(walked)
    assert len(walked.nodes) < 100, "answers that nothing looks at multiply the states"


@pytest.mark.parametrize("key", [key for key in WALKED if key[2] == "ussd"], ids="-".join)
def test_every_page_of_a_shipped_flow_fits(key):
    assert all(fits(page, Limits().gsm, Limits().ucs2) for page in screens(WALKED[key]))


@given(st.sampled_from(sorted(WALKED)), st.lists(st.integers(0, 99), min_size=1, max_size=25))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_a_citizen_sees_was_walked(key, choices):
    """A citizen takes any way through; the engine keeps the whole state, saved and read back."""
    play(WALKED[key], choices)


def play(walked, choices):
    """Let the engine take a way of the walk, reply by reply; each screen must be one of the walk's."""
    seen = screens(walked)
    node = walked.nodes[0]
    state = begin("", Inbound(bearer=walked.bearer))
    turn = step(walked.flow, state, Inbound(bearer=walked.bearer, event="start"), NOW, TEXTS)
    for choice in choices:
        assert _seen(walked, turn, node) <= seen
        if not node.edges or node.again:
            break
        edge = node.edges[choice % len(node.edges)]
        before, node = node, walked.nodes[edge.to]
        for page in range(edge.reply.pages - 1):
            turn = _reply(walked, turn, walked_key(turn, walked))
            assert _seen(walked, turn, before) <= seen, page
        if node.state.place and not turn.conversation.place and not before.state.place:
            turn = replace(turn, conversation=replace(turn.conversation, place=node.state.place))
        turn = _reply(walked, turn, edge.reply.text)


def _seen(walked, turn, node):
    """Return the pages shown; where a known place is confirmed, with the name that the walk has in its stead."""
    place, state = node.state.place, turn.conversation
    inbound = Inbound(bearer=walked.bearer)
    if place == state.place or not place or state.phase != "steps":
        return {screen.text for screen in turn.screens}
    own, walks = (
        scene(Walk(walked.flow, replace(state, place=one), inbound, NOW, TEXTS)) for one in (state.place, place)
    )
    assert turn.screens[0].text == own.pages[state.page]
    return set(walks.pages)


def walked_key(turn, walked):
    """Return the key that turns the page shown: the last line's."""
    return turn.screens[0].text.rpartition("\n")[2].split(" ")[0]


def _reply(walked, turn, text):
    state = msgspec.json.decode(msgspec.json.encode(turn.conversation), type=type(turn.conversation))
    return step(walked.flow, state, Inbound(bearer=walked.bearer, text=text), NOW, TEXTS)


KNOWN_AGAIN = (
    "- id: a\n  ask: Quoi ?\n  type: language\n  optional: yes\n- id: b\n  ask: Quoi ?\n  type: place\n"
    "- id: c\n  ask: Quoi ?\n  type: choices\n  options: {eau: Eau, x: X, y: Y}\n  when: 'a == \"ar\"'\n"
    "- id: d\n  go: a\n  when: 'not answered(a)'\n- id: e\n  say: Merci\n- id: f\n  say: Merci\n"
)
"""A place that was answered is confirmed when the loop comes back to its question."""


@example(KNOWN_AGAIN, "ussd", [0, 1, 0, 0, 0, 0, 0])
@given(some_steps(slots=False), st.sampled_from(["ussd", "sms"]), st.lists(st.integers(0, 99), min_size=3, max_size=20))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_a_citizen_of_any_flow_sees_was_walked(steps, bearer, choices):
    """Answers that the walk took for the same, or left out, make no difference to the engine."""
    loaded = load(HEAD + steps, "f.yaml")
    assert loaded.flow
    if any(one.level == "error" for one in check(loaded.flow, loaded.lines)):
        return
    play(explore(loaded.flow, TEXTS, "fr", bearer), choices)


# answers -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "when"),
    [
        ("integer\n  min: 1\n  max: 40", "q >= 17"),
        ("integer", "q == 123456"),
        ("decimal\n  min: 0\n  max: 9", "q < 2.5 and q > 2"),
        ("rating", "q == 3"),
        ("nps", "q in (7, 8)"),
        ("text", 'q contains "route" and q contains "pont"'),
        ("date", 'q < "2026-11-01" and q > "2026-10-30"'),
        ("place", 'q == "02.411.01.23"'),
        ("place\n  level: region", 'q == "05"'),
        ("choices\n  options: {a: A, b: B, c: C}", 'q contains "a" and q contains "c" and not q contains "b"'),
        ("choice\n  options: {a: A, b: B, c: C}", 'q not in ("a", "b")'),
        ("yes_no\n  optional: yes", "not answered(q)"),
    ],
)
@pytest.mark.parametrize("bearer", ["ussd", "sms"])
def test_both_sides_of_a_condition_are_walked(kind, when, bearer):
    steps = f"- id: q\n  ask: Alors ?\n  type: {kind}\n- when: '{when}'\n  end: Un tel cas.\n- say: Un autre.\n"
    found = screens(walk(steps, bearer))
    assert {"Un tel cas.", "Un autre."} <= found


def test_two_answers_compared_with_each_other_are_walked_both_ways():
    number = "- id: {0}\n  ask: Combien {0} ?\n  type: integer\n  min: 0\n  max: 9\n"
    steps = number.format("a") + number.format("b") + "- when: a < b\n  end: Moins.\n- when: a == b\n  end: Autant.\n"
    assert {"Moins.", "Autant.", "Plus."} <= screens(walk(steps + "- say: Plus.\n"))


def test_answers_that_nothing_looks_at_do_not_multiply_the_states():
    many = "".join(YES_NO.format(f"q{at}") for at in range(30))
    walked = walk(many + "- say: Merci\n")
    assert walked.complete
    assert len(walked.nodes) < 70


def test_an_answer_is_forgotten_after_its_last_condition():
    pairs = "".join(YES_NO.format(f"q{at}") + f'- say: Bien.\n  when: q{at} == "yes"\n' for at in range(12))
    walked = walk(pairs)
    assert walked.complete
    assert len(walked.nodes) < 80


def test_an_answer_outlives_its_question_when_that_can_be_skipped():
    """Asked again in a loop and skipped, it still counts; asked again and answered anew, it does not."""
    loop = "- id: a\n  ask: Alors ?\n  type: yes_no\n{0}" + YES_NO.format("again") + '- go: a\n  when: again == "yes"\n'
    steps = loop + '- say: Oui.\n  when: a == "yes"\n- say: Fin.\n'

    def kept(walked):
        return {node.state.answers.get("a", "") for node in walked.nodes if node.step == "a"}

    assert kept(walk(steps.format("  optional: yes\n"))) == {"", "yes", "no"}
    assert kept(walk(steps.format("  retries: 0\n  on_fail: skip\n"))) == {"", "yes", "no"}
    assert kept(walk(steps.format(""))) == {""}


def test_a_flow_with_too_many_states_says_so():
    assert not walk(YES_NO.format("a") + YES_NO.format("b"), most=3).complete
    assert walk(YES_NO.format("a") + YES_NO.format("b")).complete


def test_a_slot_shows_its_longest_answer():
    steps = (
        "- id: q\n  ask: Lequel ?\n  type: choice\n  options: {a: Eau, b: Assainissement liquide, c: Route}\n"
        "- say: 'Merci pour {q}'\n"
    )
    assert "Merci pour Assainissement liquide" in shown(walk(steps))
    text = "- id: q\n  ask: Quoi ?\n  type: text\n- say: 'Vous dites : {q}'\n"
    ends = [node for node in walk(text, "sms").nodes if node.state.status == "done"]
    assert max(len(node.scene.pages[0]) for node in ends) >= 160
    assert any(not node.scene.pages[0].isascii() for node in ends), "an Arabic answer in a French message"


def test_a_clearer_second_asking_and_its_end_are_walked():
    steps = "- id: q\n  ask: Alors ?\n  type: yes_no\n  retries: 1\n- say: Merci\n"
    found = shown(walk(steps))
    assert "Répondez 1 pour oui, 2 pour non." in found
    assert "Réponses non comprises." in found


def test_a_gateway_of_a_region_shows_its_own_places_first_and_the_others_after():
    flow = flow_of("- id: q\n  ask: Votre commune ?\n  type: place\n")
    home, anywhere = (explore(flow, TEXTS, "fr", "ussd", within=code) for code in ("02", ""))
    first = home.nodes[home.known].scene
    assert "Berkane" in first.pages[0]
    assert "Autre région" in first.pages[-1]
    assert len(home.nodes) > len(anywhere.nodes), "the other regions too"
    assert home.complete


def test_a_menu_is_walked_to_its_leaves_and_back():
    menu = (
        "- id: m\n  menu: Quoi ?\n  options:\n    a: {label: A, options: {b: {label: B, say: Bureau B.}}}\n"
        "    c: {label: C, go: end}\n- say: Fin\n"
    )
    walked = walk(menu)
    assert "Bureau B." in shown(walked)
    kinds = {edge.reply.kind for node in walked.nodes for edge in node.edges}
    assert {"open", "back", "answer", "unclear"} <= kinds


def test_a_language_asked_for_in_the_flow_is_spoken_from_there_on():
    head = HEAD.replace("legal", "languages: [fr, ar]\nlegal")
    steps = "- id: tongue\n  ask: Langue ?\n  type: language\n- say: {fr: Merci bien, ar: شكرا لكم}\n"
    walked = explore(flow_of(steps, head), TEXTS, "fr", "sms")
    assert {"Merci bien", "شكرا لكم"} <= screens(walked)


def test_the_questions_of_a_sub_flow_are_walked():
    inner = load("flow: inner\ntitle: Dedans\nlanguage: fr\nsteps:\n" + YES_NO.format("deep"), "i.yaml").flow
    outer = flow_of('- id: part\n  run: inner\n- when: part-deep == "no"\n  end: Non dedans.\n- say: Merci\n')
    walked = explore(link(outer, {"inner": inner}), TEXTS, "fr", "sms")
    assert {"Non dedans.", "Merci"} <= screens(walked)


# the citizen's place ----------------------------------------------------------------------------------------------
COMMUNE = "- id: q\n  ask: Votre commune ?\n  type: place\n"
LONGEST = {"fr": "Kasbat Sidi Abdellah Ben M'barek", "ar": "قصبة سيدي عبد الله بن مبارك"}


@pytest.mark.parametrize("language", LONGEST)
@pytest.mark.parametrize("bearer", ["ussd", "sms"])
def test_a_place_known_from_before_is_confirmed_with_the_longest_name(language, bearer):
    head = HEAD.replace("legal", "languages: [fr, ar]\nlegal")
    flow = flow_of(YES_NO.format("a") + COMMUNE + "- say: Merci\n", head)
    walked = explore(flow, TEXTS, language, bearer)
    confirmed = [node for node in walked.nodes if f"1 {LONGEST[language]}\n2 " in node.scene.pages[0]]
    assert confirmed
    kinds = {edge.reply.kind for node in confirmed for edge in node.edges}
    assert {"answer", "open", "unclear"} <= kinds, "confirmed, declined, not understood"
    assert walked.complete


def test_a_region_is_confirmed_by_who_lives_in_a_commune_of_it():
    walked = walk(
        COMMUNE.replace("place", "place\n  level: region") + "- go: q\n  when: not answered(q)\n- say: Merci\n"
    )
    assert "1 Tanger-Tétouan-Al Hoceima\n2 Autre lieu" in shown(walked)


def test_who_declines_the_known_place_reads_the_menus_to_their_end_and_back():
    flow = flow_of(COMMUNE + "- say: Merci\n")
    turn = step(flow, begin("fr", Inbound(bearer="ussd")), Inbound(bearer="ussd", event="start"), NOW, TEXTS)
    turn = replace(turn, conversation=replace(turn.conversation, place="02.411.01.23", consented=True))
    shown = []
    for text in ("1", "2", "3", "0", "Oulad Aissa", "0"):
        turn = step(flow, turn.conversation, Inbound(bearer="ussd", text=text), NOW, TEXTS)
        shown.append(turn.screens[0].text.split("\n")[1])
    confirm, regions, provinces, again, among, back = shown
    assert (confirm, regions) == ("1 Oujda", "Votre région ?")
    assert provinces.startswith("1 ")
    assert again == back == regions, "not the place that was declined"
    assert among.startswith("1 Oulad Aissa")


def test_the_worst_way_of_a_known_citizen_leads_past_the_place_that_was_not_meant():
    walked = walk(COMMUNE + "- say: Merci\n")
    assert walked.placed
    routes = Routes(walked, turns, walked.known, walked.placed)
    assert routes.cheapest().cost(turns) == 2
    assert routes.worst().cost(turns) == 1 + Routes(walked, turns, walked.known).worst().cost(turns)


# over both bearers ---------------------------------------------------------------------------------------------
ACROSS = "- id: a\n  ask: Quoi ?\n  type: text\n  by: sms\n" + YES_NO.format("b") + "- say: Merci\n"


def test_a_conversation_is_walked_from_ussd_to_sms():
    walked = walk(ACROSS, sms=True)
    left = next(node for node in walked.nodes if node.messages)
    assert (left.scene.pages, left.messages) == (("La suite vient par SMS. Répondez-y librement.",), ("Quoi ?",))
    assert (left.bearer, left.replied) == ("ussd", "sms")
    assert {node.bearer for node in walked.nodes if node.step == "b" or node.state.status == "done"} == {"sms"}
    assert not [node for node in walk(ACROSS).nodes if node.messages], "where no SMS can be sent"


def test_what_was_said_before_a_session_ends_is_never_cut():
    """Where it leaves no room on the last screen, it goes ahead of the question by SMS."""
    for words in ("Bien. ", "Merci de votre réponse, elle nous aide. " * 5):
        walked = walk(f"- say: {words}\n" + ACROSS, sms=True)
        left = next(node for node in walked.nodes if node.messages)
        (page,) = left.scene.pages
        assert page.endswith("La suite vient par SMS. Répondez-y librement.")
        assert (words.strip() in page) != (words.strip() in left.messages[0])


@pytest.mark.parametrize("language", ["fr", "ar", "zgh", "zgh-Latn"])
def test_the_last_screen_before_the_sms_is_one_page_in_every_language(language):
    assert fits(TEXTS.phrase("by_sms", language), Limits().gsm, Limits().ucs2)


# routes --------------------------------------------------------------------------------------------------------
BRANCH = (
    YES_NO.format("first")
    + '- when: first == "no"\n  end: Fin\n'
    + YES_NO.format("second")
    + "- id: mark\n  ask: Note ?\n  type: rating\n- say: Merci\n"
)


def turns(node, edge):
    return 1


def test_the_cheapest_the_usual_and_the_worst_way_are_named_by_their_answers():
    walked = walk(BRANCH, "sms")
    routes = Routes(walked, turns, walked.known)
    assert routes.cheapest().names == ["first: no"]
    assert routes.worst().names[:2] == ["first: yes", "second: yes"]
    assert routes.cheapest().cost(turns) == 2
    assert routes.worst().cost(turns) == 4
    assert routes.mean == pytest.approx(3), "half of the citizens end after one question"


def test_a_loop_is_walked_once():
    steps = YES_NO.format("mark") + YES_NO.format("again") + '- go: mark\n  when: again == "yes"\n- say: Merci\n'
    walked = walk(steps, "sms")
    routes = Routes(walked, turns, walked.known)
    assert routes.worst().cost(turns) == 3
    assert not trapped(walked)


def test_where_no_answer_leads_out_there_is_no_way():
    steps = YES_NO.format("a") + "- id: b\n  ask: Note ?\n  type: rating\n- go: b\n  when: b >= 1\n- say: Merci\n"
    walked = walk(steps)
    assert {node.step for node in trapped(walked)} >= {"b"}
    assert not Routes(walked, turns, walked.known).ends


def test_the_last_option_of_a_long_list_costs_its_pages():
    options = ", ".join(f"o{at}: Une option assez longue numéro {at}" for at in range(9))
    walked = walk(f"- id: q\n  ask: Lequel ?\n  type: choice\n  options: {{{options}}}\n")
    node = next(node for node in walked.nodes if node.step == "q" and not node.again)
    pages = [edge.reply.pages for edge in node.edges if edge.reply.kind == "answer"]
    assert pages[0] == 1
    assert pages[-1] == len(node.scene.pages) > 1
    assert pages == sorted(pages)
