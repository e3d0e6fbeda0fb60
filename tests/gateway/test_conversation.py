"""The conversation transaction on a real SQLite store: what providers repeat, cut, reorder and forge."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_phones import kept_in_mind

from flows.load import load
from flows.receipt import receipt_number
from gateway.channels.base import Ended, ForeignSession, Receipt, Received, Settings
from gateway.channels.registry import create
from gateway.conversation import Conversations
from gateway.hearing import AGAIN
from gateway.library import Library
from gateway.phones import Phones
from locales.catalogue import Catalogues
from storage.outgoing import GRACE
from storage.sqlite import SqliteStore

AMINA, BRAHIM = "+212612345678", "+212687654321"
NOW = 1_795_435_200_000
TEXTS = Catalogues()
SHIPPED = ("health", "needs", "services", "water")


def shipped(name):
    return load(Path(f"flows/surveys/{name}.yaml").read_text(), name).flow


class Gateway:
    """One gateway with an Africa's Talking channel and a simulator, without HTTP."""

    def __init__(self, folder, *flows):
        self.now = NOW
        self.store = SqliteStore(folder / "awal.db")
        self.library = Library(self.store, ("fr", "ar", "zgh"))
        self.library.serve([shipped(name) for name in flows or ("water",)], NOW)
        self.phones = Phones(b"p" * 32, b"s" * 32)
        self.at = create(
            Settings(name="at", type="africastalking", secret="s" * 32, username="sandbox", api_key="k"), "http://h"
        )
        self.sent = 0
        self.conversations = Conversations(
            self.store,
            self.library,
            TEXTS,
            self.phones,
            lambda: self.now,
            timezone="Africa/Casablanca",
            within="02",
            languages=("fr", "ar", "zgh"),
            sent=self.count,
        )

    def count(self):
        self.sent += 1

    def ussd(self, path, session="S1", phone=AMINA):
        """One Africa's Talking callback: `path` is all that was typed in the session."""
        self.now += 1000
        received = Received(
            channel="at", bearer="ussd", external_id=f"ussd:{session}:{path}", sender=phone, path=path, session=session
        )
        return self.conversations.take(self.at, received).decode()

    def sms(self, text, id="", phone=AMINA):
        self.now += 1000
        received = Received(
            channel="at", bearer="sms", external_id=f"sms:{id or self.now}", sender=phone, text=text, recipient="34567"
        )
        assert self.conversations.take(self.at, received) == b""
        return self.store.outbox(limit=1)[0].text

    def answers(self):
        return {row.step: row.value for row in self.store.answers()}


@pytest.fixture
def gateway(tmp_path):
    one = Gateway(tmp_path)
    yield one
    one.store.close()


@pytest.fixture
def several(tmp_path):
    one = Gateway(tmp_path, *SHIPPED)
    yield one
    one.store.close()


def known(gateway, phone=AMINA):
    """A citizen who speaks French and consented, at the first question."""
    gateway.ussd("", "S0", phone)
    gateway.ussd("3", "S0", phone)
    return gateway.ussd("3*1", "S0", phone)


def test_a_survey_by_ussd_from_the_first_contact_to_the_end(gateway):
    assert gateway.ussd("").startswith("CON 1 العربية\n2 Tamazight\n3 Français")
    assert gateway.ussd("3").startswith("CON Votre administration")
    assert gateway.ussd("3*1").startswith("CON Avez-vous")
    assert "satisfait" in gateway.ussd("3*1*1")
    assert "commune" in gateway.ussd("3*1*1*5")
    assert gateway.ussd("3*1*1*5*Oujda").startswith("END Merci")
    assert gateway.answers() == {"supply": "yes", "satisfaction": 5, "commune": "02.411.01.23"}
    assert {row.place for row in gateway.store.answers()} == {"02.411.01.23"}


def test_language_and_consent_are_remembered(gateway):
    known(gateway)
    gateway.now += 3 * 86_400_000
    assert gateway.ussd("", "S9").startswith("CON Avez-vous")


LONG = """\
flow: reports
title: Signalement
language: fr
legal: {ground: consent}
receipt: sms
steps:
- id: urgent
  ask: Est-ce urgent ?
  type: yes_no
- id: detail
  ask: Racontez-nous.
  type: text
  by: sms
- id: again
  ask: Est-ce la première fois ?
  type: yes_no
"""


def serve(gateway, text):
    gateway.library.serve([load(text, "f.yaml").flow], gateway.now)


