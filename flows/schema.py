"""The flow format as a JSON Schema (draft 2020-12), for editors: made from the tables the loader works by.

A new key, verb or question type of the language is in the schema by itself. It catches what the shape of a file
shows; what a file means (an unknown step, a loop, a missing translation) is left to `awal check`. A value may be
written as YAML's own number or truth value or as text, as the loader takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from flows.check.reference import TYPES
from flows.load.header import HEADER, NEEDED, receipt, remind
from flows.load.keys import Key
from flows.load.legal import LEGAL_KEYS, legal
from flows.load.options import CHOICE_KEYS, MAX_MARKS, MENU_KEYS, choice_options, labels, menu_options
from flows.load.steps import MAX_STEPS, VERBS, Verb
from flows.load.values import (
    ID,
    MAX_TEXT,
    RESERVED_KEYS,
    RESERVED_STEPS,
    SHAPES,
    Reader,
    boolean,
    condition,
    duration,
    file_name,
    language,
    languages,
    number,
    settings,
    text,
    word,
    words,
)
from flows.model import QUESTION_TYPES, REMINDERS
from locales.tags import MENU_ORDER

Shape = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN = ["string", "number", "boolean"]
_WORD: Shape = {"type": _PLAIN, "pattern": r"\S"}
_ONE_TEXT: Shape = {"type": _PLAIN, "pattern": r"\S", "maxLength": MAX_TEXT}
_TRUTH = "^([Yy][Ee][Ss]|[Nn][Oo]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Oo][Uu][Ii]|[Nn][Oo][Nn])$"
_DURATION: Shape = {"type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]{1,7} ?[smhd]?$"}
_TAG: Shape = {"enum": list(MENU_ORDER)}


def _ref(name: str) -> Shape:
    return {"$ref": f"#/$defs/{name}"}


READERS: dict[Reader, Shape] = {
    word: _WORD,
    text: _ref("text"),
    MENU_KEYS["say"].read: _ref("text"),
    boolean: {"anyOf": [{"enum": [True, False, "yes", "no"]}, {"type": "string", "pattern": _TRUTH}]},
    receipt: {"anyOf": [{"enum": [True, False, "yes", "no", "sms"]}, {"type": "string", "pattern": _TRUTH}]},
    number: {"type": ["number", "string"], "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$"},
    duration: _DURATION,
    remind: {
        "anyOf": [
            {"enum": [True, False, "yes", "no"]},
            {"type": "string", "pattern": _TRUTH},
            _DURATION,
            {"type": "array", "items": _DURATION, "maxItems": len(REMINDERS)},
        ]
    },
    condition: {"type": "string", "pattern": r"\S"},
    file_name: {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$"},
    language: _TAG,
    languages: {"anyOf": [_TAG, {"type": "array", "items": _TAG, "uniqueItems": True}]},
    words: {"anyOf": [_WORD, {"type": "array", "items": _WORD, "uniqueItems": True}]},
    settings: {
        "type": "object",
        "minProperties": 1,
        "propertyNames": _ref("id"),
        "additionalProperties": _WORD,
    },
    choice_options: _ref("choiceOptions"),
    menu_options: _ref("menuOptions"),
    labels: _ref("labels"),
    legal: _ref("legal"),
}
"""What each reader of the loader accepts; those made to measure say so themselves (`SHAPES`)."""

NEEDS: dict[str, Shape] = {
    "ask": {
        "required": ["type"],
        "allOf": [
            {
                "if": {"properties": {"type": {"enum": ["choice", "choices"]}}, "required": ["type"]},
                "then": {"required": ["options"]},
            }
        ],
    },
    "menu": {"required": ["options"]},
}
"""What must stand beside a verb, besides an id."""


def schema() -> Shape:
    """Return the schema of a flow file, ready for JSON."""
    header = {key.name: _key(key) for key in HEADER.values()}
    steps = {"type": "array", "minItems": 1, "maxItems": MAX_STEPS, "items": _ref("step")}
    return {
        "$schema": DIALECT,
        "title": "A flow of Awal",
        "description": "A survey or menu that citizens answer by SMS or USSD.",
        "type": "object",
        "properties": {**header, "steps": {**steps, "description": "the steps, in the order they run"}},
        "required": [*NEEDED, "steps"],
        "additionalProperties": False,
        "$defs": _definitions(),
    }


def _definitions() -> Shape:
    verbs = {name: _verb(verb) for name, verb in VERBS.items()}
    return {
        "id": _name(ID.pattern, RESERVED_STEPS),
        "text": {"anyOf": [_ONE_TEXT, _ref("translations")]},
        "translations": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": _TAG,
            "additionalProperties": _ONE_TEXT,
        },
        "choiceOptions": _options("choiceOption", 2),
        "menuOptions": _options("menuOption", 1),
        "choiceOption": _map(CHOICE_KEYS.values(), ("label",)),
        "menuOption": _map(MENU_KEYS.values(), ("label",)),
        "labels": _labels(),
        "legal": _map(LEGAL_KEYS.values(), ("ground",)),
        "step": {"oneOf": [_ref(name) for name in verbs]},
        **verbs,
    }


def _verb(verb: Verb) -> Shape:
    """Return the shape of a step with this verb."""
    own = {"description": verb.doc, **_read(verb.read)}
    needs = NEEDS.get(verb.name, {})
    found = _map(verb.keys.values(), (verb.name, *(("id",) if verb.named else ()), *needs.get("required", ())))
    rules = [*needs.get("allOf", ()), *_types(verb.keys)]
    found["properties"] = {verb.name: own, **found["properties"]}
    return {**found, "allOf": rules} if rules else found


def _types(keys: Mapping[str, Key]) -> Iterable[Shape]:
    """Yield the rule of each key that belongs to some question types only."""
    for key in keys.values():
        if key.types:
            yield {"if": {"required": [key.name]}, "then": {"properties": {"type": {"enum": list(key.types)}}}}


def _map(keys: Iterable[Key], required: Iterable[str]) -> Shape:
    return {
        "type": "object",
        "properties": {key.name: _key(key) for key in keys},
        "required": list(required),
        "additionalProperties": False,
    }


def _key(key: Key) -> Shape:
    if key.name == "type":
        said = [{"const": one, "description": TYPES[one][0]} for one in QUESTION_TYPES]
        return {"description": key.doc, "oneOf": said}
    return {"description": key.doc, **_read(key.read)}


def _read(read: Reader) -> Shape:
    return READERS.get(read) or SHAPES[read]


def _name(pattern: str, reserved: Iterable[str]) -> Shape:
    return {"type": "string", "pattern": f"^{pattern}$", "not": {"enum": sorted(reserved)}}


def _options(one: str, least: int) -> Shape:
    return {
        "type": "object",
        "minProperties": least,
        "propertyNames": _name(ID.pattern, RESERVED_KEYS),
        "additionalProperties": {"anyOf": [_ref("text"), _ref(one)]},
    }


def _labels() -> Shape:
    marks = [str(mark) for mark in range(1, MAX_MARKS + 1)]
    listed = {"type": "array", "minItems": 2, "maxItems": MAX_MARKS, "items": _ref("text")}
    named = {
        "type": "object",
        "minProperties": 2,
        "propertyNames": {"enum": marks},
        "dependentRequired": {mark: [before] for before, mark in pairwise(marks)},
        "additionalProperties": _ref("text"),
    }
    return {"anyOf": [listed, named]}
