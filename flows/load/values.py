"""How a value of each kind is read: a node in, a typed value out, or `Refused` with the remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from flows.conditions import ConditionError, parse
from flows.load import codes
from flows.load.nodes import List, Map, Node, Scalar
from flows.load.problem import Code, Notes, Refused, listed, quoted
from flows.model import Text, Value
from flows.nearest import did_you_mean, nearest
from locales.tags import MENU_ORDER, TAGS

FLOW_ID = re.compile(r"[a-z][a-z0-9-]{0,49}")
ID = re.compile(r"[a-z][a-z0-9_-]{0,49}")
GRAMMAR_WORDS = frozenset({"and", "or", "not", "in", "contains", "answered"})
COMMAND_WORDS = frozenset({"start", "stop", "help", "back", "restart", "delete", "mydata"})
RESERVED_IDS = GRAMMAR_WORDS | COMMAND_WORDS | {"end", "title", "flow"}
RESERVED_STEPS = RESERVED_IDS | {"receipt"}
RESERVED_FLOWS = RESERVED_IDS | {"home"}
RESERVED_KEYS = RESERVED_IDS | {"language"}

UNNAMED = "?"
"""The id of a flow while it is not known."""

MAX_TEXT = 2000
MAX_CONDITIONS = 10_000
"""Characters that all conditions of a file may have together: each takes time to understand."""

_TRUE = frozenset({"yes", "true", "oui"})
_FALSE = frozenset({"no", "false", "non"})
TRUTHS = _TRUE | _FALSE
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class Sheet:
    """One file being read: where its problems go, and what its header says of every text."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.flow = UNNAMED
        self.language = ""
        self.measures: dict[str, int] = {}
        self.conditions = 0
        """How many characters its conditions have had so far."""
        self.unread: set[str] = set()
        """The ids of steps in which something is wrong: they are written, so nothing that names them is amiss."""


Reader = Callable[[Node, Sheet, str], object]
"""Reads one key's value; the last argument is where it stands (`step`, `step/option`, or empty in the header)."""

SHAPES: dict[Reader, dict[str, object]] = {}
"""What the readers made below accept, in the words of JSON Schema, for `flows.schema`."""


def _shaped(read: Reader, **shape: object) -> Reader:
    SHAPES[read] = shape
    return read


def word(node: Node, _: Sheet, __: str) -> str:
    """Return the text of a scalar."""
    if isinstance(node, Scalar):
        if node.text.strip():
            return node.text.strip()
        raise Refused(codes.WRONG_VALUE, node.line, "a value is missing after the colon", "Write it, or remove the key")
    kind = "a list" if isinstance(node, List) else "a map"
    raise Refused(codes.WRONG_SHAPE, node.line, f"{kind} stands where one word or text is needed", "Write one value")


def boolean(node: Node, sheet: Sheet, where: str) -> bool:
    """Return what yes and no mean, in English or French."""
    said = word(node, sheet, where).lower()
    if said in _TRUE | _FALSE:
        return said in _TRUE
    raise Refused(codes.WRONG_VALUE, node.line, f"{quoted(said)} is neither yes nor no", "Write yes or no")


def integer(low: int, high: int) -> Reader:
    """Return a reader of whole numbers from `low` to `high`."""

    def read(node: Node, sheet: Sheet, where: str) -> int:
        said = word(node, sheet, where)
        if re.fullmatch(r"-?[0-9]{1,9}", said) and low <= int(said) <= high:
            return int(said)
        message = f"{quoted(said)} is not a whole number from {low} to {high}"
        raise Refused(codes.WRONG_VALUE, node.line, message, "Write it in digits, without quotes or units")

    return _shaped(read, type=["integer", "string"], minimum=low, maximum=high, pattern="^-?[0-9]{1,9}$")


def number(node: Node, sheet: Sheet, where: str) -> float:
    """Return a number."""
    said = word(node, sheet, where)
    if re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", said):
        return float(said)
    raise Refused(codes.WRONG_VALUE, node.line, f"{quoted(said)} is not a number", "Write it like 12 or 2.5")


def duration(node: Node, sheet: Sheet, where: str) -> int:
    """Return the seconds of `24h`, `30m`, `2d` or a plain number of seconds."""
    try:
        return seconds(word(node, sheet, where))
    except ValueError as error:
        raise Refused(codes.WRONG_VALUE, node.line, str(error), "Write it like 30m, 24h or 2d") from error


def seconds(said: str) -> int:
    """Return the seconds of `90`, `90s`, `30m`, `24h` or `2d`; raises ValueError for anything else."""
    found = re.fullmatch(r"([0-9]{1,7}) ?([smhd]?)", said)
    if not found:
        raise ValueError(f"{quoted(said)} is not a duration")
    return int(found[1]) * _SECONDS[found[2]]


def one_of(known: Sequence[str], what: str, code: Code = codes.WRONG_VALUE) -> Reader:
    """Return a reader of one word among `known`."""

    def read(node: Node, sheet: Sheet, where: str) -> str:
        said = word(node, sheet, where)
        if said in known:
            return said
        advice = did_you_mean(said, known, f"Write one of: {listed(known)}")
        raise Refused(code, node.line, f"{quoted(said)} is not {what}", advice)

    return _shaped(read, enum=list(known))


def identifier(pattern: re.Pattern[str], reserved: frozenset[str]) -> Reader:
    """Return a reader of ids."""

    def read(node: Node, sheet: Sheet, where: str) -> str:
        said = word(node, sheet, where)
        check_id(said, node.line, pattern, reserved)
        return said

    return _shaped(read, type="string", pattern=f"^{pattern.pattern}$", **{"not": {"enum": sorted(reserved)}})