def test_one_conversation_begins_by_ussd_and_ends_by_sms_with_a_long_text_and_a_receipt_number(gateway):
    serve(gateway, LONG)
    gateway.ussd("", "S1")
    gateway.ussd("1", "S1")
    assert gateway.ussd("1*1", "S1") == "END La suite vient par SMS. Répondez-y librement."
    asked = gateway.store.outbox(limit=1)[0]
    assert (asked.text, asked.kind, asked.channel) == ("Racontez-nous.", "question", "at")
    told = "La pompe du douar est en panne depuis lundi. " * 10
    assert "première fois" in gateway.sms(told)
    last = gateway.sms("oui")
    (conversation,) = {row.conversation for row in gateway.store.answers()}
    assert last.endswith(receipt_number(conversation))
    assert gateway.answers() == {"urgent": "yes", "detail": told.strip(), "again": "yes"}
    assert {row.bearer for row in gateway.store.answers()} == {"ussd", "sms"}


def test_who_answers_by_ussd_gets_the_receipt_number_in_one_sms_however_often_it_is_delivered(gateway):
    serve(gateway, LONG.replace("  by: sms\n", ""))
    for path in ("", "1", "1*1", "1*1*La pompe"):
        gateway.ussd(path, "S1")
    end = gateway.ussd("1*1*La pompe*2", "S1")
    assert gateway.ussd("1*1*La pompe*2", "S1") == end
    (message,) = gateway.store.outbox()
    number = receipt_number(next(iter(gateway.store.answers())).conversation)
    assert message.text == f"Signalement. Numéro de suivi : {number}. Gardez ce message."
    assert number in end
    assert message.kind == "reply"


def test_a_long_answer_waits_for_its_sms_when_the_citizen_dials_again(gateway):
    serve(gateway, LONG)
    for path in ("", "1", "1*1"):
        gateway.ussd(path, "S1")
    assert gateway.ussd("", "S2").startswith("CON Vous n'avez pas fini")
    assert gateway.ussd("1", "S2").startswith("END La suite vient par SMS")
    assert [row.text for row in gateway.store.outbox()] == ["Racontez-nous."] * 2


def test_without_a_channel_for_sms_everything_is_asked_by_ussd(gateway):
    gateway.conversations.intake.carrier = lambda channel, number: ""
    serve(gateway, LONG)
    gateway.ussd("", "S1")
    gateway.ussd("1", "S1")
    assert gateway.ussd("1*1", "S1").startswith("CON Racontez-nous.")
    gateway.ussd("1*1*La pompe", "S1")
    assert "Numéro de suivi" in gateway.ussd("1*1*La pompe*1", "S1")
    assert gateway.store.outbox() == []


def test_a_repeat_gets_the_same_bytes_and_changes_nothing(gateway):
    known(gateway)
    first = gateway.ussd("3*1*2", "S0")
    counts = gateway.store.counts()
    assert gateway.ussd("3*1*2", "S0") == first
    gateway.ussd("3*1*2*6", "S0")
    assert gateway.ussd("3*1*2", "S0") == first
    assert gateway.store.counts()["answers"] == counts["answers"] + 1


def test_a_stale_text_gets_the_current_screen_and_keeps_nothing(gateway):
    known(gateway)
    current = gateway.ussd("3*1*2", "S0")
    inbound = gateway.store.counts()["inbound"]
    assert gateway.ussd("9*9", "S0") == current
    assert gateway.store.counts()["inbound"] == inbound


def test_a_star_typed_in_a_free_answer_belongs_to_it(several):
    several.ussd("", "S1")
    for path in ("3", "3*1", "3*1*1", "3*1*1*1", "3*1*1*1*5", "3*1*1*1*5*10", "3*1*1*1*5*10*1"):
        screen = several.ussd(path, "S1")
    assert "suggestion" in screen
    several.ussd("3*1*1*1*5*10*1*le 5*6 de chaque mois", "S1")
    assert several.answers()["suggestion"] == "le 5*6 de chaque mois"


def test_a_direct_dial_carries_several_inputs_at_once(gateway):
    assert "satisfait" in gateway.ussd("3*1*1", "S7")
    assert gateway.answers() == {"supply": "yes"}
    assert "commune" in gateway.ussd("3*1*1*4", "S7")


def test_a_session_from_another_phone_is_refused_and_nothing_kept(gateway):
    known(gateway)
    counts = dict(gateway.store.counts())
    with pytest.raises(ForeignSession):
        gateway.ussd("3*1*1", "S0", BRAHIM)
    assert dict(gateway.store.counts()) == counts


