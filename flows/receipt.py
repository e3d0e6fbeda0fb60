"""The receipt number of a conversation: what a citizen reads back to ask what became of it.

Eight signs, drawn from the conversation's id, so that nothing has to be kept for it. No sign looks like another, none
is a vowel (no word comes of it), the first is a letter (an Arabic line shows it in one piece), and the last checks the
others: one wrong sign, or two exchanged, are noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from locales.folding import fold

SIGNS = "23456789CDFHJKLMNPRTVWX"
LETTERS = SIGNS[8:]
LENGTH = 8
_MISREAD = str.maketrans("SZBG", "5286")


def receipt_number(conversation: str) -> str:
    """Return the receipt number of the conversation with this id; two in some hundred million have the same.

    >>> receipt_number("0190f7a0-0000-7000-8000-000000000001")
    'WP27F5T2'
    """
    rest, first = divmod(_drawn(conversation), len(LETTERS))
    body = LETTERS[first]
    while len(body) < LENGTH - 1:
        rest, sign = divmod(rest, len(SIGNS))
        body += SIGNS[sign]
    return body + next(sign for sign in SIGNS if _is_sound(body + sign))


def receipt_test(number: str) -> Callable[[str], bool]:
    """Return what tells whether a conversation's id has this receipt number: as fast as millions of ids need.

    >>> receipt_test("WP27F5T2")("0190f7a0-0000-7000-8000-000000000001")
    True
    """
    weight, wanted = len(LETTERS), LETTERS.index(number[0])
    for sign in number[1 : LENGTH - 1]:
        wanted += weight * SIGNS.index(sign)
        weight *= len(SIGNS)
    return lambda conversation: _drawn(conversation) % weight == wanted


def read_receipt(text: str) -> str:
    """Return the receipt number that somebody quotes, however it is spaced; empty when it is none or misread."""
    found = "".join(filter(str.isalnum, fold(text).upper())).translate(_MISREAD)
    whole = len(found) == LENGTH and set(found) <= set(SIGNS)
    return found if whole and _is_sound(found) else ""


def _drawn(conversation: str) -> int:
    return int.from_bytes(blake2b(conversation.encode(), digest_size=8).digest())


def _is_sound(number: str) -> bool:
    """Tell whether the signs, each weighed by its place, come to nothing: 23 is a prime, so no single slip does."""
    return sum(place * SIGNS.index(sign) for place, sign in enumerate(number, 1)) % len(SIGNS) == 0
