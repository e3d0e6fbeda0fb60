"""The answers worth trying for each type of question: both sides of every comparison, the usual, the longest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations, pairwise

from msgspec import Struct

from flows.content import marks
from flows.encoding import PART, encoding
from flows.model import Ask, Value
from flows.paths.scene import NOW

Literals = Sequence[str | int | float]
USUAL_TEXT, LONGEST_TEXT, LONGEST_COSTLY = 40, 160, 70
"""How many letters a citizen writes: usually, and at most in one SMS, with and without GSM-7."""
AT_LENGTH = 3
"""A question that goes out by SMS, to be answered at length, is answered in at most so many parts of one message."""
LONGEST_NUMBER = 999_999_999
MOST_COMBINED = 6
"""Of at most so many options every combination is tried; of more, each alone, all, and all but one."""
PHONE = "0612345678"

_WORDS = {"latin": "manque ", "ar": "نقص كبير ", "zgh": "ⴰⵎⴰⵏ ", "zgh-Latn": "aman "}


class Candidate(Struct, frozen=True):
    """An answer to try: what is typed, what is kept; `number` is the option's on the screen.

    Candidates with another `apart` are tried each for itself where a slot shows the answer.
    """

    text: str
    value: Value
    name: str = ""
    weight: float = 1
    number: int = 0
    apart: str = ""


def candidates(ask: Ask, options: Sequence[str], literals: Literals, language: str) -> Iterator[Candidate]:
    """Yield the answers to try for a question that shows these option keys, in any but the `place` type."""
    if ask.type in ("yes_no", "choice", "language"):
        apart = ask.type == "language"
        return (Candidate(str(at), key, number=at, apart=key if apart else "") for at, key in enumerate(options, 1))
    if ask.type in ("rating", "nps"):
        return _marks(range(1, marks(ask) + 1) if ask.type == "rating" else range(11), bool(options))
    if ask.type == "choices":
        return _several(options)
    return _TYPED[ask.type](ask, literals, language)


def _marks(scale: range, listed: bool) -> Iterator[Candidate]:
    return (Candidate(str(mark), mark, number=mark if listed else 0) for mark in scale)


def _several(options: Sequence[str]) -> Iterator[Candidate]:
    """Yield each option alone, all together, and the other combinations."""
    whole = range(1, len(options) + 1)
    singles: list[tuple[int, ...]] = [(at,) for at in whole]
    if len(options) <= MOST_COMBINED:
        others = [some for size in range(2, len(options)) for some in combinations(whole, size)]
    else:
        others = [tuple(at for at in whole if at != left) for left in whole]
    for some in [*singles, tuple(whole), *others]:
        weight = 1 if len(some) == 1 else 0
        text = " ".join(str(at) for at in some)
        yield Candidate(text, [options[at - 1] for at in some], weight=weight, number=max(some))


def _numbers(ask: Ask, literals: Literals, _: str) -> Iterator[Candidate]:
    """Yield the bounds, and the numbers on both sides of each comparison."""
    low = min(0, ask.max or 0) if ask.min is None else ask.min
    high = max(LONGEST_NUMBER, low) if ask.max is None else ask.max
    nudge = 1 if ask.type == "integer" else 0.5
    tried = {low, high, (low + high) // 2}
    for literal in literals:
        if isinstance(literal, int | float):
            tried |= {literal, literal - nudge, literal + nudge}
    if ask.type == "decimal":
        tried |= {(one + other) / 2 for one, other in pairwise(sorted(tried))}
    for number in sorted(one for one in tried if low <= one <= high):
        value = int(number) if number == int(number) else number
        if ask.type == "decimal" or isinstance(value, int):
            yield Candidate(f"{value}".replace(".", ","), value if ask.type == "integer" else float(value))


def _text(ask: Ask, literals: Literals, language: str) -> Iterator[Candidate]:
    """Yield words of usual length, the longest, and those that conditions look for."""
    own = _WORDS.get(language, _WORDS["latin"])
    most = LONGEST_TEXT if own.isascii() else LONGEST_COSTLY
    if ask.by == "sms":
        most = AT_LENGTH * PART[encoding(own)]
    usual = _long(own, USUAL_TEXT)
    yield Candidate(usual, usual, name=f"{USUAL_TEXT} letters", apart="usual")
    long = _long(own, most)
    yield Candidate(long, long, name=f"{most} letters", weight=0, apart="own")
    other = _long(_WORDS["ar"], LONGEST_COSTLY) if own.isascii() else _long(_WORDS["latin"], LONGEST_TEXT)
    yield Candidate(other, other, name=f"{len(other)} foreign letters", weight=0, apart="other")
    words = [str(one) for one in literals]
    for word in dict.fromkeys([*words, " ".join(words)]):
        if word.strip():
            yield Candidate(word, word, weight=0)


def _long(words: str, letters: int) -> str:
    return (words * letters)[:letters].strip()


def _date(_: Ask, literals: Literals, __: str) -> Iterator[Candidate]:
    days = [NOW.date()]
    for literal in literals:
        if (day := _day(str(literal))) is not None:
            days += [day - timedelta(days=day > date.min), day, day + timedelta(days=day < date.max)]
    return (Candidate(f"{day:%d/%m/%Y}", day.isoformat()) for day in dict.fromkeys(days))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _phone(_: Ask, literals: Literals, __: str) -> Iterator[Candidate]:
    yield Candidate(PHONE, f"+212{PHONE[1:]}")
    yield from (Candidate(str(literal), str(literal), weight=0) for literal in literals)


_TYPED: dict[str, Callable[[Ask, Literals, str], Iterator[Candidate]]] = {
    "integer": _numbers,
    "decimal": _numbers,
    "text": _text,
    "date": _date,
    "phone": _phone,
}