def test_a_lost_session_is_continued_where_it_was(gateway):
    known(gateway)
    gateway.ussd("3*1*2", "S0")
    assert "1 Continuer\n2 Recommencer" in gateway.ussd("", "S2")
    assert "heures" in gateway.ussd("1", "S2")
    assert gateway.ussd("1*6", "S2").startswith("CON Êtes-vous satisfait")


def test_restarting_drops_the_answers_given_before(gateway):
    known(gateway)
    gateway.ussd("3*1*2", "S0")
    gateway.ussd("", "S2")
    assert "chaque jour" in gateway.ussd("2", "S2")
    assert gateway.answers() == {}
    gateway.ussd("2*1", "S2")
    assert gateway.answers() == {"supply": "yes"}


def test_after_its_time_a_lost_conversation_is_not_offered_again(gateway):
    known(gateway)
    gateway.ussd("3*1*2", "S0")
    gateway.now += 25 * 3_600_000
    assert "chaque jour" in gateway.ussd("", "S2")
    assert gateway.answers() == {"supply": "no"}


def test_a_conversation_begun_on_ussd_goes_on_by_sms(gateway):
    known(gateway)
    gateway.ussd("3*1*1", "S0")
    assert "commune" in gateway.sms("4")
    assert gateway.sms("Oujda").startswith("Merci")


def test_a_survey_by_sms_is_answered_from_the_outbox(gateway):
    assert "Votre administration" in gateway.sms("EAU")
    assert gateway.sent == 1
    assert "chaque jour" in gateway.sms("oui")
    gateway.sms("1")
    gateway.sms("5")
    assert gateway.sms("oujda").startswith("Merci")
    rows = gateway.store.outbox()
    assert len(rows) == 5
    assert all(gateway.phones.unseal(row.recipient) == AMINA for row in rows)


def test_an_sms_keyword_tells_the_language_by_its_script(gateway):
    gateway.sms("ماء")
    assert "هل" in gateway.sms("نعم")


def test_an_sms_delivered_twice_is_answered_once(gateway):
    gateway.sms("EAU", id="m1")
    gateway.sms("EAU", id="m1")
    assert len(gateway.store.outbox()) == 1


def test_several_flows_are_offered_as_a_menu_and_one_is_entered(several):
    several.ussd("", "S1")
    menu = several.ussd("3", "S1")
    assert "Choisissez" in menu
    assert "1 Centre de santé" in menu
    assert "Votre administration" in several.ussd("3*4", "S1")
    assert "chaque jour" in several.ussd("3*4*1", "S1")
    assert several.store.counts()["conversations"] == 1


def test_the_directory_asks_for_no_consent(several):
    several.ussd("", "S1")
    several.ussd("3", "S1")
    assert "Que cherchez-vous" in several.ussd("3*3", "S1")


def test_a_keyword_that_is_an_answer_to_the_open_question_answers_it(several):
    several.sms("BESOIN")
    several.sms("oui")
    several.sms("eau")
    assert several.answers() == {"first": "water"}


def test_another_keyword_leaves_the_conversation_for_another(several):
    several.sms("SANTE")
    several.sms("oui")
    assert "chaque jour" in several.sms("EAU")
    assert "satisfait" in several.sms("1")


def test_an_unknown_word_shows_what_there_is(several):
    assert "العربية" in several.sms("bonjour")
    assert "Besoins de ma commune" in several.sms("3")


def test_stop_is_obeyed_before_any_flow(several):
    assert "ne recevrez plus" in several.sms("ARRET")
    assert several.store.dialogue("at", "", several.phones.pseudonym(AMINA)).citizen.stopped_at


def test_who_asks_to_be_forgotten_is(gateway):
    known(gateway)
    gateway.ussd("3*1*1", "S0")
    assert "effacées" in gateway.sms("EFFACER")
    assert AMINA not in kept_in_mind(gateway.phones)
    assert gateway.answers() == {}
    assert gateway.store.dialogue("at", "", gateway.phones.pseudonym(AMINA)).citizen is None


def test_a_repeat_after_the_citizen_was_erased_still_ends_politely(gateway):
    known(gateway)
    gateway.store.erase(gateway.phones.pseudonym(AMINA), NOW)
    assert gateway.ussd("3*1", "S0").startswith("END Vos données sont effacées")


def test_my_data_counts_the_answers_kept(gateway):
    known(gateway)
    gateway.ussd("3*1*1", "S0")
    assert "Vos réponses gardées : 1" in gateway.sms("mes données")


