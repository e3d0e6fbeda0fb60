"""Identifiers that sort by time: UUID version 7 (RFC 9562 section 5.7)."""

from __future__ import annotations

import os

LAST = (1 << 48) - 1
VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""A random hex digit to one whose two upper bits are 10."""
DIGITS = 20
"""Random hex digits of one id; one of them gives two bits only."""
AT_ONCE = 256
"""Ids for which randomness is asked of the kernel in one call."""

_random: list[str] = []
os.register_at_fork(after_in_child=_random.clear)  # parent and child would give the same ids


def uuid7(milliseconds: int) -> str:
    """Return a new UUIDv7 whose first 48 bits are `milliseconds` of the Unix epoch."""
    moment, random = f"{milliseconds & LAST:012x}", _digits()
    return f"{moment[:8]}-{moment[8:]}-7{random[:3]}-{VARIANT[random[3]]}{random[4:7]}-{random[7:19]}"


def _digits() -> str:
    """Return random digits that nobody had before; taking one from a list is safe among threads."""
    try:
        return _random.pop()
    except IndexError:
        many = os.urandom(DIGITS // 2 * AT_ONCE).hex()
        _random.extend(many[at : at + DIGITS] for at in range(DIGITS, len(many), DIGITS))
        return many[:DIGITS]
