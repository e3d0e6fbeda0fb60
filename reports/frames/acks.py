"""The platform's receipt: which snapshots it holds, which parts of others, which layouts it lacks, and its date.

payload = epoch EG0 · date 32 (seconds UTC) · bitmap 16 (bit i: seq - i is held, highest bit first)
        · (1 · seq below the header's EG0 · parts 8 · a bit a part)* · 0
        · (1 · flow hash 32)* · 0 · zeros to a whole byte
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from reports.frames.bits import FrameError, Reader
from reports.frames.envelope import ACK, Link, from_text, unseal

WINDOW = 16


class Ack(Struct, frozen=True):
    """What the platform says it has of one epoch. `date` in milliseconds UTC."""

    epoch: int
    date: int
    held: frozenset[int]
    parts: Mapping[int, frozenset[int]]
    """By seq, the parts it has of a snapshot it waits for."""
    wanted: frozenset[str]
    """The first eight hex digits of flows whose layout it lacks."""


def read_ack(text: str, link: Link) -> Ack:
    """Return the receipt in an SMS; raises FrameError for any other text."""
    head, plain = unseal(link, ACK, from_text(text))
    top, bits = int.from_bytes(head[4:7], "big"), Reader(plain)
    epoch, date, bitmap = bits.golomb(), bits.take(32), bits.take(WINDOW)
    held = frozenset(top - at for at in range(WINDOW) if bitmap >> WINDOW - 1 - at & 1)
    parts: dict[int, frozenset[int]] = {}
    while bits.take(1):
        seq, count = top - bits.golomb(), bits.take(8)
        parts[seq] = frozenset(at for at in range(count) if bits.take(1))
    wanted = set()
    while bits.take(1):
        wanted.add(f"{bits.take(32):08x}")
    if bits.left > 7 or bits.take(bits.left):
        raise FrameError("This receipt has more than it should. Have it sent again.")
    return Ack(epoch, 1000 * date, held, parts, frozenset(wanted))
