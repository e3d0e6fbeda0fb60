"""Flow files as the contract writes them: checked, tested and played by an operator who has the commands only."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from outsider import Done, Project


@pytest.fixture(scope="module")
def project(make: Callable[..., Project]) -> Project:
    return make(flows=("water.yaml", "water.test.yaml", "market.yaml"))


def play(project: Project, flow: str, *replies: str, **options: str) -> tuple[list[str], Done]:
    """Return the screens of a conversation."""
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    done = project.awal("play", flow, *given, stdin="".join(f"{reply}\n" for reply in replies))
    assert (done.code, done.err) == (0, "")
    return done.out.rstrip("\n").split("\n\n"), done


def test_the_contracts_own_flow_and_its_test_pass(project: Project) -> None:
    checked = project.awal("check")
    assert checked.code == 0, checked.out
    water = [one["code"] for one in project.awal("check", "--json").json if one["file"].endswith("/water.yaml")]
    assert set(water) <= {"F505", "F602"}, "warnings about Tamazight and dear letters, no more"
    tested = project.awal("test")
    assert (tested.code, tested.err) == (0, "")
    assert "1 passed, 0 failed" in tested.out


def test_check_lists_problems_for_programs(project: Project) -> None:
    done = project.awal("check", project.directory / "flows" / "water.yaml", "--json")
    assert done.code == 0
    assert done.json
    for one in done.json:
        assert list(one) == ["file", "line", "code", "level", "message"]
        assert one["level"] == "warning"


WRONG = """\
flow: wrong
version: 1
title: Faux
language: fr
colour: red
steps:
- id: one
  ask: Question ?
  type: yes_noo
- id: two
  ask: Autre ?
  type: choice
  options: {a: A}
- when: thre == 1
  say: Bonjour {nobody}.
- go: nowhere
"""


def test_five_errors_of_different_kinds_are_told_in_one_run(project: Project) -> None:
    path = project.write("drafts/wrong.yaml", WRONG)
    done = project.awal("check", path)
    assert done.code == 1
    assert [
        re.match(r".*wrong\.yaml:(\d+): (F\d{3}): .+[.?] .+[.?]$", line).groups() for line in done.out.splitlines()
    ] == [
        ("5", "F201"),
        ("9", "F305"),
        ("13", "F306"),
        ("14", "F402"),
        ("15", "F406"),
        ("16", "F321"),
    ]


def test_one_broken_file_hides_no_other(project: Project) -> None:
    latin = project.directory / "drafts" / "latin.yaml"
    project.write("drafts/wrong.yaml", WRONG)
    latin.write_bytes("flow: latin\ntitle: \xe9t\xe9\n".encode("latin-1"))
    tab = project.write("drafts/tab.yaml", "flow: tab\nsteps:\n\t- say: x\n")
    empty = project.write("drafts/empty.yaml", "")
    done = project.awal("check", latin, tab, empty, project.directory / "drafts" / "wrong.yaml", "--json")
    assert done.code == 1
    found = {(one["file"].rpartition("/")[2], one["line"], one["code"]) for one in done.json}
    assert {("latin.yaml", 2, "F108"), ("tab.yaml", 3, "F102"), ("empty.yaml", 1, "F109")} <= found
    assert sum(name == "wrong.yaml" for name, _, _ in found) == 6


HOSTILE = {
    "aliases": ("flow: &a [x, x]\nsteps: [*a, *a]\n", "F104"),
    "code": ("flow: !!python/object/apply:os.system [id]\n", "F105"),
    "twice": ("flow: a\nflow: b\n", "F103"),
    "depth": ("flow: " + "[" * 5000 + "\n", "F1"),
    "condition": ("flow: a\ntitle: A\nlanguage: fr\nsteps:\n- say: x\n  when: __import__('os')\n", "F401"),
    "direction": ("flow: b\ntitle: A\nlanguage: fr\nsteps:\n- say: \u202eMerci\n", "F508"),
    "size": ("flow: c\ntitle: " + "A" * 900_000 + "\n", "F"),
}


def test_hostile_files_are_refused_in_lines(project: Project) -> None:
    paths = [project.write(f"drafts/{name}.yaml", text) for name, (text, _) in HOSTILE.items()]
    done = project.awal("check", *paths)
    assert done.code == 1
    for name, (_, code) in HOSTILE.items():
        assert re.search(rf"/{name}\.yaml:\d+: {code}", done.out), name
    assert len(done.err.splitlines()) == 1


FAILING = """\
flow: water
tests:
- name: sees what is not there
  language: [fr, ar]
  bearer: sms
  talk:
  - start
  - see: chaque jour
