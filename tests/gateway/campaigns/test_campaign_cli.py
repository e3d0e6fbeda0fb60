"""`awal campaign` as two operators meet it, and the page that teaches it by an example that runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from campaign_world import CAMPAIGN, Campaigner

Awal = Callable[..., Any]
PAGE = Path("gateway/campaigns/README.md").read_text("utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """Make a project of six citizens, whose gateway does not run; the clock is the real one."""
    made = Campaigner(
        tmp_path / "p",
        settings="[campaigns]\nthreshold = 3",
        channel='quiet_hours = ""',
        campaign=CAMPAIGN.replace("2026-11-24", "2026-11-01"),
    )
    made.wrote(6)
    made.close()
    return made.folder


def test_check_tells_every_mistake_of_every_file(awal: Awal, project: Path) -> None:
    assert awal("campaign", "check", project=project).out == "1 campaign checked: no problems.\n"
    wrong = (
        "campaign: other\nflow: watr\nstart: 2026-11-01 09:00\nchannel: simulatr\n"
        "audience: {places: [02.999], flow: water, when: satisfied > 3}\nquota: {comune: 3}\n"
    )
    (project / "campaigns" / "other.yaml").write_text(wrong)
    found = awal("campaign", "check", project=project)
    assert found.code == 1
    for line, code, remedy in (
        (2, "C101", "Did you mean 'water'?"),
        (4, "C103", "Did you mean 'simulator'?"),
        (5, "C102", "02.999"),
        (5, "C104", "Did you mean 'satisfaction'?"),
        (6, "C102", "Did you mean 'commune'?"),
    ):
        assert any(f"other.yaml:{line}: {code}" in said and remedy in said for said in found.out.splitlines()), code
    assert {one["code"] for one in awal("campaign", "check", "other", "--json", project=project).json} == {
        "C101",
        "C102",
        "C103",
        "C104",
    }
    assert "spending" not in found.out


def test_a_limit_of_money_needs_a_price(awal: Awal, project: Path) -> None:
    toml = project / "awal.toml"
    toml.write_text(toml.read_text().replace("price_sms = 0.5\n", ""))
    path = project / "campaigns" / "pilot.yaml"
    path.write_text(path.read_text() + "stop: {spent: 5}\n")
    assert "C108" in awal("campaign", "check", project=project).out


def test_an_unknown_place_is_told_on_its_own_line_with_the_code_of_its_name(awal: Awal, project: Path) -> None:
    path = project / "campaigns" / "pilot.yaml"
    path.write_text("campaign: pilot\nflow: water\nstart: 2026-12-01 09:00\naudience: {places: [02.999, Oujda]}\n")
    path.write_text(path.read_text() + "quota: {02.999: 3, comune: 4}\n")
    told = awal("campaign", "check", project=project).out.splitlines()
    assert [line.split(":")[1] for line in told[:4]] == ["4", "4", "5", "5"]
    assert "Write 02.411 (Oujda-Angad) or 02.411.01.23 (Oujda)." in told[1]
    assert "Did you mean 'commune'?" in told[3]


def test_hours_inside_of_quiet_hours_are_refused(awal: Awal, project: Path) -> None:
    toml = project / "awal.toml"
    toml.write_text(toml.read_text().replace('quiet_hours = ""', 'quiet_hours = "21:00-08:00"'))
    path = project / "campaigns" / "pilot.yaml"
    path.write_text(path.read_text() + "hours: 05:00-08:00\n")
    assert "C106" in awal("campaign", "check", project=project).out


def test_a_restore_names_the_campaigns_that_run_again(awal: Awal, project: Path, tmp_path: Path) -> None:
    awal("campaign", "start", "pilot", "--as", "amina", project=project, stdin="amina\n")
    awal("campaign", "approve", "pilot", "--as", "brahim", project=project, stdin="brahim\n")
    assert awal("backup", tmp_path / "running.db", project=project).code == 0
    assert awal("campaign", "stop", "pilot", project=project).code == 0
    assert awal("backup", tmp_path / "stopped.db", project=project).code == 0

    told = awal("restore", tmp_path / "running.db", project=project).out
    assert "Campaign pilot runs, as at the backup" in told
    assert "awal campaign stop NAME" in told
    assert awal("campaign", "stop", "pilot", project=project).code == 0, "before the gateway starts"
    assert "ampaign" not in awal("restore", tmp_path / "stopped.db", project=project).out


def test_preview_start_approve_and_status(awal: Awal, project: Path) -> None:
    shown = awal("campaign", "preview", "pilot", project=project).out
    for part in (
        "pilot: 6 citizens of 6 who fit",
        "02.411",
        "few",
        "Segments: ",
        "Cost: ",
        " MAD if all answer",
        "two operators",
    ):
        assert part in shown
    previewed = awal("campaign", "preview", "pilot", "--json", project=project).json
    assert (previewed["citizens"], previewed["approvals"]) == (6, 2)
    for moment in (previewed["ends"], previewed["waves"][0]["begins"]):
        assert re.search(rf"{moment}[+-]\d\d:\d\d", shown), "people are told the offset too"

    assert "say who starts it" in awal("campaign", "start", "pilot", project=project).err
    wrong = awal("campaign", "start", "pilot", "--as", "amina", project=project, stdin="guess\n")
    assert (wrong.code, "not the password" in wrong.err, "guess" in wrong.err) == (1, True, False)
    assert "Did you mean 'amina'?" in awal("campaign", "start", "pilot", "--as", "amin", project=project).err
    other = awal("campaign", "start", "pilot", "--as", "amina", "--digest", "0", project=project, stdin="amina\n")
    assert "another campaign" in other.err

    digest = previewed["digest"]
    started = awal("campaign", "start", "pilot", "--as", "amina", "--digest", digest, project=project, stdin="amina\n")
    assert f"awal campaign approve pilot --as NAME --digest {digest}" in started.out
    again = awal("campaign", "approve", "pilot", "--as", "amina", project=project, stdin="amina\n")
    assert "A second person" in again.err
    assert awal("campaign", "approve", "pilot", project=project).code == 2
    approved = awal(
        "campaign", "approve", "pilot", "--as", "brahim", "--digest", digest, project=project, stdin="brahim\n"
    )
    assert "running, signed by amina and brahim" in approved.out

    assert "paused. 0 asked, 6 not yet" in awal("campaign", "pause", "pilot", project=project).out
    assert "paused, not running" in awal("campaign", "pause", "pilot", project=project).err
    assert "running" in awal("campaign", "resume", "pilot", project=project).out
    status = awal("campaign", "status", "pilot", "--json", project=project).json
    assert (status["state"], status["total"], status["done"]) == ("running", 6, 0)
    (listed,) = awal("campaign", "list", "--json", project=project).json
    assert (listed["campaign"], listed["drawn"]) == ("pilot", 6)
    assert "0/6" in awal("campaign", "list", project=project).out
    assert "stopped" in awal("campaign", "stop", "pilot", project=project).out
    assert "an operator stopped it" in awal("campaign", "status", "pilot", project=project).out


def test_nothing_that_is_shown_names_a_citizen(awal: Awal, project: Path) -> None:
    shown = "".join(
        awal("campaign", *words, project=project).out
        for words in (("preview", "pilot"), ("preview", "pilot", "--level", "commune", "--json"), ("list", "--json"))
    )
    assert "+2126" not in shown
    assert not re.search(r"\b[a-z2-7]{26}\b", shown)


def test_an_unknown_campaign_is_refused_with_the_nearest(awal: Awal, project: Path) -> None:
    for words in (("check", "pilto"), ("preview", "pilto"), ("start", "pilto"), ("status", "pilto")):
        assert "Did you mean 'pilot'?" in awal("campaign", *words, project=project).err
    assert "not started" in awal("campaign", "status", "pilot", project=project).err
    assert "was not started" in awal("campaign", "pause", "pilot", project=project).err


def test_the_schema_is_the_page(awal: Awal) -> None:
    kept = json.loads(Path("gateway/campaigns/campaign.schema.json").read_text("utf-8"))
    assert awal("campaign", "schema").json == kept


def test_the_example_of_the_page_is_sound_and_can_be_previewed(awal: Awal, project: Path) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.S)
    (project / "campaigns" / "water-2026.yaml").write_text(example)
    assert awal("campaign", "check", "water-2026", project=project).out == "1 campaign checked: no problems.\n"
    found = awal("campaign", "preview", "water-2026", "--json", project=project).json
    assert [wave["begins"] for wave in found["waves"]] == ["2026-12-01 09:00", "2026-12-03 09:00"]
    commands = re.findall(r"^\$ awal campaign (\w+)", PAGE, re.M)
    for name in commands:
        assert awal("campaign", name, "--help").code == 0
