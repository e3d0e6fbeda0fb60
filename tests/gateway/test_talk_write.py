"""Conversation tests that the program writes: recorded talks, and `see` lines brought up to date."""

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import AwalError
from flows.load import load
from gateway.talk import script
from gateway.talk.run import run
from gateway.talk.write import Recording, added, quoted, refreshed
from locales.catalogue import Catalogues

TEXTS = Catalogues()
FLOW = """\
flow: tea
version: 1
title: {fr: Le thé, ar: الشاي}
language: fr
languages: [fr, ar]
keywords: [THE]
consent: no
steps:
- id: sugar
  ask: {fr: Du sucre ?, ar: سكر؟}
  type: yes_no
- say: {fr: Merci., ar: شكرا.}
"""
TESTS = """\
flow: tea
tests:
# why this test is here
- name: sweet
  talk:
  - start
  - see: {seen}
  - reply: "1"
  - end
"""


def flows():
    flow = load(FLOW).flow
    return {flow.id: flow}


def update(text: str):
    return refreshed(text, list(run(script.read(text, "t"), flows(), TEXTS)), "t.test.yaml")


def test_a_recorded_talk_passes_as_a_test(awal, tmp_path: Path) -> None:
    (tmp_path / "tea.yaml").write_text(FLOW)
    tests = tmp_path / "tea.test.yaml"
    played = awal("play", tmp_path / "tea.yaml", "--language", "fr", "--record", tests, stdin="/drop\n/start\nbof\n1\n")
    assert played.code == 0
    again = awal(
        *("play", tmp_path / "tea.yaml", "--bearer", "sms", "--record", tests, "--name", "new: here"),
        stdin="2\n/late\n/repeat\n2\n/wait 2h\n",
    )
    assert again.code == 0
    one, two = script.read(tests.read_text(), "t")
    assert (one.name, one.answers) == ("tea, played", {"sugar": "yes"})
    assert [line.action for line in one.talk][:5] == ["start", "see", "drop", "start", "see"]
    assert (two.name, two.new_citizen, two.bearers) == ("new: here", True, ("sms",))
    assert [line.action for line in two.talk if line.action not in ("see", "end")][:4] == [
        "start",
        "reply",
        "late",
        "repeat",
    ]
    assert awal("test", tests).code == 0


def test_a_talk_from_ussd_to_sms_is_shown_recorded_and_played_again(awal, tmp_path: Path) -> None:
    asked = "receipt: sms\nsteps:\n- {id: why, ask: {fr: Racontez., ar: احكوا.}, type: text, by: sms}\n"
    (tmp_path / "tea.yaml").write_text(FLOW.replace("steps:\n", asked))
    tests = tmp_path / "tea.test.yaml"
    talk = "une longue histoire\n/bearer sms\nune longue histoire\n/bearer ussd\n/start\n1\n1\n"
    played = awal("play", tmp_path / "tea.yaml", "--language", "fr", "--record", tests, stdin=talk)
    assert "La suite vient par SMS. Répondez-y librement.\n\nSMS: Racontez.\n" in played.out
    assert "/bearer sms goes on by SMS" in played.err
    assert "\nSMS: Le thé. Numéro de suivi : " in played.out
    told = awal("test", tests)
    assert told.code == 0, told.out  # its receipt number is the same in each run


def test_a_recording_goes_to_the_end_of_the_list_of_tests() -> None:
    recording = Recording("tea", "second", "fr", "ussd")
    recording.did("start")
    head, _, tests = TESTS.replace("{seen}", "Du").partition("tests:\n")
    indented = f"{head}tests:\n{textwrap.indent(tests, '    ')}"
    text = added(indented, recording, {}, "t")
    assert [one.name for one in script.read(text, "t")] == ["sweet", "second"]
    assert text.startswith(indented)


def test_a_recording_does_not_spoil_a_file_of_another_kind() -> None:
    recording = Recording("tea", "second", "fr", "ussd")
    recording.did("start")
    with pytest.raises(AwalError, match="another flow"):
        added(TESTS.replace("flow: tea", "flow: coffee").replace("{seen}", "Du"), recording, {}, "t")
    with pytest.raises(AwalError, match="Name another file"):
        added("tests: [{name: a, talk: [start]}]\nflow: tea\n", recording, {}, "t")


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30))
def test_words_are_quoted_so_that_they_read_back(words: str) -> None:
    said = f"  - reply: {quoted(words, always=True)}\n  - see: [{quoted(words)}, x]\n"
    text = f"flow: f\ntests:\n- name: n\n  talk:\n  - start\n{said}"
    (only,) = script.read(text, "t")
    assert only.talk[1].words == (words,)
    assert only.talk[2].words == (words, "x")


