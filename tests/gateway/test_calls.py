"""A missed call is a wish: answered by the SMS that opens a flow, once, and not so often that it costs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest
from werkzeug.test import Client

from flows.load import load
from gateway.calls import AT_ONCE, DAY, MOST
from gateway.channels.base import Channel, Received, Settings
from gateway.channels.registry import create
from gateway.conversation import Conversations
from gateway.lane import Lane
from gateway.library import Library
from gateway.phones import Phones
from locales.catalogue import Catalogues
from storage.sqlite import SqliteStore

AMINA, STRANGER = "+212612345678", "+33612345678"
NOW = 1_795_435_200_000
SECRET = "s" * 32
TEXTS = Catalogues()


class Line:
    """A gateway with one Africa's Talking number that rings."""

    def __init__(self, folder: Path, bip: str = "water") -> None:
        self.now, self.count = NOW, 0
        self.store = SqliteStore(folder / "awal.db")
        flow = load(Path("flows/surveys/water.yaml").read_text("utf-8"), "water.yaml").flow
        assert flow is not None
        library = Library(self.store, ("fr", "ar"))
        library.serve([flow], NOW)
        self.phones = Phones(b"p" * 32, b"s" * 32)
        given = Settings(name="at", type="africastalking", secret=SECRET, username="u", api_key="k", bip=bip)
        self.channel: Channel = create(given, "http://h")
        self.conversations = Conversations(
            self.store,
            library,
            TEXTS,
            self.phones,
            lambda: self.now,
            timezone="Africa/Casablanca",
            within="",
            languages=("fr", "ar"),
            prefixes=("+2126", "+2127"),
        )
        self.client = Client(Lane({"at": self.channel}, self.conversations))

    def call(self, id: str = "", caller: str = AMINA, **changes: str) -> list[str]:
        """Let the number ring; return the SMS that came of it. The call is always rejected."""
        before = {row.id for row in self.store.outbox(limit=99)}
        self.count += 1
        form = {"isActive": "1", "sessionId": id or f"C{self.count}", "direction": "Inbound", "callerNumber": caller}
        answer = self.client.post(f"/in/at/{SECRET}/call", data={**form, "destinationNumber": "+212530", **changes})
        assert answer.status_code == 200
        assert ("<Reject/>" in answer.text) == (changes == {})
        return [row.text for row in self.store.outbox(limit=99) if row.id not in before]

    def sms(self, text: str) -> None:
        self.count += 1
        form = {"id": f"m{self.count}", "from": AMINA, "to": "1", "text": text, "date": "2026-11-23 08:15:30"}
        assert self.client.post(f"/in/at/{SECRET}/sms", data=form).status_code == 200


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    one = Line(tmp_path)
    yield one
    one.store.close()


def test_who_calls_gets_the_flow_by_sms(line: Line) -> None:
    assert len(line.call()) == 1
    line.sms("2")
    line.sms("1")
    assert "eau au robinet" in line.store.outbox(limit=1)[0].text
    assert line.store.counts()["conversations"] == 1


def test_calls_within_minutes_are_one_wish(line: Line) -> None:
    assert len(line.call("C1")) == 1
    line.now += 1000
    assert line.call("C2") == []
    assert line.call("C1") == [], "and a repeat of the provider's is none"
    line.now += AT_ONCE
    assert len(line.call("C3")) == 1


def test_two_calls_that_share_a_commit_are_one_wish(line: Line) -> None:
    told: SimpleQueue[object] = SimpleQueue()
    calls = [
        Received(channel="at", bearer="sms", external_id=f"call:C{one}", sender=AMINA, call=True) for one in range(3)
    ]
    come = threading.Event()
    line.store._writes.hand_over(lambda _: come.wait(30), lambda _: None, lambda: False)
    for call in calls:
        line.conversations.hand_over(line.channel, call, told.put)
    come.set()  # the writer takes all three at once
    assert [told.get(timeout=30) for _ in calls] == [line.channel.render_call()] * 3
    assert len(line.store.outbox(limit=99)) == 1
    line.now += AT_ONCE + 1
    assert len(line.call()) == 1


def test_calls_cannot_spend_the_budget(line: Line) -> None:
    told = 0
    for _ in range(DAY // AT_ONCE // 2):
        told += len(line.call())
        line.now += 2 * AT_ONCE - 1000
    assert told == MOST
    line.now += DAY
    assert len(line.call()) == 1


def test_a_call_goes_on_with_what_is_open(line: Line) -> None:
    for text in ("EAU", "1", "1"):
        line.sms(text)
        line.now += 1000
    assert "Continuer" in line.call()[0]


def test_nobody_is_written_to_who_said_stop_or_calls_from_elsewhere(line: Line) -> None:
    assert line.call(caller=STRANGER) == []
    line.sms("EAU")
    line.sms("STOP")
    assert line.call() == []


def test_only_calls_that_come_in_count(line: Line) -> None:
    assert line.call(isActive="0") == []
    assert line.call(direction="Outbound") == []


def test_a_number_without_a_flow_takes_no_calls(tmp_path: Path) -> None:
    for bip in ("", "gone"):
        (tmp_path / (bip or "none")).mkdir()
        line = Line(tmp_path / (bip or "none"), bip)
        assert line.call() == []
        assert line.store.counts()["inbound"] == 0
        assert ("call" in line.channel.urls()) == bool(bip)
        line.store.close()


def test_the_number_of_who_only_called_is_not_kept_for_campaigns(line: Line) -> None:
    def kept() -> int:
        return int(line.store._read(lambda link: link.execute("SELECT COUNT(*) FROM reached").fetchone()[0]))

    line.call()
    line.sms("2")
    assert kept() == 0
    line.sms("1")
    assert kept() == 1, "they wrote, and agreed"
