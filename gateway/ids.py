"""Identifiers that sort by time: UUID version 7 (RFC 9562 section 5.7)."""

from __future__ import annotations

import os

LAST = (1 << 48) - 1
VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""A random hex digit to one whose two upper bits are 10."""


def uuid7(milliseconds: int) -> str:
    """Return a new UUIDv7 whose first 48 bits are `milliseconds` of the Unix epoch."""
    moment, random = f"{milliseconds & LAST:012x}", os.urandom(10).hex()
    return f"{moment[:8]}-{moment[8:]}-7{random[:3]}-{VARIANT[random[3]]}{random[4:7]}-{random[7:19]}"
