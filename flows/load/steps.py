"""The steps of a flow: each verb with its keys and the value it becomes. A new verb is one more row of `VERBS`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, get_args

from msgspec import Struct

from flows.load import codes
from flows.load.keys import Key, lacks, misplaced, missing, read_keys, table
from flows.load.nodes import List, Map, Node, Scalar
from flows.load.options import MAX_MARKS, choice_options, labels, menu_options
from flows.load.problem import Refused, listed, quoted
from flows.load.values import (
    FLOW_ID,
    GRAMMAR_WORDS,
    ID,
    RESERVED_FLOWS,
    RESERVED_STEPS,
    Reader,
    Sheet,
    boolean,
    condition,
    file_name,
    identifier,
    integer,
    number,
    one_of,
    settings,
    text,
    word,
)
from flows.model import QUESTION_TYPES, Ask, End, Go, Menu, OnFail, Personal, PlaceLevel, Run, Say, Set, Step
from flows.nearest import did_you_mean

MAX_STEPS = 500
NUMBERS = ("integer", "decimal")
MEASURED = ("rating", "nps", "yes_no")

COMMON = table(
    Key("id", identifier(ID, RESERVED_STEPS), "the step's name, in small letters"),
    Key("when", condition, "a condition; the step is passed over while it does not hold"),
)
AUDIO = table(Key("audio", file_name, "a sound file, for a voice channel"))
_PERSONAL = one_of(get_args(Personal)[1:], "a kind of personal data")
ASK_KEYS = table(
    Key("type", one_of(QUESTION_TYPES, "a question type", codes.UNKNOWN_TYPE), "the question type"),
    Key("options", choice_options, "key: label for each option", ("choice", "choices")),
    Key("labels", labels, "a label for each mark, 1 first", ("rating",)),
    Key("min", number, "the smallest number taken", NUMBERS),
    Key("max", number, "the largest number taken; a rating's highest mark", (*NUMBERS, "rating")),
    Key(
        "level", one_of(get_args(PlaceLevel), "a level of place"), "which place is asked (default commune)", ("place",)
    ),
    Key("optional", boolean, "yes: the citizen may pass over the question"),
    Key("retries", integer(0, 20), "how often an unclear reply is asked again (default: for ever)"),
    Key("on_fail", one_of(get_args(OnFail), "what `on_fail` can do"), "what happens after the retries (default end)"),
    Key("measure", identifier(ID, GRAMMAR_WORDS), "the indicator that the answer feeds: satisfaction", MEASURED),
    Key("by", one_of(("sms",), "a bearer"), "sms: by USSD the question is sent by SMS, and answered there", ("text",)),
    Key("personal", _PERSONAL, "that the answer is personal: `yes`, or what is sensitive in it"),
)
MENU_KEYS = table(Key("options", menu_options, "key: label, or key: {label, say, options, go, when}"))


class Draft(Struct):
    """A step whose values are read, not yet put together."""

    id: str
    node: Map
    values: dict[str, Any]
    sheet: Sheet

    def line(self, key: str) -> int:
        """Return the line of a key, or the step's own."""
        return self.sheet.notes.lines.get(f"{self.id}#{key}", self.node.line)


class Verb(Struct, frozen=True):
    """One verb: how its own value is read, its other keys, what it becomes, and what must hold between its keys."""

    name: str
    read: Reader
    keys: Mapping[str, Key]
    make: Callable[..., Step]
    doc: str
    named: bool = False
    """True when the step must have an id of the operator's."""
    checks: tuple[Callable[[Draft], None], ...] = ()


def steps(node: Node, sheet: Sheet) -> tuple[Step, ...]:
    """Return the steps that could be read, every problem noted."""
    if not isinstance(node, List) or not node.items:
        message = "the steps are not a list of steps"
        raise Refused(codes.WRONG_SHAPE, node.line, message, "Begin each step with a dash: - say: Merci")
    if len(node.items) > MAX_STEPS:
        message = f"the flow has {len(node.items)} steps, over {MAX_STEPS}"
        raise Refused(codes.TOO_LARGE, node.items[MAX_STEPS].line, message, "Split it into several flows")
    counts: Counter[str] = Counter()
    found: dict[str, Step | None] = {}
    for item in node.items:
        try:
            name, step = _step(item, sheet, counts)
            if name in found:
                message = f"two steps have the id '{name}', the first on line {sheet.notes.lines[name]}"
                raise Refused(codes.REPEATED_ID, item.line, message, "Give this one another id")
            found[name] = step
            sheet.notes.lines[name] = item.line
        except Refused as refused:
            sheet.notes.refuse(refused)
            sheet.unread |= _written_id(item)
    sheet.unread |= {name for name, step in found.items() if step is None}
    return tuple(step for step in found.values() if step is not None)


