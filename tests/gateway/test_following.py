"""Who loses a session is told how to go on, who is silent by SMS is reminded, and what was answered is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from flows.encoding import measure
from flows.load import load
from flows.types import Conversation
from gateway.channels.base import Ended, Received, Sendable, Sent, Settings
from gateway.channels.registry import create
from gateway.conversation import Conversations
from gateway.following import GRACE, LATER, SILENCE, Follower, coming
from gateway.intake import own_sms
from gateway.jobs import follow_up
from gateway.library import Library
from gateway.phones import Phones
from gateway.sender import Sender
from gateway.talk.talker import Talker
from locales.catalogue import Catalogues
from storage.following import Awaited
from storage.outgoing import ANSWERED, STOPPED
from storage.sqlite import SqliteStore

AMINA, BRAHIM = "+212612345678", "+212687654321"
NOON = 1_795_435_200_000
"""23 November 2026, 13:00 in Casablanca."""
HOUR, DAY = 3_600_000, 86_400_000
TEXTS = Catalogues()
FLOW = """\
flow: water
title: Eau potable
language: fr
languages: [fr, ar]
keywords: [EAU, ماء]
consent: no
{head}
steps:
- id: supply
  ask: {{fr: "Avez-vous de l'eau ?", ar: "هل لديكم ماء؟"}}
  type: yes_no
- id: marks
  ask: {{fr: "Quelle note de 1 à 5 ?", ar: "ما تقييمكم من 1 إلى 5؟"}}
  type: rating
- id: words
  ask: {{fr: "Que faut-il changer ?", ar: "ما الذي يجب تغييره؟"}}
  type: text
