"""What the engine works out once per flow version: the same for every citizen, and nothing of any one of them."""

from datetime import UTC, datetime

from flows.engine import step
from flows.load import load
from flows.types import Conversation, Inbound, Limits
from locales.catalogue import Catalogues

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TEXTS = Catalogues()
HEAD = "flow: kept\ntitle: Essai\nlanguage: fr\nlanguages: [fr, ar]\nconsent: no\nsteps:\n"


def flow_of(steps):
    loaded = load(HEAD + steps)
    assert loaded.flow, loaded.problems
    return loaded.flow


def talk(flow, *replies, language="fr", **inbound):
    """Return the last turn of a new citizen who gives these replies."""
    state = Conversation(id="1", bearer="ussd", language=language, started_at=NOON, updated_at=NOON)
    for text in (None, *replies):
        event = "start" if text is None else "reply"
        turn = step(flow, state, Inbound(bearer="ussd", event=event, text=text or "", **inbound), NOON, TEXTS)
        state = turn.conversation
    return turn


def shown(*arguments, **more):
    return talk(*arguments, **more).screens[-1].text


def kept(flow):
    return repr(flow.kept)


def test_an_answer_in_a_question_is_shown_to_its_own_citizen_alone():
    flow = flow_of("- {id: name, ask: Nom ?, type: text}\n- {id: q, ask: 'Bonjour {name}', type: yes_no}\n- say: x\n")
    assert shown(flow, "Fatima").startswith("Bonjour Fatima")
    assert shown(flow, "Brahim").startswith("Bonjour Brahim")
    assert "Fatima" not in kept(flow)


def test_what_is_said_on_the_way_is_not_kept():
    flow = flow_of(
        "- {id: name, ask: Nom ?, type: text}\n- say: 'Merci {name}'\n- {id: q, ask: Q, type: yes_no}\n- say: x\n"
    )
    assert shown(flow, "Fatima").startswith("Merci Fatima\nQ")
    assert shown(flow, "Brahim").startswith("Merci Brahim\nQ")
    assert "Fatima" not in kept(flow)


def test_options_that_depend_on_an_answer_are_those_of_each_citizen():
    flow = flow_of(
        "- {id: a, ask: A, type: yes_no}\n- id: b\n  ask: B\n  type: choice\n"
        "  options: {x: {label: X, when: 'a == \"yes\"'}, y: Y, z: Z}\n- say: x\n"
    )
    assert shown(flow, "1") == "B\n1 X\n2 Y\n3 Z"
    assert shown(flow, "2") == "B\n1 Y\n2 Z"
    assert talk(flow, "1", "1").answers[0].value == "x"
    assert talk(flow, "2", "1").answers[0].value == "y"


def test_a_fallback_is_counted_for_every_citizen():
    flow = flow_of("- {id: q, ask: Une question sans traduction, type: yes_no}\n- say: x\n")
    events = [[one.kind for one in talk(flow, language="ar").events] for _ in range(3)]
    assert events == [["fallback"]] * 3


def test_each_language_and_size_of_screen_has_its_own():
    words = "{fr: Une question assez longue pour deux écrans, ar: سؤال}"
    flow = flow_of(f"- {{id: q, ask: {words}, type: yes_no}}\n- say: x\n")
    assert shown(flow).endswith("1 Oui\n2 Non")
    assert shown(flow, language="ar").startswith("سؤال")
    assert shown(flow, limits=Limits(40, 40)).endswith("0 Suite")
    assert shown(flow).endswith("1 Oui\n2 Non")


def test_a_number_means_the_same_the_second_time():
    flow = flow_of("- {id: q, ask: Q, type: choice, options: {x: X, y: Y}}\n- say: x\n")
    for _ in range(2):
        assert [one.value for one in talk(flow, "2").answers] == ["y"]
        assert [one.kind for one in talk(flow, "9").events] == ["unclear"]
        assert [one.value for one in talk(flow, "٢").answers] == ["y"]
