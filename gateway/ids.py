"""Identifiers that sort by time: UUID version 7 (RFC 9562 section 5.7)."""

from __future__ import annotations

import os
import uuid


def uuid7(milliseconds: int) -> str:
    """Return a new UUIDv7 whose first 48 bits are `milliseconds` of the Unix epoch."""
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
