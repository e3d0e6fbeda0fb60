"""Several people on one phone, by a code of their own: what each says is theirs, whatever the order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from channel_world import AMINA, BRAHIM, LANGUAGES, ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.load import load
from flows.model import Flow
from gateway.channels.base import Received, Settings
from gateway.channels.registry import create
from gateway.conversation import Conversations
from gateway.library import Library
from gateway.persons import MOST_CODES, PRIVATE_FOR, Codes, code_given
from gateway.phones import Phones
from gateway.settings import Gateway
from locales.catalogue import Catalogues
from storage.memory import MemoryStore
from storage.sqlite import SqliteStore
from storage.store import Store

TEXTS = Catalogues()
PHONES = Phones(b"p" * 32, b"s" * 32)
CODE, OTHER = "4821", "7306"
NOW = 1_795_435_200_000


def water() -> Flow:
    flow = load((ROOT / "flows/surveys/water.yaml").read_text("utf-8"), "water").flow
    assert flow is not None
    return flow


WATER = water()


class Phone:
    """One telephone before a gateway; `hand` is whose it is in at the moment, by their code."""

    def __init__(self, store: Store, number: str = AMINA, provider: str = "africastalking") -> None:
        self.number = number
        self.now = NOW
        self.ids = 0
        self.store = store
        library = Library(store, LANGUAGES)
        library.serve([WATER], NOW)
        self.channel = create(
            Settings(name="at", type=provider, secret="s" * 32, username="sandbox", api_key="k"), "http://h"
        )
        self.conversations = Conversations(
            store,
            library,
            TEXTS,
            PHONES,
            lambda: self.now,
            timezone="Africa/Casablanca",
            within="02",
            languages=LANGUAGES,
            shared_phones=True,
        )
        self.path: list[str] = []
        self.session = ""

    def take(self, **more: Any) -> str:
        self.now += 1_000
        self.ids += 1
        given = {"external_id": f"x{self.ids}", "recipient": "384", **more}
        received = Received(channel="at", sender=self.number, **given)
        return self.conversations.take(self.channel, received).decode()

    def dial(self) -> str:
        self.session, self.path = f"S{self.ids}", []
        return self.take(bearer="ussd", session=self.session, path="")

    def press(self, text: str) -> str:
        self.path.append(text)
        return self.take(bearer="ussd", session=self.session, path="*".join(self.path))

    def sms(self, text: str) -> str:
        assert self.take(bearer="sms", text=text) == ""
        return self.store.outbox(limit=1)[0].text

    def claim(self) -> list[Any]:
        """Send what waits first of each citizen."""
        rows = self.store.claim_outbox("at", self.now, 1_000, 20)
        for row in rows:
            assert self.store.finish_outbox(row.id, row.fence, "delivered", self.now)
        return list(rows)

    def name(self, code: str = "") -> str:
        return PHONES.person(self.number, code) if code else PHONES.pseudonym(self.number)

    def marks(self) -> dict[str, set[object]]:
        """Return the marks given, by who gave them."""
        found: dict[str, set[object]] = {}
        for row in self.store.answers():
            if row.step == "satisfaction":
                found.setdefault(row.citizen, set()).add(row.value)
        return found

    def answer(self, mark: int, screen: str) -> None:
        """Go on from a screen to the end of the survey, giving one's own mark."""
        say = self.press if screen.startswith(("CON", "END")) else self.sms
        for _ in range(12):
            if screen.startswith("END") or "Merci" in screen:
                return
            screen = say(reply_to(screen, mark))
        raise AssertionError(screen)


def reply_to(screen: str, mark: int) -> str:
    """Reply as a citizen who speaks French: go on where something is open, agree, and give one's mark."""
    for told, reply in (
        ("Français", "3"),
        ("Continuer", "1"),
        ("J'accepte", "1"),
        ("chaque jour", "1"),
        ("satisfait", str(mark)),
        ("problème", "1"),
        ("commune", "Oujda"),
        ("Choisissez", "1"),
    ):
        if told in screen:
            return reply
    return "0"


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    with SqliteStore(tmp_path / "awal.db") as store:
        yield Phone(store)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("MOI 4821", "4821"),
        ("moi4821", "4821"),
        (" « Moi  4821 ! » ", "4821"),
        ("ANA 4821", "4821"),
        ("أنا ٤٨٢١", "4821"),
        ("MOI 48 21", "4821"),
        ("moi-4821", "4821"),
        ("MOI", ""),
        ("أنا", ""),
        ("MOI 482", None),
        ("MOI 48211", None),
        ("4821", None),
        ("moi 4821 fois", None),
        ("c'est moi 4821", None),
        ("", None),
        ("MOI 4821" + " " * 40, None),
    ],
)
def test_a_code_is_given_by_a_whole_message(text: str, code: str | None) -> None:
    assert code_given(text) == code


