"""A store that is too slow: a screen in time, and the right next step, whatever becomes of the write."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest
from console_world import AMINA, World
from werkzeug.test import Client, TestResponse

from gateway.channels.base import Settings
from gateway.channels.registry import create
from gateway.lane import Lane
from storage.sqlite.handed import Job
from storage.sqlite.together import Together

SECRET = "f3a9c1d7e5b04682a1c3e5f708192a3b"
AGAIN = "END Service très lent. Rappelez ce code pour continuer."


class Slow:
    """A provider that sends all inputs each time, before a disk that stops answering when `hold` is called."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        channel = create(Settings(name="at", type="africastalking", secret=SECRET), "https://awal.example")
        self.client = Client(Lane({"at": channel}, world.project.conversations))
        self.store: Any = world.project.store
        self.answers = threading.Event()
        self.begun = threading.Event()
        self.answers.set()
        real = Together.run

        def run(together: Together, connection: Connection, jobs: Sequence[Job], **how: bool) -> None:
            self.begun.set()
            assert self.answers.wait(30)
            real(together, connection, jobs, **how)

        monkeypatch.setattr(Together, "run", run)

    def hold(self, deadline: float = 0.05) -> None:
        self.begun.clear()
        self.answers.clear()
        self.store._writer._deadline = deadline

    def release(self) -> None:
        """Let the disk answer, and return once all that waited is kept."""
        self.answers.set()
        self.store._writer._deadline = 30
        self.store.check()

    def dial(self, path: str, session: str = "S1", phone: str = AMINA) -> str:
        fields = {"sessionId": session, "phoneNumber": phone, "text": path, "serviceCode": "*1#", "networkCode": "6"}
        answer = self.client.post(f"/in/at/{SECRET}/ussd", data=fields)
        assert answer.status_code == 200
        return answer.text

    def sms(self, id: str) -> TestResponse:
        fields = {"id": id, "from": AMINA, "to": "28028", "text": "EAU"}
        return self.client.post(f"/in/at/{SECRET}/sms", data=fields)


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    world = World(tmp_path / "demo")
    one = Slow(world, monkeypatch)
    yield one
    one.answers.set()
    world.project.close()


def begun(slow: Slow) -> str:
    """Walk to the first question of the water flow, in French."""
    slow.dial("")
    slow.dial("3")
    return slow.dial("3*1")


def test_what_is_kept_after_the_citizen_was_answered_counts_once_and_the_next_dial_goes_on(slow: Slow) -> None:
    begun(slow)
    slow.hold()
    assert slow.dial("3*1*1") == AGAIN
    assert slow.begun.is_set()
    assert list(slow.store.answers()) == []
    slow.release()

    kept = slow.dial("3*1*1")
    assert kept.startswith("CON "), "a repeat hears what was stored, not the word of that moment"
    assert len(list(slow.store.answers())) == 1
    resume = slow.dial("", "S2")
    assert "1" in resume
    assert slow.dial("1", "S2") == kept, "who dials again stands at the question after the one that was kept"
    assert len(list(slow.store.answers())) == 1


def test_what_never_began_is_not_kept_and_the_position_is_unchanged(slow: Slow) -> None:
    asked = begun(slow)
    slow.hold(30)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(slow.dial, "", "S9", "+212687654321")
        assert slow.begun.wait(30)
        slow.store._writer._deadline = 0.05
        assert slow.dial("3*1*1") == AGAIN
        slow.release()
        assert other.result().startswith("CON ")

    assert list(slow.store.answers()) == []
    assert slow.dial("", "S2") == asked
    assert slow.dial("1", "S2").startswith("CON ")
    assert len(list(slow.store.answers())) == 1


def test_an_sms_is_not_acknowledged_and_its_repeat_is_taken_once(slow: Slow) -> None:
    slow.hold()
    assert slow.sms("m1").status_code == 503
    slow.release()
    assert slow.sms("m1").status_code == 200
    assert slow.store.counts()["inbound"] == 1
    assert len(slow.store.outbox()) == 1


def test_the_word_comes_in_the_citizens_language(slow: Slow) -> None:
    slow.dial("")
    slow.dial("1")
    slow.hold()
    assert slow.dial("1*1") == "END الخدمة بطيئة الآن. أعيدوا طلب الرمز للمتابعة."
    slow.release()
