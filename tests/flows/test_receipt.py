"""Receipt numbers: short, checked, the same whenever asked, and shown where a citizen can keep them."""

from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_engine import Citizen, flow_of

from flows.check import check_all
from flows.encoding import fits, segments
from flows.load import load
from flows.receipt import LENGTH, LETTERS, SIGNS, read_receipt, receipt_number
from locales.catalogue import Catalogues

IDS = st.uuids().map(str)
FLOW = """\
flow: reports
version: 1
title: Signalement
language: fr
languages: [fr, ar]
consent: no
legal: {ground: consent}
receipt: RECEIPT
steps:
- id: urgent
  ask: {fr: Est-ce urgent ?, ar: هل الأمر مستعجل؟}
  type: yes_no
- id: detail
  ask: {fr: Racontez-nous., ar: احكوا لنا.}
  type: text
  by: sms
- say: {fr: Merci., ar: شكرا.}
"""
NUMBER = receipt_number("1")


def reports(receipt: str):
    return flow_of(FLOW.replace("RECEIPT", receipt))


# the number ----------------------------------------------------------------------------------------------------
@given(IDS)
def test_a_number_is_short_begins_with_a_letter_and_is_always_the_same(id: str) -> None:
    number = receipt_number(id)
    assert len(number) == LENGTH
    assert set(number) <= set(SIGNS)
    assert number[0] in LETTERS
    assert number == receipt_number(id) == read_receipt(number)


@given(IDS, st.integers(0, LENGTH - 1), st.sampled_from(SIGNS))
def test_one_wrong_sign_is_noticed(id: str, at: int, sign: str) -> None:
    number = receipt_number(id)
    wrong = number[:at] + sign + number[at + 1 :]
    assert (read_receipt(wrong) == "") == (wrong != number)


@given(IDS)
def test_two_signs_exchanged_are_noticed(id: str) -> None:
    number = receipt_number(id)
    for one, other in permutations(range(LENGTH), 2):
        signs = [*number]
        signs[one], signs[other] = signs[other], signs[one]
        assert read_receipt("".join(signs)) in ("", number)


@pytest.mark.parametrize("form", [str.lower, " ".join, lambda number: f"n° {number[:4]}-{number[4:]}"[3:]])
def test_a_number_is_read_however_it_is_written(form) -> None:
    assert read_receipt(form(NUMBER)) == NUMBER


@pytest.mark.parametrize("text", ["", "1234", "bonjour", "٣", NUMBER + "2", NUMBER[:-1], "AEIOUYAE"])
def test_what_is_no_number_is_not_taken_for_one(text: str) -> None:
    assert read_receipt(text) == ""


def test_numbers_hardly_ever_meet() -> None:
    numbers = {receipt_number(str(UUID(int=at))) for at in range(20_000)}
    assert len(numbers) == 20_000


# where it is shown ---------------------------------------------------------------------------------------------
def test_it_is_on_the_last_screen() -> None:
    citizen = Citizen(reports("yes")).start().reply("1", "La pompe est en panne")
    assert citizen.screen == f"Merci.\nNuméro de suivi : {NUMBER}"
    assert citizen.turn.messages == ()


def test_it_is_not_shown_unasked_nor_to_who_said_nothing() -> None:
    assert NUMBER not in Citizen(reports("no")).start().reply("1", "La pompe").screen
    empty = flow_of("flow: a\nlanguage: fr\nconsent: no\nreceipt: yes\nsteps:\n- say: Bonjour\n")
    assert NUMBER not in Citizen(empty).start().screen


def test_in_arabic_it_stands_on_a_line_of_its_own() -> None:
    lines = Citizen(reports("yes"), language="ar").start().reply("1", "المضخة معطلة").screen.split("\n")
    assert NUMBER in lines


def test_an_sms_carries_it_where_the_last_screen_is_ussd() -> None:
    citizen = Citizen(reports("sms"))
    citizen.send("start", sms=True).send("reply", "1", sms=True)
    citizen.bearer = "ussd"
    citizen.send("reply", "La pompe est en panne", sms=True)
    (words,) = citizen.turn.messages
    assert words == f"Signalement. Numéro de suivi : {NUMBER}. Gardez ce message."
    assert segments(words) == 1
    assert NUMBER in citizen.screen
    by_sms = Citizen(reports("sms"), bearer="sms").start().reply("1", "La pompe")
    assert by_sms.turn.messages == (), "who writes SMS has it in the last one"
    assert NUMBER in by_sms.screen


def test_where_an_sms_carries_it_no_screen_is_added_for_it() -> None:
    long = flow_of(FLOW.replace("RECEIPT", "sms").replace("Merci.", "Merci. " + "Nous lisons tout. " * 8))
    citizen = Citizen(long).send("start", sms=True).send("reply", "1", sms=True).send("reply", "La pompe", sms=True)
    assert NUMBER not in citizen.screen
    assert citizen.turn.ends
    assert fits(citizen.screen, 160, 70)


def test_a_text_may_hold_it_as_a_slot() -> None:
    named = FLOW.replace("RECEIPT", "no").replace("fr: Merci.,", 'fr: "Merci, {receipt}.",')
    named = named.replace("ar: شكرا.", 'ar: "{receipt}"').replace("Signalement", "{fr: Signalement, ar: تبليغ}")
    found = check_all([load(named.replace("consent: no\n", ""), "f.yaml")], Catalogues(), deep=True)
    assert [str(one) for one in found] == []
    assert Citizen(flow_of(named)).start().reply("1", "La pompe").screen == f"Merci, {NUMBER}."
    taken = FLOW.replace("RECEIPT", "no").replace("id: urgent", "id: receipt")
    assert [one.code for one in load(taken, "f.yaml").problems] == ["F207"]


# a long answer -------------------------------------------------------------------------------------------------
def test_a_long_answer_is_asked_by_sms_and_given_there() -> None:
    citizen = Citizen(reports("yes")).send("start", sms=True).send("reply", "1", sms=True)
    assert citizen.turn.ends
    assert citizen.screen == "La suite vient par SMS. Répondez-y librement."
    assert citizen.turn.messages == ("Racontez-nous.",)
    assert citizen.state.status == "active"
    citizen.bearer = "sms"
    told = "La pompe du douar est en panne depuis lundi. " * 9
    assert citizen.reply(told).screen.endswith(NUMBER)
    assert citizen.kept["detail"] == told.strip()


def test_where_no_sms_reaches_the_citizen_it_is_asked_by_ussd() -> None:
    citizen = Citizen(reports("yes")).start().reply("1")
    assert citizen.screen.startswith("Racontez-nous.")
    assert not citizen.turn.ends