def _written_id(node: Node) -> set[str]:
    """Return the id that stands on a step, good or bad."""
    _, value = node.pairs.get("id", (None, None)) if isinstance(node, Map) else (None, None)
    return {value.text.strip()} if isinstance(value, Scalar) else set()


def _step(node: Node, sheet: Sheet, counts: Counter[str]) -> tuple[str, Step | None]:
    """Return a step and its id; no step when something in it is wrong, all of it noted."""
    if not isinstance(node, Map):
        said = quoted(node.text) if isinstance(node, Scalar) else "a list"
        raise Refused(codes.WRONG_SHAPE, node.line, f"{said} stands where a step is needed", "Write - say: Merci")
    before = len(sheet.notes.problems)
    verb = _verb(node)
    name = _name(node, verb, sheet, counts)
    _misplaced(node, verb, sheet)
    said = _said(node, verb, sheet, name)
    values = read_keys(node, verb.keys, sheet, name, f"a step with {verb.name}", skip=(verb.name, "id"))
    draft = Draft(name, node, values, sheet)
    for check in verb.checks:
        try:
            check(draft)
        except Refused as refused:
            sheet.notes.refuse(refused)
    sound = len(sheet.notes.problems) == before and not sheet.notes.full
    return name, verb.make(name, said, line=node.line, **values) if sound else None


def _verb(node: Map) -> Verb:
    present = [name for name in node.pairs if name in VERBS]
    if len(present) > 1:
        message = f"the step has {len(present)} verbs: {listed(present)}"
        raise Refused(codes.SEVERAL_VERBS, node.pairs[present[1]][0].line, message, "Make a step of each")
    if not present:
        raise _no_verb(node)
    return VERBS[present[0]]


def _no_verb(node: Map) -> Refused:
    known = COMMON | AUDIO | ASK_KEYS
    for name, (key, _) in node.pairs.items():
        if name not in known:
            advice = did_you_mean(name, VERBS, f"Write one of: {listed(VERBS)}")
            return Refused(codes.NO_VERB, key.line, f"the step has no verb: {quoted(name)} is none", advice)
    return Refused(codes.NO_VERB, node.line, "the step has no verb", f"Write one of: {listed(VERBS)}")


def _name(node: Map, verb: Verb, sheet: Sheet, counts: Counter[str]) -> str:
    """Return the step's id as written, or made: the n-th of its verb without an id."""
    if "id" in node.pairs:
        try:
            return str(COMMON["id"].read(node.pairs["id"][1], sheet, ""))
        except Refused as refused:
            sheet.notes.refuse(refused)
            sheet.unread |= _written_id(node)
            return f"line-{node.line}"
    counts[verb.name] += 1
    if not verb.named:
        return f"{verb.name}-{counts[verb.name]}"
    line = node.pairs[verb.name][0].line
    sheet.notes.refuse(missing("id", line, f"a step with {verb.name}", "Write id: and a short name, such as supply"))
    return f"line-{node.line}"


def _said(node: Map, verb: Verb, sheet: Sheet, name: str) -> Any:
    try:
        return verb.read(node.pairs[verb.name][1], sheet, name)
    except Refused as refused:
        sheet.notes.refuse(refused)
        return None


def _misplaced(node: Map, verb: Verb, sheet: Sheet) -> None:
    """Note the known keys that do not belong to this step, and drop them from its node."""
    kind = _type(node) if verb.name == "ask" else ""
    elsewhere = {name for other in VERBS.values() for name in other.keys}
    for name, (key, _) in list(node.pairs.items()):
        message = ""
        if name in verb.keys:
            types = verb.keys[name].types
            if kind and types and kind not in types:
                message = f"`{name}` belongs to {listed(types)}, not to {kind}"
        elif name in elsewhere:
            message = f"`{name}` does not belong to a step with {verb.name}"
        if message:
            sheet.notes.refuse(misplaced(key, message))
            del node.pairs[name]