def test_a_flow_changed_meanwhile_is_ended_in_its_own_version(gateway):
    known(gateway)
    gateway.ussd("3*1*1", "S0")
    gateway.library.serve([shipped("needs")], NOW)
    assert "commune" in gateway.ussd("3*1*1*5", "S0")
    assert gateway.ussd("3*1*1*5*Oujda", "S0").startswith("END Merci")
    assert "Premier besoin" in gateway.ussd("", "S5")


def test_the_number_is_nowhere_in_the_database(gateway, tmp_path):
    known(gateway)
    gateway.sms("EAU")
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert AMINA[1:].encode() not in stored
    assert AMINA[4:].encode() not in stored


def test_delivery_reports_and_lost_sessions_are_noted(gateway):
    gateway.conversations.receipt(gateway.at, Receipt(provider_id="x", state="unknown", detail="Odd"))
    gateway.conversations.ended(gateway.at, Ended(session="S1", sender=AMINA, dropped=True, detail="Failed"))
    kinds = {kind for _, kind, _ in gateway.store.events()}
    assert {"unknown-receipt", "ussd-drop"} <= kinds


def test_many_citizens_at_once_each_keep_their_own(gateway):
    phones = [f"+2126000000{n:02d}" for n in range(40)]

    def survey(phone):
        session = f"S{phone}"
        return [gateway.ussd(path, session, phone) for path in ("", "3", "3*1", "3*1*1", "3*1*1*5", "3*1*1*5*Oujda")]

    with ThreadPoolExecutor(8) as pool:
        ends = [screens[-1] for screens in pool.map(survey, phones)]
    assert all(screen.startswith("END Merci") for screen in ends)
    assert gateway.store.counts()["answers"] == 3 * len(phones)


def test_the_same_inbound_from_many_threads_counts_once(gateway):
    known(gateway)
    gateway.now = NOW + 50_000
    received = Received(
        channel="at", bearer="ussd", external_id="ussd:S0:3*1*1", sender=AMINA, path="3*1*1", session="S0"
    )
    with ThreadPoolExecutor(8) as pool:
        bodies = set(pool.map(lambda _: gateway.conversations.take(gateway.at, received), range(32)))
    assert len(bodies) == 1
    assert gateway.answers() == {"supply": "yes"}


def test_a_whole_flow_is_answered_in_one_sms(gateway):
    assert "Votre administration" in gateway.sms("EAU 1 4 Oujda")
    assert gateway.sms("oui").startswith("Merci")
    assert gateway.answers() == {"supply": "yes", "satisfaction": 4, "commune": "02.411.01.23"}


def test_what_is_missing_in_one_sms_is_asked_for(gateway):
    gateway.sms("eau 2 6")
    assert "satisfait" in gateway.sms("oui")
    assert gateway.answers() == {"supply": "no", "hours": 6}


def test_a_sentence_that_begins_with_a_keyword_stores_nothing(gateway):
    gateway.sms("Eau coupée depuis hier 1 2 3")
    assert "Réponse non comprise" in gateway.sms("oui")
    assert gateway.answers() == {}


def test_one_sms_in_arabic_tells_its_language(gateway):
    gateway.sms("ماء ١ ٥ وجدة")
    assert gateway.sms("نعم").startswith("شكرا")
    assert gateway.answers()["satisfaction"] == 5


def test_a_place_known_from_before_is_confirmed_in_one_key(gateway):
    gateway.sms("EAU 1 4 Oujda")
    gateway.sms("oui")
    gateway.now += 86_400_000
    assert "1 Oujda\n2 Autre lieu" in gateway.sms("EAU 1 5")
    assert gateway.sms("1").startswith("Merci")
    places = [row.value for row in gateway.store.answers() if row.step == "commune"]
    assert places == ["02.411.01.23"] * 2


def test_another_place_than_the_known_one_can_be_given(gateway):
    gateway.sms("EAU 1 4 Oujda")
    gateway.sms("oui")
    gateway.sms("EAU 1 5")
    assert "Écrivez le nom" in gateway.sms("2")
    assert gateway.sms("Berkane").startswith("Merci")


def test_one_sms_is_understood_while_another_conversation_waits(several):
    several.sms("SANTE")
    several.sms("oui")
    assert several.sms("EAU 1 4 Oujda").startswith("Merci")
    assert several.answers() == {"supply": "yes", "satisfaction": 4, "commune": "02.411.01.23"}


