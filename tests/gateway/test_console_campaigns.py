"""The campaigns' pages: preview, two signatures, progress, pause and resume, for operators only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_world import AMINA, World
from werkzeug.security import generate_password_hash

from gateway.campaigns.tick import tick

CAMPAIGN = "campaign: pilot\ntitle: Eau 2026\nflow: water\nstart: 2026-11-01 09:00\nrest: 0\n"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "demo")
    (made.folder / "campaigns").mkdir()
    (made.folder / "campaigns" / "pilot.yaml").write_text(CAMPAIGN)
    operators = "".join(
        f'[operators.{name}]\npassword = "{generate_password_hash(name, method="scrypt:1024:8:1")}"\n'
        for name in ("amina", "brahim")
    )
    path = made.folder / "awal.toml"
    text = path.read_text().replace("[channels.simulator]", '[channels.simulator]\nquiet_hours = ""\nprice_sms = 0.5')
    path.write_text(f"{text}\n[campaigns]\nthreshold = 2\n{operators}")
    made.project.close()
    made.open()
    for at in range(4):
        made.water("5", f"+21261122000{at}")
    yield made
    made.project.close()


def test_visitors_see_no_campaign(world: World) -> None:
    for path in ("/campaigns", "/campaigns/pilot"):
        assert world.visitor().get(path).status_code == 302


def test_the_preview_tells_size_money_and_time_and_no_number(world: World) -> None:
    page = world.operator().get("/campaigns/pilot").text
    for part in ("4 citoyens", "MAD", "Empreinte", "Commencer", "peu"):
        assert part in page
    assert "0000" not in page.replace("10000", "")
    assert AMINA not in page


def test_amounts_have_the_decimal_sign_of_the_language(world: World) -> None:
    one = world.operator()
    preview = one.get("/campaigns/pilot?lang=fr").text
    assert re.search(r"Coût si tous répondent : <bdi>\d+,\d\d</bdi> MAD", preview)
    assert re.search(r"SMS si tous répondent : <bdi>\d+</bdi>", preview), "segments are whole"
    assert re.search(r"\(من \d+,\d\d إلى \d+,\d\d\)", one.get("/campaigns/pilot?lang=ar").text)
    for act, name in (("start", "amina"), ("approve", "brahim")):
        one.send(f"/campaigns/pilot/{act}", "/campaigns/pilot", operator=name, password=name)
    page = one.get("/campaigns/pilot?lang=fr").text
    assert re.search(r"Signé pour 4 citoyens, au plus \d+ SMS, \d+,\d\d MAD", page)
    assert "<bdi>0,00</bdi> MAD" in page


def test_one_citizen_is_no_plural(world: World) -> None:
    (world.folder / "campaigns" / "pilot.yaml").write_text(CAMPAIGN + "most: 1\n")
    one = world.operator()
    assert "1 citoyen interrogé, sur 4 qui correspondent" in one.get("/campaigns/pilot").text
    assert "1 مواطن سيُسأل من بين 4 تنطبق عليهم الشروط" in one.get("/campaigns/pilot?lang=ar").text


def test_two_people_sign_and_the_same_one_does_not_count_twice(world: World) -> None:
    one = world.operator()
    sign = {"operator": "amina", "password": "amina"}
    assert one.send("/campaigns/pilot/start", "/campaigns/pilot", **sign).status_code == 303
    assert "attend une deuxième signature" in one.get("/campaigns/pilot").text
    tick(world.project)
    assert "campaign" not in {row.kind for row in world.project.store.outbox()}

    one.send("/campaigns/pilot/approve", "/campaigns/pilot", **sign)
    assert "amina has signed already" in one.get("/campaigns/pilot").text
    one.send("/campaigns/pilot/approve", "/campaigns/pilot", operator="brahim", password="wrong")
    assert "not the password" in one.get("/campaigns/pilot").text
    one.send("/campaigns/pilot/approve", "/campaigns/pilot", operator="brahim", password="brahim")
    page = one.get("/campaigns/pilot").text
    assert "en cours" in page
    assert "Signée par amina, brahim" in page


def test_nobody_starts_a_large_one_without_a_name(world: World) -> None:
    one = world.operator()
    one.send("/campaigns/pilot/start", "/campaigns/pilot")
    assert "say who starts it" in one.get("/campaigns/pilot").text
    assert world.project.store.campaign("pilot") is None


def test_a_page_looked_at_before_the_file_changed_starts_nothing(world: World) -> None:
    one = world.operator()
    seen = re.search(r'name="digest" value="(\w+)"', one.get("/campaigns/pilot").text)
    assert seen
    (world.folder / "campaigns" / "pilot.yaml").write_text(CAMPAIGN + "most: 3\n")
    form = {"operator": "amina", "password": "amina", "digest": seen[1]}
    one.send("/campaigns/pilot/start", "/campaigns/pilot", **form)
    assert "another campaign than the one looked at" in one.get("/campaigns/pilot").text


def test_progress_pause_and_resume(world: World) -> None:
    one = world.operator()
    for act, name in (("start", "amina"), ("approve", "brahim")):
        one.send(f"/campaigns/pilot/{act}", "/campaigns/pilot", operator=name, password=name)
    tick(world.project)
    page = one.get("/campaigns/pilot").text
    assert "4 interrogés sur 4" in page
    assert re.search(r"Signé pour 4 citoyens, au plus [0-9]+ SMS", page)
    assert "at most" not in page

    one.send("/campaigns/pilot/pause", "/campaigns/pilot")
    page = one.get("/campaigns/pilot").text
    assert "en pause" in page
    assert "0 interrogé sur 4" in page
    tick(world.project)
    assert "0 interrogé sur 4" in one.get("/campaigns/pilot").text

    one.send("/campaigns/pilot/resume", "/campaigns/pilot")
    tick(world.project)
    assert "4 interrogés sur 4" in one.get("/campaigns").text


def test_a_wrong_file_says_what_is_wrong(world: World) -> None:
    (world.folder / "campaigns" / "other.yaml").write_text("campaign: other\nflow: watr\nstart: 2026-11-01 09:00\n")
    one = world.operator()
    assert "à corriger" in one.get("/campaigns").text
    assert "Did you mean &#39;water&#39;?" in one.get("/campaigns/other").text
    assert one.get("/campaigns/nothing").status_code == 404


def test_the_page_is_in_arabic_too(world: World) -> None:
    page = world.operator().get("/campaigns/pilot?lang=ar").text
    assert 'dir="rtl"' in page
    assert "قبل الإرسال" in page
