"""The phone of the first page in a real browser, through the real webhooks, to what is kept in the store."""

from __future__ import annotations

from typing import Any

import pytest
from simulated_phone import WAIT, Gateway, Phone

from gateway.project import Project

FLOWS = {
    "health": ("SANTE", ["1", "5", "10", "1", "0", "Oujda"]),
    "needs": ("BESOIN", ["1", "2", "1", "1", "Une piste à refaire", "Oujda"]),
    "services": ("SERVICE", ["2", "2", "1"]),
    "water": ("EAU", ["1", "5", "Oujda"]),
}
KEPT: dict[str, dict[str, Any]] = {
    "health": {"visited": "yes", "satisfaction": 5, "wait": 10, "medicine": "yes", "commune": "02.411.01.23"},
    "needs": {"first": "water", "urgency": "now", "commune": "02.411.01.23"},
    "services": {},
    "water": {"supply": "yes", "satisfaction": 5, "commune": "02.411.01.23"},
}
KEYS = {"ar": "1", "zgh": "2", "fr": "3"}
THANKS = {"fr": "Merci", "ar": "شكرا", "zgh": "شكرا"}
MORE = ("0 Suite", "0 المزيد", "0 ⵓⴳⴳⴰⵔ")
CASES = [(flow, language) for flow in FLOWS for language in KEYS]


def kept(gateway: Gateway, number: str) -> dict[str, Any]:
    """Return what the store holds of a citizen."""
    with Project(gateway.project, readonly=True) as project:
        citizen = project.phones.pseudonym(number)
        return {row.step: row.value for row in project.store.answers() if row.citizen == citizen}


def number_of(phone: Phone) -> str:
    return str(phone.page.input_value("#number"))


def into_water(phone: Phone, language: str = "fr") -> str:
    """Dial, choose the language and the water flow, and agree."""
    phone.dial()
    phone.reply(KEYS[language])
    phone.reply("4")
    return phone.reply("1")


@pytest.mark.parametrize(("flow", "language"), CASES)
def test_each_flow_is_completed_by_ussd(phone: Phone, flow: str, language: str) -> None:
    assert "3 Français" in phone.dial("*212#")
    phone.reply(KEYS[language])
    phone.reply(str(list(FLOWS).index(flow) + 1))
    if flow != "services":
        phone.reply("1")
    for text in FLOWS[flow][1]:
        shown = phone.reply(text)
        while shown.endswith(MORE) and text == "Oujda":
            shown = phone.reply("0")
    assert phone.screen.startswith(THANKS[language])
    assert KEPT[flow].items() <= kept(phone.gateway, number_of(phone)).items()


@pytest.mark.parametrize(("flow", "language"), CASES)
def test_each_flow_is_completed_by_sms(phone: Phone, flow: str, language: str) -> None:
    keyword, replies = FLOWS[flow]
    phone.mode("sms")
    phone.text(keyword)
    if language != "fr":
        phone.text("LANGUE")
        phone.text(KEYS[language])
    if flow != "services":
        phone.text("1")
    for text in replies:
        phone.text(text)
    assert phone.screen.startswith(THANKS[language])
    assert KEPT[flow].items() <= kept(phone.gateway, number_of(phone)).items()


def test_a_word_is_sent_with_one_touch_and_tells_its_language(phone: Phone) -> None:
    phone.mode("sms")
    phone.page.click('[data-word="ماء"]')
    received = phone.page.locator(".thread li:not(.mine)")
    received.first.wait_for()
    assert "أوافق" in received.first.inner_text()
    assert phone.page.locator(".thread .mine").inner_text() == "ماء"


def test_hanging_up_loses_the_session_and_a_new_call_takes_it_up(phone: Phone) -> None:
    into_water(phone)
    phone.reply("1")
    phone.press("hang-up")
    assert "Session coupée" in phone.screen
    assert "1 Continuer" in phone.dial()
    assert "De 1 à 5" in phone.reply("1")
    phone.reply("5")
    phone.reply("Oujda")
    assert kept(phone.gateway, number_of(phone)) == KEPT["water"]


def test_a_direct_dial_carries_its_replies(phone: Phone) -> None:
    assert "D'accord" in phone.dial("*212*3*4#")


def test_another_code_is_not_ours(phone: Phone) -> None:
    assert phone.dial("*100#") == "Code inconnu : composez *212#"
    assert "3 Français" in phone.dial()


def test_the_phone_works_with_keys_and_with_a_keyboard(phone: Phone) -> None:
    """Every key can be reached and pressed without a mouse."""
    page = phone.page
    page.focus('[data-do="call"]')
    page.keyboard.press("Enter")
    assert "3 Français" in phone.settled()
    phone.keys("39")
    phone.press("erase")
    phone.press("send")
    assert "Choisissez" in phone.settled()
    page.focus("#entry")
    page.keyboard.press("Escape")
    assert "Session coupée" in phone.screen


