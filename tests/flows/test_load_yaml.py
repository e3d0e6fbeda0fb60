"""Hostile and clumsy YAML: refused with a line and a remedy, never executed, whatever parser is behind."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.check import check, check_all
from flows.load import Loaded, load, nodes
from flows.load.problem import MAX_PROBLEMS

HEAD = "flow: essai\nversion: 1\ntitle: Essai\nlanguage: fr\n"


@pytest.fixture(params=["CBaseLoader", "BaseLoader"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test with libyaml and without."""
    if not hasattr(yaml, request.param):
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(nodes, "_Parser", getattr(yaml, request.param))


@pytest.mark.parametrize(
    ("text", "line", "code", "remedy"),
    [
        ("a:\n\tb: c\n", 2, "F102", "Use spaces"),
        ("a:\n  - b\n\t- c\n", 3, "F102", "Use spaces"),
        ("a: |\n\tb\n", 2, "F102", "Use spaces"),
        ("a: b\nc: Oui : merci: d\n", 2, "F101", "Put the text in quotes"),
        ("a: 'b\n", 1, "F101", "Close it"),
        ('c: d\na: "b\nc: d\n', 2, "F101", "Close it"),
        ("a: [b, c\nd: e\n", 2, "F101", "Close the bracket"),
        ("a: @b\n", 1, "F101", "Put the text in quotes"),
        ("a: `b`\n", 1, "F101", "Put the text in quotes"),
        ("a: %b\n", 1, "F101", "Put the text in quotes"),
        ("a: 'L'eau'\n", 1, "F101", "quote all of it"),
        ("a:\n  b: c\n d: e\n", 3, "F101", "Align the keys"),
        ('a: "\\q"\n', 1, "F101", "single quotes"),
        ("a: * b\n", 1, "F101", "Put the text in quotes"),
        ('- when: "cuts" in problems\n', 1, "F101", "in single quotes"),
        (f"{HEAD}steps:\n- say: {{fr: Oui, merci}}\n", 6, "F110", '{fr: "Oui, merci"}'),
        ("a: b\x00\n", 1, "F108", "Delete it"),
        ("a: b\nc: \x1b\n", 2, "F108", "Delete it"),
        ("a: b\nc: \ud800\n", 2, "F108", "UTF-8"),
        ("a: b\n---\nc: d\n", 2, "F107", "a file of its own"),
        ("a: b\n...\n---\nc: d\n", 3, "F107", "a file of its own"),
        ("", 1, "F109", "Write the flow"),
        ("# a comment\n", 1, "F109", "Write the flow"),
        ("word\n", 1, "F109", "flow:"),
        ("- a\n", 1, "F109", "flow:"),
        ("[" * 1000, 1, "F106", "flatter"),
        ("[" * 200_000, 1, "F106", "flatter"),
        ("{a: " * 1000, 1, "F106", "flatter"),
        ("- " * 1000, 1, "F106", "flatter"),
        ("a: [" + "b, " * 30_000 + "]", 1, "F106", "Split"),
        ("a: " + "é" * 600_000, 1, "F106", "Split"),
        (f"{HEAD}steps:\n- say: {'x' * 2001}\n", 6, "F106", "Keep it under 2000"),
        (HEAD + "steps:\n" + "- say: x\n" * 501, 506, "F106", "Split it"),
        (HEAD + "steps:\n" + f"- {{say: x, when: '{'q == 1 and ' * 30}q == 1'}}\n" * 30, 35, "F106", "Split it"),
    ],
)
def test_what_yaml_cannot_read_is_explained(text: str, line: int, code: str, remedy: str) -> None:
    loaded = load(text, "f.yaml")
    assert loaded.flow is None
    assert [(one.line, one.code) for one in loaded.problems] == [(line, code)]
    assert remedy in loaded.problems[0].remedy


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for one, other in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{other}: &{other} [{', '.join(f'*{one}' for _ in range(9))}]\n"
    loaded = load(bomb)
    assert loaded.flow is None
    assert {one.code for one in loaded.problems} >= {"F104"}


def test_aliases_anchors_merges_and_tags_are_each_told() -> None:
    text = f"{HEAD}steps:\n- &first\n  say: !!str Merci\n- <<: *first\n- say: !custom x\n"
    assert [(one.line, one.code) for one in load(text).problems] == [
        (6, "F104"),
        (7, "F105"),
        (8, "F104"),
        (8, "F301"),
        (9, "F105"),
    ]


def test_a_comma_that_cuts_a_text_is_told_and_the_text_is_whole_again() -> None:
    text = HEAD + "steps:\n- id: a\n  ask: Un ?\n  type: choice\n  options: {a: Un é ★, deux , trois, b: ''}\n"
    found = [(one.line, one.code) for one in load(text, "f.yaml").problems]
    assert found == [(9, "F110"), (9, "F110"), (9, "F501")], "an empty text in quotes is no cut one"


def test_a_key_with_a_colon_and_no_value_cuts_no_text() -> None:
    found = load(
        HEAD + "steps:\n- id: a\n  ask: Un ?\n  type: choice\n  options: {a: Un, b: , c: }\n", "f.yaml"
    ).problems
    assert {one.code for one in found} == {"F501"}


