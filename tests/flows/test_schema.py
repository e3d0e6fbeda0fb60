"""The schema for editors: what the loader takes it takes, and of broken files it refuses what their shape shows."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flows.load import load
from flows.load.problem import CODES
from flows.load.steps import VERBS
from flows.model import QUESTION_TYPES
from flows.schema import DIALECT, schema

ROOT = Path(__file__).resolve().parent.parent.parent
SURVEYS = [path for path in sorted((ROOT / "flows/surveys").glob("*.yaml")) if ".test." not in path.name]
BROKEN = [path for path in sorted((ROOT / "tests/data/broken").glob("*.yaml")) if path.stem >= "F109"]
"""Those that are YAML."""
README = (ROOT / "flows/README.md").read_text("utf-8")
EXAMPLES = [
    block for block in re.findall(r"^```yaml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) if "\ntests:" not in block
]
HEAD = "flow: example\nversion: 1\ntitle: Exemple\nlanguage: fr\n"
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
SCHEMA = schema()
VALIDATOR = Draft202012Validator(SCHEMA)

SHAPES = {
    *("F109", "F110", "F201", "F202", "F203", "F204", "F205", "F206", "F207", "F208", "F209"),
    *("F301", "F302", "F305", "F306", "F307", "F308", "F501"),
}
"""Codes of what can be seen without knowing what a file means."""

_TYPED = [
    (re.compile("true|True|TRUE"), lambda _: True),
    (re.compile("false|False|FALSE"), lambda _: False),
    (re.compile("null|Null|NULL|~|"), lambda _: None),
    (re.compile("[-+]?[0-9]+"), int),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
]


def as_editors_read(text):
    """Return a file as YAML 1.2 reads it, like the language servers of editors: `yes` is a word, `1` a number."""

    def value(node):
        if isinstance(node, yaml.MappingNode):
            return {key.value: value(inner) for key, inner in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [value(inner) for inner in node.value]
        if not node.style:
            for pattern, read in _TYPED:
                if pattern.fullmatch(node.value):
                    return read(node.value)
        return node.value

    return value(yaml.compose(text, LOADER))


def as_text(text):
    """Return a file with every value as text, as the loader sees it."""
    return yaml.load(text, LOADER)


def errors(value):
    return [f"{list(one.path)}: {one.message[:200]}" for one in VALIDATOR.iter_errors(value)]


def test_the_schema_is_one():
    assert SCHEMA["$schema"] == DIALECT
    Draft202012Validator.check_schema(SCHEMA)
    json.dumps(SCHEMA)


@pytest.mark.parametrize("read", [as_editors_read, as_text])
@pytest.mark.parametrize("path", SURVEYS, ids=lambda path: path.stem)
def test_the_shipped_flows_are_valid(path, read):
    assert errors(read(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.split("\n")[0])
def test_the_examples_of_the_language_are_valid(block):
    whole = block if block.startswith("flow:") else f"{HEAD}steps:\n{block}"
    assert errors(as_editors_read(whole)) == []


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_refused_where_its_shape_shows_it(path):
    text = path.read_text("utf-8")
    code = path.name[:4]
    found = [bool(errors(read(text))) for read in (as_editors_read, as_text)]
    assert found == [code in SHAPES] * 2, CODES[code].doc


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_and_each_of_its_keys_is_known(verb):
    assert {verb, *VERBS[verb].keys} == SCHEMA["$defs"][verb]["properties"].keys()


@pytest.mark.parametrize("kind", QUESTION_TYPES)
def test_each_type_is_offered_with_its_meaning(kind):
    offered = SCHEMA["$defs"]["ask"]["properties"]["type"]["oneOf"]
    assert [one["description"] for one in offered if one["const"] == kind] != [""]


@pytest.mark.parametrize(
    ("step", "sound"),
    [
        ("{say: x}", True),
        ("{say: 12}", True),
        ("{say: {fr: x, ar: y}}", True),
        ("{say: {fr: x, en: y}}", False),
        ("{say: }", False),
        ("{say: x, audio: a/b.ogg}", False),
        ("{id: q, ask: x, type: decimal, min: '1', max: 2.5}", True),
        ("{id: q, ask: x, type: yes_no, optional: Oui}", True),
        ("{id: q, ask: x, type: yes_no, optional: perhaps}", False),
        ("{id: q, ask: x, type: yes_no, retries: 21}", False),
        ("{id: q, ask: x, type: text, min: 1}", False),
        ("{ask: x, type: text}", False),
        ("{id: q, ask: x}", False),
        ("{id: end, ask: x, type: text}", False),
        ("{id: q, ask: x, type: choice}", False),
        ("{id: q, ask: x, type: choice, options: {a: A, b: {label: B, go: end}}}", True),
        ("{id: q, ask: x, type: choice, options: {a: A, b: {label: B, say: C}}}", False),
        ("{id: q, ask: x, type: rating, labels: {1: A, 2: B}}", True),
        ("{id: q, ask: x, type: rating, labels: {1: A, 3: B}}", False),
        ("{id: q, menu: x, options: {a: {label: A, options: {b: {fr: B}}}}}", True),
        ("{id: q, menu: x, options: {a: {options: {b: B}}}}", False),
        ("{set: {kind: rural, n: 3}}", True),
        ("{set: {}}", False),
        ("{go: end, when: 'q == 1'}", True),
        ("{run: home}", False),
    ],
)
def test_schema_and_loader_agree_on_a_step(step, sound):
    text = f"{HEAD}steps:\n- {step}\n"
    assert (errors(as_editors_read(text)) == []) == sound
    assert (load(text).flow is not None) == sound


WORDS = st.sampled_from(["x", "yes", "fr", "choice", "rating", "integer", "end", "q", "2", "-1", "{q}"])
VALUES = st.recursive(
    WORDS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b", "fr", "ar", "label", "go", "say", "options", "1"]), inner),
    ),
    max_leaves=5,
)
KEYS = sorted({name for verb in VERBS.values() for name in (verb.name, *verb.keys)} - {"when"})


@settings(max_examples=300)
@given(st.lists(st.dictionaries(st.sampled_from([*KEYS, "foo"]), VALUES, min_size=1, max_size=4), min_size=1))
def test_what_the_loader_takes_the_schema_takes(steps):
    whole = {"flow": "a", "language": "fr", "steps": steps}
    if load(yaml.dump(whole, allow_unicode=True)).flow is not None:
        assert errors(whole) == []
