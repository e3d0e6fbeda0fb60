"""What the console shows: figures that follow the answers, messages to steer, reports, and nothing personal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from console_world import AMINA, BRAHIM, World

from flows.encoding import measure
from flows.receipt import receipt_number
from gateway.console.phone import WORDS as PHONE_WORDS
from gateway.console.reports import PERIODS
from gateway.console.words import WORDS, event_name, say
from gateway.metrics import STATES
from gateway.outcome import LOGGED
from locales.slots import plurals, slots, wrong_plurals
from storage.store import SyncRow

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
PAGES = ("/", "/flows/health", "/flows/health/source", "/queue", "/receipt", "/reports", "/events")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "demo", flows=("water", "health"))
    yield made
    made.project.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "demo")
    yield made
    made.project.close()


def bars(page: str) -> dict[str, tuple[str, int]]:
    """Read each bar of a page: label to share and count."""
    found = re.findall(
        r'class="label">(.*?)</span><span class="share"><bdi>(.*?)</bdi></span><span class="count"><bdi>(.*?)</bdi>',
        page,
    )
    return {re.sub("<.*?>", "", label): (unescape(share), int(count)) for label, share, count in found}


def phone_of(page: str) -> dict[str, object]:
    found = re.search(r"data-phone='([^']*)'", page)
    assert found
    return json.loads(unescape(found[1]))  # type: ignore[no-any-return]


def consented(world: World, session: str = "S", phone: str = AMINA) -> None:
    """Dial, choose French and the health flow, and agree."""
    world.ussd("", session, phone, event="start")
    assert "santé" in world.ussd("3", session, phone)
    world.ussd("1", session, phone)
    assert "visité" in world.ussd("1", session, phone)


# figures --------------------------------------------------------------------------------------------------------
def test_results_follow_the_answers(small: World) -> None:
    visitor = small.visitor()
    assert "Pas encore de réponse" in visitor.get("/").text
    small.water("5", AMINA)
    small.water("2", BRAHIM)
    page = visitor.get("/").text
    assert {"2": ("50 %".replace(" ", "\u00a0"), 1), "5": ("50 %".replace(" ", "\u00a0"), 1)}.items() <= bars(
        page
    ).items()
    assert bars(page)["Oujda"][1] == 2
    assert bars(page)["Coupures"][1] == 1
    assert 'width="50.0%"' in page
    assert re.search(r"<b><bdi>2</bdi></b> conversations · <b><bdi>2</bdi></b> terminées", page)


def test_results_are_named_in_the_language_of_the_page(small: World) -> None:
    small.water("2")
    page = small.visitor().get("/?lang=ar").text
    assert '<html lang="ar" dir="rtl">' in page
    assert {"نعم", "وجدة"} <= bars(page).keys()


def test_only_the_period_asked_for_counts(small: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = small.project.clock()
    monkeypatch.setattr(small.project, "clock", lambda: now - 40 * 86_400_000)
    small.project.conversations.clock = small.project.clock
    small.water()
    monkeypatch.undo()
    assert bars(small.visitor().get("/?period=this-month").text) == {}


def test_a_flow_has_a_page_with_its_texts_in_each_language(world: World) -> None:
    page = world.visitor().get("/flows/water").text
    for text in ("chaque jour", "الصنبور", "Coupures"):
        assert text in page
    assert world.visitor().get("/flows/nothing").status_code == 404


def test_the_source_is_shown_as_it_is_with_what_is_wrong(world: World) -> None:
    page = world.visitor().get("/flows/water/source").text
    shown = [unescape(line) for line in re.findall(r"<code>(.*?)</code>", page)]
    written = (world.folder / "flows" / "water.yaml").read_text().splitlines()
    assert shown == [line or " " for line in written]
    assert "F505: " in page
    assert world.visitor().get("/flows/..%2Fawal.toml/source").status_code == 404
    assert world.visitor().get("/flows/awal/source").status_code == 404


def test_a_file_with_an_error_is_named_and_the_others_are_served(world: World) -> None:
    path = world.folder / "flows" / "broken.yaml"
    path.write_text("flow: broken\ntitle: <b>x</b>\nlanguage: fr\nsteps:\n- id: a\n  aks: Quoi ?\n")
    world.project.reload_flows()
    page = world.visitor().get("/").text
    assert "broken.yaml" in page
    assert "aks" in page
    assert "<b>x</b>" not in page
    assert 'id="flow-water"' in page


def test_an_answered_flow_that_is_gone_keeps_its_figures(small: World) -> None:
    small.water("5")
    (small.folder / "flows" / "water.yaml").unlink()
    small.project.reload_flows()
    page = small.visitor().get("/").text
    assert 'id="flow-water"' in page
    assert bars(page)["5"][1] == 1
    assert small.visitor().get("/flows/water").status_code == 200
    assert small.visitor().get("/flows/water/source").status_code == 404


def test_the_menu_of_flows_is_no_flow(world: World) -> None:
    world.ussd("", "S", event="start")
    world.ussd("3", "S")
    assert re.findall(r'<article class="card flow" id="(.*?)"', world.visitor().get("/").text) == [
        "flow-health",
        "flow-water",
    ]


# nothing hostile, nothing personal ------------------------------------------------------------------------------
def test_what_citizens_write_is_text(world: World) -> None:
    consented(world)
    for reply in ("1", "5", "10", "1", HOSTILE):
        world.ussd(reply, "S")
    world.project.note("unknown-receipt", HOSTILE)
    world.project.store.log_sync(SyncRow(world.project.clock(), "https", False, HOSTILE))
    operator = world.operator()
    seen = "".join(operator.get(path).text for path in PAGES)
    assert "<script>alert" not in seen
    assert "<img" not in seen
    assert "49" not in re.findall(r"<p dir=\"auto\">(.*?)</p>", seen)
    assert seen.count("&lt;script&gt;alert(1)") == 3, "the answer, the event and the attempt are shown"


def test_free_answers_are_for_operators(world: World) -> None:
    consented(world)
    for reply in ("1", "5", "10", "1", "Le médecin manque, appelez 0612345678"):
        world.ussd(reply, "S")
    assert "médecin manque, appelez ***" in world.operator().get("/flows/health").text
    assert "médecin manque" not in world.visitor().get("/flows/health").text


def test_no_page_shows_a_number(world: World) -> None:
    consented(world)
    world.sms("EAU")
    world.deliver()
    world.project.note("job", f"no reply from {AMINA}")
    operator = world.operator()
    for path in PAGES:
        page = operator.get(path).text
        assert AMINA not in page
        assert AMINA[4:] not in page
        assert world.project.phones.pseudonym(AMINA) not in page, "a pseudonym is shortened"


# the phone ------------------------------------------------------------------------------------------------------
def test_the_phone_is_given_the_real_webhooks(small: World) -> None:
    told = phone_of(small.visitor().get("/").text)
    urls = small.project.channels["simulator"].urls()
    assert told["urls"] == {"inbox": "/phone/inbox"} | {
        route: url.removeprefix("http://127.0.0.1:8000") for route, url in urls.items()
    }
    assert told["limits"] == {"GSM-7": 160, "UCS-2": 70}
    assert set(told["words"]) == set(PHONE_WORDS)  # type: ignore[call-overload]


def test_the_phone_knows_the_letters_of_gsm(small: World) -> None:
    told = phone_of(small.visitor().get("/").text)
    assert measure(str(told["basic"])).encoding == "GSM-7"
    assert measure(str(told["extension"])).units == 2 * len(str(told["extension"]))


def test_the_words_to_send_are_there(small: World) -> None:
    page = small.visitor().get("/").text
    assert re.findall(r'data-word="(.*?)"', page) == ["EAU", "ماء", "ⴰⵎⴰⵏ"]


def test_without_a_simulator_the_page_says_how_to_get_one(small: World) -> None:
    text = (small.folder / "awal.toml").read_text()
    begin, end = text.index("[channels.simulator]"), text.index("[national]")
    (small.folder / "awal.toml").write_text((text[:begin] + text[end:]).replace('channel = "simulator"\n', ""))
    small.project.close()
    small.open()
    answer = small.visitor().get("/")
    assert answer.status_code == 200
    assert "ajoutez un canal de type « simulator »" in answer.text
    assert "<script" not in answer.text
    assert small.visitor().get("/phone/inbox?phone=%2B212612345678").status_code == 400


def inbox(world: World, phone: str = AMINA, after: int = 0) -> list[str]:
    answer = world.visitor().get("/phone/inbox", query_string={"phone": phone, "after": after})
    assert answer.content_type == "application/json"
    return [one["text"] for one in answer.json["messages"]]


def test_the_inbox_holds_what_was_sent_to_the_number(small: World) -> None:
    small.sms("EAU")
    assert inbox(small) == [], "not sent yet"
    small.deliver()
    first = inbox(small)
    assert len(first) == 1
    assert "1 J'accepte" in first[0]
    small.sms("1")
    small.deliver()
    assert inbox(small)[0] == first[0]
    assert len(inbox(small)) == 2, "oldest first"
    assert inbox(small, BRAHIM) == []
    assert inbox(small, after=small.project.clock() + 1) == []


@pytest.mark.parametrize("phone", ["", "0612345678", "+", "+212 612345678", "x" * 500])
def test_the_inbox_asks_for_a_whole_number(small: World, phone: str) -> None:
    assert small.visitor().get("/phone/inbox", query_string={"phone": phone}).status_code == 400


def test_the_inbox_shows_no_other_channel(small: World) -> None:
    """Numbers of real channels are real people's."""
    small.sms("EAU")
    small.deliver()
    small.project.close()
    World.edit(small.folder, "[channels.simulator]", "[channels.another]")
    World.edit(small.folder, 'channel = "simulator"', 'channel = "another"')
    small.open()
    assert inbox(small) == []