def test_a_key_is_a_word() -> None:
    assert [one.code for one in load(f"{HEAD}? [a, b]\n: c\nsteps:\n- say: x\n").problems] == ["F203"]


def test_a_file_full_of_errors_lists_a_readable_number() -> None:
    loaded = load(HEAD + "steps:\n- say: x\n" + "".join(f"  k{at}: x\n" for at in range(4000)))
    assert len(loaded.problems) == MAX_PROBLEMS
    assert "more problems than can be listed" in loaded.problems[-1].message


def test_a_step_behind_the_last_problem_listed_is_not_made() -> None:
    """A full list takes no more problems, so that it cannot tell whether a later step is sound."""
    steps = "".join(f"- {{id: q{at}, ask: Q, tipe: text}}\n" for at in range(400))
    loaded = load(f"{HEAD}steps:\n{steps}")
    assert loaded.flow is None
    assert len(loaded.problems) == MAX_PROBLEMS


# generated -----------------------------------------------------------------------------------------------------
FORBIDDEN = ("open", "exec", "import", "os.", "subprocess.", "socket.", "ctypes.", "pty.")
seen: list[str] = []
watching = [False]


def _audit(event: str, _: object) -> None:
    if watching[0] and event.startswith(FORBIDDEN):
        seen.append(event)


sys.addaudithook(_audit)


def hostile(text: str) -> Loaded:
    loaded = load(text, "f.yaml")
    for one in loaded.problems:
        assert one.line >= 1
        assert "\n" not in str(one)
    assert (loaded.flow is None) == any(one.level == "error" for one in loaded.problems)
    if loaded.flow is not None:
        check(loaded.flow, loaded.lines)
        check_all([loaded, loaded])
    return loaded


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Import what is imported late, before anything is watched."""
    hostile("- &a !!python/name:os.system 'x'\n")
    hostile(f"{HEAD}keywords: [x]\nsteps:\n- id: q\n  ask: é {{q}}\n  type: choice\n  options: {{a: A, b: B}}\n")


@contextmanager
def audited() -> Iterator[None]:
    """Fail when what runs inside opens a file, imports, or reaches the system."""
    seen.clear()
    watching[0] = True
    try:
        yield
    finally:
        watching[0] = False
    assert seen == []


PIECES = st.sampled_from(
    [
        *("flow: a\n", "flow: water", "version: 1\n", "title: ", "language: fr\n", "languages: [fr, ar]\n", "steps:\n"),
        *("- say: ", "- ask: ", "  type: ", "  id: ", "  when: ", "- go: ", "- menu: ", "  options: ", "    a: ", "\n"),
        *(
            "end",
            "choice",
            "rating",
            "x == 1",
            "{a: b}",
            "{fr: x, ar: y}",
            "[a, b]",
            "&a",
            "*a",
            "!!python/name:os.system ",
        ),
        *(
            "!!binary |\n",
            "<<: ",
            "\t",
            "  ",
            "'",
            '"',
            ": ",
            "? ",
            "| ",
            "> ",
            "---\n",
            "...\n",
            "%YAML 9\n",
            "{",
            "}",
            "[",
            "]",
        ),
        *(
            "\u202e",
            "\x00",
            "\ud800",
            "\ufeff",
            "\x85",
            "\u2028",
            "é",
            "ماء",
            "0",
            "1e999",
            "{x.__class__}",
            "#",
            "\\x41",
        ),
    ]
)


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=40).map("".join)))
def test_any_text_is_refused_or_accepted_and_executes_nothing(text: str) -> None:
    with audited():
        hostile(text)


SCALARS = st.sampled_from(
    ["x", "yes", "fr", "choice", "rating", "integer", "end", "q", "2", "-1", 'q == "x"', "{q}", ""]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["a", "b", "fr", "ar", "label", "go", "say", "when", "options", "1"]), inner, max_size=3
        ),
    ),
    max_leaves=6,
)
KEYS = [
    "say",
    "ask",
    "menu",
    "go",
    "end",
    "run",
    "id",
    "when",
    "type",
    "options",
    "labels",
    "optional",
    "retries",
    "on_fail",
]
STEPS = st.dictionaries(st.sampled_from([*KEYS, "min", "max", "level", "measure", "audio", "foo"]), VALUES, max_size=6)
LIKELY = st.fixed_dictionaries(
    {"id": st.sampled_from(["q", "r"]), "ask": st.just("x {q}"), "type": st.sampled_from(["text", "rating", "yes_no"])},
    optional={"when": st.sampled_from(['q == "x"', "r > 2", "answered(q)"]), "optional": st.just("yes")},
)
JUMPS = st.fixed_dictionaries(
    {"go": st.sampled_from(["q", "r", "end", "say-1"])}, optional={"when": st.just('q == "x"')}
)
HEADS = st.fixed_dictionaries(
    {"flow": st.just("a"), "language": st.just("fr")},
    optional={"title": VALUES, "languages": VALUES, "keywords": VALUES, "consent": VALUES, "foo": VALUES},
)


@settings(max_examples=300)
@given(HEADS, st.lists(st.one_of(STEPS, LIKELY, JUMPS), max_size=5))
def test_any_shape_is_refused_or_accepted(head: dict[str, object], steps: list[object]) -> None:
    hostile(yaml.dump({**head, "steps": steps}, allow_unicode=True))
