"""The USSD callback of Africa's Talking, as a hostile provider and impatient citizens would call it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from outsider import FORM, Gateway, Phone, Project, ask, numbers, serving

LANGUAGES = "CON 1 العربية\n2 Tamazight\n3 Français"
SUPPLY = "CON Avez-vous de l'eau au robinet chaque jour ?\n1 Oui\n2 Non"


@pytest.fixture(scope="module")
def gateway(make: Callable[..., Project]) -> Iterator[Gateway]:
    project = make("--demo")
    project.edit("^timezone = .*", 'timezone = "Africa/Casablanca"\nlog = "warning"')
    with serving(project) as served:
        yield served


@pytest.fixture
def phone(gateway: Gateway) -> Phone:
    return Phone(gateway)


def at_supply(phone: Phone) -> Phone:
    """Take a citizen to the first question of the water flow."""
    phone.dial().reply("3")
    assert "2 Eau potable" in phone.screen
    return phone.reply("2", "1")


# meeting -------------------------------------------------------------------------------------------------------
def test_a_citizen_answers_from_the_first_dial_to_the_last_word(phone: Phone) -> None:
    assert phone.dial().screen == LANGUAGES
    assert phone.reply("3").screen == "CON Choisissez un service :\n1 Marché\n2 Eau potable"
    assert phone.reply("2").screen.endswith("D'accord ?\n1 J'accepte\n2 Je refuse")
    assert phone.reply("1").screen == SUPPLY
    assert phone.reply("non").screen.startswith("CON Êtes-vous satisfait")
    assert "\n1 Coupures\n" in phone.reply("1").screen
    assert phone.reply("coupures").screen.startswith("CON Votre commune ?")
    assert phone.reply("Oujda").screen == "END Merci. Votre avis est transmis à la commune."
    mine = [row for row in phone.gateway.project.rows() if row["conversation_id"] == last_conversation(phone)]
    assert [(row["step"], row["value"], row["raw"]) for row in mine] == [
        ("supply", "no", "non"),
        ("satisfaction", 1, "1"),
        ("problem", "cuts", "coupures"),
        ("commune", "02.411.01.23", "Oujda"),
    ]
    assert {(row["language"], row["bearer"], row["channel"], row["place"]) for row in mine} == {
        ("fr", "ussd", "at", "02.411.01.23")
    }


def last_conversation(phone: Phone) -> str:
    return phone.gateway.project.awal("mydata", phone.number).json["conversations"][-1]["id"]


def test_language_and_consent_are_asked_once(phone: Phone) -> None:
    at_supply(phone).reply("1", "5", "Oujda")
    assert phone.dial().screen == "CON Choisissez un service :\n1 Marché\n2 Eau potable"
    assert phone.reply("2").screen == SUPPLY


@pytest.mark.parametrize(("key", "supply"), [("1", "هل يصلكم"), ("2", "هل يصلكم"), ("3", "Avez-vous de l'eau")])
def test_each_language_of_the_first_screen_is_spoken(phone: Phone, key: str, supply: str) -> None:
    assert supply in phone.dial().reply(key, "2", "1").screen


def test_tamazight_is_offered_although_one_flow_lacks_it(phone: Phone) -> None:
    phone.dial().reply("2", "1")
    assert phone.screen == "CON 1 العربية\n2 Français", "the market speaks two languages: it asks"
    phone.reply("2", "0", "oui")
    assert phone.dial().screen.startswith("CON Choisissez"), "what was chosen last is remembered"


def test_who_refuses_leaves_no_answer(phone: Phone) -> None:
    assert phone.dial().reply("3", "2", "2").screen == "END Bien noté. Nous ne gardons rien. Au revoir."
    assert phone.gateway.project.awal("mydata", phone.number).json["answers"] == []


# repeats and disorder ------------------------------------------------------------------------------------------
def test_every_repeat_however_late_gets_its_own_screen(phone: Phone) -> None:
    heard = {}
    phone.dial()
    for text in ("", "3", "2", "1", "2", "1", "1", "Oujda"):
        if text:
            phone.reply(text)
        heard[phone.path] = phone.screen
    session = phone.session
    rows = len(phone.gateway.project.rows())
    phone.dial().reply("2", "1")
    at_supply(Phone(phone.gateway))
    for path, screen in [*heard.items(), *reversed(heard.items())]:
        assert phone.post(sessionId=session, text=path).text == screen
    assert len(phone.gateway.project.rows()) == rows + 1


def test_twenty_of_the_same_request_at_once_are_one(phone: Phone) -> None:
    at_supply(phone)
    rows = len(phone.gateway.project.rows())
    phone.path += "*1"
    with ThreadPoolExecutor(20) as pool:
        heard = {pool.submit(phone.post).result().body for _ in range(20)}
    with ThreadPoolExecutor(20) as pool:
        heard |= {one.body for one in pool.map(lambda _: phone.post(), range(20))}
    assert len(heard) == 1
    assert len(phone.gateway.project.rows()) == rows + 1


def test_stale_and_diverging_texts_get_the_current_screen_and_change_nothing(phone: Phone) -> None:
    current = at_supply(phone).reply("2").screen
    for text in ("3*2*2", "9*9*9*9", "x" * 3000):
        assert phone.post(text=text).text == current
    assert phone.reply("1").screen.startswith("CON Quel est le problème")


def test_nothing_goes_on_in_a_session_that_has_ended(phone: Phone) -> None:
    last = at_supply(phone).reply("1", "5", "Oujda").screen
    rows = len(phone.gateway.project.rows())
    assert phone.reply("1").screen == last
    assert len(phone.gateway.project.rows()) == rows


def test_a_star_typed_by_a_citizen_belongs_to_the_answer(phone: Phone) -> None:
    replies = ("3", "1", "5", "3", "4", "5", "1/2/2026", "00", "prix *trop* hauts**", "2", "oui")
    phone.dial().reply(*replies)
    assert phone.screen.startswith("END Bravo, 5 visites.")
    kept = phone.gateway.project.awal("mydata", phone.number).json["answers"]
    assert "prix *trop* hauts**" in [one["value"] for one in kept]


def test_a_direct_dial_carries_several_replies(phone: Phone) -> None:
    assert phone.dial("3*2*1*2").screen.startswith("CON Êtes-vous satisfait")
    assert phone.reply("5").screen.startswith("CON Votre commune ?")
    assert [row["step"] for row in phone.gateway.project.rows()][-2:] == ["supply", "satisfaction"]


def test_a_known_session_from_another_phone_is_turned_away(phone: Phone) -> None:
    current = at_supply(phone).screen
    other = phone.post(phoneNumber=next(numbers), text=phone.path + "*1")
    assert (other.status, other.text) == (200, "END Service indisponible. Réessayez plus tard.")
    assert phone.send().screen == current


def test_drop_and_redial_offers_to_continue_or_to_restart(phone: Phone) -> None:
    at_supply(phone).reply("2", "1")
    gone = {"sessionId": phone.session, "phoneNumber": phone.number, "status": "Incomplete"}
    assert phone.gateway.post(phone.gateway.urls["at"]["ussd-end"], gone).status == 200
    assert phone.dial().screen == "CON Vous n'avez pas fini : Eau potable\n1 Continuer\n2 Recommencer"
    assert phone.reply("1").screen.startswith("CON Quel est le problème")
    assert phone.dial().reply("2").screen == SUPPLY
    assert phone.gateway.project.awal("mydata", phone.number).json["answers"] == []


def test_a_conversation_goes_on_over_another_channel(phone: Phone) -> None:
    at_supply(phone).reply("2")
    other = {"id": "1", "session": f"sim-{phone.number}", "phone": phone.number, "text": "", "event": "start"}
    answered = phone.gateway.post(phone.gateway.urls["simulator"]["ussd"], other)
    assert answered.text.startswith("CON Vous n'avez pas fini : Eau potable")
    answered = phone.gateway.post(
        phone.gateway.urls["simulator"]["ussd"], {**other, "id": "2", "text": "1", "event": ""}
    )
    assert answered.text.startswith("CON Êtes-vous satisfait")


# commands ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("word", "screen"),
    [
        ("STOP", "END Vous ne recevrez plus"),
        ("توقف", "END Vous ne recevrez plus"),
        ("aide", "CON STOP : finir"),
        ("langue", LANGUAGES),
        ("retour", SUPPLY),
        ("recommencer", SUPPLY),
        ("MES DONNEES", "CON Vos réponses gardées : 1"),
        ("effacer", "END Vos données sont effacées."),
        ("حذف", "END Vos données sont effacées."),
    ],
)
def test_commands_are_obeyed_on_any_question(phone: Phone, word: str, screen: str) -> None:
    assert at_supply(phone).reply("1", word).screen.startswith(screen)


def test_who_is_erased_is_a_stranger_again(phone: Phone) -> None:
    at_supply(phone).reply("1", "effacer")
    kept = phone.gateway.project.awal("mydata", phone.number).json
    assert not any(kept.values()), kept
    assert phone.send().screen == "END Vos données sont effacées.", "the repeat too"
    assert phone.dial().screen == LANGUAGES


# requests no citizen makes -------------------------------------------------------------------------------------
def test_a_wrong_or_missing_secret_is_refused_and_nothing_stored(phone: Phone) -> None:
    gateway = phone.gateway
    before = gateway.kept()
    right = gateway.urls["at"]["ussd"]
    secret = right.split("/")[-2]
    fields = {"sessionId": "s", "phoneNumber": next(numbers), "text": ""}
    for wrong in ("", "/", "/x/", f"/{secret}x/", f"/{secret[:-1]}/", f"/{secret.swapcase()}/", "/%00/", "/%D9%85/"):
        url = right.replace(f"/{secret}/", wrong or "/")
        assert gateway.post(url, fields).status in (403, 404), url
        assert gateway.post(url, b"\xff" * 50).status in (403, 404)
    assert gateway.post(right.replace(f"/{secret}/", "/"), fields).status == 403
    assert gateway.post(right.replace(secret, "x" * len(secret)), fields).status == 403
    assert gateway.kept() == before


@pytest.mark.parametrize("name", ["sessionId", "phoneNumber"])
@pytest.mark.parametrize("value", [None, "", "  ", "\0", "x" * 5000, ["a", "b"], "\u202e\n"])
def test_without_a_sound_session_and_phone_it_is_400(phone: Phone, name: str, value: object) -> None:
    assert phone.post(**{name: value}).status == 400


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "\0",
        "%",
        "+",
        "&",
        "\n\r",
        "*",
        "****",
        "#",
        "é" * 900,
        "ل" * 900,
        "😀" * 400,
        "\u202e\ufeff",
        "1" * 9000,
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_whatever_the_text_a_citizen_gets_a_screen(phone: Phone, text: str | None, late: bool) -> None:
    if late:
        at_supply(phone)
        text = None if text is None else f"{phone.path}*{text}"
    phone.send(text=text)
    if late:
        assert phone.dial().send().screen.startswith("CON ")


BODIES = {
    "nothing": (FORM, b""),
    "bytes": (FORM, bytes(range(256)) * 20),
    "half a percent": (FORM, b"sessionId=%&phoneNumber=%zz"),
    "json": ("application/json", b'{"sessionId": "s", "phoneNumber": "+212600000099"}'),
    "json called a form": (FORM, b'{"sessionId": "s"}'),
    "words": ("text/plain", b"sessionId=s&phoneNumber=%2B212600000099"),
    "no type": ("", b"sessionId=s&phoneNumber=%2B212600000099"),
    "xml": ("text/xml", b"<a/>"),
    "broken parts": ("multipart/form-data; boundary=x", b"--x\r\n\r\n"),
    "no boundary": ("multipart/form-data", b"garbage"),
    "many fields": (FORM, b"&".join(b"a%d=1" % number for number in range(1500))),
    "huge": (FORM, b"a" * 200_000),
    "huge text": (FORM, urlencode({"sessionId": "s", "phoneNumber": "+212600000099", "text": "x" * 100_000}).encode()),
    "utf-16": (FORM, "sessionId=s&phoneNumber=+212600000099".encode("utf-16")),
}


@pytest.mark.parametrize("route", ["ussd", "sms", "delivery", "ussd-end"])
def test_garbage_is_refused_never_a_fault_and_nothing_stored(gateway: Gateway, route: str) -> None:
    before = gateway.kept()
    for what, (kind, body) in BODIES.items():
        answered = ask(gateway.here(gateway.urls["at"][route]), body, {"Content-Type": kind})
        assert answered.status in (400, 413), (what, answered)
        assert b"Traceback" not in answered.body
    assert gateway.kept() == before


def test_a_form_in_another_charset_still_serves_the_citizen(phone: Phone) -> None:
    body = urlencode({"sessionId": phone.session, "phoneNumber": phone.number}).encode() + b"&text=%e9%ff"
    answered = ask(
        phone.gateway.here(phone.gateway.urls["at"]["ussd"]), body, {"Content-Type": f"{FORM}; charset=latin-1"}
    )
    assert (answered.status, answered.body[:4]) == (200, b"CON ")
    plus = f"sessionId=plus-{phone.number}&phoneNumber={phone.number}&text=".encode()
    assert phone.gateway.post(phone.gateway.urls["at"]["ussd"], plus).text == LANGUAGES, "a plus sign left as it is"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_other_methods_are_refused(gateway: Gateway, method: str) -> None:
    assert ask(gateway.here(gateway.urls["at"]["ussd"]), method=method).status == 405


@pytest.mark.parametrize(
    "path", ["/in", "/in/", "/in/at", "/in/no/ussd", "/in/%00/ussd", "/in/at/x/y/ussd", "/in/at/../ussd"]
)
def test_paths_that_lead_nowhere_are_404(gateway: Gateway, path: str) -> None:
    assert gateway.post(gateway.server.url + path, {}).status in (403, 404)


def test_numbers_written_in_other_ways_are_one_citizen(phone: Phone) -> None:
    local = "0" + phone.number.removeprefix("+212")
    at_supply(phone)
    for written in (local, phone.number.replace("+", "00"), phone.number[1:], f" {phone.number[1:]}"):
        assert phone.post(phoneNumber=written).text == phone.screen


# what operators watch ------------------------------------------------------------------------------------------
def test_health_and_metrics(gateway: Gateway) -> None:
    health = gateway.get("/health")
    assert (health.status, health.type.partition(";")[0]) == (200, "application/json")
    assert '"status":"ok"' in health.text.replace(" ", "")
    metrics = gateway.get("/metrics").text
    for state in ("queued", "sending", "accepted", "delivered", "failed", "dead"):
        assert f'awal_outbox_messages{{state="{state}"}} ' in metrics
    assert "\nawal_scheduler_leader 1\n" in metrics


def test_steps_and_answers_are_counted(phone: Phone) -> None:
    before = phone.gateway.counted()
    at_supply(phone).reply("1", "5")
    after = phone.gateway.counted()
    assert after["awal_answers_total"] == before["awal_answers_total"] + 2
    assert after["awal_steps_total"] == before["awal_steps_total"] + 6


def test_no_number_and_no_secret_is_ever_shown(phone: Phone) -> None:
    at_supply(phone).reply("1")
    project, number = phone.gateway.project, phone.number.removeprefix("+212")
    secret = phone.gateway.urls["at"]["ussd"].split("/")[-2]
    shown = [phone.gateway.get(path).text for path in ("/", "/health", "/metrics")]
    shown += [project.awal("export", "answers").out, project.awal("doctor").out, project.awal("report").out]
    shown += [project.awal("mydata", phone.number).out]
    assert not [text for text in shown if number in text or secret in text]