# the queue ------------------------------------------------------------------------------------------------------
def failed(world: World, error: str = "refused by the provider") -> str:
    """Have one message fail, and return its id."""
    world.sms("EAU")
    store, now = world.project.store, world.project.clock()
    (row,) = store.claim_outbox("simulator", now, 60_000, 1)
    assert store.finish_outbox(row.id, row.fence, "failed", now, error=error)
    return row.id


def test_a_failed_message_is_seen_on_both_pages_and_can_be_sent_again(small: World) -> None:
    id = failed(small, HOSTILE)
    operator = small.operator()
    for path in ("/", "/queue?state=failed"):
        assert "&lt;script&gt;alert(1)" in operator.get(path).text
    answer = operator.send(f"/queue/{id}/retry", "/queue", state="failed")
    assert (answer.status_code, answer.location) == (303, "/queue?state=failed")
    assert small.project.store.outbox_counts()["queued"] == 1
    assert "de nouveau en attente" in operator.get("/queue").text


def test_a_waiting_message_can_be_given_up(small: World) -> None:
    small.sms("EAU")
    (row,) = small.project.store.outbox()
    operator = small.operator()
    operator.send(f"/queue/{row.id}/discard", "/queue")
    (row,) = small.project.store.outbox()
    assert (row.state, row.recipient) == ("dead", b"")
    assert "abandonné" in operator.get("/queue").text
    operator.send(f"/queue/{row.id}/retry", "/queue")
    assert "pas pu changer" in operator.get("/queue").text, "its number is gone"