- name: keeps what was not said
  language: fr
  bearer: ussd
  talk:
  - start
  - reply: "1"
  answers: {supply: "no"}
"""


def test_a_failing_conversation_says_where_and_what(project: Project, make: Callable[..., Project]) -> None:
    other = make(flows=("water.yaml",))
    other.write("flows/water.test.yaml", FAILING)
    done = other.awal("test")
    assert done.code == 1
    assert re.search(r"water\.test\.yaml:8: .*sees what is not there \(ar, sms\)", done.out)
    assert re.search(r"water\.test\.yaml:9: .*keeps what was not said \(fr, ussd\)", done.out)
    assert "1 passed, 2 failed" in done.out
    listed = other.awal("test", "--json").json
    assert [(one["name"], one["language"], one["bearer"], one["passed"]) for one in listed] == [
        ("sees what is not there", "fr", "sms", True),
        ("sees what is not there", "ar", "sms", False),
        ("keeps what was not said", "fr", "ussd", False),
    ]


def test_a_stranger_is_asked_language_then_consent(project: Project) -> None:
    screens, _ = play(project, "water", "3", "1", "2")
    assert screens[0] == "1 العربية\n2 Tamazight\n3 Français"
    assert "D'accord ?" in screens[1]
    assert screens[2].startswith("Avez-vous de l'eau")
    assert screens[3].startswith("Êtes-vous satisfait")


@pytest.mark.parametrize(
    ("language", "yes", "thanks"), [("fr", "oui", "Merci"), ("ar", "نعم", "شكرا"), ("zgh", "ⵢⴰⵀ", "شكرا")]
)
@pytest.mark.parametrize("bearer", ["ussd", "sms"])
def test_each_language_on_each_bearer_to_the_end(
    project: Project, language: str, yes: str, thanks: str, bearer: str
) -> None:
    screens, _ = play(project, "water", yes, "5", "وجدة", language=language, bearer=bearer)
    assert screens[-1].startswith(thanks)


def test_a_flow_of_our_own_takes_every_type(project: Project) -> None:
    replies = ["3", "1, 2", "10", "12,5", "hier", "00", "*a*b", "1", "1", "1", "0", "0", "2", "oui"]
    screens, _ = play(project, "market", *replies, language="fr")
    assert [screen.splitlines()[0] for screen in screens] == [
        "Combien de visites ce mois ?",
        "Que vendez-vous ?",
        "Le conseilleriez-vous ?",
        "Prix du kilo ?",
        "Quel jour ?",
        "Votre numéro ?",
        "Une remarque ?",
        "Quel marché ?",
        "Informations",
        "Taxes",
        "Le taux est de 5 %.",
        "Taxes",
        "Informations",
        "Vous vendez : Légumes, Fruits.",
        "Bravo, 3 visites.",
    ]


@pytest.mark.parametrize(
    ("replies", "last"),
    [
        (["x", "31 jours"], "Que vendez-vous ?"),
        (["x", "x", "x"], "Que vendez-vous ?"),
        (["0", "oui"], "Merci."),
        (["0", "x", "x"], "Réponses non comprises."),
        (["1", "3", "5", "5", "23/11/2026", "0612345678", "0", "Hebdomadaire", "oui"], "Merci."),
        (["1", "3", "5", "5", "23/11/2026", "00", "0", "2", "oui"], "Bravo, 1 visites."),
        (["1", "1", "5", "0,4", "5", "31/02/2026", "1/2/2026", "12", "00", "0", "2", "non"], "Merci."),
    ],
)
def test_retries_jumps_and_conditions(project: Project, replies: list[str], last: str) -> None:
    screens, _ = play(project, "market", *replies, language="fr")
    assert last in screens[-1]


def test_arabic_lists_are_joined_in_arabic(project: Project) -> None:
    screens, _ = play(project, "market", "2", "1 2", "9", "7", "اليوم", "00", "0", "2", language="ar")
    assert screens[-1].startswith("تبيع: خضر، فواكه.\nراض؟")
