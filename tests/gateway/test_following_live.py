"""A running gateway, killed and started again hours later, reminds once, and keeps what was answered as partial."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from africastalking_fake import AfricasTalkingFake
from live_gateway import PATIENCE, ROOT, LiveGateway
from modem_world import awaited

AMINA = "+212612345678"
SECRET = "f3a9c1d7e5b04682a1c3e5f708192a3b"
FLOW = """\
flow: pump
title: Pompe
language: fr
keywords: [POMPE]
consent: no
lost: yes
steps:
- id: works
  ask: La pompe marche-t-elle ?
  type: yes_no
- id: days
  ask: Depuis combien de jours ?
  type: integer
- say: Merci.
"""


AHEAD = """\
import os, time
_ahead = int(os.environ["AHEAD"])
time.time = lambda real=time.time: real() + _ahead
time.time_ns = lambda real=time.time_ns: real() + _ahead * 1_000_000_000
"""


class Later(LiveGateway):
    """A gateway whose clock is so many hours ahead: its processes read this file first."""

    def begin(self, hours: float) -> None:
        """Serve, with the clock put forward."""
        ahead = self.directory.with_name("ahead")
        ahead.mkdir(exist_ok=True)
        (ahead / "sitecustomize.py").write_text(AHEAD, "utf-8")
        environment = {**os.environ, "AHEAD": f"{hours * 3600:.0f}", "PYTHONPATH": f"{ahead}:{ROOT}"}
        command = [sys.executable, "-m", "gateway", "-C", str(self.directory), "serve", "--port", str(self.port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        awaited(lambda: b"is listening" in self.log.read_bytes() or self._fell(), "the gateway listens", PATIENCE)

    def tell(self, route: str, **fields: str) -> str:
        """Tell the gateway something, as the provider does."""
        request = Request(f"{self.url}/in/tel/{SECRET}/{route}", urlencode(fields).encode())
        with urlopen(request, timeout=PATIENCE) as answer:
            return str(answer.read().decode())

    def sms(self, id: str, text: str) -> None:
        self.tell("sms", id=id, **{"from": AMINA}, to="1", text=text, date="2026-11-23 08:15:30")


@pytest.fixture
def provider() -> Iterator[AfricasTalkingFake]:
    with AfricasTalkingFake() as fake:
        yield fake


@pytest.fixture
def gateway(tmp_path: Path, provider: AfricasTalkingFake) -> Iterator[Later]:
    one = Later(tmp_path)
    (one.directory / "flows" / "pump.yaml").write_text(FLOW, "utf-8")
    one.add(
        "tel",
        type="africastalking",
        secret=SECRET,
        username="awal",
        api_key="atsk_9f8e7d6c",
        number="34567",
        flow="pump",
        api_url=provider.url,
    )
    try:
        yield one
    finally:
        one.stop(signal.SIGKILL)


def told(provider: AfricasTalkingFake) -> list[str]:
    return [asked.form["message"] for asked in provider.asked]


def test_hours_later_and_through_kills_a_silent_citizen_is_reminded_once(
    gateway: Later, provider: AfricasTalkingFake
) -> None:
    gateway.begin(0)
    gateway.sms("m1", "POMPE")
    gateway.sms("m2", "1")
    awaited(lambda: _settled(gateway, 2), "two questions", PATIENCE)
    gateway.stop(signal.SIGKILL)

    for hours in (4.5, 4.6):
        gateway.begin(hours)
        awaited(lambda: _settled(gateway, 3), "the reminder", PATIENCE)
        gateway.stop(signal.SIGKILL)
    assert told(provider)[2:] == ["Nous attendons votre réponse :\nDepuis combien de jours ?"]

    gateway.begin(80)
    awaited(lambda: _status(gateway) == ["partial"], "the end", PATIENCE)
    assert gateway.answers(AMINA) == {"works": "yes"}
    gateway.sms("m3", "12")
    awaited(lambda: told(provider)[-1] == "Merci.", "the last words", PATIENCE)
    assert gateway.answers(AMINA) == {"works": "yes", "days": 12}
    assert len([text for text in told(provider) if text.startswith("Nous attendons")]) == 1


def test_who_lost_a_session_hears_how_to_go_on(gateway: Later, provider: AfricasTalkingFake) -> None:
    gateway.begin(0)
    given = {"sessionId": "S1", "serviceCode": "*384*7#", "phoneNumber": AMINA, "networkCode": "60400"}
    for text in ("", "1"):
        screen = gateway.tell("ussd", text=text, **given)
    assert "jours" in screen
    gateway.tell("ussd-end", status="Incomplete", date="2026-11-23 08:15:30", **given)
    gateway.stop(signal.SIGKILL)
    assert told(provider) == []

    gateway.begin(0.05)
    awaited(lambda: bool(told(provider)), "the way back", PATIENCE)
    assert told(provider) == ["Communication coupée. Pour continuer, composez *384*7# ou envoyez POMPE à ce numéro."]
    assert "Continuer" in gateway.tell("ussd", text="", **{**given, "sessionId": "S2"})


def _settled(gateway: Later, messages: int) -> bool:
    """Tell whether so many messages are out, and noted as such: one that is not may be sent again."""
    return [row.state for row in gateway.outbox()] == ["accepted"] * messages


def _status(gateway: Later) -> list[str]:
    with gateway.seen() as store:
        found = store.walks("2000-01-01", "2100-01-01")
    return [name for one in found for name in ("partial", "open") if getattr(one, name)]