def test_a_sent_message_has_no_buttons(small: World) -> None:
    small.sms("EAU")
    small.deliver()
    assert "/retry" not in small.operator().get("/queue").text


def test_the_queue_knows_no_other_state_or_action(small: World) -> None:
    operator = small.operator()
    assert operator.get("/queue?state=nonsense").status_code == 200
    assert operator.send("/queue/1/explode", "/queue").status_code == 404


def test_retry_wakes_the_sender(small: World) -> None:
    woken = []
    small.project.grown = lambda: woken.append(1)
    id = failed(small)
    woken.clear()
    small.operator().send(f"/queue/{id}/retry", "/queue")
    assert woken == [1]


# reports --------------------------------------------------------------------------------------------------------
def test_a_report_is_chosen_and_shown(small: World) -> None:
    small.water()
    operator = small.operator()
    page = operator.get("/reports?period=this-month&language=ar&place=02.411").text
    source = re.search(r'<iframe [^>]*src="([^"]*)"', page)
    assert source
    framed = operator.get(unescape(source[1]))
    assert '<html lang="ar" dir="rtl">' in framed.text
    assert "وجدة" in framed.text
    policy = framed.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith("frame-ancestors 'self'")
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_the_sms_report_tells_its_cost(small: World) -> None:
    page = small.operator().get("/reports?format=sms").text
    shown = re.search(r'class="bubble" dir="auto">(.*?)</p>', page, re.S)
    assert shown
    assert f"Caractères : {measure(unescape(shown[1])).units} · SMS : 1" in page