def _type(node: Map) -> str:
    """Return the type of a question where it is a known one."""
    _, value = node.pairs.get("type", (None, None))
    return value.text.strip() if isinstance(value, Scalar) and value.text.strip() in QUESTION_TYPES else ""


# what must hold between the keys of a step ---------------------------------------------------------------------
def _typed(draft: Draft) -> None:
    if lacks(draft.node, "type", VERBS["ask"].keys):
        whose = f"the question '{draft.id}'"
        raise missing("type", draft.node.line, whose, f"Write type: and one of: {listed(QUESTION_TYPES)}")


def _asks_options(draft: Draft) -> None:
    if draft.values.get("type") in ("choice", "choices"):
        _with_options(draft)


def _with_options(draft: Draft) -> None:
    if lacks(draft.node, "options", VERBS["ask"].keys):
        raise missing("options", draft.node.line, f"the step '{draft.id}'", "Write options: {taste: Goût, price: Prix}")


def _rating(draft: Draft) -> None:
    """Give a rating its highest mark; its labels, when there are any, count the marks."""
    if draft.values.get("type") != "rating":
        return
    marks = draft.values.pop("labels", ())
    highest = draft.values.get("max", float(len(marks) or 5))
    if highest not in range(2, MAX_MARKS + 1):
        message = f"a rating up to {highest:g} is not possible"
        raise Refused(codes.WRONG_VALUE, draft.line("max"), message, f"Write a whole number from 2 to {MAX_MARKS}")
    if marks and len(marks) != highest:
        message = f"{len(marks)} labels are given for {highest:g} marks"
        raise Refused(codes.LABELS, draft.line("labels"), message, "Give each mark its label, or remove max")
    draft.values |= {"max": highest, "options": marks}


def _range(draft: Draft) -> None:
    low, high = draft.values.get("min"), draft.values.get("max")
    for name, bound in (("min", low), ("max", high)):
        if draft.values.get("type") == "integer" and bound is not None and bound != int(bound):
            message = f"{bound:g} bounds whole numbers"
            raise Refused(codes.WRONG_VALUE, draft.line(name), message, "Write a whole number, or type: decimal")
    if low is not None and high is not None and low > high:
        message = f"min {low:g} is greater than max {high:g}"
        raise Refused(codes.RANGE, draft.line("min"), message, "Exchange the two")


def _jumps(draft: Draft) -> None:
    """Refuse a jump that several answers could take at once."""
    for option in draft.values.get("options", ()):
        if option.go and draft.values.get("type") == "choices":
            line = draft.sheet.notes.lines[f"{draft.id}/{option.key}#go"]
            remedy = f'Remove it, and write a step with go and when: {draft.id} contains "{option.key}"'
            raise Refused(codes.MISPLACED_KEY, line, "`go` belongs to choice: several options can be chosen", remedy)


def _measure(draft: Draft) -> None:
    measure = draft.values.get("measure")
    if measure is None:
        return
    first = draft.sheet.measures.setdefault(measure, draft.node.line)
    if first != draft.node.line:
        message = f"the indicator '{measure}' is already fed by the question on line {first}"
        raise Refused(codes.REPEATED_MEASURE, draft.line("measure"), message, "Keep one of the two")


_VERBS = (
    Verb("say", text, COMMON | AUDIO, Say, "words without a question"),
    Verb(
        "ask",
        text,
        COMMON | ASK_KEYS | AUDIO,
        Ask,
        "a question, whose answer is kept under the step's id",
        named=True,
        checks=(_typed, _asks_options, _rating, _range, _jumps, _measure),
    ),
    Verb(
        "menu",
        text,
        COMMON | MENU_KEYS | AUDIO,
        Menu,
        "a directory: options inform, open or jump",
        named=True,
        checks=(_with_options,),
    ),
    Verb("go", word, COMMON, Go, "goes on at another step, or at `end`"),
    Verb("end", text, COMMON | AUDIO, End, "last words; the conversation ends here"),
    Verb("set", settings, COMMON, Set, "keeps values for conditions and slots without asking: set: {kind: rural}"),
    Verb(
        "run", identifier(FLOW_ID, RESERVED_FLOWS), COMMON, Run, "runs another flow of the folder as a part of this one"
    ),
)
VERBS: dict[str, Verb] = {verb.name: verb for verb in _VERBS}
