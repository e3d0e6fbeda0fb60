"""The same promises on every channel with SMS, between a whole gateway and the channel's real counterpart.

A network (`tests/fakes/networks.py`, `pushed_networks.py`) is what a provider is to its citizens; the gateway is
`awal serve` in processes of its own, which are killed here and restarted.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_gateway import ROOT, LiveGateway
from modem_world import awaited
from networks import NAME, KannelNetwork, ModemNetwork, Network, SmppNetwork
from pushed_networks import AfricasTalkingNetwork, RelayNetwork, TwilioNetwork

from flows.encoding import measure
from gateway.channels.base import Channel
from gateway.channels.gammu import Gammu
from gateway.channels.live import LiveChannel
from gateway.project import Project
from gateway.sending.compose import compose

NETWORKS: dict[str, type[Network]] = {
    "gammu": ModemNetwork,
    "kannel": KannelNetwork,
    "smpp": SmppNetwork,
    "africastalking": AfricasTalkingNetwork,
    "twilio": TwilioNetwork,
    "http": RelayNetwork,
}
PATIENCE = 60.0
SUGGESTIONS = {
    "fr": "Il faut un médecin de garde la nuit & le dimanche {urgent} 😀, l'ambulance de Tafoughalt vient après 2 h "
    "d'attente ; merci d'ouvrir la maternité [même] le samedi pour 3 € de moins.",
    "ar": "نريد طبيباً كل يوم في المركز الصحي، والدواء غير متوفر منذ ثلاثة أشهر 😷،"
    " وسيارة الإسعاف تصل متأخرة جداً إلى الدوار.",
    "zgh": "ⵔⴰⴷ ⵏⵉⵔⵉ ⵜⴰⵙⵏⵓⵊⵊⵉⵢⵜ ⴳ ⵜⵎⵓⵔⵜ ⵏⵏⵖ 🙏 ⵓⵔ ⵍⵍⵉⵏ ⵉⵙⴰⴼⴰⵔⵏ ⴳ ⵓⴷⵖⴰⵔ ⴰⴷ ⵙⴳ ⵙⵉⵏ ⵉⵢⵢⵉⵔⵏ.",
}
KEYWORDS = {"fr": "SANTE", "ar": "صحة", "zgh": "ⵜⴰⴷⵓⵙⵉ"}
ANSWERS = {"visited": "yes", "satisfaction": 4, "wait": 20, "medicine": "yes"}
SHOWN = {"fr": "protégé", "ar": "رقمكم محمي", "zgh": "[ⴰ-ⵥ]{4}"}
"""What a citizen reads in their language, or in its letters where not all is translated yet."""
phones = itertools.count(1)


class World:
    """A gateway and its network, both up."""

    def __init__(self, gateway: LiveGateway, network: Network) -> None:
        self.gateway, self.network = gateway, network

    def phone(self) -> str:
        """Return the number of a citizen who never wrote."""
        return f"+2126616{next(phones):05d}"

    def heard(self, phone: str, count: int, why: str) -> list[str]:
        """Wait until a citizen heard so many messages; return them all."""
        awaited(lambda: len(self.network.heard(phone)) >= count, f"{why}; heard {self.network.heard(phone)}", PATIENCE)
        return self.network.heard(phone)

    def state(self, phone: str) -> str:
        """Return the state of the last message to a citizen."""
        return self.gateway.sent_to(phone)[-1].state


@pytest.fixture(scope="module", params=NETWORKS)
def world(
    request: pytest.FixtureRequest, need: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    kind = NETWORKS[request.param]
    need(*kind.programs)
    folder = tmp_path_factory.mktemp(request.param)
    gateway = LiveGateway(folder)
    network = kind(gateway, folder)
    try:
        network.up()
        gateway.start()
        yield World(gateway, network)
    finally:
        gateway.stop()
        network.close()


def test_citizens_answer_a_whole_flow_each_in_their_language(world: World) -> None:
    citizens = {language: world.phone() for language in KEYWORDS}
    for turn in range(8):
        for language, phone in citizens.items():
            world.network.says(phone, said(language)[turn])
        for language, phone in citizens.items():
            world.heard(phone, turn + 1, f"{language}: an answer to {said(language)[turn]}")
    for language, phone in citizens.items():
        heard, rows = world.network.heard(phone), world.gateway.sent_to(phone)
        assert heard == [row.text for row in rows], "each screen once, as it was written"
        assert re.search(SHOWN[language], " ".join(heard))
        costs = [measure(text) for text in heard]
        assert [coding for coding, _ in world.network.travelled(phone)] == [cost.encoding for cost in costs]
        if isinstance(world.network, ModemNetwork | SmppNetwork):
            assert [parts for _, parts in world.network.travelled(phone)] == [cost.segments for cost in costs]
        kept = world.gateway.answers(phone)
        assert str(kept.pop("commune")).startswith("02.411.")
        assert kept == ANSWERS | {"suggestion": SUGGESTIONS[language]}


def said(language: str) -> list[str]:
    """Return what a citizen writes, message by message."""
    return [KEYWORDS[language], "1", "1", "4", "20", "1", SUGGESTIONS[language], "Oujda"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_message_is_taken_once_when_the_gateway_is_killed_at_its_commit(world: World, moment: str) -> None:
    before, phone = world.gateway.inbound(), world.phone()
    world.gateway.stop()
    world.gateway.start(dies=moment)
    world.network.says(phone, "EAU")
    world.gateway.died()
    assert world.network.heard(phone) == []
    world.gateway.start()
    world.heard(phone, 1, "the first screen")
    world.network.says(phone, "1")
    first, second = world.heard(phone, 2, "the second screen")
    assert first != second
    assert world.gateway.inbound() == before + 2


def test_reports_find_their_message_and_never_move_it_back(world: World) -> None:
    phone = world.phone()
    world.network.says(phone, "EAU")
    world.heard(phone, 1, "the first screen")
    awaited(lambda: world.state(phone) == "accepted", "it was handed over", PATIENCE)
    world.network.tells(phone, "delivered")
    awaited(lambda: world.state(phone) == "delivered", "the report found it", PATIENCE)
    world.network.tells(phone, "accepted")
    world.network.says(phone, "1")
    world.heard(phone, 2, "the second screen")
    assert next(row.state for row in world.gateway.sent_to(phone)) == "delivered"


def test_a_report_finds_its_message_over_a_restart_of_what_carries_it(world: World) -> None:
    phone = world.phone()
    world.network.says(phone, "EAU")
    world.heard(phone, 1, "the first screen")
    awaited(lambda: world.state(phone) == "accepted", "it was handed over", PATIENCE)
    world.gateway.stop()
    if isinstance(world.network, KannelNetwork):
        world.network.kill_boxes()
        world.network.open_boxes()
    world.gateway.start()
    world.network.tells(phone, "delivered")
    awaited(lambda: world.state(phone) == "delivered", "the report found it", PATIENCE)


def test_what_is_written_and_what_is_due_while_the_network_is_gone_arrives_once(world: World) -> None:
    due, phone, before = world.phone(), world.phone(), world.gateway.inbound()
    world.gateway.stop()
    queued(world.gateway, due, "Coupure d'eau demain de 8 h à 14 h à Oujda.")
    world.network.down()
    world.gateway.start()
    world.network.says(phone, "EAU")
    if not world.network.keeps:
        awaited(lambda: world.gateway.sent_to(due)[-1].last_error, "it could not leave", PATIENCE)
    assert world.network.heard(due) == []
    world.network.up()
    assert world.heard(due, 1, "the notice") == ["Coupure d'eau demain de 8 h à 14 h à Oujda."]
    world.heard(phone, 1, "the first screen")
    world.network.says(phone, "1")
    assert len(world.heard(phone, 2, "the second screen")) == 2
    assert len(world.network.heard(due)) == 1
    assert world.gateway.inbound() == before + 2
    assert "not-kept" not in world.gateway.says()


def test_what_one_channel_cannot_carry_leaves_by_another_until_it_can(
    need: Callable[..., None], tmp_path: Path
) -> None:
    need(*SmppNetwork.programs)
    gateway = LiveGateway(tmp_path)
    with open(gateway.directory / "awal.toml", "a", encoding="utf-8") as file:
        file.write("\n[sending]\nfailover = 0.02\n")
    first, second = SmppNetwork(gateway, tmp_path), RelayNetwork(gateway, tmp_path, "second")
    world = World(gateway, first)
    phone, notice = world.phone(), "Coupure d'eau demain de 8 h à 14 h à Oujda."
    try:
        second.up()
        queued(gateway, phone, notice)
        gateway.start()
        awaited(lambda: second.heard(phone) == [notice], "it left by the other channel", PATIENCE)
        first.up()
        first.says(phone, "EAU")
        (screen,) = world.heard(phone, 1, "the first screen")
        assert [(row.text, row.channel) for row in gateway.sent_to(phone)] == [(notice, "second"), (screen, NAME)]
        assert second.heard(phone) == [notice]
        with gateway.seen() as store:
            assert "channel-down" in [kind for _, kind, _ in store.events(50)]
    finally:
        gateway.stop()
        first.close()
        second.close()


def queued(gateway: LiveGateway, phone: str, text: str) -> None:
    """Queue an unasked message in a gateway that does not run."""
    with Project(gateway.directory) as project:
        channels = [project.channels[NAME]]
        row = compose(phone, text, "notice", "form 7", phones=project.phones, channels=channels, now=project.clock())
        assert project.store.enqueue([row]) == 1


def test_an_operator_sees_how_the_link_is(world: World) -> None:
    phone = world.phone()
    world.network.says(phone, "EAU")
    world.heard(phone, 1, "the first screen")
    project, adapter = str(world.gateway.directory), adapter_of(world)
    link = next(one for one in told(project, "channels", "--json") if one["name"] == NAME).get("state")
    assert (link is not None) == adapter.has_link
    if link is None:
        return
    assert (link["connected"], link["queue"]) == (True, 0)
    assert ("last_message" in link) == issubclass(adapter, LiveChannel)
    assert {"signal", "battery"} <= link.keys() or adapter is not Gammu
    doctor = [one for one in told(project, "doctor", "--json") if one["check"] == "links"]
    assert [(one["level"], one["message"].startswith(f"{NAME}: connected")) for one in doctor] == [("ok", True)]
    assert f'awal_link_up{{channel="{NAME}"}} 1\n' in page(world.gateway, "metrics")


def adapter_of(world: World) -> type[Channel]:
    with Project(world.gateway.directory) as project:
        return type(project.channels[NAME])


def told(project: str, *command: str) -> list[dict[str, Any]]:
    """Return what a command prints as JSON, run as operators do beside the gateway."""
    done = subprocess.run([sys.executable, "-m", "gateway", "-C", project, *command], capture_output=True, cwd=ROOT)
    return list(json.loads(done.stdout))


def page(gateway: LiveGateway, path: str) -> str:
    with urllib.request.urlopen(f"{gateway.url}/{path}", timeout=20) as answer:
        return str(answer.read().decode())