def test_a_report_can_be_kept_as_a_table(small: World) -> None:
    answer = small.operator().get("/reports/file?format=csv&period=today&place=02")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "attachment; filename=awal-02-today.csv"
    assert answer.text.count("\n") > 0


@pytest.mark.parametrize("wrong", ["other=yesterday", "place=99.999", "other=2026-13", f"place={HOSTILE}"])
def test_a_report_that_cannot_be_made_says_why(small: World, wrong: str) -> None:
    operator = small.operator()
    answer = operator.get(f"/reports?{wrong}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "<script>" not in answer.text
    assert operator.get(f"/reports/file?{wrong}").status_code == 400


def test_officials_reports_hide_small_counts_from_the_operator_too(small: World) -> None:
    """The preview is what officials will read, not what the operator may see."""
    small.water()
    text = small.operator().get("/reports?format=text&period=today").text
    assert "Moins de 10 conversations" in text or "masqué" in text


# receipt numbers -------------------------------------------------------------------------------------------------
def test_a_receipt_number_leads_to_the_answers_and_to_no_phone(world: World) -> None:
    consented(world)
    world.ussd("1", "S")
    row = next(iter(world.project.store.answers()))
    number = receipt_number(row.conversation)
    operator = world.operator()
    page = operator.get(f"/receipt?number={number[:4].lower()}+{number[4:]}").text
    assert "visité" in page
    assert "<bdi>Oui</bdi>" in page
    assert number in page
    assert AMINA.removeprefix("+") not in page
    assert "<bdi>نعم</bdi>" in operator.get(f"/receipt?number={number}&lang=ar").text
    assert "un signe est faux" in operator.get("/receipt?number=CK47M2XX&lang=fr").text
    assert "Aucune réponse" in operator.get(f"/receipt?number={receipt_number('c2')}").text
    assert "<script>alert" not in operator.get("/receipt", query_string={"number": HOSTILE}).text


# events and words -----------------------------------------------------------------------------------------------
def test_events_are_told_in_words(small: World) -> None:
    small.ussd("", "S", event="start")
    small._post("ussd-end", {"session": "S", "phone": AMINA})
    operator = small.operator()
    assert "Session USSD coupée" in operator.get("/events").text
    assert "<bdi>simulator</bdi>" in operator.get("/events").text
    assert re.search(r"Coupures USSD</dt><dd><bdi>1</bdi>", operator.get("/").text)
    assert "انقطاع جلسة USSD" in operator.get("/events?lang=ar").text
    assert event_name(say("fr"), "something-new") == "something-new"


def test_every_kind_of_event_that_is_kept_has_words(root: Path) -> None:
    """Also the kinds that a test rarely meets: whoever keeps one, names it."""
    kept = re.compile(r"""(?:log_event|\.note|refusals\.add)\(\s*"([a-z-]+)\"""")
    found = {kind for path in (root / "gateway").rglob("*.py") for kind in kept.findall(path.read_text("utf-8"))}
    assert {"brought-in", "refused-request", "campaign"} <= found
    named = {name.removeprefix("event_") for name in WORDS if name.startswith("event_")}
    assert {*found, *LOGGED} - named == set()


def test_citizens_who_read_a_menu_do_not_push_news_off_the_page(small: World) -> None:
    store = small.project.store
    store.log_event("channel-stopped", "sms: HTTP 401", small.project.clock())
    for _ in range(150):
        store.log_event("look-up", "service/papers", small.project.clock())
    page = small.operator().get("/events").text
    assert "Canal arrêté" in page
    assert "service/papers" not in page


def test_what_a_synchronisation_counted_is_told_in_the_visitors_language(small: World) -> None:
    small.project.store.log_sync(SyncRow(small.project.clock(), "https", True, "4 sent, 2 already held."))
    small.project.store.log_sync(SyncRow(small.project.clock(), "https", True, "nothing to send."))
    operator = small.operator()
    french, arabic = operator.get("/").text, operator.get("/?lang=ar").text
    assert "envoyés : 4, déjà reçus : 2." in french
    assert "rien à envoyer." in french
    assert "أُرسل: 4" in arabic
    assert "already held" not in arabic


def test_how_a_synchronisation_travelled_is_told_in_plain_words(small: World) -> None:
    for carrier in ("https", "bundle", "pigeon"):
        small.project.store.log_sync(SyncRow(small.project.clock(), carrier, True, "1 sent."))
    operator = small.operator()
    french, arabic = operator.get("/").text, operator.get("/?lang=ar").text
    assert all(word in french for word in ("<bdi>par Internet</bdi>", "<bdi>par clé USB</bdi>", "<bdi>pigeon</bdi>"))
    assert "<bdi>بمفتاح USB</bdi>" in arabic
    assert "<bdi>https</bdi>" not in french


def test_the_language_is_remembered(small: World) -> None:
    visitor = small.visitor()
    assert '<html lang="fr" dir="ltr">' in visitor.get("/").text
    visitor.get("/?lang=ar")
    assert '<html lang="ar" dir="rtl">' in visitor.get("/login").text
    visitor.send("/login", password=small.password)
    assert '<html lang="ar" dir="rtl">' in visitor.get("/queue").text
    assert '<html lang="fr" dir="ltr">' in visitor.get("/queue?lang=fr").text
    assert '<html lang="fr" dir="ltr">' in visitor.get("/queue?lang=xx").text


def test_changing_the_language_stays_on_the_page(small: World) -> None:
    page = small.operator().get("/queue?state=failed").text
    assert 'href="/queue?state=failed&amp;lang=ar"' in page


@pytest.mark.parametrize("name", WORDS)
def test_each_word_is_there_in_both_languages(name: str) -> None:
    french, arabic = WORDS[name]
    assert french
    assert arabic

    assert slots(french) == slots(arabic)
    assert [*wrong_plurals(french, "fr"), *wrong_plurals(arabic, "ar")] == []


def test_a_count_and_its_noun_agree_in_both_languages(small: World) -> None:
    small.water("5", AMINA)
    visitor = small.visitor()
    assert re.search(r"<b><bdi>1</bdi></b> conversation · <b><bdi>1</bdi></b> terminée</p>", visitor.get("/").text)
    assert "<b><bdi>1</bdi></b> محادثة · <b><bdi>1</bdi></b> مكتملة</p>" in visitor.get("/flows/water?lang=ar").text
    arabic = {count: say("ar")("n_conversations", count=count) for count in (2, 3, 10, 11, 100, 103)}
    assert arabic == {2: "محادثتان", 3: "محادثات", 10: "محادثات", 11: "محادثة", 100: "محادثة", 103: "محادثات"}
    assert "1\u00a0003 أجوبة" in say("ar")("clock_unknown", count="1\u00a0003"), "thousands stand apart"


def test_the_script_is_given_no_plural_to_decide() -> None:
    assert [name for name in PHONE_WORDS if plurals("".join(WORDS[name]))] == []


def test_no_word_is_left_over(root: Path) -> None:
    """Each word of the console is used by a page, or made up by its name's pattern."""
    folder = root / "gateway" / "console"
    used = "".join(
        path.read_text() for path in (*folder.glob("*.py"), *folder.glob("templates/*")) if path.name != "words.py"
    )
    patterns = ("campaign_do_", "campaign_n_", "campaign_state_", "carrier_", "event_", "fault_", "format_")
    asked_by_name = {*STATES, *PERIODS}
    words = [name for name in WORDS if not name.startswith(patterns) and name not in asked_by_name]
    assert [name for name in words if f'"{name}"' not in used and f"'{name}'" not in used] == []