def test_a_person_answers_in_a_session_and_the_phone_knows_nothing_of_it(phone: Phone) -> None:
    assert "Français" in phone.dial()
    shown = phone.press(f"MOI {CODE}")
    assert shown.startswith("CON A vous, en privé.")
    assert "Français" in phone.press("0")  # a new person is asked for their language
    phone.answer(4, phone.press("3"))
    assert phone.marks() == {phone.name(CODE): {4}}
    assert "Français" in phone.dial()  # the phone's own citizen is as new as before
    assert phone.store.mydata(phone.name())["answers"] == []


def test_a_new_session_begins_as_the_phones_own_citizen(phone: Phone) -> None:
    phone.dial()
    phone.press(f"MOI {CODE}")
    phone.press("0")
    phone.press("3")
    phone.press("1")
    phone.press("1")  # in the middle of the survey
    assert "Français" in phone.dial()
    phone.press(f"ANA {CODE}")
    assert "Vous n'avez pas fini" in phone.press("9")  # whatever they press
    phone.answer(2, phone.press("1"))
    assert phone.marks() == {phone.name(CODE): {2}}


def test_by_sms_each_goes_on_where_they_were_and_leaves_by_the_word_alone(phone: Phone) -> None:
    phone.sms("EAU")
    phone.sms("oui")
    assert phone.sms(f"MOI {CODE}") == "A vous, en privé. Pour sortir : MOI"
    assert "D'accord" in phone.sms("EAU")
    assert "chaque jour" in phone.sms("oui")
    claimed = [row.text for _ in range(9) for row in phone.claim()]
    assert any("chaque jour" in text for text in claimed)  # a person's question is sent, stop or none
    assert phone.sms("moi") == "Mode privé terminé."
    assert "satisfait" in phone.sms("oui")  # the first one's question
    phone.sms("1")
    assert phone.marks() == {phone.name(): {1}}
    phone.sms(f"أنا {CODE}")
    assert "satisfait" in phone.sms("oui")
    phone.sms("5")
    assert phone.marks() == {phone.name(): {1}, phone.name(CODE): {5}}


def test_the_private_time_by_sms_runs_out(phone: Phone) -> None:
    phone.sms(f"MOI {CODE}")
    phone.sms("EAU")
    phone.now += PRIVATE_FOR
    assert "العربية" in phone.sms("oui")  # nobody's question: the phone's own citizen has begun nothing
    assert phone.store.dialogue("at", "", phone.name()).current is not None


def test_a_completed_survey_ends_the_private_time_by_sms(phone: Phone) -> None:
    phone.sms(f"MOI {CODE}")
    phone.answer(3, phone.sms("EAU"))
    phone.answer(1, phone.sms("EAU"))
    assert phone.marks() == {phone.name(CODE): {3}, phone.name(): {1}}


def test_no_code_is_wrong_and_the_words_never_differ(phone: Phone) -> None:
    phone.dial()
    known = phone.press(f"MOI {CODE}")
    phone.answer(4, phone.press("0"))
    phone.dial()
    assert phone.press(f"MOI {CODE}") == known
    phone.dial()
    assert phone.press(f"MOI {OTHER}") == known
    assert phone.sms(f"MOI {CODE}") == phone.sms(f"MOI {OTHER}")


def test_codes_cannot_be_tried_out(phone: Phone) -> None:
    for number in range(MOST_CODES):
        phone.dial()
        assert "A vous" in phone.press(f"MOI {number:04}")
    phone.dial()
    assert phone.press(f"MOI {CODE}") == "END Trop de codes. Réessayez demain."
    assert phone.sms(f"MOI {CODE}") == "Trop de codes. Réessayez demain."
    assert "Français" in phone.sms("EAU")  # the phone itself goes on
    phone.now += 86_400_000
    phone.dial()
    assert "A vous" in phone.press(f"MOI {CODE}")


