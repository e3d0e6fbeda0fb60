"""The tables of the language's reference, made from what loader and checker work by, so that they cannot drift.

`flows/README.md` holds them between `<!-- NAME -->` and `<!-- /NAME -->`; `make docs` renews them, a test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flows.check import RULES
from flows.load.header import HEADER
from flows.load.options import MENU_KEYS
from flows.load.problem import CODES
from flows.load.steps import VERBS
from flows.model import QUESTION_TYPES

TYPES = {
    "yes_no": ("yes or no", '`"yes"` or `"no"`'),
    "choice": ("one of `options`", 'the option\'s key: `"cuts"`'),
    "choices": ("one or several of `options`", 'a list of keys: `contains "cuts"`'),
    "rating": ("a mark from 1 to `max` (default 5)", "a number"),
    "nps": ("a mark from 0 to 10", "a number"),
    "integer": ("a whole number from `min` to `max`", "a number"),
    "decimal": ("a number from `min` to `max`", "a number"),
    "text": ("any words", "the words"),
    "date": ("a day", 'the date: `"2026-11-23"`'),
    "phone": ("a telephone number", "the number, in words"),
    "place": ("a region, province or commune (`level`)", 'its HCP code: `"02.411.01.23"`'),
    "language": ("one of the flow's languages", 'its tag: `"ar"`'),
}
"""Question type: what the citizen replies, what a `when` sees."""


def verbs() -> str:
    """Return the table of verbs."""
    rows = ((f"`{verb.name}`", verb.doc, _keys(verb.keys)) for verb in VERBS.values())
    return _table(("verb", "what it does", "its other keys"), rows)


def header() -> str:
    """Return the table of the header's keys."""
    return _table(("key", "what it says"), ((f"`{key.name}`", key.doc) for key in HEADER.values()))


def keys() -> str:
    """Return the table of the keys of steps."""
    names = dict.fromkeys(name for verb in VERBS.values() for name in verb.keys)
    return _table(("key", "what it says", "belongs to"), (_key(name) for name in names))


def _key(name: str) -> tuple[str, str, str]:
    owners = [verb for verb in VERBS.values() if name in verb.keys]
    key = owners[0].keys[name]
    if len(owners) == len(VERBS):
        whose = "every step"
    elif key.types:
        whose = _keys(key.types) + (", `menu`" if len(owners) > 1 else "")
    else:
        whose = _keys(verb.name for verb in owners)
    return f"`{name}`", key.doc, whose


def options() -> str:
    """Return the table of the keys of an option."""
    return _table(("key", "what it says"), ((f"`{key.name}`", key.doc) for key in MENU_KEYS.values()))


def types() -> str:
    """Return the table of question types."""
    return _table(
        ("type", "the citizen replies", "a `when` sees"), ((f"`{one}`", *TYPES[one]) for one in QUESTION_TYPES)
    )


def codes() -> str:
    """Return the table of codes, those of the checker's rules included."""
    found = CODES | {rule.code.code: rule.code for rule in RULES}
    ordered = sorted(found.values(), key=lambda one: one.code)
    rows = ((f"`{one.code}`", one.name, one.level, one.doc) for one in ordered)
    return _table(("code", "name", "level", "what is wrong"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "verbs": verbs,
    "header": header,
    "keys": keys,
    "options": options,
    "types": types,
    "codes": codes,
}


def _keys(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(text: str) -> str:
    """Return a page with each of its tables made anew."""
    for name, table in TABLES.items():
        start, stop = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        if start in text and stop in text:
            before, _, rest = text.partition(start)
            text = f"{before}{start}{table()}\n{stop}{rest.partition(stop)[2]}"
    return text
