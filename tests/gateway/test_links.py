"""How the links are, wherever an operator looks: what is known is shown, what is not is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from console_world import World
from sending_bench import Scripted

from gateway.links import links
from gateway.metrics import render
from storage.outgoing import OutboundRow


class Linked(Scripted):
    """A channel whose link is as a test says."""

    has_link = True
    told: Mapping[str, object]

    def state(self) -> Mapping[str, object]:
        return self.told


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "demo")
    modem, bind = Linked("modem"), Linked("bind")
    modem.told = {"connected": True, "signal": 64, "battery": 0, "last_message": "2026-11-23T08:15:30+00:00"}
    bind.told = {"connected": False, "since": "", "error": "<b>the SMSC went silent</b>"}
    made.project.channels.update(modem=modem, bind=bind)  # type: ignore[attr-defined]
    row = OutboundRow("m1", "c1", "bind", b"+212661234567", "Merci", "gsm7", 1, 1_795_420_800_000)
    made.project.store.enqueue([row])
    yield made
    made.project.close()


def test_what_is_known_of_each_link_is_told_with_its_queue(world: World) -> None:
    found = links(world.project)
    assert list(found) == ["modem", "bind"]
    assert found["modem"] == {
        "connected": True,
        "signal": 64,
        "battery": 0,
        "last_message": "2026-11-23T08:15:30+00:00",
        "queue": 0,
    }
    assert found["bind"] == {
        "connected": False,
        "error": "<b>the SMSC went silent</b>",
        "queue": 1,
        "oldest_unsent": "2026-11-23T08:00:00+00:00",
    }


def test_the_metrics_tell_them(world: World) -> None:
    lines = render(world.project.store, True, found=links(world.project)).splitlines()
    for line in (
        'awal_link_up{channel="modem"} 1',
        'awal_link_up{channel="bind"} 0',
        'awal_link_signal_percent{channel="modem"} 64',
        'awal_link_battery_percent{channel="modem"} 0',
        'awal_link_last_message_timestamp_seconds{channel="modem"} 1795421730',
        'awal_outbox_oldest_timestamp_seconds{channel="bind"} 1795420800',
    ):
        assert line in lines
    assert not [line for line in lines if line.startswith("awal_link_since")], "nobody knows"


def test_the_queue_page_shows_them(world: World) -> None:
    page = world.operator().get("/queue").text
    for shown in ("Liaisons", "en ligne", "coupé", "64 %", "0 %", "&lt;b&gt;the SMSC went silent", "23/11"):
        assert shown in page
    assert "<b>the SMSC" not in page
    assert "متصل" in world.operator().get("/queue?lang=ar").text


def test_without_a_link_there_is_no_table(tmp_path: Path) -> None:
    world = World(tmp_path / "demo")
    assert links(world.project) == {}
    assert "Liaisons" not in world.operator().get("/queue").text
    world.project.close()
