"""Stop, start, language, help, my data, delete my data: on every channel, in every language, first or in mid-flow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from citizen_roads import LIVE, PHONES, ROADS, Road, Web, fresh, opened
from conformance import ENVELOPES, SECRET, Letter, post

from flows.encoding import measure
from flows.reading import command as obeyed
from flows.reading.commands import WORDS, command_language
from gateway.channels.base import Receipt
from locales.catalogue import Catalogues
from locales.negotiation import match
from storage.store import OutboundRow

TEXTS = Catalogues()
SERVED = ("fr", "ar", "zgh")
COMMANDS = ("STOP", "START", "LANGUAGE", "HELP", "MYDATA", "DELETE")
PHRASE = {"STOP": "stopped", "START": "started", "HELP": "help", "MYDATA": "my_data", "DELETE": "erased"}


def words(command: str) -> list[str]:
    """Return one word of a command in each language and script it has."""
    by_language: dict[str, str] = {}
    for word in WORDS[command]:
        by_language.setdefault(command_language(word), word)
    return list(by_language.values())


def unasked(phone: str, id: str) -> OutboundRow:
    """A message that nobody asked for, on a ground that would do."""
    return OutboundRow(
        id=id,
        citizen=PHONES.pseudonym(phone),
        channel="c",
        recipient=b"x",
        text="Bonjour",
        encoding="GSM-7",
        segments=1,
        created_at=1,
        kind="campaign",
        ground="opt-in",
    )


@pytest.fixture(params=ROADS)
def road(request: pytest.FixtureRequest, tmp_path: Path, need: Callable[..., None]) -> Iterator[Road]:
    with opened(request.param, tmp_path, need) as one:
        one.name = request.param
        yield one


def told(road: Road, command: str, shown: str, language: str, kept: int = 0) -> None:
    """Hold what is shown to the language, and to one SMS or one screen."""
    cost = measure(shown)
    if road.bearer == "sms":
        assert cost.segments == 1, (command, language, shown)
    else:
        limits = road.world.channel.limits
        assert cost.units <= (limits.gsm if cost.encoding == "GSM-7" else limits.ucs2), (command, shown)
    if command == "LANGUAGE":
        assert shown.startswith("1 العربية"), shown
        return
    name = "my_data_agreed" if command == "MYDATA" and kept else PHRASE[command]
    expected = TEXTS.phrase(name, language, answers=kept, date="24/11/2026")
    assert shown.split("\n")[0] == expected.split("\n")[0], (command, language, shown)


def test_the_operators_page_tells_the_words_that_are_obeyed(root: Path) -> None:
    page = (root / "gateway/citizens.md").read_text("utf-8")
    for name in COMMANDS:
        (row,) = re.findall(rf"^\| {name} \|(.*)\|[^|]*\|$", page, re.M)
        told = [word.strip() for word in re.split("[|,،]", row) if word.strip()]
        assert told
        assert {obeyed(word) for word in told} == {name}


class Citizen:
    """One new citizen on a road."""

    def __init__(self, road: Road) -> None:
        self.road = road
        self.phone = fresh()
        self.name = PHONES.pseudonym(self.phone)
        self.store = road.world.store
        road.begins(self.phone)

    def says(self, text: str) -> str:
        return self.road.says(self.phone, text)

    def begins_water(self) -> None:
        """Speak French, agree, and answer the first question."""
        for reply in ("3", "1", "1") if self.road.bearer == "ussd" else ("EAU", "oui", "1"):
            self.says(reply)
        assert len(self.store.mydata(self.name)["answers"]) == 1  # type: ignore[arg-type]

    @property
    def stopped_at(self) -> int:
        known = self.store.dialogue("x", "", self.name).citizen
        return known.stopped_at if known else 0

    def acts(self) -> list[str]:
        return [proof.act for proof in self.store.consents(self.name)]

    def takes(self, id: str) -> bool:
        """Tell whether a message that nobody asked for would be queued."""
        return self.store.enqueue([unasked(self.phone, f"{id}-{self.phone}")]) == 1

    def sent(self) -> list[str]:
        """Send what waits, as the sender would; return what it was."""
        channel, now = self.road.world.channel.name, self.road.world.now
        found = []
        while rows := self.store.claim_outbox(channel, now, 1_000, 20):
            for row in rows:
                found.append(row.text)
                assert self.store.finish_outbox(row.id, row.fence, "delivered", now)
        return found

    def again(self) -> None:
        """Come back: by USSD the session may have ended."""
        self.road.begins(self.phone)


def effect(citizen: Citizen, command: str) -> None:
    """Hold the store to what a command asks for."""
    if command == "STOP":
        assert citizen.stopped_at
        assert not citizen.takes("stop")
        assert citizen.acts()[-1] == "stopped"
    elif command == "DELETE":
        assert citizen.store.mydata(citizen.name)["answers"] == []
        assert citizen.store.standing([citizen.name]) == {citizen.name: "erased"}
        assert citizen.acts() == []
        assert not citizen.takes("erased")
    else:
        assert not citizen.stopped_at
        assert citizen.takes("wanted")
    if command == "START":
        assert citizen.acts()[-1] == "started"


def spoken(word: str) -> str:
    """Return the language that answers a first word: its own, or the gateway's first."""
    return match(command_language(word), SERVED) or "fr"


