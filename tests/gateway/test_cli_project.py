"""Making a project and working in it."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug.security import check_password_hash

from flows.receipt import receipt_number
from flows.types import Conversation
from gateway.cli.init import create
from gateway.project import Project
from storage.store import AnswerRow, Change, Citizen, InboundRow, OutboundRow

Awal = Callable[..., Any]


def test_a_new_project_is_complete_and_private(awal: Awal, tmp_path: Path) -> None:
    shown = awal("init", tmp_path / "oriental")
    assert shown.code == 0
    made = tmp_path / "oriental"
    assert sorted(path.name for path in made.iterdir()) == ["awal.toml", "data", "flows", "locales"]
    assert stat.S_IMODE((made / "awal.toml").stat().st_mode) == 0o600
    settings = tomllib.loads((made / "awal.toml").read_text())
    assert settings["gateway"]["id"] == "oriental"
    assert len(set(settings["keys"].values())) == 4
    password = shown.out.split("shown this once: ")[1].splitlines()[0]
    assert password not in (made / "awal.toml").read_text()
    assert check_password_hash(settings["console"]["password"], password)
    examples = Path(re.search(r"examples to copy: (.+)", shown.out)[1])
    assert (examples / "water.yaml").is_file()


def test_the_phone_of_a_new_project_waits_in_comments(awal: Awal, tmp_path: Path) -> None:
    """Taking the # away is all it needs."""
    awal("init", tmp_path / "oriental")
    file = tmp_path / "oriental" / "awal.toml"
    waiting = '# [channels.phone]\n# type = "simulator"\n# secret'
    text = file.read_text()
    assert waiting in text
    file.write_text(text.replace(waiting, waiting.replace("# ", "")))
    assert "simulator" in awal("channels", project=tmp_path / "oriental").out


def test_an_existing_project_is_left_as_it_is(awal: Awal, demo: Path) -> None:
    before = (demo / "awal.toml").read_bytes()
    shown = awal("init", demo)
    assert shown.code == 1
    assert "already there" in shown.err
    assert (demo / "awal.toml").read_bytes() == before


