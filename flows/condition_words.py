"""A condition's source cut into the words of its grammar. What is not one of them is refused with what to write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from flows.errors import AwalError

MAX_LENGTH = 500
MAX_WORDS = 150
MAX_DEPTH = 20
EXAMPLE = 'Write it like: satisfaction <= 2 and problem == "cuts"'


class ConditionError(AwalError):
    """A condition that cannot be understood: `reason` says why, `remedy` what to write. One line together."""

    def __init__(self, reason: str, remedy: str = EXAMPLE) -> None:
        super().__init__(f"{reason}. {remedy}.")
        self.reason = reason
        self.remedy = remedy


_WORD = re.compile(
    r"""(?P<name>[^\W\d][\w-]*) | (?P<number>-?[0-9]+(?:\.[0-9]+)?)(?![\w.]) | (?P<quoted>"[^"]*"|'[^']*')
      | (?P<sign>==|!=|<=|>=|[<>(),\[\]])""",
    re.VERBOSE,
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "contains", "answered"})
_ID = re.compile(r"[a-z][a-z0-9_-]*")
_INSTEAD = {
    "=": "==",
    "&": "and",
    "|": "or",
    "!": "not",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    **dict.fromkeys("“”„«»‘’`", 'straight quotes: "word"'),
}


def checked(source: str) -> list[str]:
    """Return the words of a condition, its parentheses balanced and its operands apart; raises ConditionError."""
    found = list(_words(source))
    _balanced(found)
    _joined(found)
    return found


def _words(source: str) -> Iterator[str]:
    if not source.strip():
        raise ConditionError("the condition is empty")
    if len(source) > MAX_LENGTH:
        raise ConditionError(f"the condition has {len(source)} characters", f"Keep it under {MAX_LENGTH}")
    at = count = 0
    while source[at:].strip():
        at += len(source[at:]) - len(source[at:].lstrip())
        found = _WORD.match(source, at)
        if not found:
            raise _stray(source[at:])
        if found["name"] and not _ID.fullmatch(found["name"]):
            raise _misnamed(found["name"])
        at, count = found.end(), count + 1
        if count > MAX_WORDS:
            raise ConditionError(f"the condition has more than {MAX_WORDS} words", "Split it over several steps")
        yield found[0]


def _stray(rest: str) -> ConditionError:
    sign = rest[0]
    if sign in _INSTEAD:
        return ConditionError(f"{sign!r} is not a sign of conditions", f"Write {_INSTEAD[sign]}")
    if sign in "\"'":
        return ConditionError(f"the quote opened at {rest[:20]!r} is not closed", f"Close it with {sign}")
    return ConditionError(f"{rest.split()[0][:20]!r} does not belong in a condition")


def _misnamed(name: str) -> ConditionError:
    lower = name.lower()
    if lower in _KEYWORDS or _ID.fullmatch(lower):
        return ConditionError(f"{name!r} is not in small letters", f"Write {lower}")
    return ConditionError(f"{name!r} is not the name of an answer", f'Put a word in quotes: "{name}"')


def is_name(word: str) -> bool:
    """Tell whether a word names an answer."""
    return word not in _KEYWORDS and bool(_ID.fullmatch(word))


def _is_operand(word: str) -> bool:
    return word[0] in "\"'" or word[0].isdigit() or word[0] == "-" or is_name(word)


def _balanced(words: Sequence[str]) -> None:
    open_: list[str] = []
    for word in words:
        if word in ("(", "["):
            open_.append(word)
        elif word in (")", "]") and (not open_ or open_.pop() + word not in ("()", "[]")):
            raise ConditionError(f"a {word!r} closes nothing", "Open and close every parenthesis")
        if len(open_) > MAX_DEPTH:
            raise ConditionError(f"parentheses stand more than {MAX_DEPTH} deep", "Split the condition")
    if open_:
        raise ConditionError(f"a {open_[-1]!r} is not closed", "Open and close every parenthesis")


def _joined(words: Sequence[str]) -> None:
    """Refuse two operands side by side: `problem cuts` lacks its sign."""
    for one, other in pairwise(words):
        if _is_operand(one) and _is_operand(other):
            word = f'"{other}"' if is_name(other) else other
            raise ConditionError(f"between {one} and {other} a sign is missing", f"Write {one} == {word}, for example")