def check_id(said: str, line: int, pattern: re.Pattern[str] = ID, reserved: frozenset[str] = RESERVED_STEPS) -> None:
    """Refuse a word that cannot name a step, an option or a flow."""
    if not pattern.fullmatch(said):
        message = f"{quoted(said)} is not an id: small letters, digits, hyphens, a letter first, 50 at most"
        raise Refused(codes.BAD_ID, line, message, f"Write {_tidy(said)}")
    if said in reserved:
        raise Refused(codes.RESERVED_ID, line, f"the id '{said}' has a meaning of its own", f"Write {said}-1, say")


def _tidy(said: str) -> str:
    """Return the id an operator may have meant."""
    plain = re.sub(r"[^a-z0-9]+", "-", said.lower()).strip("-")[:40]
    return plain if plain[:1].isalpha() else f"q{plain}" if plain else "a name such as water-supply"


def settings(node: Node, sheet: Sheet, where: str) -> dict[str, Value]:
    """Return the values that a step keeps: names of answers, each with a number or a word."""
    if not isinstance(node, Map) or not node.pairs:
        raise Refused(codes.WRONG_SHAPE, node.line, "`set` needs names with their values", "Write set: {kind: rural}")
    found: dict[str, Value] = {}
    for name, (key, value) in node.pairs.items():
        check_id(name, key.line)
        said = word(value, sheet, where)
        found[name] = int(said) if re.fullmatch(r"-?[0-9]{1,9}", said) else said
    return found


def condition(node: Node, sheet: Sheet, where: str) -> str:
    """Return a `when`, understood but not yet compared with the flow."""
    said = word(node, sheet, where)
    sheet.conditions += len(said)
    if sheet.conditions > MAX_CONDITIONS:
        message = f"the conditions of the file have over {MAX_CONDITIONS:,} characters"
        raise Refused(codes.TOO_LARGE, node.line, message, "Split it into several flows")
    try:
        parse(said)
    except ConditionError as error:
        raise Refused(codes.CONDITION, node.line, error.reason, error.remedy) from error
    return said


def words(node: Node, sheet: Sheet, where: str) -> tuple[str, ...]:
    """Return a list of words; one word alone is a list of one."""
    items = node.items if isinstance(node, List) else [node]
    found: dict[str, int] = {}
    for item in items:
        said = word(item, sheet, where)
        if said in found:
            raise Refused(codes.REPEATED, item.line, f"{quoted(said)} is in the list twice", "Remove one of the two")
        found[said] = item.line
    return tuple(found)


def languages(node: Node, sheet: Sheet, where: str) -> tuple[str, ...]:
    """Return a list of language tags."""
    found = words(node, sheet, where)
    for tag in found:
        check_language(tag, node.line)
    return found


def language(node: Node, sheet: Sheet, where: str) -> str:
    """Return a language tag."""
    said = word(node, sheet, where)
    check_language(said, node.line)
    return said


def check_language(tag: str, line: int) -> None:
    """Refuse a language the program does not speak."""
    if tag not in TAGS:
        advice = did_you_mean(tag, MENU_ORDER, f"Write one of: {listed(MENU_ORDER)}")
        raise Refused(codes.UNKNOWN_LANGUAGE, line, f"{quoted(tag)} is not a language of the program", advice)


def text(node: Node, sheet: Sheet, where: str) -> Text:
    """Return a text for citizens: words in the flow's language, or a map from language to words."""
    context = f"{sheet.flow}/{where}" if where else sheet.flow
    if isinstance(node, List):
        message = "a list stands where a text is needed"
        raise Refused(codes.WRONG_SHAPE, node.line, message, "Write the text, in quotes if it begins with [ or -")
    if isinstance(node, Scalar):
        return Text(context, _said(node))
    by_language = _translations(node)
    source = by_language.pop(sheet.language, None)
    if source is None:
        message = f"the text has no words in {quoted(sheet.language)}, the language of the flow"
        raise Refused(codes.NO_SOURCE, node.line, message, f"Add {sheet.language}: to the map")
    return Text(context, source, by_language)


def _translations(node: Map) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag, (key, value) in node.pairs.items():
        check_language(tag, key.line)
        if not isinstance(value, Scalar):
            message = f"the text in {quoted(tag)} is not one text"
            raise Refused(codes.WRONG_SHAPE, value.line, message, "Write the words after the colon")
        found[tag] = _said(value)
    return found


def _said(node: Scalar) -> str:
    if not node.text.strip():
        raise Refused(codes.EMPTY_TEXT, node.line, "the text is empty", "Write the words a citizen will read")
    if len(node.text) > MAX_TEXT:
        message = f"the text {quoted(node.text)} has {len(node.text)} characters"
        raise Refused(codes.TOO_LARGE, node.line, message, f"Keep it under {MAX_TEXT}; one SMS holds 160 at most")
    return node.text.strip()


def is_translations(node: Map) -> bool:
    """Tell a map from language to text from a map of keys; a slip in a tag still counts as a language."""
    return any(tag in TAGS for tag in node.pairs)


def file_name(node: Node, sheet: Sheet, where: str) -> str:
    """Return the name of an audio file, without a path."""
    said = word(node, sheet, where)
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", said):
        return said
    message = f"{quoted(said)} is not a plain file name"
    raise Refused(codes.WRONG_VALUE, node.line, message, "Write letters, digits, dots and hyphens: welcome.ogg")


def unknown_key(key: Scalar, known: Iterable[str], whose: str) -> Refused:
    """Return the refusal of a key that nobody knows."""
    near = nearest(key.text, known)
    advice = f"Did you mean '{near}'?" if near else f"Write one of: {listed(known)}"
    return Refused(codes.UNKNOWN_KEY, key.line, f"{quoted(key.text)} is not a key of {whose}", advice)