def test_each_command_is_the_first_word_ever(road: Road) -> None:
    for command in COMMANDS:
        for word in words(command):
            citizen = Citizen(road)
            told(road, command, citizen.says(word), spoken(word))
            effect(citizen, command)


def test_each_command_comes_in_the_middle_of_a_flow(road: Road) -> None:
    some = 2 if road.name in LIVE else None  # the words are read behind the adapters: real programs get a few
    for command in COMMANDS:
        for word in words(command)[:some]:
            citizen = Citizen(road)
            citizen.begins_water()
            told(road, command, citizen.says(word.upper()), "fr", kept=1)
            effect(citizen, command)


def test_a_repeat_changes_nothing_and_start_undoes_a_stop(road: Road) -> None:
    citizen = Citizen(road)
    citizen.begins_water()
    citizen.says("stop")
    since, proofs = citizen.stopped_at, citizen.acts()
    for word in ("توقف", "MES DONNEES", "aide", "stop"):
        citizen.again()
        citizen.says(word)
        assert citizen.stopped_at == since, word
    assert citizen.acts() == proofs == ["agreed", "stopped"]
    assert not citizen.takes("before")
    citizen.again()
    citizen.says("START")
    assert citizen.takes("after")
    assert citizen.acts() == ["agreed", "stopped", "started"]
    assert citizen.store.consents(citizen.name)[-1].words == "START"


def test_after_a_stop_a_citizen_may_still_answer_and_hears_only_what_they_ask(road: Road) -> None:
    citizen = Citizen(road)
    citizen.says("stop")
    citizen.again()
    citizen.begins_water()
    assert citizen.stopped_at
    assert not citizen.takes("reminder")
    if road.bearer == "sms":
        citizen.again()
        asked = citizen.says("aide")
        assert asked in citizen.sent()


def test_what_a_stopped_citizen_asks_for_is_really_sent(road: Road) -> None:
    citizen = Citizen(road)
    citizen.says("stop")
    citizen.sent()
    citizen.again()
    citizen.begins_water()
    assert bool(citizen.sent()) == (road.bearer == "sms")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_word_of_a_command_is_obeyed_in_any_dress(
    command: str, tmp_path: Path, need: Callable[..., None]
) -> None:
    with opened("simulator sms", tmp_path, need) as road:
        for word in WORDS[command]:
            for dressed in (word, word.upper(), f" « {word} ! » "):
                citizen = Citizen(road)
                told(road, command, citizen.says(dressed), spoken(word))
                effect(citizen, command)


def test_a_provider_that_was_told_to_stop_is_believed_and_its_proof_kept(
    tmp_path: Path, need: Callable[..., None]
) -> None:
    with opened("twilio sms", tmp_path, need) as road:
        citizen = Citizen(road)
        citizen.says("EAU")
        (row,) = citizen.store.claim_outbox(road.world.channel.name, road.world.now, 1_000, 1)
        citizen.store.finish_outbox(row.id, row.fence, "accepted", road.world.now, provider_id="SM1")
        report = Receipt(provider_id="SM1", state="failed", detail="21610", cause="opted-out")
        road.world.conversations.receipt(road.world.channel, report)
        assert not citizen.takes("after")
        (proof,) = citizen.store.consents(citizen.name)
        assert (proof.act, proof.channel) == ("stopped", road.world.channel.name)


def test_the_list_of_who_wants_nothing_at_africas_talking_counts(tmp_path: Path, need: Callable[..., None]) -> None:
    with opened("africastalking sms", tmp_path, need) as road:
        citizen = Citizen(road)
        fields = {"senderId": "AWAL", "phoneNumber": citizen.phone}
        letter = Letter("delivery", urlencode(fields).encode())
        path, headers = ENVELOPES["africastalking"].seal(road.world.channel, letter, SECRET)
        assert [post(road.lane, path, letter, headers).status_code for _ in range(2)] == [200, 200]
        assert citizen.stopped_at
        assert citizen.acts() == ["stopped"]


def test_a_word_that_only_the_provider_knows_for_a_stop_is_one(tmp_path: Path, need: Callable[..., None]) -> None:
    """Twilio's Advanced Opt-Out tells by a field of its own that a word of the sender's list was used."""
    with opened("twilio sms", tmp_path, need) as road:
        assert isinstance(road, Web)
        citizen, plain = Citizen(road), road.letter
        road.letter = lambda *told: replaced(plain(*told), b"OptOutType=STOP&")
        citizen.says("PLUS RIEN")
        assert citizen.stopped_at


def replaced(letter: Letter, fields: bytes) -> Letter:
    return replace(letter, body=fields + letter.body)
