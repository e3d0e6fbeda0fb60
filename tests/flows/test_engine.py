"""The engine: what a citizen sees and what is kept, turn by turn. State is saved and read back between any two."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.encoding import fits
from flows.engine import step
from flows.load import load
from flows.types import Conversation, Inbound, Limits
from locales.catalogue import Catalogues

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TEXTS = Catalogues()
SHIPPED = [path for path in sorted(Path("flows/surveys").glob("*.yaml")) if ".test." not in path.name]


def flow_of(text):
    loaded = load(text, "test.yaml")
    assert loaded.flow, loaded.problems
    return loaded.flow


class Citizen:
    """Talks to one flow; keeps what was kept, as the store would."""

    def __init__(self, flow, language="fr", bearer="ussd", consented=True, **state):
        self.flow, self.bearer, self.now = flow, bearer, NOON
        self.state = Conversation(
            id="1", bearer=bearer, language=language, consented=consented, started_at=NOON, updated_at=NOON, **state
        )
        self.kept, self.events = {}, []

    def send(self, event, text="", **more):
        self.now += timedelta(seconds=20)
        saved = msgspec.json.decode(msgspec.json.encode(self.state), type=Conversation)
        turn = step(self.flow, saved, Inbound(bearer=self.bearer, event=event, text=text, **more), self.now, TEXTS)
        self.state, self.turn = turn.conversation, turn
        self.kept |= {answer.step: answer.value for answer in turn.answers}
        self.events += [(one.kind, one.detail) for one in turn.events]
        self.screen = turn.screens[-1].text if turn.screens else ""
        return self

    def start(self):
        return self.send("start")

    def reply(self, *texts):
        for text in texts:
            self.send("reply", text)
        return self


WATER = flow_of(Path("tests/data/flows/water.yaml").read_text())


def test_a_known_citizen_sees_the_first_question_at_once():
    citizen = Citizen(WATER).start()
    assert citizen.screen == "Avez-vous de l'eau au robinet chaque jour ?\n1 Oui\n2 Non"
    assert not citizen.turn.ends


def test_conditions_choose_the_way_and_answers_are_typed():
    citizen = Citizen(WATER).start().reply("2", "1")
    assert "Coupures" in citizen.screen
    assert citizen.reply("1", "Oujda").turn.ends
    assert citizen.kept == {"supply": "no", "satisfaction": 1, "problem": "cuts", "commune": "02.411.01.23"}
    assert citizen.state.status == "done"


def test_a_content_citizen_is_not_asked_for_a_problem():
    citizen = Citizen(WATER).start().reply("1", "5")
    assert "commune" in citizen.screen


def test_first_contact_asks_the_language_without_a_word_of_any_then_consent():
    citizen = Citizen(WATER, language="", consented=False).start()
    assert citizen.screen.splitlines() == ["1 العربية", "2 Tamazight", "3 Français"]
    citizen.reply("1")
    assert "1 " in citizen.screen
    assert ("language", "ar") in citizen.events
    citizen.reply("1")
    assert "هل" in citizen.screen or "Avez-vous" in citizen.screen
    assert ("consent", "") in citizen.events


def test_a_language_can_be_chosen_by_its_name():
    assert Citizen(WATER, language="", consented=False).start().reply("français").state.language == "fr"


def test_refusal_ends_and_keeps_nothing():
    citizen = Citizen(WATER, consented=False).start().reply("non")
    assert citizen.turn.ends
    assert citizen.state.status == "refused"
    assert citizen.kept == {}


def test_an_unclear_reply_is_asked_again_with_a_hint_and_never_guessed():
    citizen = Citizen(WATER).start().reply("peut-être")
    assert citizen.screen.startswith("Réponse non comprise.")
    assert "1 Oui" in citizen.screen
    assert citizen.kept == {}
    assert ("unclear", "supply") in citizen.events


def test_a_lost_conversation_is_continued_or_begun_again():
    lost = Citizen(WATER).start().reply("2")
    again = lost.start()
    assert "1 Continuer" in again.screen
    again.reply("1")
    assert "satisfait" in again.screen
    restarted = Citizen(WATER).start().reply("2").start().reply("2")
    assert "chaque jour" in restarted.screen
    assert ("restart", "") in restarted.events
    assert restarted.state.answers == {}


def test_back_asks_the_question_before_again_and_takes_its_answer_back():
    citizen = Citizen(WATER).start().reply("2", "retour")
    assert "chaque jour" in citizen.screen
    assert ("withdraw", "supply") in citizen.events
    assert citizen.state.answers == {}


def test_the_language_can_be_changed_in_the_middle():
    citizen = Citizen(flow_of(Path("flows/surveys/water.yaml").read_text())).start().reply("1", "langue")
    assert "1 العربية" in citizen.screen
    citizen.reply("1")
    assert "راضون" in citizen.screen
    assert citizen.state.answers == {"supply": "yes"}


def test_stop_ends_at_once_on_any_question():
    citizen = Citizen(WATER).start().reply("STOP")
    assert citizen.turn.ends
    assert ("stop", "") in citizen.events


def test_my_data_says_how_much_is_kept_and_goes_on():
    citizen = Citizen(WATER).start().send("reply", "mes données", kept=7)
    assert "7" in citizen.screen
    assert "chaque jour" in citizen.screen


OPTIONS = """
flow: f
version: 1
title: T
language: fr
steps:
- say: Bonjour.
- id: a
  ask: "A ?"
  type: choice
  options: {x: {label: Xylo, go: last}, y: Yuca}