def test_arabic_stands_on_the_right_and_french_on_the_left(phone: Phone) -> None:
    """Where each line of the screen is drawn, measured in pixels."""
    edges = """() => {
        const text = document.querySelector(".display .text"), box = text.getBoundingClientRect();
        const range = document.createRange(), whole = text.firstChild, lines = whole.data.split("\\n");
        let at = 0;
        return lines.map((line) => {
            range.setStart(whole, at); range.setEnd(whole, at + line.length); at += line.length + 1;
            const drawn = range.getBoundingClientRect();
            return [drawn.left - box.left < 3, box.right - drawn.right < 3];
        });
    }"""
    phone.dial()
    assert phone.page.evaluate(edges) == [[False, True], [True, False], [True, False]]


def test_a_message_and_its_answer_stand_on_opposite_sides(phone: Phone) -> None:
    """On an Arabic page what was received is on the right, what was sent on the left; digits alone change nothing."""
    phone.page.goto(f"{phone.gateway.url}/?lang=ar")
    assert "\u2066*212#\u2069" in phone.screen, "the code reads from left to right in an Arabic sentence"
    phone.mode("sms")
    phone.text("ماء")
    phone.text("1")
    thread = phone.page.locator(".thread").bounding_box()
    sides = [
        abs(box["x"] - thread["x"]) < 3
        for box in (one.bounding_box() for one in phone.page.locator(".thread li").all())
    ]
    assert sides == [True, False, True, False]


def test_the_screen_says_what_it_costs(phone: Phone) -> None:
    phone.dial()
    phone.reply("3")
    length = len(phone.screen)
    assert phone.page.inner_text(".meter") == f"{length}/160 · GSM-7"
    phone.press("hang-up")
    phone.mode("sms")
    phone.page.fill("#entry", "€" * 80 + "a")
    assert phone.page.inner_text(".meter") == "Caractères : 161 · SMS : 2 · GSM-7"
    phone.page.fill("#entry", "ⴰ" * 71)
    assert phone.page.inner_text(".meter") == "Caractères : 71 · SMS : 2 · UCS-2"


def test_the_figures_beside_the_phone_move(phone: Phone) -> None:
    from playwright.sync_api import expect

    page = phone.page
    answers = page.locator(".totals dd").nth(3)
    before = answers.inner_text()
    into_water(phone)
    for reply in ("1", "5", "Oujda"):
        phone.reply(reply)
    expect(answers).not_to_have_text(before, timeout=WAIT)
    assert page.locator("#flow-water .bars").first.is_visible()


def test_what_a_citizen_writes_is_never_code(phone: Phone) -> None:
    phone.page.evaluate("() => { window.alert = () => { throw new Error('run') } }")
    phone.mode("sms")
    hostile = "<img src=x onerror=alert(1)><b>x</b>"
    phone.text(hostile)
    assert phone.page.locator(".thread .mine").inner_text() == hostile
    assert phone.page.locator(".thread img, .thread b").count() == 0


def test_a_reload_keeps_the_citizen_and_the_messages(phone: Phone) -> None:
    phone.mode("sms")
    first = phone.text("EAU")
    number = number_of(phone)
    phone.page.reload()
    phone.mode("sms")
    assert number_of(phone) == number
    assert phone.page.locator(".thread .mine").inner_text() == "EAU"
    assert phone.page.locator(".thread li:not(.mine)").all_inner_texts() == [first]


def test_a_new_citizen_is_somebody_else(phone: Phone) -> None:
    phone.mode("sms")
    phone.text("EAU")
    number = number_of(phone)
    phone.press("renew")
    assert number_of(phone) != number
    assert phone.page.locator(".thread li").count() == 0
    phone.page.fill("#number", "06")
    phone.page.press("#number", "Tab")
    assert not phone.page.evaluate("document.querySelector('#number').checkValidity()")


def test_a_request_that_got_lost_is_sent_again_and_taken_once(phone: Phone) -> None:
    """The gateway's answer is lost on its way; the phone asks again under the same id."""
    into_water(phone)
    lost = []

    def lose(route: Any) -> None:
        if not lost:
            lost.append(route.fetch())
            route.abort()
        else:
            route.continue_()

    phone.page.route("**/in/simulator/**", lose)
    assert "De 1 à 5" in phone.reply("1")
    assert "De 1 à 5" in lost[0].text()
    phone.page.unroute("**/in/simulator/**")
    phone.errors.clear()  # the browser's own note of the lost request
    assert kept(phone.gateway, number_of(phone)) == {"supply": "yes"}


def test_a_gateway_that_is_away_is_said_in_plain_words(phone: Phone) -> None:
    phone.page.route("**/in/simulator/**", lambda route: route.fulfill(status=503, body="Not kept. Try again later."))
    phone.press("call")
    phone.page.get_by_text("La passerelle ne répond pas. Réessayez.").wait_for()
    phone.page.unroute("**/in/simulator/**")
    phone.errors.clear()
    assert "3 Français" in phone.dial()