def test_a_repeat_of_a_code_is_one_try_and_another_phone_has_its_own() -> None:
    codes = Codes()
    assert all(codes.allow("a", "x1", NOW) for _ in range(100))
    assert all(codes.allow("a", f"y{at}", NOW) for at in range(MOST_CODES - 1))
    assert not codes.allow("a", "z", NOW)
    assert codes.allow("b", "z", NOW)


def test_a_repeat_gets_its_reply_byte_for_byte(phone: Phone) -> None:
    phone.dial()
    whole = ["", f"MOI {CODE}", "0", "3", "1", "1"]
    replies = []
    paths = ["*".join(whole[1 : at + 1]) for at in range(1, len(whole))]
    for at, path in enumerate(paths):
        replies.append(phone.take(bearer="ussd", session=phone.session, path=path, external_id=f"r{at}"))
    before = phone.store.counts()
    for at, path in enumerate(paths):
        again = phone.take(bearer="ussd", session=phone.session, path=path, external_id=f"r{at}")
        assert again == replies[at]
        late = phone.take(bearer="ussd", session=phone.session, path=path, external_id=f"late{at}")
        assert late == replies[-1]  # an id that is new with inputs that are old: what is shown now
    assert phone.store.counts() == before


def test_the_code_is_nowhere_in_what_is_kept(phone: Phone, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    phone.dial()
    phone.press(f"MOI {CODE}")
    phone.answer(4, phone.press("0"))
    phone.sms(f"MOI {CODE}")
    phone.sms("EAU")
    kept = [file.read_bytes() for file in tmp_path.iterdir() if file.name.startswith("awal.db")]
    assert not any(CODE.encode() in one for one in kept)
    with closing(sqlite3.connect(tmp_path / "awal.db")) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            assert CODE not in str(connection.execute(f"SELECT * FROM {table}").fetchall()), table
    shown = capsys.readouterr()
    assert CODE not in shown.out + shown.err


def test_an_id_made_of_what_was_typed_is_veiled(phone: Phone) -> None:
    """Africa's Talking gives none: the adapter makes one of the session and a digest, from which a code is guessed."""
    from hashlib import sha256

    phone.dial()
    for path in (f"MOI {CODE}", f"MOI {CODE}*0"):
        id = f"ussd:S:{sha256(path.encode()).hexdigest()[:24]}"
        shown = [phone.take(bearer="ussd", session=phone.session, path=path, external_id=id) for _ in range(2)]
        assert shown[0] == shown[1]
        assert id not in str(phone.store.mydata(phone.name())) + str(phone.store.mydata(phone.name(CODE)))
        with closing(sqlite3.connect(phone.store.path)) as connection:  # type: ignore[attr-defined]
            assert (id,) not in connection.execute("SELECT external_id FROM inbound").fetchall()


def test_a_code_may_be_dialled_at_once(phone: Phone) -> None:
    phone.session, phone.path = "direct", [f"MOI {CODE}"]
    assert "A vous" in phone.take(bearer="ussd", session="direct", path=f"MOI {CODE}")
    phone.answer(4, phone.press("0"))
    assert phone.marks() == {phone.name(CODE): {4}}


def test_on_postgres_too(postgres_server: Any) -> None:
    from storage.postgres import PostgresStore

    url = postgres_server.new_database()
    with PostgresStore(url) as store:
        phone = Phone(store)
        phone.answer(1, phone.dial())
        phone.dial()
        phone.press(f"MOI {CODE}")
        phone.answer(4, phone.press("0"))
        phone.sms(f"MOI {OTHER}")
        phone.answer(5, phone.sms("EAU"))
        assert phone.marks() == {phone.name(): {1}, phone.name(CODE): {4}, phone.name(OTHER): {5}}
        phone.dial()
        phone.press(f"MOI {CODE}")
        phone.press("0")
        assert "effacées" in phone.press("EFFACER")
        assert phone.marks() == {phone.name(): {1}, phone.name(OTHER): {5}}
    postgres_server.drop(url)


def test_each_has_rights_over_their_own_data_alone(phone: Phone) -> None:
    phone.answer(1, phone.dial())
    for code, mark in ((CODE, 3), (OTHER, 5)):
        phone.dial()
        phone.press(f"MOI {code}")
        phone.answer(mark, phone.press("0"))
    phone.dial()
    phone.press(f"MOI {CODE}")
    phone.press("0")
    assert phone.press("EFFACER").startswith("END Vos données sont effacées")
    assert phone.marks() == {phone.name(): {1}, phone.name(OTHER): {5}}
    assert phone.store.standing([phone.name(CODE)]) == {phone.name(CODE): "erased"}
    phone.dial()
    assert "effacées" in phone.press("EFFACER")
    assert phone.marks() == {phone.name(OTHER): {5}}


def test_nothing_unasked_goes_to_a_shared_phone_before_that_person_wishes_it(phone: Phone) -> None:
    phone.sms(f"MOI {CODE}")
    phone.sms("EAU")
    assert phone.store.standing([phone.name(CODE)]) == {phone.name(CODE): "stopped"}
    assert phone.store.reached() == [] or all(one.citizen != phone.name(CODE) for one in phone.store.reached())
    phone.sms("START")
    assert phone.store.standing([phone.name(CODE)]) == {phone.name(CODE): "known"}


def test_no_number_is_kept_by_which_a_person_could_be_reminded(phone: Phone) -> None:
    phone.sms("EAU")
    phone.sms(f"MOI {CODE}")
    phone.sms("EAU")
    phone.sms("START")
    with closing(sqlite3.connect(phone.store.path)) as connection:  # type: ignore[attr-defined]
        kept = dict(connection.execute("SELECT citizen, length(recipient) FROM conversations").fetchall())
    assert kept[phone.name()] > 0
    assert kept[phone.name(CODE)] == 0


def test_no_sms_follows_a_private_session(phone: Phone) -> None:
    phone.dial()
    phone.press(f"MOI {CODE}")
    phone.answer(4, phone.press("0"))
    assert phone.store.outbox() == []


def test_the_same_code_on_another_phone_is_another_person(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "awal.db") as store:
        for number in (AMINA, BRAHIM):
            one = Phone(store, number)
            one.ids = int(number[-4:])
            one.dial()
            one.press(f"MOI {CODE}")
            one.answer(4, one.press("0"))
        assert len(one.marks()) == 2


def test_without_the_setting_the_word_is_a_word(phone: Phone) -> None:
    phone.conversations.persons = None
    assert "العربية" in phone.sms(f"MOI {CODE}")
    assert phone.marks() == {}


VISITS = st.lists(
    st.tuples(st.sampled_from(["", CODE, OTHER]), st.sampled_from(["ussd", "sms"]), st.integers(1, 7)),
    min_size=1,
    max_size=8,
)
MARKS = {"": 1, CODE: 3, OTHER: 5}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VISITS)
def test_no_two_persons_data_ever_meet(visits: list[tuple[str, str, int]]) -> None:
    """Each gives a mark of their own, for as many replies as they stay; whatever the order, no mark is another's."""
    phone = Phone(MemoryStore())
    for code, bearer, stays in visits:
        visit(phone, code, bearer, stays)
        for who, marks in phone.marks().items():
            owner = next(one for one in MARKS if phone.name(one) == who)
            assert marks == {MARKS[owner]}
        for code, mark in MARKS.items():
            for state in phone.store.mydata(phone.name(code))["conversations"]:  # type: ignore[attr-defined]
                assert state.get("answers", {}).get("satisfaction", mark) == mark


def visit(phone: Phone, code: str, bearer: str, stays: int) -> None:
    """Take the phone, say who one is, and stay for some replies."""
    if bearer == "ussd":
        screen, say = phone.dial(), phone.press
        if code:
            phone.press(f"MOI {code}")
            screen = phone.press("0")
    else:
        say = phone.sms
        phone.sms(f"MOI {code}" if code else "MOI")
        screen = phone.sms("EAU")
    for _ in range(stays):
        if screen.startswith("END") or "Merci" in screen:
            return
        screen = say(reply_to(screen, MARKS[code]))


def test_the_setting_is_on_by_default() -> None:
    assert Gateway().shared_phones
