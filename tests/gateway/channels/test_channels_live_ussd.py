"""The same promises on every channel with USSD: a whole gateway, killed while a citizen answers, and its provider."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator

import pytest
from diallers import (
    AfricasTalkingDialler,
    Dialler,
    HttpDialler,
    PlainDialler,
    RelayDialler,
    Shown,
    SmppDialler,
    XmlDialler,
)
from live_gateway import LiveGateway

KINDS: dict[str, type[Dialler]] = {
    "africastalking": AfricasTalkingDialler,
    "http": RelayDialler,
    "ussd-http-plain": PlainDialler,
    "ussd-http-xml": XmlDialler,
    "smpp": SmppDialler,
}
LANGUAGES = {"ar": "1", "zgh": "2", "fr": "3"}
REPLIES = ["1", "1", "5", "Oujda"]
"""Consent, water every day, the best mark, a commune."""
numbers = itertools.count(1)


class World:
    """A gateway and its provider."""

    def __init__(self, gateway: LiveGateway, dialler: Dialler) -> None:
        self.gateway, self.dialler = gateway, dialler

    def phone(self) -> str:
        """Return the number of a citizen who never dialled."""
        return f"+2126617{next(numbers):05d}"

    def walk(self, phone: str, language: str) -> list[Shown]:
        """Let a citizen answer the whole flow; return all screens."""
        screens = [self.dialler.dial(phone)]
        return screens + [self.dialler.reply(phone, text) for text in (LANGUAGES[language], *REPLIES)]


@pytest.fixture(scope="module", params=KINDS)
def world(
    request: pytest.FixtureRequest, need: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    kind = KINDS[request.param]
    need(*kind.programs)
    gateway = LiveGateway(tmp_path_factory.mktemp(request.param))
    dialler = kind(gateway)
    try:
        gateway.start()
        yield World(gateway, dialler)
    finally:
        gateway.stop()
        dialler.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_citizen_answers_a_whole_flow_in_their_language(world: World, language: str) -> None:
    phone = world.phone()
    screens = world.walk(phone, language)
    assert [ends for _, ends in screens] == [False] * len(REPLIES) + [False, True]
    assert len({text for text, _ in screens}) == len(screens)
    kept = world.gateway.answers(phone)
    assert str(kept.pop("commune")).startswith("02.411.")
    assert kept == {"supply": "yes", "satisfaction": 5}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_reply_counts_once_when_the_gateway_is_killed_at_its_commit(world: World, moment: str) -> None:
    if not isinstance(world.dialler, HttpDialler):
        return  # its sessions end with the bind: `test_channels_smpp.py` has who dials again
    expected = world.walk(world.phone(), "fr")
    phone, shown = world.phone(), list[Shown]()
    before = world.gateway.inbound()
    world.dialler.dial(phone)
    world.gateway.stop()
    world.gateway.start(dies=moment)
    asking = threading.Thread(target=lambda: shown.append(world.dialler.reply(phone, LANGUAGES["fr"])), daemon=True)
    asking.start()
    world.gateway.died()
    world.gateway.start()
    asking.join(60)
    shown += [world.dialler.reply(phone, text) for text in REPLIES]
    assert shown == expected[1:]
    assert world.gateway.inbound() == before + len(expected)
