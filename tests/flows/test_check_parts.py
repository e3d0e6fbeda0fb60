"""A flow in which something cannot be read is still checked as far as it goes: all that is wrong, in one run."""

import pytest

from flows.check import check_all
from flows.load import load

HEAD = "flow: essai\ntitle: Essai\nlanguage: fr\n"
SUPPLY = "- id: supply\n  ask: Avez-vous de l'eau ?\n  type: yes_no\n"


def found(steps: str, header: str = HEAD) -> list[tuple[str, int]]:
    loaded = load(f"{header}steps:\n{steps}", "f.yaml")
    assert loaded.flow is None, "a flow with an error is never served"
    return [(one.code, one.line) for one in check_all([loaded])]


def test_what_cannot_be_read_hides_nothing_else() -> None:
    steps = SUPPLY.replace("yes_no", "yes_noo") + "- say: Bonjour {nobody}\n  when: suply == 1\n- go: nowhere\n"
    assert found(steps) == [("F305", 7), ("F406", 8), ("F402", 9), ("F321", 10)]


@pytest.mark.parametrize(
    "broken",
    [
        SUPPLY.replace("yes_no", "yes_noo"),
        SUPPLY.replace("ask:", "aks:"),
        SUPPLY.replace("type: yes_no", "type: choice\n  options: {a: A}"),
        SUPPLY.replace("type", "typ"),
    ],
)
def test_a_broken_step_is_still_known_by_its_name(broken: str) -> None:
    steps = broken + "- say: Vous dites {supply}\n  when: supply == 1\n- id: last\n  when: supply\n  go: supply\n"
    assert [code for code, _ in found(steps) if code in ("F321", "F402", "F406")] == []


def test_a_bad_name_is_told_once() -> None:
    steps = SUPPLY.replace("id: supply", "id: Supply!") + "- go: Supply!\n"
    assert found(steps) == [("F206", 5)]


def test_paths_are_not_judged_while_steps_are_missing() -> None:
    """The question that ends this loop is the one that cannot be read."""
    broken = SUPPLY.replace("yes_no", "yes_noo")
    assert found("- id: top\n  say: x\n" + broken + '- go: top\n  when: supply == "no"\n') == [("F305", 9)]


def test_a_header_that_cannot_be_read_asks_for_no_translations() -> None:
    assert found(SUPPLY, HEAD + "languages: [fr, ar]\nprovisional: [arr]\n") == [("F205", 5)]
    assert found(SUPPLY, HEAD + "languages: [fr, arr]\n") == [("F205", 4)]
    title = HEAD.replace("Essai", "{fr: Essai, de: Versuch}") + "languages: [fr, ar]\n"
    assert found(SUPPLY.replace("Avez-vous de l'eau ?", "{fr: Eau ?, ar: ماء}"), title) == [("F205", 2)]
    assert found(SUPPLY, HEAD.replace("flow: essai\n", "")) == [("F202", 1)]


def test_keywords_and_names_clash_with_a_broken_flow_too() -> None:
    one = load(f"{HEAD}keywords: [EAU]\nsteps:\n{SUPPLY}", "a.yaml")
    two = load(f"{HEAD.replace('essai', 'autre')}keywords: [eau]\ncolour: red\nsteps:\n{SUPPLY}", "b.yaml")
    assert [(one.file, one.code) for one in check_all([one, two])] == [("b.yaml", "F712"), ("b.yaml", "F201")]
