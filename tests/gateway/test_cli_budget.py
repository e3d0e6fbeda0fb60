"""`awal budget` and the deep `awal check` as an operator meets them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Awal = Callable[..., Any]

DEAR = """\
flow: dear
title: Essai
language: fr
keywords: [ESSAI]
steps:
- id: mark
  ask: Êtes-vous satisfait de la qualité et du goût de l'eau, des coûts et de l'accueil ?
  type: rating
- say: Merci
"""
PRICES = 'price_sms = 0.25\nprice_in = 0.05\nprice_ussd = 0.4\ncurrency = "EUR"\n'


@pytest.fixture
def priced(demo: Path) -> Path:
    """Give the demo's first channel prices."""
    file = demo / "awal.toml"
    text = file.read_text("utf-8")
    assert "[channels.at]\n" in text
    file.write_text(text.replace("[channels.at]\n", f"[channels.at]\n{PRICES}"), "utf-8")
    (demo / "flows" / "dear.yaml").write_text(DEAR, "utf-8")
    return demo


def test_a_flow_is_priced_by_language_bearer_and_path(awal: Awal, priced: Path) -> None:
    shown = awal("budget", "water", project=priced)
    assert (shown.code, shown.err) == (0, "")
    for language in ("fr", "ar", "zgh"):
        for path in ("cheapest", "usual", "worst"):
            assert re.search(rf"^{language} ussd {path}: .*supply: ", shown.out, re.M)
            assert re.search(rf"^{language} +ussd +{path} +\d+ +\d+ +0\.40", shown.out, re.M)
    assert "at (EUR)" in shown.out
    assert "longer than a session" in shown.out, "the worst path of the water flow"


def test_money_is_segments_times_price(awal: Awal, priced: Path) -> None:
    found = awal("budget", "water", "--json", project=priced).json
    assert found["session"] == 180
    for one in found["estimates"]:
        for path in one["paths"]:
            price = path["price"]["at"]
            assert price["currency"] == "EUR"
            if one["bearer"] == "sms":
                assert price["amount"] == pytest.approx(0.25 * path["sent"] + 0.05 * path["received"])
            else:
                assert price["amount"] == 0.4
    assert {(one["language"], one["bearer"]) for one in found["estimates"]} == {
        (language, bearer) for language in ("fr", "ar", "zgh") for bearer in ("ussd", "sms")
    }


def test_the_letters_that_cost_are_named(awal: Awal, priced: Path) -> None:
    shown = awal("budget", "dear", project=priced)
    assert "sms dear/mark: 2 SMS instead of 1. Write E for Ê, u for û." in shown.out
    letters = awal("budget", "dear", "--json", project=priced).json["letters"]
    assert {(one["bearer"], *one["letters"]) for one in letters} == {("sms", "Ê", "û"), ("ussd", "Ê", "û")}
    file = priced / "flows" / "dear.yaml"
    file.write_text(DEAR.replace("steps:", "fold: accents\nsteps:"), "utf-8")
    assert "No letter costs more than it must." in awal("budget", "dear", project=priced).out


def test_a_file_outside_of_a_project_has_no_prices(awal: Awal, tmp_path: Path) -> None:
    file = tmp_path / "dear.yaml"
    file.write_text(DEAR, "utf-8")
    found = awal("budget", file, "--json", project=tmp_path).json
    assert found["estimates"][0]["paths"][0]["price"] == {}


@pytest.mark.parametrize(
    ("flow", "said"), [("watre", "there is no flow 'watre'. Did you mean 'water'?"), ("gone.yaml", "gone.yaml")]
)
def test_a_flow_that_is_not_there_is_one_line(awal: Awal, demo: Path, flow: str, said: str) -> None:
    shown = awal("budget", flow, project=demo)
    assert shown.code == 1
    assert said in shown.err
    assert shown.err.count("\n") == 1


def test_check_walks_the_paths_and_knows_the_flows_beside(awal: Awal, priced: Path) -> None:
    flows = priced / "flows"
    outer = "flow: outer\ntitle: Essai\nlanguage: fr\nsteps:\n- id: part\n  run: dear\n- say: Merci\n"
    (flows / "outer.yaml").write_text(outer, "utf-8")
    shown = awal("check", flows / "dear.yaml", flows / "outer.yaml", project=priced)
    assert shown.code == 0
    assert re.search(r"dear\.yaml:7: F602: .* takes \d (SMS|pages) instead of 1", shown.out)
    assert "F312" not in awal("check", flows / "outer.yaml", project=priced).out
    lost = priced / "lost.yaml"
    lost.write_text(outer, "utf-8")
    assert [one["code"] for one in awal("check", "--json", lost, project=priced).json] == ["F312"]


CROSSING = """\
flow: crossing
title: Essai
language: fr
legal: {ground: consent}
receipt: sms
steps:
- {id: urgent, ask: Urgent ?, type: yes_no}
- {id: detail, ask: Racontez., type: text, by: sms, when: 'urgent == "yes"'}
- say: Merci
"""
DIALLED = """
[channels.menu]
type = "ussd-http"
secret = "menu-secret-of-the-operator"
profile = "plain"
price_ussd = 0.3
currency = "EUR"
"""


def test_a_session_that_goes_on_by_sms_shows_both_and_their_money(awal: Awal, priced: Path) -> None:
    """The operator's channel only dials: its SMS leave by the other, at the other's price."""
    file = priced / "awal.toml"
    file.write_text(file.read_text("utf-8") + DIALLED, "utf-8")
    (priced / "flows" / "crossing.yaml").write_text(CROSSING, "utf-8")
    shown = awal("budget", "crossing", project=priced)
    assert (shown.code, shown.err) == (0, "")
    assert re.search(r"^fr +ussd +usual +2 +13 +2 +1 +0\.95 +0\.85", shown.out, re.M), shown.out
    assert re.search(r"^fr +ussd +first +1 +12 *$", shown.out, re.M), "no session more"
    assert "fr ussd dearest: urgent: yes, detail: 459 letters" in shown.out
    ussd = awal("budget", "crossing", "--json", project=priced).json["estimates"][0]
    dearest = ussd["paths"][-1]
    assert (dearest["path"], dearest["sent"], dearest["received"]) == ("dearest", 2, 3)
    assert dearest["price"]["menu"] == {"amount": pytest.approx(0.3 + 2 * 0.25 + 3 * 0.05), "currency": "EUR"}


def test_what_silence_costs_is_told_apart(awal: Awal, priced: Path) -> None:
    told = awal("budget", "water", "--json", project=priced).json["silence"]
    assert (told["reminders"], told["lost"]) == (2, 0)
    flow = (priced / "flows" / "water.yaml").read_text("utf-8")
    (priced / "flows" / "water.yaml").write_text(flow.replace("resume: 24h", "resume: 12h\nlost: yes"), "utf-8")
    shown = awal("budget", "water", project=priced).out
    assert "On top, for who falls silent by SMS: 1 segment at most" in shown
    assert "On top, for each lost USSD session: 1 segment at most" in shown
