"""The options of a choice or menu, and the labels of a rating."""

from __future__ import annotations

from flows.load import codes
from flows.load.keys import Key, lacks, missing, read_keys, table
from flows.load.nodes import List, Map, Node, Scalar
from flows.load.problem import Refused, quoted
from flows.load.values import RESERVED_KEYS, Sheet, check_id, condition, is_translations, text, word
from flows.model import Option, Text

MAX_MARKS = 10


def choice_options(node: Node, sheet: Sheet, where: str) -> tuple[Option, ...]:
    """Return the options of a question, two at least."""
    return _options(node, sheet, where, CHOICE_KEYS, 2)


def menu_options(node: Node, sheet: Sheet, where: str) -> tuple[Option, ...]:
    """Return the options of a menu, deeper menus among them."""
    return _options(node, sheet, where, MENU_KEYS, 1)


def _say(node: Node, sheet: Sheet, where: str) -> Text:
    return text(node, sheet, f"{where}/say")


CHOICE_KEYS = table(
    Key("label", text, "what the citizen reads"),
    Key("go", word, "the step to go on at when this option is chosen, or `end`"),
    Key("when", condition, "a condition; the option is shown while it holds"),
)
MENU_KEYS = CHOICE_KEYS | table(
    Key("say", _say, "an information shown when this option is chosen (menus only)"),
    Key("options", menu_options, "a deeper menu (menus only)"),
)


def _options(node: Node, sheet: Sheet, where: str, keys: dict[str, Key], least: int) -> tuple[Option, ...]:
    if isinstance(node, List):
        raise Refused(codes.OPTION_LIST, node.line, "the options are a list, without keys", _as_map(node))
    if not isinstance(node, Map):
        raise Refused(codes.WRONG_SHAPE, node.line, "one word stands where options are needed", _MAP_FORM)
    if len(node.pairs) < least:
        message = f"{len(node.pairs)} options are too few: at least {least}"
        raise Refused(codes.FEW_OPTIONS, node.line, message, _MAP_FORM)
    found = (_option(key, value, sheet, f"{where}/{name}", keys) for name, (key, value) in node.pairs.items())
    return tuple(option for option in found if option is not None)


_MAP_FORM = "Write options: {taste: Goût, price: Prix}"


def _as_map(node: List) -> str:
    """Return the map form of a list of labels, ready to paste."""
    labels = [item.text for item in node.items if isinstance(item, Scalar) and item.text.strip()][:3]
    shown = ", ".join(f"key{at}: {label}" for at, label in enumerate(labels, 1))
    return f"Write options: {{{shown}}}"


def _option(key: Scalar, value: Node, sheet: Sheet, where: str, keys: dict[str, Key]) -> Option | None:
    sheet.notes.lines[where] = key.line
    try:
        check_id(key.text, key.line, reserved=RESERVED_KEYS)
        if isinstance(value, Map) and not (is_translations(value) and keys.keys().isdisjoint(value.pairs)):
            return _full_option(key, value, sheet, where, keys)
        return Option(key.text, text(value, sheet, where))
    except Refused as refused:
        sheet.notes.refuse(refused)
    return None


def _full_option(key: Scalar, value: Map, sheet: Sheet, where: str, keys: dict[str, Key]) -> Option | None:
    whose = f"option {quoted(key.text)}"
    if keys is CHOICE_KEYS:
        for name in MENU_KEYS.keys() - CHOICE_KEYS.keys():
            if name in value.pairs:
                line = value.pairs[name][0].line
                message = f"`{name}` belongs to the options of a menu, not of a question"
                raise Refused(codes.MISPLACED_KEY, line, message, "Use the verb menu, or remove it")
    found = read_keys(value, keys, sheet, where, whose)
    if lacks(value, "label", keys):
        raise missing("label", key.line, whose, f"Write {key.text}: {{label: …}}")
    if "go" in found and ("say" in found or "options" in found):
        message = f"{whose} both jumps (go) and informs (say, options)"
        raise Refused(codes.OPTION_CONFLICT, key.line, message, "Keep one of the two")
    return Option(key.text, **found) if "label" in found else None


def labels(node: Node, sheet: Sheet, where: str) -> tuple[Option, ...]:
    """Return the labels of a rating's marks: a list, or a map from 1 up."""
    if isinstance(node, Scalar):
        raise Refused(codes.WRONG_SHAPE, node.line, "one word stands where labels are needed", _LABELS_FORM)
    marks = {str(at): item for at, item in enumerate(node.items, 1)} if isinstance(node, List) else _marks(node)
    if not 2 <= len(marks) <= MAX_MARKS:
        raise Refused(codes.LABELS, node.line, f"{len(marks)} labels are given, not 2 to {MAX_MARKS}", _LABELS_FORM)
    options = []
    for mark, item in marks.items():
        sheet.notes.lines[f"{where}/{mark}"] = item.line
        options.append(Option(mark, text(item, sheet, f"{where}/{mark}")))
    return tuple(options)


_LABELS_FORM = "Write one for each mark, 1 first: labels: [Mauvais, Moyen, Bon]"


def _marks(node: Map) -> dict[str, Node]:
    wanted = [str(mark) for mark in range(1, len(node.pairs) + 1)]
    if list(node.pairs) != wanted:
        shown = quoted(", ".join(node.pairs))
        raise Refused(codes.LABELS, node.line, f"the labels name the marks {shown}, not 1, 2, 3 and on", _LABELS_FORM)
    return {mark: value for mark, (_, value) in node.pairs.items()}
