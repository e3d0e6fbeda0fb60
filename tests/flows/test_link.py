"""Sub-flows and set values: a flow that runs another asks its questions as its own."""

from datetime import UTC, datetime

import pytest

from flows.engine import step
from flows.link import LinkError, link
from flows.load import load
from flows.types import Conversation, Inbound
from locales.catalogue import Catalogues

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TEXTS = Catalogues()

HOUSE = """
flow: house
title: Maison
language: fr
steps:
- id: rooms
  ask: Combien de pièces ?
  type: integer
- when: rooms == 0
  end: Pas de maison, pas de question.
- id: well
  when: rooms > 3
  ask: Un puits ?
  type: yes_no
- say: "Maison : {rooms} pièces."
"""
MAIN = """
flow: main
title: Principal
language: fr
steps:
- set: {kind: rural, level: 2}
- id: name
  ask: Votre douar ?
  type: text
- id: home
  run: house
  when: kind == "rural" and level > 1
- id: last
  when: home-rooms > 1
  ask: "{name} ({kind}) : content ?"
  type: yes_no
- end: Fini.
"""


def flows(*texts):
    found = {}
    for text in texts:
        loaded = load(text, "t.yaml")
        assert loaded.flow, loaded.problems
        found[loaded.flow.id] = loaded.flow
    return found


def talk(flow, *replies):
    state = Conversation(id="1", bearer="sms", language="fr", consented=True, started_at=NOW, updated_at=NOW)
    turn = step(flow, state, Inbound(bearer="sms", event="start"), NOW, TEXTS)
    seen, kept = [turn.screens[-1].text], {}
    for text in replies:
        turn = step(flow, turn.conversation, Inbound(bearer="sms", text=text), NOW, TEXTS)
        seen.append(turn.screens[-1].text)
        kept |= {answer.step: answer.value for answer in turn.answers}
    return seen, kept


def linked(main=MAIN, house=HOUSE):
    known = flows(main, house)
    return link(known["main"], known)


def test_a_sub_flow_asks_its_questions_and_goes_on():
    seen, kept = talk(linked(), "Aït Ali", "4", "oui", "oui")
    assert seen[1] == "Combien de pièces ?"
    assert seen[2].startswith("Un puits ?")
    assert seen[3].startswith("Maison : 4 pièces.\nAït Ali (rural) : content ?")
    assert seen[4] == "Fini."
    assert kept == {"name": "Aït Ali", "home-rooms": 4, "home-well": "yes", "last": "yes"}


def test_the_end_of_a_sub_flow_goes_on_after_it():
    seen, _ = talk(linked(), "Aït Ali", "0")
    assert seen[2] == "Pas de maison, pas de question.\nFini."


def test_values_that_were_set_are_no_answers_and_decide():
    seen, kept = talk(linked(MAIN.replace("kind: rural", "kind: urban")), "Fès")
    assert seen[1] == "Fini."
    assert kept == {"name": "Fès"}


def test_a_flow_without_sub_flows_is_left_as_it_is():
    known = flows(HOUSE)
    assert link(known["house"], known) is known["house"]


def test_a_missing_sub_flow_and_a_circle_are_refused_with_the_remedy():
    with pytest.raises(LinkError, match="'house' that 'main' runs does not exist"):
        link(flows(MAIN)["main"], {})
    circle = HOUSE + "- id: again\n  run: main\n"
    with pytest.raises(LinkError, match="main → house → main' runs in a circle"):
        linked(house=circle)


def test_a_jump_to_a_run_arrives_at_its_first_question():
    main = MAIN.replace("- id: last", "- id: again\n  when: home-rooms == 1\n  go: home\n- id: last")
    seen, _ = talk(linked(main), "Aït Ali", "1")
    assert seen[2].endswith("Combien de pièces ?")
