"""Conversation tests: they see what a citizen sees, and fail where the flow does something else."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from flows.load import load
from gateway.conversation import Conversations
from gateway.talk import script
from gateway.talk.run import run
from gateway.talk.talker import Talker
from locales.catalogue import Catalogues

TEXTS = Catalogues()
WATER = load(Path("tests/data/flows/water.yaml").read_text(), "water.yaml").flow
SURVEYS = sorted(Path("flows/surveys").glob("*.test.yaml"))
CONTRACT = """
flow: water
tests:
- name: an unhappy citizen names the problem
  language: fr
  bearer: ussd
  talk:
  - start
  - see: chaque jour
  - reply: "2"
  - reply: "1"
  - see: [Coupures, Prix]
  - drop
  - start
  - see: "1"
  - reply: "1"
  - reply: "1"
  answers: {supply: "no", satisfaction: 1, problem: cuts}
"""


def runs(text, flow=WATER):
    return list(run(script.read(text, "t.test.yaml"), {flow.id: flow}, TEXTS))


def talk(*lines, head="language: fr\n  bearer: ussd", answers=""):
    body = "\n".join(f"  - {line}" for line in lines)
    return f"flow: water\ntests:\n- name: t\n  {head}\n  talk:\n{body}\n{answers}"


def failure(*lines, **more):
    (only,) = runs(talk(*lines, **more))
    return only.failure


@pytest.mark.parametrize("path", SURVEYS, ids=lambda path: path.stem)
def test_the_shipped_flows_pass_their_own_conversations(path):
    flow = load(path.with_name(path.name.replace(".test", "")).read_text(), path.name).flow
    assert [one for one in runs(path.read_text(), flow) if one.failure] == []


def test_the_example_of_the_flow_language_passes():
    (only,) = runs(CONTRACT)
    assert only.failure is None


def test_a_test_runs_in_every_language_and_over_both_bearers_unless_it_says_otherwise():
    found = runs(talk("start", head="citizen: known"))
    assert {(one.language, one.bearer) for one in found} == {
        (language, bearer) for language in WATER.languages for bearer in ("ussd", "sms")
    }


def test_what_is_not_on_the_screen_fails_with_the_line_and_the_screen():
    wrong = failure("start", "see: Bonsoir")
    assert wrong.line == 8
    assert "'Bonsoir' is not on the screen" in wrong.message
    assert "1 Oui" in wrong.message


def test_what_must_not_be_seen_fails():
    assert failure("start", "unseen: chaque jour").line == 8


def test_another_answer_than_expected_fails():
    wrong = failure("start", 'reply: "1"', answers='  answers: {supply: "no"}')
    assert "'yes' was kept, expected 'no'" in wrong.message


def test_an_answer_that_must_not_be_there_fails():
    wrong = failure("start", 'reply: "1"', answers="  answers: {supply: }")
    assert "'yes' was kept" in wrong.message


def test_an_end_that_does_not_come_fails_and_so_does_a_reply_after_it():
    assert "goes on" in failure("start", "end").message
    assert "is over" in failure("start", "reply: STOP", 'reply: "1"').message


def test_time_passes_only_when_told():
    assert failure("start", 'reply: "1"', "drop", "wait: 23h", "start", "see: Continuer") is None
    assert failure("start", 'reply: "1"', "drop", "wait: 25h", "start", "see: chaque jour") is None


def test_a_conversation_crosses_bearers():
    assert failure("start", 'reply: "1"', "bearer: sms", 'reply: "5"', "see: commune") is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (talk("start", "sees: x"), "8: TEST: unknown line 'sees'. Did you mean 'see'?"),
        (talk("start", "wait: soon"), "8: TEST: 'soon' is no duration."),
        ("flow: water\ntests: none", "2: TEST: there are no tests."),
        (talk("start", head="lang: fr"), "unknown key 'lang'. Did you mean 'language'?"),
        (talk("start", head="bearer: ivr"), "unknown bearer 'ivr'. Use ussd or sms."),
        ("flow: water\n  tests: [", "F"),
    ],
)
def test_a_test_that_cannot_be_read_says_where_and_what_to_do(text, wrong):
    with pytest.raises(script.ScriptError) as refused:
        script.read(text, "t.test.yaml")
    assert wrong in str(refused.value)
    assert str(refused.value).startswith("t.test.yaml:")


def test_an_unknown_flow_is_a_failure_not_a_crash():
    (only,) = runs(CONTRACT.replace("flow: water", "flow: fire"))
    assert "no flow 'fire'" in only.failure.message


def test_a_talker_without_a_language_is_met_for_the_first_time():
    talker = Talker([WATER], TEXTS)
    talker.start()
    assert "العربية" in talker.screen
    talker.reply("3")
    assert "avis" in talker.screen


def test_a_late_repeat_of_something_older_changes_nothing_and_the_phone_shows_what_it_showed():
    assert failure("start", 'reply: "1"', 'reply: "5"', "late", "see: commune", 'unseen: "De 1 à 5"') is None
    assert failure("late").message.startswith("nothing was sent that could be delivered again")
    assert failure("start", "late").message.startswith("nothing was sent that could be delivered again")


def test_a_repeat_that_is_not_recognised_fails(monkeypatch):
    take = Conversations.take
    forget = iter(range(100))
    monkeypatch.setattr(
        Conversations,
        "take",
        lambda self, channel, received: take(self, channel, replace(received, external_id=str(next(forget)))),
    )
    assert "its own reply" in failure("start", 'reply: "1"', "repeat").message


def test_a_message_that_was_on_its_way_answers_the_question_that_is_open():
    sms = "language: fr\n  bearer: sms"
    late = ("start", 'reply: "1"', 'late: "1"', "see: [Coupures, Prix]")
    assert failure(*late, head=sms) is None
    lost = ("start", 'reply: "1"', "drop", "start", 'late: "1"', "see: Continuer")
    assert failure(*lost) is None, "a lost session's answer is shown by no phone"


def test_segments_are_counted_for_a_message_and_for_the_whole_conversation():
    lines = ("start", "segments: 1", "reply: STOP", "segments: 1")
    sms = "language: fr\n  bearer: sms"
    assert failure(*lines, head=sms, answers="  segments: 2") is None
    assert "takes 2 segments, expected 3" in failure(*lines, head=sms, answers="  segments: {fr: 3}").message
    wrong = failure("start", "segments: 4", head=sms)
    assert (wrong.line, wrong.message) == (8, "this message takes 1 segments, expected 4")
    assert failure("start", "segments: 4", answers="  segments: 9") is None, "a USSD session has no segments"


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("see", "'see' says nothing. Write `- see: …`."),
        ("drop: now", "'drop' takes no words. Write `- drop`."),
        ("bearer: ivr", "unknown bearer 'ivr'"),
        ("segments: two", "'two' is no number of segments"),
        ("see: {fr: a, arr: b}", "'arr' is no language. Did you mean 'ar'?"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused_where_it_stands(line, wrong):
    with pytest.raises(script.ScriptError) as refused:
        script.read(talk("start", line), "t.test.yaml")
    assert f"t.test.yaml:8: TEST: {wrong}" in str(refused.value)


def test_a_reply_that_is_not_written_for_a_language_fails():
    found = runs(talk("start", "reply: {fr: oui}", head="citizen: known\n  bearer: ussd"))
    assert {one.language for one in found if one.failure} == {"ar", "zgh"}
