"""The `when` of a step: a small typed grammar, turned into closures. Nothing is ever evaluated as code.

    satisfaction <= 2 and (problem == "cuts" or not answered(commune))

A condition compares answers with numbers, quoted words and lists of them. Its source is cut into words of the grammar
first; only those reach the standard library's `ast`, and only an allow-list of its nodes becomes closures.

A comparison is False when it names an answer that was not given, and when its two sides are of different types, `!=`
included. So `not x == "a"` holds for a citizen who was not asked `x`, `x != "a"` does not. Nothing raises at run time.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from flows.condition_words import ConditionError, checked, is_name
from flows.model import Value

__all__ = ["Comparison", "Condition", "ConditionError", "Name", "compile_condition", "names", "parse"]

Answers = Mapping[str, Value]
Test = Callable[[Answers], bool]


class Name(Struct, frozen=True):
    """The name of an answer: the id of the question that keeps it."""

    name: str


Literal = str | int | float | tuple["str | int | float", ...]
Operand = Name | Literal


class Comparison(Struct, frozen=True):
    """One comparison as written; `sign` is one of `SIGNS`. At least one side is a `Name`."""

    left: Operand
    sign: str
    right: Operand


class Condition(Struct, frozen=True):
    """A condition understood: its test, the answers it names, and its comparisons for the checker."""

    test: Test
    names: frozenset[str]
    comparisons: tuple[Comparison, ...]


def compile_condition(source: str) -> Test:
    """Return the test that tells whether `source` holds for some answers; raises ConditionError."""
    return parse(source).test


def names(source: str) -> frozenset[str]:
    """Return the names of the answers that `source` looks at; raises ConditionError."""
    return parse(source).names


def renamed(source: str, prefix: str) -> str:
    """Return a condition on the answers whose names begin with `prefix`; raises ConditionError."""
    return " ".join(prefix + word if is_name(word) else word for word in checked(source))


@lru_cache(maxsize=4096)
def parse(source: str) -> Condition:
    """Return everything known about a condition; raises ConditionError with what to write instead."""
    words = checked(source)
    aliases = {f"n{at}": word for at, word in enumerate(dict.fromkeys(words)) if is_name(word)}
    python = {word: alias for alias, word in aliases.items()} | {"contains": "@"}
    text = " ".join(repr(word[1:-1]) if word[0] in "\"'" else python.get(word, word) for word in words)
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConditionError(f"the condition {source!r} cannot be read") from error
    builder = _Builder(aliases)
    test = builder.test(tree)
    return Condition(test, frozenset(aliases.values()), tuple(builder.comparisons))


# the allow-list ------------------------------------------------------------------------------------------------
SIGNS: dict[type[ast.cmpop | ast.operator], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.MatMult: "contains",
}


class _Builder:
    """Turns the few allowed nodes into closures, and remembers the comparisons on the way."""

    def __init__(self, aliases: Mapping[str, str]) -> None:
        self.aliases = aliases
        self.comparisons: list[Comparison] = []

    def test(self, node: ast.expr) -> Test:
        match node:
            case ast.BoolOp(op=op, values=values):
                join = _both if isinstance(op, ast.And) else _either
                tests = [self.test(value) for value in values]
                return _fold(join, tests)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return _not(self.test(operand))
            case ast.Compare(left=left, ops=ops, comparators=rights):
                operands = [left, *rights]
                tests = [self._compare(a, op, b) for a, op, b in zip(operands, ops, rights, strict=False)]
                return _fold(_both, tests)
            case ast.BinOp(left=left, op=ast.MatMult() as op, right=right):
                return self._compare(left, op, right)
            case ast.Call(func=ast.Name(id="answered"), args=[ast.Name(id=alias)]) if alias in self.aliases:
                return _answered(self.aliases[alias])
            case ast.Call():
                raise ConditionError("`answered` takes the name of one answer", "Write answered(commune)")
            case ast.Name(id=alias) if alias in self.aliases:
                name = self.aliases[alias]
                raise ConditionError(f"{name!r} alone says nothing", f'Write {name} == "yes", or answered({name})')
            case ast.Tuple():
                raise ConditionError("a comma stands outside a list", "Write a decimal with a dot, as in 2.5")
        raise ConditionError("a part of the condition compares nothing")

    def _compare(self, left: ast.expr, op: ast.cmpop | ast.operator, right: ast.expr) -> Test:
        sign = SIGNS.get(type(op), "")
        comparison = Comparison(self._operand(left), sign, self._operand(right))
        if sign in ("in", "not in") and isinstance(comparison.right, str):
            comparison = Comparison(comparison.left, sign, (comparison.right,))
        _sound(comparison)
        self.comparisons.append(comparison)
        return test_of(comparison)

    def _operand(self, node: ast.expr) -> Operand:
        match node:
            case ast.Name(id=alias) if alias in self.aliases:
                return Name(self.aliases[alias])
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                values = [self._operand(part) for part in parts]
                if any(isinstance(value, Name | tuple) for value in values):
                    raise ConditionError("a list holds numbers and quoted words only", 'Write in ("cuts", "taste")')
                return tuple(value for value in values if not isinstance(value, Name | tuple))
            case ast.Constant(value=str() | int() | float() as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
        raise ConditionError("one side of a comparison is no name, number, quoted word or list")


def _sound(comparison: Comparison) -> None:
    """Refuse a comparison that can never mean anything, whatever the flow."""
    left, sign, right = comparison.left, comparison.sign, comparison.right
    if not isinstance(left, Name) and not isinstance(right, Name):
        raise ConditionError(f"{left!r} {sign} {right!r} looks at no answer", "Name the question whose answer counts")
    if sign in ("in", "not in"):
        if not isinstance(right, Name | tuple):
            raise ConditionError(f"`{sign}` stands before a list", f'Write {sign} ("cuts", "taste")')
    elif isinstance(left, tuple) or isinstance(right, tuple):
        raise ConditionError(f"`{sign}` does not compare with a list", 'Write in ("cuts", "taste")')
    if sign == "contains" and not isinstance(left, Name):
        raise ConditionError("`contains` stands after the name of an answer", 'Write problems contains "taste"')


# closures ------------------------------------------------------------------------------------------------------
_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER = (int, float)


def test_of(comparison: Comparison) -> Test:
    """Return the test of one comparison alone."""
    left, sign, right = comparison.left, comparison.sign, comparison.right
    if sign in _RELATIONS:
        relation = _RELATIONS[sign]
        if isinstance(left, Name) and isinstance(right, str | int | float):
            return _against(left.name, relation, right)
        return _between(
            _value(left), lambda one, other: _alike(one, other) and bool(relation(one, other)), _value(right)
        )
    if sign == "in" and isinstance(left, Name) and isinstance(right, tuple):
        return _among(left.name, right)
    return _between(_value(left), _MEMBERSHIPS[sign], _value(right))


def _against(name: str, relation: Callable[[Any, Any], Any], constant: str | int | float) -> Test:
    """Compare an answer with a constant: by far the most frequent shape, so it has its own short closure."""
    kind = (str,) if isinstance(constant, str) else _NUMBER

    def test(answers: Answers) -> bool:
        value = answers.get(name)
        return isinstance(value, kind) and bool(relation(value, constant))

    return test


def _among(name: str, members: tuple[str | int | float, ...]) -> Test:
    return lambda answers: answers.get(name) in members


def _between(
    left: Callable[[Answers], object], relation: Callable[[object, object], bool], right: Callable[[Answers], object]
) -> Test:
    def test(answers: Answers) -> bool:
        one, other = left(answers), right(answers)
        return one is not None and other is not None and relation(one, other)

    return test


def _alike(one: object, other: object) -> bool:
    if isinstance(one, str):
        return isinstance(other, str)
    return isinstance(one, _NUMBER) and isinstance(other, _NUMBER)


def _in(one: object, other: object) -> bool:
    return isinstance(other, list | tuple) and one in other


def _not_in(one: object, other: object) -> bool:
    return isinstance(other, list | tuple) and one not in other


def _contains(one: object, other: object) -> bool:
    if isinstance(one, list):
        return other in one
    return isinstance(one, str) and isinstance(other, str) and other.casefold() in one.casefold()


_MEMBERSHIPS: dict[str, Callable[[object, object], bool]] = {"in": _in, "not in": _not_in, "contains": _contains}


def _value(operand: Operand) -> Callable[[Answers], object]:
    if isinstance(operand, Name):
        return operator.methodcaller("get", operand.name)
    return lambda _: operand


def _answered(name: str) -> Test:
    return lambda answers: name in answers


def _not(test: Test) -> Test:
    return lambda answers: not test(answers)


def _both(one: Test, other: Test) -> Test:
    return lambda answers: one(answers) and other(answers)


def _either(one: Test, other: Test) -> Test:
    return lambda answers: one(answers) or other(answers)


def _fold(join: Callable[[Test, Test], Test], tests: Sequence[Test]) -> Test:
    """Join from the end, so that the first test is tried first."""
    *rest, whole = tests
    for test in reversed(rest):
        whole = join(test, whole)
    return whole