- say: {{fr: "Merci.", ar: "شكرا."}}
"""


class Phone:
    """A citizen's phone on one gateway with a channel that carries SMS and USSD, and the sender that serves it."""

    def __init__(self, folder: Path, head: str = "", language: str = "fr", hours: str = "21:00-08:00") -> None:
        self.now, self.sent = NOON, list[str]()
        self.store = SqliteStore(folder / "awal.db")
        flow = load(FLOW.format(head=head), "water.yaml").flow
        assert flow is not None
        self.library = Library(self.store, ("fr", "ar"))
        self.library.serve([flow], NOON)
        self.phones = Phones(b"p" * 32, b"s" * 32)
        given = Settings(name="at", type="africastalking", secret="s" * 32, number="34567", quiet_hours=hours)
        self.channel = create(given, "http://h")
        self.channel.send = self.send  # type: ignore[method-assign]
        channels = {"at": self.channel}
        self.conversations = Conversations(
            self.store,
            self.library,
            TEXTS,
            self.phones,
            lambda: self.now,
            timezone="Africa/Casablanca",
            within="",
            languages=("fr", "ar"),
        )
        self.follower = Follower(self.store, self.library, TEXTS, self.phones, channels, own_sms, "Africa/Casablanca")
        self.sender = Sender(self.store, channels, self.phones, lambda: self.now)
        self.word = {"fr": "EAU", "ar": "ماء"}[language]

    def send(self, message: Sendable) -> Sent:
        self.sent.append(message.text)
        return Sent("accepted", provider_id=message.id)

    def sms(self, text: str) -> None:
        self.now += 1000
        one = Received(channel="at", bearer="sms", external_id=f"sms:{self.now}", sender=AMINA, text=text)
        self.conversations.take(self.channel, one)
        self.beat()

    def ussd(self, path: str, session: str = "S1") -> str:
        self.now += 1000
        one = Received(
            channel="at",
            bearer="ussd",
            external_id=f"ussd:{session}:{path}",
            sender=AMINA,
            recipient="*384*1#",
            path=path,
            session=session,
        )
        return self.conversations.take(self.channel, one).decode()

    def drop(self, session: str = "S1") -> None:
        self.conversations.ended(self.channel, Ended(session=session, sender=AMINA, dropped=True))

    def beat(self) -> None:
        """Let the scheduler and the sender look."""
        self.follower.look(self.now)
        self.sender.run_once(self.now)

    def wait(self, milliseconds: int, beat: int = HOUR // 4) -> list[str]:
        """Let time pass; return what came meanwhile."""
        before = len(self.sent)
        for _ in range(milliseconds // beat):
            self.now += beat
            self.beat()
        return self.sent[before:]

    def begin(self) -> None:
        """Ask for the flow by SMS: its first question comes."""
        self.sms(self.word)
        if len(self.sent) == 1 and "العربية" in self.sent[0]:
            self.sms("1" if self.word == "ماء" else "2")

    def status(self) -> list[str]:
        found = self.store.mydata(self.phones.pseudonym(AMINA))["conversations"]
        return [one["status"] for one in found]  # type: ignore[attr-defined]


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    one = Phone(tmp_path)
    yield one
    one.store.close()


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[Phone]:
    one = Phone(tmp_path, "lost: yes")
    yield one
    one.store.close()


def dialled(phone: Phone, session: str = "S1") -> None:
    """Dial, choose French, and answer the first question."""
    phone.ussd("", session)
    phone.ussd("2", session)
    assert "note" in phone.ussd("2*1", session)


def test_who_is_silent_by_sms_is_reminded_twice_then_kept_as_partial(phone: Phone) -> None:
    phone.begin()
    phone.sms("1")
    assert "note" in phone.sent[-1]

    assert phone.wait(4 * HOUR - 60_000) == []
    assert phone.wait(HOUR) == ["Nous attendons votre réponse :\n" + phone.sent[-2]]
    assert len(phone.wait(19 * HOUR)) == 1
    assert phone.wait(4 * DAY, HOUR) == []
    assert phone.status() == ["partial"]
    assert [row.step for row in phone.store.answers()] == ["supply"]
    walks = phone.store.walks("2026-11-23", "2026-11-23")
    assert [(one.started, one.completed, one.partial, one.open) for one in walks] == [(1, 0, 1, 0)]


def test_reminders_come_at_decent_hours(phone: Phone) -> None:
    phone.now = NOON + 6 * HOUR  # 19:00; four hours later people sleep
    phone.begin()

    assert phone.wait(12 * HOUR) == []
    hours = {row.created_at for row in phone.store.outbox() if row.kind == "reminder"}
    assert hours == set()
    assert len(phone.wait(2 * HOUR)) == 1, "after eight in the morning"


def test_an_answer_stops_the_reminders_of_its_question(phone: Phone) -> None:
    phone.begin()
    phone.wait(3 * HOUR)
    phone.sms("1")

    assert phone.wait(3 * HOUR) == [], "the silence counts from the last reply"
    assert len(phone.wait(2 * HOUR)) == 1


def test_a_reminder_on_its_way_is_not_sent_to_who_answers(phone: Phone) -> None:
    phone.begin()
    phone.now += 4 * HOUR
    assert phone.follower.look(phone.now) == 1
    phone.now += 1000
    one = Received(channel="at", bearer="sms", external_id="sms:x", sender=AMINA, text="1")
    phone.conversations.take(phone.channel, one)
    phone.sender.run_once(phone.now)

    assert [row.last_error for row in phone.store.outbox(["dead"])] == [ANSWERED]
    assert not [text for text in phone.sent if text.startswith("Nous attendons")]


def test_who_says_stop_is_not_reminded(phone: Phone) -> None:
    phone.begin()
    phone.now += 4 * HOUR
    phone.follower.look(phone.now)
    phone.sms("STOP")

    assert [row.last_error for row in phone.store.outbox(["dead"])] == [STOPPED]
    assert phone.wait(3 * DAY) == []


def test_two_gateways_remind_once(phone: Phone) -> None:
    phone.begin()
    phone.now += 4 * HOUR
    found = phone.store.awaited(phone.now)
    steps = [phone.follower._step(found[0], phone.now) for _ in range(2)]

    assert [phone.store.follow(step) for step in steps] == [True, False]
    assert len([row for row in phone.store.outbox() if row.kind == "reminder"]) == 1


def test_a_flow_may_leave_people_in_peace(tmp_path: Path) -> None:
    phone = Phone(tmp_path, "remind: no")
    phone.begin()
    phone.sms("1")

    assert phone.wait(3 * DAY) == []
    assert phone.status() == ["partial"]
    phone.store.close()


def test_who_never_answered_leaves_nothing_partial(phone: Phone) -> None:
    phone.begin()
    phone.wait(4 * DAY)

    assert phone.status() == ["expired"]


def test_a_gateway_that_was_off_for_days_reminds_nobody(phone: Phone) -> None:
    phone.begin()
    phone.sms("1")
    phone.now += 3 * DAY
    phone.beat()

    assert not [text for text in phone.sent if text.startswith("Nous attendons")]
    assert phone.status() == ["partial"]


def test_a_late_reply_takes_the_conversation_up_again(phone: Phone) -> None:
    phone.begin()
    phone.sms("1")
    phone.wait(4 * DAY)
    assert phone.status() == ["partial"]

    phone.sms("5")
    assert "changer" in phone.sent[-1]
    phone.sms("Plus de pression")
    assert {row.step: row.value for row in phone.store.answers()} == {
        "supply": "yes",
        "marks": 5,
        "words": "Plus de pression",
    }
    assert phone.status() == ["done"]


def test_a_reply_after_weeks_or_one_that_answers_nothing_begins_anew(phone: Phone) -> None:
    phone.begin()
    phone.sms("1")
    phone.wait(4 * DAY)
    phone.sms("bonjour")
    assert phone.status()[0] == "partial"
    phone.wait(10 * DAY, DAY)
    phone.sms("5")
    assert phone.status()[0] == "partial"
    assert {row.step for row in phone.store.answers()} == {"supply"}


def test_who_loses_a_session_hears_once_how_to_go_on(lost: Phone) -> None:
    dialled(lost)
    lost.drop()

    assert lost.wait(GRACE, GRACE // 2) == [
        "Communication coupée. Pour continuer, composez *384*1# ou envoyez EAU à ce numéro."
    ]
    lost.drop()
    assert lost.wait(3 * DAY) == []
    assert lost.status() == ["partial"]


def test_a_session_that_falls_silent_is_lost_too(lost: Phone) -> None:
    dialled(lost)

    assert lost.wait(SILENCE - 60_000, 30_000) == []
    assert len(lost.wait(90_000, 30_000)) == 1


def test_who_dials_again_is_not_told(lost: Phone) -> None:
    dialled(lost)
    lost.drop()
    assert "Continuer" in lost.ussd("", "S2")
    assert lost.wait(2 * GRACE, GRACE // 2) == []
    lost.drop("S1")
    assert lost.wait(GRACE, GRACE // 2) == [], "the report of the first session came late"
    lost.drop("S2")
    assert len(lost.wait(2 * GRACE, GRACE // 2)) == 1


def test_the_word_that_was_told_continues_by_sms(lost: Phone) -> None:
    dialled(lost)
    lost.drop()
    lost.wait(2 * GRACE, GRACE)
    lost.sms("EAU")

    assert "Continuer" in lost.sent[-1]
    lost.sms("1")
    assert "note" in lost.sent[-1]


def test_who_lost_a_session_at_night_is_told_in_the_morning(lost: Phone) -> None:
    lost.now = NOON + 10 * HOUR
    dialled(lost)
    lost.drop()

    assert lost.wait(8 * HOUR) == []
    assert len(lost.wait(2 * HOUR)) == 1


def test_a_talk_can_lose_its_session_and_wait_for_the_sms() -> None:
    flow = load(FLOW.format(head="lost: yes"), "water.yaml").flow
    assert flow is not None
    talker = Talker([flow], TEXTS, language="fr")
    talker.start()
    talker.reply("1")
    talker.drop()
    talker.wait(300)

    assert talker.messages == ["Communication coupée. Pour continuer, envoyez EAU à ce numéro."]
    talker.start()
    assert "Continuer" in talker.screen


def test_who_leads_and_knows_the_time_looks_and_nobody_else() -> None:
    looks: list[int] = []
    for known, leads, closed in ((False, True, False), (True, False, False), (True, True, True), (True, True, False)):
        follow_up(
            SimpleNamespace(  # type: ignore[arg-type]
                closed=closed,
                watch=SimpleNamespace(known=known),
                store=SimpleNamespace(lead=lambda leads=leads: leads),
                follower=SimpleNamespace(look=looks.append),
                clock=lambda: NOON,
            )
        )
    assert looks == [NOON]


def test_nothing_is_said_of_a_session_that_ended_or_where_the_flow_does_not_allow_it(tmp_path: Path) -> None:
    for head, path in (("lost: yes", ("", "2", "2*1", "2*1*5", "2*1*5*Rien")), ("", ("", "2", "2*1"))):
        (tmp_path / str(len(path))).mkdir()
        phone = Phone(tmp_path / str(len(path)), head)
        for one in path:
            phone.ussd(one)
        phone.drop()
        assert phone.wait(3 * DAY) == []
        phone.store.close()


def test_the_number_is_wiped_when_the_waiting_is_over(phone: Phone) -> None:
    phone.begin()
    assert phone.store.awaited(1 << 60)[0].recipient
    phone.wait(4 * DAY)

    assert phone.store._read(lambda link: link.execute("SELECT DISTINCT recipient FROM conversations").fetchall()) == [
        (b"",)
    ]


def test_the_words_of_a_shared_phone_are_private(phone: Phone) -> None:
    phone.begin()
    one = phone.store.awaited(1 << 60)[0]
    other = replace(one, citizen=phone.phones.pseudonym(BRAHIM))

    assert phone.follower._step(other, phone.now + 4 * HOUR).outbound is None


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_what_is_said_fits_one_segment(tmp_path: Path, language: str) -> None:
    phone = Phone(tmp_path, "lost: yes", language)
    phone.begin()
    phone.wait(5 * HOUR)
    phone.ussd("", "S9")
    phone.drop("S9")
    phone.wait(HOUR)
    told = [row for row in phone.store.outbox() if row.kind == "reminder"]
    assert len(told) == 2
    assert all(measure(row.text).segments == 1 for row in told)
    assert all(("ننتظر" in row.text or "انقطع" in row.text) == (language == "ar") for row in told)
    phone.store.close()


spans = st.integers(0, 3 * DAY)


@given(
    spoke=spans,
    asked_at=spans,
    lost_at=spans,
    asked=st.integers(0, 3),
    ussd=st.booleans(),
    resume=st.integers(60, 90_000),
)
@settings(max_examples=150)
def test_what_comes_next_is_never_before_the_last_word_nor_after_the_end(
    spoke: int, asked_at: int, lost_at: int, asked: int, ussd: bool, resume: int
) -> None:
    flow = load(FLOW.format(head="lost: yes"), "water.yaml").flow
    assert flow is not None
    flow = replace(flow, resume=resume)
    state = Conversation(
        id="c",
        bearer="ussd" if ussd else "sms",
        flow="water",
        phase="steps",
        at=0,
        started_at=_at(spoke),
        updated_at=_at(spoke),
    )
    one = Awaited(state=state, revision=1, citizen="a", recipient=b"x", lost_at=lost_at, asked_at=asked_at, asked=asked)
    due = coming(flow, one)
    end = max(spoke, asked_at) + resume * 1000 + 1

    assert spoke < due.at <= end
    if due.what == "remind":
        assert asked < len(flow.reminders)
        after = coming(flow, replace(one, asked=asked + 1, asked_at=due.at))
        assert after.at > due.at
    if due.what == "lost":
        assert coming(flow, replace(one, asked_at=due.at)).what == "end", "told once"
    assert LATER < HOUR


def _at(milliseconds: int):  # type: ignore[no-untyped-def]
    from datetime import UTC, datetime

    return datetime.fromtimestamp(milliseconds / 1000, UTC)