- id: b
  ask: "B ?"
  type: integer
  min: 0
  max: 9
  optional: yes
  retries: 1
  on_fail: skip
- id: last
  ask: "C ?"
  type: text
  retries: 0
- end: Fini {a}.
"""


def test_an_option_leads_where_its_go_says_and_words_are_said_ahead():
    citizen = Citizen(flow_of(OPTIONS)).start()
    assert citizen.screen.startswith("Bonjour.\nA ?")
    assert "C ?" in citizen.reply("1").screen


def test_a_zero_that_may_be_an_answer_is_one_and_two_zeros_skip():
    citizen = Citizen(flow_of(OPTIONS)).start().reply("2")
    assert "00 Passer" in citizen.screen
    assert citizen.reply("0").kept["b"] == 0
    skipped = Citizen(flow_of(OPTIONS)).start().reply("2", "00")
    assert "C ?" in skipped.screen
    assert "b" not in skipped.kept


def test_retries_end_by_skipping_or_by_leaving():
    citizen = Citizen(flow_of(OPTIONS)).start().reply("2", "beaucoup")
    assert "B ?" in citizen.screen
    assert "C ?" in citizen.reply("vraiment").screen
    left = citizen.reply("")
    assert left.turn.ends
    assert left.state.status == "failed"


def test_slots_are_filled_with_the_label_chosen():
    assert Citizen(flow_of(OPTIONS)).start().reply("2", "3", "oui, ici").screen == "Fini Yuca."


def test_a_reply_that_may_mean_several_options_is_asked_again_among_those():
    flow = flow_of(OPTIONS.replace("y: Yuca", "y: Yuca, c: Route courte, d: Route droite"))
    citizen = Citizen(flow).start().reply("route")
    assert citizen.screen == "A ?\n1 Route courte\n2 Route droite\n0 Retour"
    assert ("unclear", "a") in citizen.events
    assert "1 Xylo" in citizen.reply("0").screen
    assert citizen.reply("rou", "2").kept == {"a": "d"}


def test_a_menu_informs_at_any_depth_and_goes_back():
    flow = flow_of(Path("flows/surveys/services.yaml").read_text())
    citizen = Citizen(flow, bearer="sms", consented=False).start().reply("1", "2")
    assert "état civil" in citizen.screen
    assert "2 Acte de naissance" in citizen.reply("0").screen
    assert "2 Santé" in citizen.reply("0").screen
    assert citizen.kept == {}
    assert ("look-up", "service/papers/birth") in citizen.events


def test_last_words_too_long_for_one_screen_go_on_with_zero():
    citizen = Citizen(flow_of(OPTIONS.replace("Fini {a}.", "Merci. " * 40))).start().reply("1", "oui")
    assert citizen.screen.endswith("0 Suite")
    assert not citizen.turn.ends
    assert citizen.state.open
    assert citizen.state.status == "done"
    citizen.reply("0")
    assert citizen.turn.ends
    assert not citizen.state.open


def test_a_place_is_found_through_the_menus_of_the_gateways_region():
    citizen = Citizen(WATER).start().reply("1")
    citizen.send("reply", "5", within="02")
    assert citizen.screen.startswith("Votre commune ?\nVotre province ?\n1 Berkane")
    citizen.send("reply", "1", within="02")
    citizen.send("reply", "1", within="02")
    assert citizen.kept["commune"].startswith("02.113")
    assert citizen.state.place == citizen.kept["commune"]


def test_an_ambiguous_name_is_offered_as_a_short_menu():
    citizen = Citizen(WATER, bearer="sms").start().reply("1", "5", "Sidi Bou")
    assert "De quel lieu" in citizen.screen
    first = citizen.screen.splitlines()[1].split(maxsplit=1)[1]
    code = citizen.reply("1").kept["commune"]
    assert TEXTS.places.get(code).name("fr") == first


def test_places_of_one_name_are_told_apart_in_the_menu_of_candidates():
    citizen = Citizen(WATER, bearer="sms").start().reply("1", "5", "oulad aissa")
    options = citizen.screen.splitlines()[1:-1]
    assert options == ["1 Oulad Aissa (El Jadida)", "2 Oulad Aissa (Taroudannt)", "3 Oulad Aissa (Khouribga)"]
    assert citizen.reply("2").kept["commune"].startswith("09.541.")


def test_a_name_that_a_hundred_places_begin_with_makes_a_short_menu_and_may_be_written_out():
    citizen = Citizen(WATER, bearer="sms").start().reply("1", "5", "Sidi")
    assert len(citizen.screen.splitlines()) == 1 + 9 + 1
    assert TEXTS.places.get(citizen.reply("Sidi Amar").kept["commune"]).name("fr") == "Sidi Amar"


LISTED = flow_of(
    "flow: one\ntitle: Un\nlanguage: fr\nsteps:\n- {id: where, ask: Où ?, type: place}\n"
    "- {id: people, ask: Combien ?, type: integer}\n"
    "- {id: uses, ask: Quoi ?, type: choices, options: {tap: Robinet, well: Puits, truck: Citerne}}\n"
    "- {id: mark, ask: Note ?, type: rating}\n- {id: why, ask: Pourquoi ?, type: text}\n"
)


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (
            "Oujda 7 1,3 4 tout va bien merci",
            {"people": 7, "uses": ["tap", "truck"], "mark": 4, "why": "tout va bien merci"},
        ),
        ("svp Oujda ; 7 ; 13 | 4 ; bien", {"people": 7, "uses": ["tap", "truck"], "mark": 4, "why": "bien"}),
        ("Oujda, 7 svp 2 merci 4. bien", {"people": 7, "uses": ["well"], "mark": 4, "why": "bien"}),
        ("وجدة ٧ ٢ ٤ شكرا", {"people": 7, "uses": ["well"], "mark": 4, "why": "شكرا"}),
        ("Oujda 7 1, 3 4 bien", {"people": 7}),
        ("Oujda 7 1 , 3 4 bien", {"people": 7}),
        ("Oujda 7 1 et 3 4 bien", {"people": 7}),
        ("Oujda 7 1 - 3 4 bien", {"people": 7, "uses": ["tap"]}),
        ("Oujda sept deux quatre ça va", {"people": 7, "uses": ["well"], "mark": 4, "why": "ça va"}),
        ("Oujda 7.5 1 4 bien", {}),
    ],
)
def test_one_sms_is_taken_as_far_as_nobody_could_mean_anything_else(words, kept):
    citizen = Citizen(LISTED, bearer="sms")
    citizen.send("start", ahead=tuple(words.split()))
    assert citizen.kept == {"where": "02.411.01.23", **kept}


def test_what_an_sms_leaves_open_is_asked_among_the_candidates():
    citizen = Citizen(LISTED, bearer="sms")
    citizen.send("start", ahead=("Oulad", "Aissa", "7"))
    assert citizen.screen.startswith("De quel lieu parlez-vous ?\n1 Oulad Aissa (El Jadida)")
    assert citizen.reply("3").kept["where"].startswith("05.311.")
    assert citizen.screen == "Combien ?", "the rest was let go"
    citizen = Citizen(LISTED, bearer="sms")
    citizen.send("start", ahead=("merci",))
    assert "non comprise" not in citizen.screen, "nothing was said that could be misunderstood"


def test_a_drop_changes_nothing_and_shows_nothing():
    citizen = Citizen(WATER).start()
    before = citizen.state
    citizen.send("drop")
    assert citizen.turn.screens == ()
    assert msgspec.structs.replace(citizen.state, updated_at=before.updated_at) == before


REPLIES = st.one_of(
    st.sampled_from(
        ["1", "2", "3", "0", "00", "oui", "لا", "Oujda", "وجدة", "retour", "langue", "aide", "5", "٣", "1 2"]
    ),
    st.text(max_size=20),
)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
@settings(max_examples=30, deadline=None)
@given(
    language=st.sampled_from(["fr", "ar", "zgh", ""]),
    bearer=st.sampled_from(["ussd", "sms"]),
    replies=st.lists(REPLIES, max_size=25),
)
def test_whatever_is_replied_each_screen_fits_and_the_same_turn_comes_twice(path, language, bearer, replies):
    flow = flow_of(path.read_text())
    citizen = Citizen(flow, language, bearer, consented=bool(language)).start()
    for text in replies:
        if not citizen.state.open:
            break
        before = citizen.state
        citizen.send("reply", text)
        assert citizen.screen
        assert bearer == "sms" or fits(citizen.screen, Limits().gsm, Limits().ucs2)
        inbound = Inbound(bearer=bearer, event="reply", text=text)
        assert step(flow, before, inbound, citizen.now, TEXTS) == citizen.turn
        assert citizen.turn.ends == (not citizen.state.open)
