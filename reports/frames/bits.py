"""Bits in a row, and the two codes for small whole numbers: Rice, and Exp-Golomb.

Both have a parameter `k` of 0 to 15. Rice writes `value >> k` in unary (zeros ended by a one), then the `k` low bits:
best for counts of one size. Exp-Golomb doubles its reach with each bit: best where a few are far larger than the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from flows.errors import AwalError

MOST_K = 15
CODES = [(rice, k) for rice in (False, True) for k in range(MOST_K + 1)]
"""Every code there is: Rice or not, and its parameter."""


class FrameError(AwalError):
    """A frame that cannot be written, or that is not whole, not authentic, or not understood."""


class Writer:
    """Collects bits, most significant first."""

    def __init__(self) -> None:
        self._value = 0
        self.bits = 0

    def put(self, value: int, width: int) -> None:
        """Add a number of exactly `width` bits."""
        self._value = self._value << width | value
        self.bits += width

    def golomb(self, value: int, k: int = 0) -> None:
        """Add a number of any size in Exp-Golomb code."""
        self.put(value + (1 << k), golomb_bits(value, k))

    def rice(self, value: int, k: int) -> None:
        """Add a number in Rice code."""
        self.put(1 << k | value & (1 << k) - 1, (value >> k) + 1 + k)

    def add(self, other: Writer) -> None:
        """Add all bits of another writer."""
        self.put(other._value, other.bits)

    def bytes(self) -> bytes:
        """Return the bits, filled up with zeros to whole bytes."""
        spare = -self.bits % 8
        return (self._value << spare).to_bytes((self.bits + spare) // 8, "big")


class Reader:
    """Takes bits off again; raises FrameError where there are none left."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self.left = 8 * len(data)

    def take(self, width: int) -> int:
        """Return the next `width` bits as a number."""
        if width > self.left:
            raise FrameError("The frame ends too early. Have it sent again.")
        self.left -= width
        return self._value >> self.left & (1 << width) - 1

    def golomb(self, k: int = 0) -> int:
        """Return a number in Exp-Golomb code."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros + k | self.take(zeros + k)) - (1 << k)


def golomb_bits(value: int, k: int) -> int:
    """Return how many bits a number takes in Exp-Golomb code."""
    return 2 * (value + (1 << k)).bit_length() - 1 - k


def rice_bits(value: int, k: int) -> int:
    """Return how many bits a number takes in Rice code."""
    return (value >> k) + 1 + k


def best_code(values: Sequence[int]) -> tuple[int, bool, int]:
    """Return `(bits, rice, k)` of the code that is shortest for these numbers."""
    return min((sum((rice_bits if rice else golomb_bits)(one, k) for one in values), rice, k) for rice, k in CODES)
