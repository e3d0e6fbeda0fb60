"""What no conversation test walks is named: a step, an option, a branch."""

from pathlib import Path

import pytest

from flows.load import load
from gateway.talk import script
from gateway.talk.coverage import Watch
from gateway.talk.run import run
from locales.catalogue import Catalogues

TEXTS = Catalogues()
FLOW = """\
flow: market
version: 1
title: Marché
language: fr
keywords: [MARCHE]
consent: no
steps:
- id: visits
  ask: Allez-vous au marché ?
  type: yes_no
- id: bye
  when: visits == "no"
  end: Au revoir.
- id: mark
  ask: Quelle note ?
  type: rating
  labels: [Mauvais, Moyen, Bon]
  retries: 1
  on_fail: skip
  optional: yes
- id: wish
  ask: Que faut-il ?
  type: choices
  optional: yes
  options:
    shade: Ombre
    water: {label: Eau, when: mark < 3}
- id: more
  menu: Autre chose ?
  options:
    hours: {label: Horaires, say: De 8h à 13h.}
    again: {label: Encore, go: visits}
- say: Merci.
"""
HEAD = "flow: market\ntests:\n- name: t\n  language: fr\n  bearer: sms\n  talk:\n  - start\n"


def gaps(*replies: str, flows: tuple[str, ...] = (FLOW,), of: str = "market") -> set[tuple[str, str]]:
    """Return what is not walked by one talk of these replies."""
    loaded = {one.flow.id: one.flow for one in (load(text) for text in flows) if one.flow}
    assert len(loaded) == len(flows)
    text = HEAD + "".join(f"  - reply: '{reply}'\n" for reply in replies)
    watch = Watch()
    (only,) = run(script.read(text.replace("market", next(iter(loaded))), "t"), loaded, TEXTS, watch.step)
    assert only.failure is None
    return {(gap.step, gap.what) for gap in watch.coverage(loaded[of], loaded).gaps}


def test_a_flow_that_nobody_talks_to_has_every_gap() -> None:
    flow = load(FLOW).flow
    assert flow
    nothing = Watch().coverage(flow, {flow.id: flow})
    assert len(nothing.gaps) == nothing.total
    assert nothing.percent == 0
    assert {gap.missing for gap in nothing.gaps if gap.step == "bye"} == {
        "step 'bye' is never reached",
        "step 'bye' is never passed over (when: visits == \"no\")",
    }


def test_a_path_leaves_the_others_untold() -> None:
    left = gaps("oui", "3", "1", "1", "1")
    assert ("bye", "passed over") not in left
    assert ("bye", "reached") in left
    assert ("visits", "/no") in left
    assert ("mark", "/3") not in left
    assert ("wish", "/shade") not in left
    assert {("wish", "/water shown"), ("wish", "/water"), ("wish", "skipped"), ("mark", "on_fail")} <= left
    assert ("wish", "/water left out") not in left
    assert {("more", "/again"), ("more", "unclear")} <= left


def test_skipping_failing_and_jumping_are_branches_of_their_own() -> None:
    left = gaps("oui", "huit", "huit", "0", "jamais", "encore", "non")
    walked = {("mark", "unclear"), ("mark", "on_fail"), ("wish", "skipped"), ("more", "unclear"), ("more", "/again")}
    assert walked & left == set()
    assert ("mark", "skipped") in left, "a failure that skips is no skip of the citizen's"
    assert {("mark", "/1"), ("wish", "/shade"), ("more", "/hours")} <= left


def test_a_sub_flow_is_walked_by_the_flow_that_runs_it() -> None:
    outer = FLOW.replace("market", "outer").replace("- say: Merci.\n", "- id: part\n  run: inner\n- say: Merci.\n")
    steps = "steps:\n- id: ok\n  ask: Bien ?\n  type: yes_no\n- end: Fin\n"
    inner = f"flow: inner\nversion: 1\ntitle: I\nlanguage: fr\n{steps}"
    replies = ("oui", "3", "1", "1", "1", "oui")
    assert gaps(*replies, flows=(outer, inner), of="inner") == {("ok", "/no"), ("ok", "unclear")}
    assert ("part", "reached") not in gaps(*replies, flows=(outer, inner), of="outer")


@pytest.mark.parametrize("path", sorted(Path("flows/surveys").glob("*.test.yaml")), ids=lambda path: path.stem)
def test_the_shipped_tests_walk_all_of_the_shipped_flows(path: Path) -> None:
    flow = load(path.with_name(path.name.replace(".test", "")).read_text(), path.name).flow
    assert flow
    watch = Watch()
    list(run(script.read(path.read_text(), path.name), {flow.id: flow}, TEXTS, watch.step))
    assert [gap.missing for gap in watch.coverage(flow, {flow.id: flow}).gaps] == []


def test_the_command_names_file_and_line_and_refuses_below_what_is_required(awal, tmp_path: Path) -> None:
    (tmp_path / "market.yaml").write_text(FLOW)
    (tmp_path / "market.test.yaml").write_text(HEAD + "  - reply: non\n  - end\n")
    told = awal("test", "--coverage", tmp_path / "market.test.yaml")
    assert told.code == 0
    assert f"{tmp_path / 'market.yaml'}:27: COVERAGE: option 'water' of 'wish' is never chosen." in told.out
    assert "market: " in told.out
    assert awal("test", "--require", 100, tmp_path / "market.test.yaml").code == 1
    assert awal("test", "--require", 1, tmp_path / "market.test.yaml").code == 0
    found = awal("test", "--coverage", "--json", tmp_path / "market.test.yaml").json
    assert found["tests"][0]["passed"]
    assert {"line": 19, "step": "mark", "message": "'mark' never comes to its on_fail: skip"} in found["coverage"][0][
        "gaps"
    ]


def test_a_flow_without_tests_is_not_walked(awal, demo: Path) -> None:
    (demo / "flows" / "market.yaml").write_text(FLOW)
    told = awal("test", "--coverage", project=demo)
    assert "market: 0 % walked" in told.out
    assert "water: 100 % walked" in told.out
