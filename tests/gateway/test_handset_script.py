"""Tamazight on a phone that shows boxes: one question, asked once, and the Latin letters from then on."""

from flows.load import load
from gateway.library import Library
from gateway.talk.talker import Talker
from locales.catalogue import Catalogues
from storage.memory import MemoryStore

TEXTS = Catalogues()
FLOW = """\
flow: tea
version: 1
title: Eau
language: fr
languages: [fr, ar, zgh, zgh-Latn]
provisional: [zgh, zgh-Latn]
keywords: [THE]
consent: no
steps:
- id: need
  ask: Quel besoin ?
  type: choice
  options: {water: Eau, health: Santé}
"""


def talker(bearer="ussd", text=FLOW):
    return Talker([load(text).flow], TEXTS, opens="tea", bearer=bearer)


def chosen(reply):
    phone = talker()
    phone.start()
    phone.reply("2")
    asked = phone.screen
    phone.reply(reply)
    return asked, phone


def language(phone):
    return phone.store.dialogue("talk", "", phone.citizen).citizen.language


def test_who_sees_the_sign_reads_tifinagh():
    asked, phone = chosen("1")
    assert asked == "ⵣ\nهل ترون هذا الحرف؟\n1 yah\n2 uhu"
    assert "1 ⴰⵎⴰⵏ" in phone.screen
    assert language(phone) == "zgh"


def test_who_sees_a_box_reads_latin_letters_and_is_not_asked_again():
    for reply in ("2", "uhu", "لا", "non"):
        _, phone = chosen(reply)
        assert "1 aman" in phone.screen
        assert language(phone) == "zgh-Latn"
    phone.reply("1")
    assert phone.ended
    phone.start()
    assert "1 aman" in phone.screen


def test_an_unclear_reply_is_asked_again_and_a_lost_session_begins_with_the_menu():
    asked, phone = chosen("bof")
    assert phone.screen == asked
    phone.drop()
    phone.start()
    assert "العربية" in phone.screen


def test_help_comes_back_to_the_question():
    _, phone = chosen("aide")
    assert phone.screen.startswith("STOP")
    while "ⵣ" not in phone.screen:
        phone.reply("0")
    phone.reply("1")
    assert "ⴰⵎⴰⵏ" in phone.screen


def test_the_language_can_be_changed_later():
    _, phone = chosen("2")
    phone.reply("LANGUE")
    phone.reply("2")
    phone.reply("1")
    assert language(phone) == "zgh"


def test_where_no_latin_letters_are_offered_nothing_is_asked():
    phone = talker(text=FLOW.replace(", zgh-Latn]", "]"))
    phone.start()
    phone.reply("2")
    assert "ⴰⵎⴰⵏ" in phone.screen


def test_a_gateway_that_offers_latin_letters_has_them_for_every_flow_in_tifinagh():
    flow = load(FLOW.replace(", zgh-Latn]", "]")).flow
    library = Library(MemoryStore(), ("fr", "ar", "zgh", "zgh-Latn"))
    library.serve([flow])
    assert library.flows["tea"].languages == ("fr", "ar", "zgh", "zgh-Latn")
    library = Library(MemoryStore(), ("fr", "zgh"))
    library.serve([flow])
    assert library.flows["tea"].languages == ("fr", "zgh")