def test_two_projects_share_no_secret(awal: Awal, tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        awal("init", "--demo", tmp_path / name)
        settings = tomllib.loads((tmp_path / name / "awal.toml").read_text())
        found.append(
            {
                *settings["keys"].values(),
                settings["channels"]["at"]["secret"],
                settings["channels"]["twilio"]["auth_token"],
            }
        )
    assert found[0] & found[1] == set()


def test_the_demo_project_is_as_the_contract_says(awal: Awal, demo: Path) -> None:
    settings = tomllib.loads((demo / "awal.toml").read_text())
    assert (settings["gateway"]["id"], settings["gateway"]["region"]) == ("demo", "02")
    assert {name: one["type"] for name, one in settings["channels"].items()} == {
        "at": "africastalking",
        "twilio": "twilio",
        "simulator": "simulator",
    }
    assert all(len(settings["channels"][name]["secret"]) >= 22 for name in ("at", "simulator")), "128 bits or more"


def test_channels_prints_the_addresses_to_paste(awal: Awal, demo: Path) -> None:
    secret = tomllib.loads((demo / "awal.toml").read_text())["channels"]["at"]["secret"]
    rows = {row["name"]: row for row in awal("channels", "--json", project=demo).json}
    assert rows["at"]["bearers"] == ["ussd", "sms"]
    base = f"http://127.0.0.1:8000/in/at/{secret}"
    assert rows["at"]["urls"] == {event: f"{base}/{event}" for event in ("ussd", "sms", "delivery", "ussd-end")}
    assert rows["twilio"]["urls"] == {
        event: f"http://127.0.0.1:8000/in/twilio/{event}" for event in ("sms", "delivery")
    }
    shown = awal("channels", project=demo).out
    assert all(url in shown for row in rows.values() for url in row["urls"].values())


def test_an_unknown_type_of_channel_is_refused(awal: Awal, demo: Path) -> None:
    text = (demo / "awal.toml").read_text().replace('"africastalking"', '"africastalkin"')
    (demo / "awal.toml").write_text(text)
    shown = awal("channels", project=demo)
    assert shown.code == 1
    assert "[channels.at]" in shown.err
    assert "'africastalking'" in shown.err


def test_the_shipped_flows_pass_the_check_and_their_tests(awal: Awal, demo: Path) -> None:
    checked = awal("check", "--json", project=demo)
    assert checked.code == 0
    assert {problem["level"] for problem in checked.json} <= {"warning"}
    tested = awal("test", "--json", project=demo)
    assert tested.code == 0
    assert {run["bearer"] for run in tested.json} == {"ussd", "sms"}
    assert {"fr", "ar"} <= {run["language"] for run in tested.json}
    assert len({run["file"] for run in tested.json}) == len(list((demo / "flows").glob("*.test.yaml"))) >= 4


FIVE = """\
flow: water
version: one
title: Eau
language: fr
languages: [fr]
steps:
- id: a
  ask: De l'eau ?
  type: yes_noo
- id: a
  ask: Encore ?
  type: yes_no
- id: b
  ask: Pourquoi ?
  type: choice
  optionel: yes
- say: Merci
"""


def test_five_errors_are_five_lines_with_file_line_code_and_remedy(awal: Awal, tmp_path: Path) -> None:
    file = tmp_path / "five.yaml"
    file.write_text(FIVE)
    shown = awal("check", file)
    assert shown.code == 1
    lines = shown.out.splitlines()
    assert len(lines) >= 5
    for line in lines:
        place, code, said = line.split(": ", 2)
        assert place.rpartition(":")[0] == str(file)
        assert int(place.rpartition(":")[2]) > 0
        assert code[0].isupper()
        assert said.count(". ") >= 1, "what is wrong, and what to do"
    problems = awal("check", file, "--json").json
    assert [set(problem) for problem in problems] == [{"file", "line", "code", "level", "message"}] * len(lines)


@pytest.mark.parametrize("command", [["check"], ["test"], ["budget"], ["translate", "status"], ["play"]])
def test_a_flow_is_named_by_its_id_or_its_file(awal: Awal, demo: Path, command: list[str]) -> None:
    said = {awal(*command, name, project=demo, stdin="").out for name in ("water", demo / "flows" / "water.yaml")}
    assert len(said) == 1, "both say the same"
    assert said != {""} or command == ["check"], "water alone has nothing wrong"
    unknown = awal(*command, "watr", project=demo)
    assert unknown.code == 1
    assert "there is no flow 'watr'. Did you mean 'water'?" in unknown.err


def test_a_flow_that_cannot_be_loaded_is_named_by_its_file_name(awal: Awal, demo: Path) -> None:
    (demo / "flows" / "broken.yaml").write_text("flow: broken\nstesp: []\n")
    assert "broken.yaml:2: " in awal("check", "broken", project=demo).out
    assert "broken.yaml:1: " in awal("play", "broken", project=demo).err


def test_a_file_that_is_not_there_is_named(awal: Awal, tmp_path: Path) -> None:
    shown = awal("check", tmp_path / "none.yaml")
    assert shown.code == 1
    assert "none.yaml" in shown.err


def test_a_failing_conversation_test_names_its_line(awal: Awal, demo: Path) -> None:
    file = demo / "flows" / "water.test.yaml"
    file.write_text("flow: water\ntests:\n- name: wrong\n  language: fr\n  talk:\n  - start\n  - see: no such words\n")
    shown = awal("test", file)
    assert shown.code == 1
    assert f"{file}:7: TEST: wrong (fr, ussd):" in shown.out
    assert "0 passed, 2 failed." in shown.out


def test_play_talks_in_the_terminal(awal: Awal, demo: Path) -> None:
    shown = awal("play", "water", "--language", "fr", project=demo, stdin="1\n")
    assert shown.code == 0
    screens = shown.out.split("\n\n")
    assert "eau" in screens[0].lower()
    assert len(screens) >= 2
    assert screens[0] != screens[1]


def test_play_of_an_unknown_flow_or_language_is_refused(awal: Awal, demo: Path) -> None:
    assert "'water'" in awal("play", "watr", project=demo).err
    assert "'en'" in awal("play", "water", "--language", "en", project=demo).err


def test_keys_are_those_the_platform_enrols(awal: Awal, demo: Path) -> None:
    keys = awal("keys", "--json", project=demo).json
    assert keys["id"] == "demo"
    assert len(keys["public_key"]) == 44


def keep_an_answer(project: Project, value: object = "yes") -> None:
    """Put one answer in the store, as a conversation would."""
    now = project.clock()
    citizen = project.phones.pseudonym("+212600000009")
    moment = datetime.fromtimestamp(now / 1000, UTC)
    state = Conversation(
        id="c1", bearer="sms", flow="water", version=1, flow_hash="h", started_at=moment, updated_at=moment
    )
    inbound = InboundRow(
        id="i1",
        channel="at",
        external_id="x1",
        citizen=citizen,
        bearer="sms",
        text="oui",
        received_at=now,
        conversation="c1",
    )
    answer = AnswerRow(
        id="a1",
        conversation="c1",
        citizen=citizen,
        flow="water",
        flow_version=1,
        flow_hash="h",
        step="supply",
        value=value,  # type: ignore[arg-type]
        raw="=oui",
        language="fr",
        bearer="sms",
        channel="at",
        answered_at=now,
        day="2026-11-23",
    )
    message = OutboundRow(
        id="o1",
        citizen=citizen,
        channel="at",
        recipient=project.phones.seal("+212600000009"),
        text="Merci",
        encoding="GSM-7",
        segments=1,
        created_at=now,
    )
    change = Change(
        inbound=inbound,
        reply=b"",
        citizen=Citizen(citizen),
        conversation=state,
        channel="at",
        answers=[answer],
        outbound=[message],
    )
    assert project.store.accept(change).outcome == "taken"


def test_the_outbox_shows_civil_time_to_people_and_utc_to_programs(awal: Awal, demo: Path) -> None:
    with Project(demo) as project:
        keep_an_answer(project)
        at = project.store.outbox()[0].created_at // 1000
        zone = project.timezone
    for command in (("outbox", "list"), ("outbox", "spent")):
        assert datetime.fromtimestamp(at, zone).isoformat(" ") in awal(*command, project=demo).out
    assert (
        datetime.fromtimestamp(at, UTC).isoformat()
        == awal("outbox", "list", "--json", project=demo).json[0]["created_at"]
    )
    assert {one["oldest"] for one in awal("outbox", "spent", "--json", project=demo).json} <= {
        None,
        datetime.fromtimestamp(at, UTC).isoformat(),
    }


def test_a_receipt_number_leads_to_the_answers_behind_it(awal: Awal, demo: Path) -> None:
    with Project(demo) as project:
        keep_an_answer(project, ["cuts", "price"])
    number = receipt_number("c1")
    shown = awal("receipt", number[:4].lower(), number[4:], project=demo)
    assert shown.code == 0
    assert f"receipt: {number}" in shown.out
    assert "  supply: cuts, price" in shown.out
    assert "600000009" not in shown.out
    (found,) = awal("receipt", number, "--json", project=demo).json
    assert (found["flow"], found["answers"]) == ("water", {"supply": ["cuts", "price"]})
    unknown = awal("receipt", receipt_number("c2"), project=demo)
    assert (unknown.code, unknown.out) == (1, "")
    assert "No answers have the receipt number" in unknown.err
    assert "one of its 8 signs is wrong" in awal("receipt", "CK47M2XX", project=demo).err


COLUMNS = "answer_id,conversation_id,citizen,flow,flow_version,step,value,raw,language,bearer,channel,place,answered_at"


def test_answers_are_exported_in_the_contracts_columns(awal: Awal, demo: Path) -> None:
    with Project(demo) as project:
        keep_an_answer(project, ["cuts", "price"])
        citizen = project.phones.pseudonym("+212600000009")
    out = awal("export", "answers", project=demo).out
    assert out.splitlines()[0] == COLUMNS
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["citizen"] == citizen
    assert json.loads(row["value"]) == ["cuts", "price"]
    assert row["raw"] == "'=oui", "no spreadsheet may run a citizen's words"
    assert row["answered_at"][-6:] in ("+01:00", "+00:00")
    (line,) = awal("export", "answers", "--format", "jsonl", project=demo).lines
    assert list(line) == COLUMNS.split(",")
    assert line["raw"] == "=oui"
    assert "600000009" not in out


def test_an_export_can_be_narrowed(awal: Awal, demo: Path) -> None:
    with Project(demo) as project:
        keep_an_answer(project)
    assert awal("export", "answers", "--format", "jsonl", "--flow", "roads", project=demo).lines == []
    assert awal("export", "answers", "--format", "jsonl", "--since", "2100-01-01", project=demo).lines == []
    assert len(awal("export", "answers", "--format", "jsonl", "--since", "2020-01-01", project=demo).lines) == 1


def test_an_export_of_nothing_has_its_heading(awal: Awal, demo: Path) -> None:
    assert awal("export", "answers", project=demo).out == f"{COLUMNS}\n"


def test_the_outbox_is_listed_and_steered(awal: Awal, demo: Path) -> None:
    with Project(demo) as project:
        keep_an_answer(project)
    (row,) = awal("outbox", "list", "--json", project=demo).json
    assert set(row) == {"id", "citizen", "channel", "state", "attempts", "last_error", "created_at", "not_after"}
    assert (row["id"], row["state"]) == ("o1", "queued")
    shown = awal("outbox", "list", project=demo).out
    assert "segments" in shown
    assert "None" not in shown
    assert awal("outbox", "list", "--state", "failed", project=demo).out == "No message is failed.\n"
    mistyped = awal("outbox", "list", "--state", "faild", project=demo)
    assert (mistyped.code, "'failed'" in mistyped.err) == (2, True)
    waits = {one["channel"]: one["waiting"] for one in awal("outbox", "spent", "--json", project=demo).json}
    assert waits[row["channel"]] == 1
    assert "budget_day" in awal("outbox", "spent", project=demo).out
    assert awal("outbox", "discard", "o1", project=demo).code == 0
    assert awal("outbox", "list", "--state", "dead", "--json", project=demo).json[0]["id"] == "o1"
    refused = awal("outbox", "retry", "nothing", project=demo)
    assert refused.code == 1
    assert "awal outbox list" in refused.err


def test_a_citizen_sees_and_erases_what_is_kept(awal: Awal, demo: Path) -> None:
    with Project(demo) as project:
        keep_an_answer(project)
    assert "oui" in awal("mydata", "06 00 00 00 09", project=demo).out
    assert awal("erase", "+212600000009", project=demo).code == 0
    assert "oui" not in awal("mydata", "+212600000009", project=demo).out
    assert awal("export", "answers", "--format", "jsonl", project=demo).lines == []


def test_a_number_that_is_none_is_refused_and_not_repeated(awal: Awal, demo: Path) -> None:
    shown = awal("erase", "12", project=demo)
    assert shown.code == 1
    assert "country code" in shown.err


def test_a_backup_is_restored(awal: Awal, demo: Path, tmp_path: Path) -> None:
    with Project(demo) as project:
        keep_an_answer(project)
    assert awal("backup", tmp_path / "copy.db", project=demo).code == 0
    for file in (demo / "data").glob("awal.db*"):
        file.unlink()
    shown = awal("restore", tmp_path / "copy.db", project=demo)
    assert (shown.code, "replaced" in shown.out) == (0, False)
    assert len(awal("export", "answers", "--format", "jsonl", project=demo).lines) == 1


def test_a_backup_to_a_stick_that_is_not_there_says_so(awal: Awal, demo: Path, tmp_path: Path) -> None:
    gone = tmp_path / "stick"
    for words in ((gone / "a.db",), (tmp_path / "a.db", "--sealed", "--keys", gone / "a.keys")):
        shown = awal("backup", *words, project=demo)
        assert (shown.code, f"{gone}: there is no such folder." in shown.err) == (1, True)
    assert not (tmp_path / "a.db").exists()


def test_a_backup_does_not_bring_back_who_was_forgotten_since(awal: Awal, demo: Path, tmp_path: Path) -> None:
    with Project(demo) as project:
        keep_an_answer(project)
    assert awal("backup", tmp_path / "copy.db", project=demo).code == 0
    assert awal("erase", "+212600000009", project=demo).code == 0
    restored = awal("restore", tmp_path / "copy.db", project=demo)
    assert f"{demo / 'data' / 'awal.db.replaced'}: delete it" in restored.out
    assert awal("export", "answers", "--format", "jsonl", project=demo).lines == []


def test_a_report_in_every_form_but_pdf(awal: Awal, demo: Path) -> None:
    for form in ("sms", "text", "html", "csv"):
        shown = awal("report", "--period", "2026-W47", "--format", form, project=demo)
        assert shown.code == 0, shown.err
        assert shown.out.strip()
    assert 'dir="rtl"' in awal("report", "--language", "ar", "--format", "html", project=demo).out
    assert awal("report", "--period", "someday", project=demo).code == 1


def test_sync_without_a_platform_says_what_to_set(awal: Awal, tmp_path: Path) -> None:
    create(tmp_path, demo=False)
    shown = awal("sync", "--once", project=tmp_path)
    assert shown.code == 1
    assert "[national] url" in shown.err


def test_a_new_password_is_a_line_for_the_settings(awal: Awal) -> None:
    shown, line = awal("password").out.splitlines()
    assert check_password_hash(tomllib.loads(line)["password"], shown.split(": ")[1])