def test_words_that_changed_are_written_anew_and_nothing_else() -> None:
    text = TESTS.replace("{seen}", '{fr: ["Du miel ?", "1 Oui"], ar: سكر}  # the question')
    new = update(text)
    assert new.text == text.replace("Du miel ?", "Du sucre ?")
    assert new.changed == 1


def test_words_become_a_map_where_the_languages_differ() -> None:
    new = update(TESTS.replace("{seen}", "Du miel ?"))
    assert '- see: {fr: "Du sucre ?", ar: سكر؟}\n' in new.text
    assert [one.failure for one in run(script.read(new.text, "t"), flows(), TEXTS)] == [None] * 4
    assert "# why this test is here" in new.text


COUNTED = """\
flow: tea
tests:
- name: sweet
  bearer: sms
  talk:
  - start
  - segments: 3  # the question
  - reply: "1"
  - sms:
      - Adieu
  - segments: {fr: 1, ar: 7}
  segments: 9
"""


def test_segments_and_the_last_sms_are_written_anew() -> None:
    new = update(COUNTED)
    assert new.text == COUNTED.replace("segments: 3", "segments: 1").replace("ar: 7", "ar: 1").replace(
        "segments: 9", "segments: 2"
    ).replace("- Adieu", "{fr: Merci., ar: شكرا.}")
    assert (new.changed, new.left) == (4, ())
    assert update(new.text).text == new.text
    assert all(one.failure is None for one in run(script.read(new.text, "t"), flows(), TEXTS))


def test_segments_become_a_map_where_the_languages_differ() -> None:
    long = FLOW.replace("شكرا.", "شكرا جزيلا لكم على هذا الجواب. " * 3)
    (one,) = [load(long).flow]
    text = "flow: tea\ntests:\n- name: a\n  bearer: sms\n  talk:\n  - start\n  - reply: '1'\n  - segments: 1\n"
    new = refreshed(text, list(run(script.read(text, "t"), {one.id: one}, TEXTS)), "t")
    assert new.text == text.replace("segments: 1", "segments: {fr: 1, ar: 2}")


def test_a_test_with_other_segments_says_so_and_goes_on() -> None:
    first, *_ = run(script.read(COUNTED.replace("sms: Adieu", "sms: Merci"), "t"), flows(), TEXTS)
    assert (first.failure.line, first.failure.message) == (7, "this message takes 1 segments, expected 3")
    assert [one.found for one in first.counts] == [1, 1, 2]


def test_what_still_matches_stays() -> None:
    text = TESTS.replace("{seen}", "{fr: Du, ar: سكر}")
    assert update(text).text == text


def test_what_the_bearers_show_otherwise_is_left_to_the_author() -> None:
    menu = (
        "- id: list\n  ask: Liste\n  type: choice\n  options: {"
        + ", ".join(f"o{at}: Une option assez longue {at}" for at in range(9))
        + "}\n"
    )
    long = load(FLOW.replace("languages: [fr, ar]\n", "").replace("steps:\n", "steps:\n" + menu)).flow
    assert long
    text = "flow: tea\ntests:\n- name: t\n  talk:\n  - start\n  - see: 8 Une option assez courte 7\n"
    runs = list(run(script.read(text, "t"), {"tea": long}, TEXTS))
    new = refreshed(text, runs, "t.test.yaml")
    assert new.text == text
    assert new.left
    assert new.left[0].startswith("t.test.yaml:6: TEST:")


def test_the_command_shows_a_difference_and_writes_only_when_asked(awal, tmp_path: Path) -> None:
    (tmp_path / "tea.yaml").write_text(FLOW)
    tests = tmp_path / "tea.test.yaml"
    tests.write_text(TESTS.replace("{seen}", "Du miel ?"))
    before = tests.read_text()
    assert awal("test", tests).code == 1
    assert tests.read_text() == before
    told = awal("test", "--update", tests)
    assert told.code == 0
    assert "-  - see: Du miel ?" in told.err
    assert '+  - see: {fr: "Du sucre ?"' in told.err
    assert awal("test", tests).code == 0