def test_a_sentence_that_begins_with_a_keyword_may_answer_the_open_question(several):
    several.sms("BESOIN 1 2 1 1")
    several.sms("oui")
    several.sms("Eau 2 jours par semaine")
    assert several.answers()["detail"] == "Eau 2 jours par semaine"


def test_one_sms_works_while_the_first_menu_is_open(several):
    several.sms("bonjour")
    several.sms("3")
    several.sms("EAU OUI 4 Oujda")
    assert several.sms("oui").startswith("Merci")
    assert several.answers()["satisfaction"] == 4


def test_one_sms_begins_its_flow_anew(gateway):
    gateway.sms("EAU")
    gateway.sms("oui")
    assert gateway.sms("eau 1 5 Oujda").startswith("Merci")


def test_an_amazigh_keyword_may_be_written_in_latin_letters(gateway):
    gateway.sms("aman")
    assert "ⵢⴰⵀ" in gateway.sms("oui")


def sent_by(gateway, provider_id="p1"):
    """Let the newest message have been taken by the provider under an id."""
    (row,) = gateway.store.claim_outbox("at", gateway.now, 1_000, 1)
    assert gateway.store.finish_outbox(row.id, row.fence, "accepted", gateway.now, provider_id=provider_id)
    return row


def test_a_report_that_a_citizen_opted_out_stops_us_and_their_next_word_lifts_it(several):
    several.sms("EAU")
    sent_by(several)
    report = Receipt(provider_id="p1", state="failed", detail="Failed UserInBlackList", cause="opted-out")
    several.conversations.receipt(several.at, report)
    several.conversations.receipt(several.at, report)
    amina = several.phones.pseudonym(AMINA)
    assert several.store.dialogue("at", "", amina).citizen.stopped_at
    told = [detail for _, kind, detail in several.store.events() if kind == "opted-out"]
    assert told == ["at: a citizen told the provider to stop"]
    several.sms("START")
    assert several.store.dialogue("at", "", amina).citizen.stopped_at == 0


def test_a_failure_that_may_pass_is_sent_again_a_few_times(gateway):
    gateway.sms("EAU")
    for attempt in range(1, 4):
        row = sent_by(gateway, f"p{attempt}")
        assert row.attempts == attempt
        report = Receipt(provider_id=f"p{attempt}", state="failed", detail="undelivered 30003", cause="passing")
        gateway.conversations.receipt(gateway.at, report)
        assert gateway.store.claim_outbox("at", gateway.now, 1_000, 1) == []
        gateway.now += AGAIN
    assert gateway.store.outbox()[0].state == "failed"


def test_a_refusal_that_only_an_operator_can_mend_is_told_once_an_hour(gateway):
    gateway.sms("EAU")
    for _ in range(3):
        report = Receipt(provider_id="p1", state="failed", detail="undelivered 30007", cause="alarm")
        gateway.conversations.receipt(gateway.at, report)
    told = [detail for _, kind, detail in gateway.store.events() if kind == "sending-refused"]
    assert told == ["at: undelivered 30007"]


def test_a_question_is_worth_sending_while_its_conversation_can_go_on(gateway):
    gateway.sms("EAU")
    (asked,) = gateway.store.outbox()
    assert asked.kind == "question"
    assert asked.not_after == asked.created_at + shipped("water").resume * 1000


def test_a_question_of_an_ended_conversation_is_soon_not_worth_sending(gateway):
    for text in ("EAU", "oui", "1", "5", "oujda"):
        gateway.sms(text)
    last, *asked = gateway.store.outbox()
    assert (last.kind, last.not_after) == ("reply", None)
    assert {(one.kind, one.not_after) for one in asked} == {("question", gateway.now + GRACE)}


def test_after_a_stop_its_receipt_goes_and_the_question_does_not(gateway):
    gateway.sms("EAU")
    gateway.sms("STOP")
    last, asked = gateway.store.outbox()
    assert (last.kind, last.not_after, last.state) == ("reply", None, "queued")
    assert (asked.state, asked.last_error, asked.recipient) == ("dead", "the citizen said stop", b"")


def test_while_the_clock_is_lost_nothing_is_handed_over_by_a_loop(gateway):
    received = Received(channel="at", bearer="ussd", external_id="x1", sender=AMINA, recipient="*384#")
    assert gateway.conversations.hands_over(received)
    gateway.conversations.watch = SimpleNamespace(known=False)
    assert not gateway.conversations.hands_over(received)
