"""A full disk as a provider and an operator meet it: polite, honest, and over by itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_world import AMINA, BRAHIM, World

APOLOGY = "END Service indisponible. Réessayez plus tard."
NEW = [f"+2126111222{at}" for at in range(10, 90)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a gateway on a disk of 8 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk]).returncode:
        pytest.skip("mounting a small disk needs root")
    made = None
    try:
        made = World(disk / "demo")
        made.project.store.room()
        yield made
    finally:
        if made:
            made.project.close()
        subprocess.run(["umount", "-l", disk], check=True)


def fill(world: World) -> Path:
    """Take all that is left of the disk, then dial until a newcomer is turned away."""
    ballast = world.folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    screens = []
    for at, phone in enumerate(NEW):
        screens.append(world.ussd("", f"new{at}", phone))
        if screens[-1] == APOLOGY:
            return ballast
    raise AssertionError(f"the disk never filled up: {screens[-1]}")


def test_on_a_full_disk_citizens_get_a_word_sms_wait_at_the_provider_and_all_goes_on_by_itself(world: World) -> None:
    assert world.ussd("", "begun", event="start").startswith("CON ")
    ballast = fill(world)
    visitor = world.visitor()

    assert world.ussd("", "late", BRAHIM, event="start") == APOLOGY
    sms = {"id": "s1", "from": BRAHIM, "to": "212", "text": "EAU"}
    assert world._post("sms", sms).status_code == 503
    assert visitor.get("/health").status_code == 503
    assert "\nawal_disk_full 1\n" in visitor.get("/metrics").text
    assert world.ussd("1", "begun", AMINA).startswith("CON "), "who had begun goes on in the reserve's room"

    ballast.unlink()
    assert visitor.get("/health").status_code == 200
    assert world._post("sms", sms).status_code == 200
    assert world.ussd("", "again", BRAHIM, event="start").startswith("CON ")
    assert "\nawal_disk_full 0\n" in visitor.get("/metrics").text


def test_an_operator_sees_a_disk_that_fills_up_and_a_visitor_does_not(world: World) -> None:
    operator = world.operator()
    assert "Le disque" not in operator.get("/").text
    ballast = fill(world)
    assert "Le disque est plein" in operator.get("/").text
    assert "القرص ممتلئ" in operator.get("/?lang=ar").text
    assert "Le disque" not in world.visitor().get("/").text
    ballast.unlink()
