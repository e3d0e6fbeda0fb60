"""What is kept stays kept: through the end of the gateway in any way, backup, erasure, export, report and platform."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from outsider import BIN, HEADER, Gateway, Phone, Project, Served, ask, run, serving

COUNTED = ("supply", "satisfaction", "problem", "goods", "advise", "kind", "last")
"""The questions with options or marks: what is counted and sent. Numbers, dates, places and words stay."""


@pytest.fixture(scope="module")
def gateway(make: Callable[..., Project]) -> Iterator[Gateway]:
    project = make("--demo", flows=("water.yaml",))
    with serving(project) as served:
        yield served


@pytest.fixture
def phone(gateway: Gateway) -> Phone:
    return Phone(gateway)


def answered(phone: Phone, *replies: str) -> Phone:
    return phone.dial().reply("3", "1", *replies)


# the end of the process ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_conversation_survives_the_gateway(phone: Phone, number: int) -> None:
    screen = answered(phone, "2").screen
    path, rows = phone.path, phone.gateway.project.rows()
    code = phone.gateway.server.end(number)
    assert code == (-number if number == signal.SIGKILL else 0)
    assert phone.gateway.project.rows() == rows, "readable without a gateway"
    phone.gateway.start()
    assert phone.send(text=path).screen == screen, "the repeat of what was answered before"
    assert phone.reply("1").screen.startswith("CON Quel est le problème")
    assert phone.dial().screen.startswith("CON Vous n'avez pas fini")
    assert phone.reply("1", "1", "Oujda").screen.startswith("END Merci")
    assert [row["value"] for row in phone.gateway.project.rows()][-4:] == ["no", 1, "cuts", "02.411.01.23"]


def test_a_second_gateway_is_refused_in_one_line(gateway: Gateway) -> None:
    done = gateway.project.awal("serve", "--port", "0")
    assert done.code == 1
    assert done.err.startswith("awal: ")
    assert done.err.count("\n") == 1
    assert gateway.get("/health").status == 200


def test_a_new_version_is_served_while_old_conversations_go_on(make: Callable[..., Project]) -> None:
    project = make("--demo", flows=("water.yaml",))
    with serving(project) as gateway:
        before = Phone(gateway)
        answered(before, "2")
        path = project.directory / "flows" / "water.yaml"
        text = (
            path.read_text()
            .replace("version: 1\n", "version: 2\n")
            .replace("ask: Votre commune ?", "ask: Où vivez-vous ?")
        )
        gateway.server.end()
        path.write_text(text)
        gateway.start()
        assert before.reply("5").screen.startswith("CON Votre commune ?")
        assert before.reply("Oujda").screen.startswith("END Merci")
        assert answered(Phone(gateway), "1", "5").screen.startswith("CON Où vivez-vous ?")
        assert Counter(row["flow_version"] for row in project.rows()) == {1: 3, 2: 2}


@contextmanager
def full_disk(gateway: Gateway) -> Iterator[None]:
    """Let no process of the gateway write to a file, as a full disk would; its log falls silent too."""

    def family(pid: int) -> list[int]:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *(one for child in children for one in family(int(child)))]

    def limit(full: bool) -> None:
        for pid in family(gateway.server.process.pid):
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0 if full else hard, hard))

    limit(True)
    try:
        yield
    finally:
        limit(False)


def test_a_full_disk_is_said_and_costs_no_conversation(phone: Phone) -> None:
    gateway = phone.gateway
    phone.dial().reply("1", "1", "نعم")
    before, stranger = phone.screen, Phone(gateway)
    fields = {"id": f"full-{phone.number}", "from": stranger.number, "to": "1", "text": "EAU"}
    with full_disk(gateway):
        health = gateway.get("/health")
        assert (health.status, "reason" in json.loads(health.text)) == (503, True)
        for _ in range(2):
            assert phone.send(text=phone.path + "*5").screen == "END الخدمة غير متاحة الآن. حاولوا لاحقا."
        assert stranger.dial().screen.startswith("END ")
        assert gateway.post(gateway.urls["at"]["sms"], fields).status == 503, "never 200 for what is not on disk"
        assert phone.send().screen == before, "what was answered before can still be read"
    assert gateway.get("/health").status == 200
    assert phone.reply("5").screen.startswith("CON ما هي جماعتكم")
    assert stranger.send().screen.startswith("CON 1 ")
    assert gateway.post(gateway.urls["at"]["sms"], fields).status == 200
    assert len(gateway.project.awal("mydata", stranger.number).json["inbound"]) == 2


# export --------------------------------------------------------------------------------------------------------
def test_both_forms_of_the_export_say_the_same(phone: Phone) -> None:
    answered(phone, "=1+1", "non merci", "oui", "5", '"Oujda"')
    project = phone.gateway.project
    table = list(csv.DictReader(io.StringIO(project.awal("export", "answers").out)))
    rows = project.rows()
    assert list(table[0]) == list(rows[0]) == HEADER.split(",")
    for one, other in zip(table, rows, strict=True):
        for name in HEADER.split(","):
            if name not in ("raw", "value"):
                assert one[name] == str(other[name])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+0[01]:00", one["answered_at"])
    assert len({row["answer_id"] for row in rows}) == len(rows)


def test_the_export_is_cut_by_flow_and_day(phone: Phone) -> None:
    answered(phone, "1")
    project = phone.gateway.project
    every = project.rows()
    today = max(row["answered_at"] for row in every)[:10]
    assert project.rows("--flow", "water") == every
    assert project.rows("--since", "2020-01-01") == every
    assert project.rows("--since", today)[-1] == every[-1]
    assert project.rows("--since", "2100-01-01") == []


def test_several_answers_are_a_json_list_and_formulas_are_disarmed(make: Callable[..., Project]) -> None:
    project = make("--demo", flows=("market.yaml",))
    with serving(project) as gateway:
        phone = (
            Phone(gateway)
            .dial()
            .reply("2", "3", "1 3", "9", "12,5", "1/2/2026", "0612345678", "=HYPERLINK(1)", "2", "oui")
        )
        assert phone.screen.startswith("END Merci")
    rows = {row["step"]: row for row in project.rows()}
    assert [rows[step]["value"] for step in ("goods", "advise", "price", "day", "tel")] == [
        ["veg", "meat"],
        9,
        12.5,
        "2026-02-01",
        "+212612345678",
    ]
    table = {row["step"]: row for row in csv.DictReader(io.StringIO(project.awal("export", "answers").out))}
    assert json.loads(table["goods"]["value"]) == ["veg", "meat"]
    assert not table["free"]["raw"].startswith("=")
    assert rows["free"]["raw"] == "=HYPERLINK(1)"


# rights --------------------------------------------------------------------------------------------------------
def test_a_citizen_can_be_shown_and_erased_at_the_counter(phone: Phone) -> None:
    answered(phone, "2", "4")
    project = phone.gateway.project
    local = "0" + phone.number.removeprefix("+212")
    assert [one["value"] for one in project.awal("mydata", local).json["answers"]] == ["no", 4]
    before = len(project.rows())
    assert project.awal("erase", local).code == 0
    assert not any(project.awal("mydata", phone.number).json.values())
    assert len(project.rows()) == before - 2
    assert project.awal("erase", local).code == 0, "twice is no fault"
    assert phone.dial().screen.startswith("CON 1 العربية")


# backup --------------------------------------------------------------------------------------------------------
def test_a_backup_brings_everything_back(make: Callable[..., Project], tmp_path: Path) -> None:
    project, copy = make("--demo", flows=("water.yaml",)), tmp_path / "copy.db"
    with serving(project) as gateway:
        phone = answered(Phone(gateway), "2", "4")
        rows = project.rows()
        done = project.awal("backup", copy)
        assert (done.code, done.err) == (0, ""), "while the gateway runs"
        assert "verified" in done.out
        assert copy.stat().st_mode & 0o077 == 0
        answered(Phone(gateway), "1")
        refused = project.awal("restore", copy)
        assert refused.code == 1, "not under a running gateway"
        assert refused.err.count("\n") == 1
        gateway.server.end()
        assert project.awal("restore", copy).code == 0
        assert project.rows() == rows
        gateway.start()
        assert phone.reply("Oujda").screen.startswith("END Merci")
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(copy.read_bytes()[:3000])
    kept = project.rows()
    done = project.awal("restore", damaged)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "damaged.db" in done.err
    assert project.rows() == kept, "what is there stays when the copy is no good"


# rehearsal, report, platform -----------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def rehearsed(
    make: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, Served]]:
    """A gateway with sixty citizens, and the national platform it is enrolled at."""
    project = make("--demo")
    store = f"sqlite:{tmp_path_factory.mktemp('national')}/national.db"
    key = project.awal("keys", "--json").json["public_key"]
    added = run("awal-national", "gateway", "add", "demo", "--region", "02", "--key", key, "--store", store)
    assert added.code == 0
    listening = "Awal national platform is listening on"
    log = project.directory / "national.log"
    platform = Served(log, listening, "awal-national", "serve", "--store", store, "--port", "0", "--open-periods")
    project.edit(r'^url = "http.*?"', f'url = "{platform.url}"')
    try:
        with serving(project) as gateway:
            done = project.awal("rehearse", "60")
            assert (done.code, done.err) == (0, ""), done
            assert "60: " in done.out
            yield gateway, platform
    finally:
        platform.end()


def test_the_platform_holds_what_the_gateway_holds(rehearsed: tuple[Gateway, Served]) -> None:
    gateway, platform = rehearsed
    done = gateway.project.awal("sync", "--once")
    assert (done.code, done.err) == (0, "")
    again = gateway.project.awal("sync", "--once", "--carrier", "https")
    assert again.code == 0
    (region,) = [one for one in json.loads(ask(platform.url + "/v1/regions").text)["regions"] if one["code"] == "02"]
    counted = [row for row in gateway.project.rows() if row["step"] in COUNTED]
    assert region["conversations"] == gateway.counted()["awal_conversations_total"]
    assert region["answers"] == sum(len(row["value"]) if isinstance(row["value"], list) else 1 for row in counted)


def test_the_platform_explains_itself(rehearsed: tuple[Gateway, Served]) -> None:
    _, platform = rehearsed
    document = json.loads(ask(platform.url + "/openapi.json").text)
    assert document["openapi"].startswith("3.")
    assert any("snapshots" in path for path in document["paths"])
    page = ask(platform.url + "/")
    assert (page.status, page.text.count('<h2><a href="/regions/')) == (200, 12)
    assert ask(platform.url + "/health").status == 200


def test_a_platform_that_knows_us_not_is_told_in_one_line(
    rehearsed: tuple[Gateway, Served], make: Callable[..., Project]
) -> None:
    gateway, platform = rehearsed
    stranger = make("--demo", flows=())
    stranger.edit('^id = "demo"', 'id = "stranger"')
    stranger.edit(r'^url = "http.*?"', f'url = "{platform.url}"')
    shutil.copytree(gateway.project.directory / "data", stranger.directory / "data", dirs_exist_ok=True, ignore=ignored)
    done = stranger.awal("sync", "--once")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "stranger" in done.err or "enrol" in done.err.lower()


def ignored(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith("awal.db")]


@pytest.mark.parametrize(
    ("period", "language", "mark"),
    [("today", "fr", "Provisoire"), ("this-week", "ar", "مؤقت"), ("this-month", "zgh", "مؤقت")],
)
def test_a_report_of_a_running_period_says_that_it_runs(
    rehearsed: tuple[Gateway, Served], period: str, language: str, mark: str
) -> None:
    gateway, _ = rehearsed
    done = gateway.project.awal("report", "--period", period, "--language", language)
    assert (done.code, done.err) == (0, "")
    assert mark in done.out
    assert ("Eau potable" if language == "fr" else "ماء") in done.out


def test_a_report_in_every_form(rehearsed: tuple[Gateway, Served]) -> None:
    project = rehearsed[0].project
    for form, shows in {
        "sms": "AWAL",
        "text": "AWAL",
        "html": '<html lang="fr" dir="ltr">',
        "csv": "period,place",
    }.items():
        done = project.awal("report", "--period", "today", "--format", form, "--place", "02")
        assert (done.code, done.err) == (0, ""), form
        assert shows in done.out
    page = project.awal("report", "--period", "today", "--format", "html", "--language", "ar").out
    assert '<html lang="ar" dir="rtl">' in page
    message = project.awal("report", "--period", "today", "--format", "sms").out.rstrip("\n")
    cost = run("awal", "segments", stdin=json.dumps(message)).lines[0]
    assert cost["encoding"] == "GSM-7"
    assert cost["segments"] <= 2


def test_a_report_as_pdf(rehearsed: tuple[Gateway, Served], need: Callable[..., None]) -> None:
    need("module:weasyprint")
    command = [str(BIN / "awal"), "-C", str(rehearsed[0].project.directory), "report", "--format", "pdf"]
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ})
    assert done.stdout.startswith(b"%PDF-")


@pytest.mark.parametrize("place", ["02", "02.411", "02.411.01.23"])
def test_a_report_of_a_place_names_it(rehearsed: tuple[Gateway, Served], place: str) -> None:
    done = rehearsed[0].project.awal("report", "--place", place, "--period", "2026-11")
    assert done.code == 0
    assert {"02": "Oriental", "02.411": "Oujda-Angad", "02.411.01.23": "Oujda"}[place] in done.out


def test_doctor_of_a_running_gateway_finds_it(rehearsed: tuple[Gateway, Served]) -> None:
    gateway, _ = rehearsed
    done = gateway.project.awal("doctor")
    assert done.code == 0, done.out
    assert gateway.server.url in done.out


def test_pages_open_without_a_login_or_lead_to_it(rehearsed: tuple[Gateway, Served]) -> None:
    gateway, _ = rehearsed
    home = gateway.get("/")
    assert home.status == 200
    assert "Awal" in home.text
    missing = gateway.get("/nowhere")
    assert missing.status == 404
    assert "Traceback" not in missing.text
