"""What the engine works out once per flow version: the same for every citizen, and nothing of any one of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from flows.engine import step, take
from flows.home import home
from flows.known import ROOM
from flows.load import load
from flows.model import Text
from flows.types import Conversation, Inbound, Limits
from flows.walk import Walk
from locales.catalogue import Catalogues
from locales.phrases import PHRASES

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TEXTS = Catalogues()
HEAD = "flow: kept\ntitle: Essai\nlanguage: fr\nlanguages: [fr, ar]\nconsent: no\nsteps:\n"


def flow_of(steps):
    loaded = load(HEAD + steps)
    assert loaded.flow, loaded.problems
    return loaded.flow


def talk(flow, *replies, language="fr", place="", **inbound):
    """Return the last turn of a new citizen who gives these replies."""
    state = Conversation(id="1", bearer="ussd", language=language, place=place, started_at=NOON, updated_at=NOON)
    for text in (None, *replies):
        event = "start" if text is None else "reply"
        turn = step(flow, state, Inbound(bearer="ussd", event=event, text=text or "", **inbound), NOON, TEXTS)
        state = turn.conversation
    return turn


def shown(*arguments, **more):
    return talk(*arguments, **more).screens[-1].text


def kept(flow):
    return repr(flow.kept) + repr(flow.turns)


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


SHIPPED = [load(path.read_text()).flow for path in Path("flows/surveys").glob("*.yaml") if ".test." not in path.name]
MIXED = flow_of(
    "- {id: a, ask: A, type: yes_no}\n- {id: b, ask: 'B {a}', type: rating, when: 'a == \"yes\"'}\n- say: 'Vu {a}'\n"
    "- id: c\n  ask: C\n  type: choice\n  options: {x: {label: X, when: 'a == \"no\"'}, y: {label: Y, go: e}, z: Z}\n"
    "- {id: s, set: {k: 1}}\n- {id: d, ask: D, type: date}\n- {id: q, ask: Q, type: yes_no}\n"
    "- {id: p, ask: P, type: place, level: region}\n"
    "- {id: e, ask: E, type: nps, optional: yes, retries: 1, on_fail: skip}\n- {id: g, ask: G, type: yes_no}\n"
    "- {id: f, ask: F, type: choices, when: 'a == \"no\"', options: {x: X, y: Y}}\n- end: Fin\n"
)
MENU = flow_of(
    "- id: m\n  menu: M\n  options:\n    a: {label: A, say: Un}\n"
    "    b: {label: B, options: {c: {label: C, say: Deux}}}\n"
    "    d: {label: D, go: q}\n- {id: q, ask: Q, type: choices, options: {x: X, y: Y}}\n- say: x\n"
)
ASKED = replace(MIXED, consent=True, receipt="shown", languages=("fr", "ar", "zgh", "zgh-Latn"))
HOME = home([*SHIPPED, MIXED], ("fr", "ar", "zgh", "zgh-Latn"), Text("home_ask", PHRASES["home_ask"]))
REPLIES = st.sampled_from(
    [None, None, "0", "00", "1", "1", "2", "2", "3", "٢", "9", "12", "oui", "Rabat", "retour", ""]
)


@settings(max_examples=200, deadline=None)
@given(
    flow=st.sampled_from([*SHIPPED, MIXED, MENU, ASKED, HOME]),
    language=st.sampled_from(["", "fr", "ar"]),
    consented=st.booleans(),
    place=st.sampled_from(["", "04", "04.421."]),
    bearer=st.sampled_from(["ussd", "sms"]),
    ahead=st.sampled_from([(), (), ("1", "2")]),
    replies=st.lists(REPLIES, max_size=14),
    days=st.integers(0, 40),
)
def test_a_known_turn_is_the_one_that_the_engine_would_work_out(
    flow, language, consented, place, bearer, ahead, replies, days
):
    now = NOON + timedelta(days)
    state = Conversation(
        id="1", bearer=bearer, language=language, consented=consented, place=place, started_at=now, updated_at=now
    )
    for text in (None, *replies):
        event = "start" if text is None else "reply"
        inbound = Inbound(bearer=bearer, event=event, text=text or "", ahead=ahead if text is None else (), within="04")
        worked_out = take(Walk(flow, state, inbound, now, TEXTS))
        assert step(flow, state, inbound, now, TEXTS) == worked_out
        assert step(flow, state, inbound, now, TEXTS) == worked_out
        state = worked_out.conversation


def test_only_a_turn_without_anything_personal_is_kept():
    flow = flow_of(
        "- {id: a, ask: A, type: yes_no}\n- {id: b, ask: B, type: yes_no}\n- {id: c, ask: 'C {a}', type: yes_no}\n"
        "- {id: d, ask: D, type: yes_no}\n- {id: e, ask: E, type: yes_no, when: 'a == \"yes\"'}\n"
        "- {id: f, ask: F, type: text}\n- say: x\n"
    )
    talk(flow, "1", "1", "1", "1", "1", "Fatima")
    assert sorted(known.moved["at"] for known in flow.turns.values()) == [0, 1, 5]


def test_a_known_place_is_offered_to_its_own_citizen_alone():
    flow = flow_of("- {id: a, ask: A, type: yes_no}\n- {id: p, ask: P, type: place, level: region}\n- say: x\n")
    assert "Rabat-Salé-Kénitra" in shown(flow, "1", place="04").split("\n")[1]
    assert "Rabat-Salé-Kénitra" not in shown(flow, "1").split("\n")[1]


def test_what_is_kept_is_bounded():
    flow = flow_of("- {id: q, ask: Q, type: nps}\n- say: x\n")
    for gsm in range(100, 2 * ROOM):
        talk(flow, limits=Limits(gsm, 70))
    assert len(flow.turns) == ROOM


def test_a_citizen_who_refused_and_dials_again_is_not_taken_for_a_new_one():
    flow = load(
        (HEAD + "- {id: q, ask: Q, type: yes_no}\n- {id: r, ask: R, type: yes_no}\n- say: x\n").replace(
            "no\ns", "yes\ns"
        )
    ).flow
    assert talk(flow, "1", "1").conversation.status == "active"
    refused = talk(flow, "2").conversation
    for inbound in (Inbound(bearer="ussd", event="start"), *[Inbound(bearer="ussd", text="1")] * 2):
        worked_out = take(Walk(flow, refused, inbound, NOON, TEXTS))
        assert step(flow, refused, inbound, NOON, TEXTS) == worked_out
        refused = worked_out.conversation
