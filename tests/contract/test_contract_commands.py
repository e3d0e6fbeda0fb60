"""Every row of the contract's table of commands that needs no gateway: what it prints, its names, its exit codes."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable

import pytest
from outsider import HEADER, Project, run

COMMANDS = """
    init serve channels check test play rehearse segments read export report keys sync erase mydata doctor backup
    restore outbox
""".split()  # noqa: SIM905 - a table would fill a page


@pytest.fixture(scope="module")
def demo(make: Callable[..., Project]) -> Project:
    return make("--demo")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = run("awal", command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: awal {command}")


def test_help_lists_every_command() -> None:
    done = run("awal", "--help")
    assert done.code == 0
    assert set(COMMANDS) <= set(done.out.split())


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ("", 2, ""),
        ("chanels", 2, "channels"),
        ("channels --jsn", 2, "--jsn"),
        ("init", 2, "DIR"),
        ("init .", 1, "awal.toml"),
        ("-C /nowhere channels", 1, "awal init"),
        ("serve --port x", 2, "--port"),
        ("serve --port 70000", 2, "--port"),
        ("check nowhere.yaml", 1, "nowhere.yaml"),
        ("test nowhere.test.yaml", 1, "nowhere.test.yaml"),
        ("play", 2, "FLOW"),
        ("play watr", 1, "water"),
        ("play water --language zz", 1, "zz"),
        ("play water --bearer pigeon", 2, "pigeon"),
        ("rehearse", 2, "N"),
        ("rehearse 0", 2, "N"),
        ("rehearse 2", 1, "awal serve"),
        ("read", 2, "TYPE"),
        ("read colour", 2, "yes_no"),
        ("read choice --options [", 2, "--options"),
        ('read integer --options {"min":"x"}', 2, "--options"),
        ('read date --options {"today":"x"}', 2, "--options"),
        ("read text --language de", 2, "de"),
        ("export", 2, ""),
        ("export answers --format xml", 2, "xml"),
        ("export answers --since soon", 2, "--since"),
        ("export answers --flow watr", 1, "water"),
        ("report --period soon", 1, "2026-W47"),
        ("report --period 2026-W60", 1, "2026-W60"),
        ("report --period 2026-02-30", 1, "2026-02-30"),
        ("report --place 99", 1, "99"),
        ("report --language de", 2, "de"),
        ("report --format docx", 2, "docx"),
        ("sync --once --carrier pigeon", 2, "pigeon"),
        ("sync --once", 1, "127.0.0.1"),
        ("erase", 2, "PHONE"),
        ("erase nobody", 1, "phone number"),
        ("mydata 12", 1, "phone number"),
        ("backup", 2, "FILE"),
        ("backup /nowhere/at/all", 1, "/nowhere"),
        ("restore nowhere.db", 1, "nowhere.db"),
        ("restore awal.toml", 1, "awal.toml"),
        ("outbox retry nothing", 1, "nothing"),
        ("outbox discard nothing", 1, "nothing"),
    ],
)
def test_a_refusal_is_one_line_and_its_code_says_whose_fault_it_is(
    demo: Project, arguments: str, code: int, told: str
) -> None:
    done = run("awal", *arguments.split(), cwd=demo.directory)
    assert done.code == code, done
    assert told in done.err
    if arguments not in ("", "export"):  # these two show their help
        assert done.err.startswith("awal: ")
        assert done.err.count("\n") == 1
    assert "Traceback" not in done.err + done.out


def test_init_makes_a_project_that_only_its_owner_reads(make: Callable[..., Project]) -> None:
    project = make(flows=())
    path = project.directory / "awal.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {one.name for one in project.directory.iterdir() if one.is_dir()} == {"flows", "locales", "data"}
    assert project.awal("channels", "--json").json == []
    assert project.awal("check").code == 1, "there is nothing to check"
    assert run("awal", "keys", "--json", env={"AWAL_PROJECT": str(project.directory)}).json["id"]


def test_two_projects_share_no_secret(make: Callable[..., Project]) -> None:
    one, two = make("--demo", flows=()), make("--demo", flows=())
    assert one.urls()["at"]["ussd"] != two.urls()["at"]["ussd"]
    assert one.awal("keys", "--json").json["public_key"] != two.awal("keys", "--json").json["public_key"]


def test_channels_are_listed_with_the_urls_to_paste(demo: Project) -> None:
    listed = demo.awal("channels", "--json").json
    assert [(one["name"], one["type"], set(one["urls"])) for one in listed] == [
        ("at", "africastalking", {"ussd", "sms", "delivery", "ussd-end"}),
        ("twilio", "twilio", {"sms", "delivery"}),
        ("simulator", "simulator", {"ussd", "sms", "ussd-end"}),
    ]
    assert [one["bearers"] for one in listed] == [["ussd", "sms"], ["sms"], ["ussd", "sms"]]
    secret = listed[0]["urls"]["ussd"].split("/")[-2]
    assert len(secret) >= 22, "128 bits at least"
    for event, url in listed[0]["urls"].items():
        assert url == f"http://127.0.0.1:8000/in/at/{secret}/{event}"
    assert listed[1]["urls"]["sms"] == "http://127.0.0.1:8000/in/twilio/sms"
    assert secret in demo.awal("channels").out


def test_keys_are_what_the_platform_asks_for(demo: Project) -> None:
    keys = demo.awal("keys", "--json").json
    assert set(keys) == {"id", "public_key"}
    assert keys["id"] == "demo"
    assert keys["public_key"] in demo.awal("keys").out
    enrol = ("awal-national", "gateway", "add", "demo", "--region", "02", "--store", f"sqlite:{demo.directory}/n.db")
    assert run(*enrol, "--key", keys["public_key"]).code == 0
    wrong = run(*enrol, "--key", "bm9uZQ==")
    assert wrong.code == 2
    assert wrong.err.count("\n") == 1


def test_a_fresh_project_exports_reports_and_lists_nothing(demo: Project) -> None:
    assert demo.awal("export", "answers").out == f"{HEADER}\n"
    assert demo.awal("export", "answers", "--format", "jsonl").out == ""
    assert demo.awal("outbox", "list", "--json").json == []
    assert "Oriental" in demo.awal("report").out
    assert demo.awal("mydata", "0612345678").json["answers"] == []
    assert demo.awal("erase", "0612345678").code == 0


def test_doctor_says_the_same_twice_and_writes_a_list(demo: Project) -> None:
    first, second = demo.awal("doctor", "--json"), demo.awal("doctor", "--json")
    assert (first.code, second.code) == (0, 0), second.out
    assert {"clock", "disk", "database", "modem", "channels", "keys", "queue"} <= {one["check"] for one in second.json}
    assert all(one["remedy"] for one in second.json if one["level"] != "ok")
    (demo.directory / "awal.toml").chmod(0o644)
    third = demo.awal("doctor")
    (demo.directory / "awal.toml").chmod(0o600)
    assert third.code == 1
    assert "chmod 600" in third.out


def test_settings_are_read_from_the_environment_or_refused(make: Callable[..., Project]) -> None:
    project = make("--demo", flows=())
    project.edit('^secret = ".*"', 'secret = "env:AWAL_TEST_SECRET"')
    done = project.awal("channels", "--json")
    assert done.code == 1
    assert "AWAL_TEST_SECRET" in done.err
    given = {"AWAL_TEST_SECRET": "0123456789abcdef0123456789abcdef"}
    assert given["AWAL_TEST_SECRET"] in project.awal("channels", env=given).out


@pytest.mark.parametrize(
    ("pattern", "replacement", "told"),
    [
        (r"^region", "regoin", "region"),
        (r"^\[national\]", "[natoinal]", "national"),
        (r"^api_key", "apikey", "api_key"),
        (r'^type = "twilio"', 'type = "twillio"', "twilio"),
        (r"^public_url = .*", 'public_url = "ici"', "public_url"),
        (r"^languages = .*", 'languages = ["fr", "de"]', "languages"),
        (r"^account_sid = .*", "", "account_sid"),
        (r"^secret = .*", 'secret = "a/b"', "secret"),
        (r"^id = .*", "id = demo", "awal.toml"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_name(demo: Project, pattern: str, replacement: str, told: str) -> None:
    path = demo.directory / "awal.toml"
    right = path.read_text()
    demo.edit(pattern, replacement)
    done = demo.awal("channels")
    path.write_text(right)
    assert done.code == 1
    assert told in done.err
    assert done.err.count("\n") == 1


COSTS = [
    ("a" * 160, "GSM-7", 160, 1),
    ("a" * 161, "GSM-7", 161, 2),
    ("€" * 80, "GSM-7", 160, 1),
    ("€" * 81, "GSM-7", 162, 2),
    ("ç", "UCS-2", 1, 1),
    ("é" * 153 + "à" * 153, "GSM-7", 306, 2),
    ("ش" * 70, "UCS-2", 70, 1),
    ("ⴰ" * 71, "UCS-2", 71, 2),
    ("😀" * 35, "UCS-2", 70, 1),
    ("😀" * 36, "UCS-2", 72, 2),
    ("{}[]~|^\\\n", "GSM-7", 17, 1),
]


def test_segments_are_counted_as_the_networks_do() -> None:
    done = run("awal", "segments", stdin="".join(json.dumps(text) + "\n" for text, *_ in COSTS))
    assert done.lines == [{"encoding": coding, "units": units, "segments": cost} for _, coding, units, cost in COSTS]


def test_segments_takes_a_text_many_lines_and_what_is_no_text() -> None:
    assert "GSM-7" in run("awal", "segments", "Merci").out
    assert len(run("awal", "segments", stdin='"a"\n"b"\n\n"c"\n').lines) == 3
    for wrong in ("a\n", "1\n", '{"a": 1}\n', "[\n"):
        done = run("awal", "segments", stdin=wrong)
        assert (done.code, done.err.count("\n")) == (1, 1)
    assert run("awal", "segments", stdin=b'"\xff"\n').code == 0, "bytes that are no UTF-8 are no reason to fall"
    assert run("awal", "segments", stdin='"\\ud800"\n').code == 0


CITIES = {"casa": "Casablanca", "rabat": "Rabat", "fes": "Fès"}


@pytest.mark.parametrize(
    ("type", "options", "readings"),
    [
        ("yes_no", {}, {"oui": {"value": "yes"}, "لا": {"value": "no"}, "1": {"value": "yes"}, "ⵓⵀⵓ": {"value": "no"}}),
        ("yes_no", {}, {"STOP": {"command": "STOP"}, "aide": {"command": "HELP"}, "LANGUE": {"command": "LANGUAGE"}}),
        (
            "text",
            {},
            {"retour": {"command": "BACK"}, "recommencer": {"command": "RESTART"}, "l'eau": {"value": "l'eau"}},
        ),
        ("text", {}, {"effacer": {"command": "DELETE"}, "mes données": {"command": "MYDATA"}}),
        ("choice", CITIES, {"2": {"value": "rabat"}, "fes": {"value": "fes"}, "Cas": {"value": "casa"}}),
        ("choices", CITIES, {"1 3": {"value": ["casa", "fes"]}, "rabat et fès": {"value": ["rabat", "fes"]}}),
        ("choices", CITIES, {"13": {"value": ["casa", "fes"]}, "1,1": {"value": ["casa"]}}),
        ("rating", {}, {"4": {"value": 4}, "٣": {"value": 3}, "4/5": {"value": 4}}),
        ("nps", {}, {"10": {"value": 10}, "0": {"value": 0}}),
        ("integer", {"min": 0, "max": 40}, {"12": {"value": 12}, "24 ans": {"value": 24}, "deux": {"value": 2}}),
        ("decimal", {}, {"2,5": {"value": 2.5}, "1.250,5": {"value": 1250.5}}),
        ("date", {"today": "2026-11-23"}, {"hier": {"value": "2026-11-22"}, "1/2/2026": {"value": "2026-02-01"}}),
        ("phone", {}, {"06 12 34 56 78": {"value": "+212612345678"}}),
        (
            "place",
            {"level": "region"},
            {"02": {"value": "02"}, "Oriental": {"value": "02"}, "جهة الشرق": {"value": "02"}},
        ),
        ("place", {}, {"Oujda": {"value": "02.411.01.23"}}),
    ],
)
def test_replies_are_read_as_the_rules_say(type: str, options: object, readings: dict[str, object]) -> None:
    said = "".join(json.dumps(reply) + "\n" for reply in readings)
    done = run("awal", "read", type, "--options", json.dumps(options), stdin=said)
    assert done.lines == list(readings.values())


@pytest.mark.parametrize(
    ("type", "options", "replies"),
    [
        ("yes_no", {}, ["", "peut-être", "oui non", "bon", "لا أعرف", "?"]),
        ("choice", CITIES, ["4", "1 2", "1 Rabat", "pas Rabat", "-1", "1.5", "12"]),
        ("choices", CITIES, ["1 4", "1 et bleu"]),
        ("rating", {}, ["6", "0", "4/10", "3.5"]),
        ("integer", {"min": 1, "max": 5}, ["0", "2.5", "plus de 3", "2 ou 3", "1e2", "2h30"]),
        ("decimal", {"min": 1, "max": 5}, ["5,1", "1/2"]),
        ("date", {"today": "2026-11-23", "max": "2026-11-23"}, ["31/02/2026", "demain", "24/11/2026", "novembre"]),
        ("phone", {}, ["1234", "abc"]),
        ("place", {}, ["Sidi", "Atlantide", "02"]),
        ("text", {}, ["", "  ", "\u200b"]),
    ],
)
def test_what_is_unclear_is_never_guessed(type: str, options: object, replies: list[str]) -> None:
    said = "".join(json.dumps(reply) + "\n" for reply in replies)
    done = run("awal", "read", type, "--options", json.dumps(options), stdin=said)
    assert [set(one) for one in done.lines] == [{"invalid"}] * len(replies), list(zip(replies, done.lines, strict=True))
