"""What frames say: the counts of some areas, a piece of a layout; and the receipt that goes back.

Bits are read as a text of 0 and 1: slow, and plain enough to be copied into any language.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from national.errors import Refused
from national.regions import AREA

MONDAY: Final = date(2019, 12, 30)
MOST_UNPACKED: Final = 128 * 1024
MOST_BITS: Final = 40
"""No count, and no number, is longer."""
ACK_BITS: Final = 8 * 105
WINDOW: Final = 16


class Slice(Struct, frozen=True):
    """Numbers of one area from a position on; `whole` when they are all of its numbers."""

    area: str
    first: int
    whole: bool
    numbers: Sequence[int]


class Begin(Struct, frozen=True):
    """How the payload of counts begins: it can be read before the flow's layout is known."""

    epoch: int
    final: bool
    part: int
    parts: int


class Piece(Struct, frozen=True):
    """A piece of a layout; pieces belong together when `digest` and `parts` are the same."""

    part: int
    parts: int
    digest: str
    data: bytes


class Bits:
    """Takes bits off the front; raises Refused (422) where there are none left."""

    def __init__(self, data: bytes) -> None:
        self.rest = "".join(f"{byte:08b}" for byte in data)

    def number(self, width: int) -> int:
        """Return the next bits as a number."""
        if width > len(self.rest):
            raise broken("it ends too early")
        taken, self.rest = self.rest[:width], self.rest[width:]
        return int(taken, 2) if taken else 0

    def zeros(self) -> int:
        """Return how many zeros come before the next one, and pass them."""
        found = self.rest.find("1")
        if found < 0:
            raise broken("it ends too early")
        self.rest = self.rest[found:]
        return found

    def golomb(self, k: int = 0) -> int:
        """Return a number in Exp-Golomb code with parameter k."""
        width = self.zeros() + k + 1
        if width > MOST_BITS + k:
            raise broken("a number is too large")
        return self.number(width) - (1 << k)

    def rice(self, k: int) -> int:
        """Return a number in Rice code with parameter k."""
        high = self.zeros()
        self.number(1)
        return (high << k) + self.number(k)

    def end(self) -> None:
        """Raise Refused unless only the filling of the last byte is left."""
        if len(self.rest) > 7 or "1" in self.rest:
            raise broken("it has more than it should")


def begin(payload: bytes) -> Begin:
    """Return what the payload of counts says before its counts."""
    return _begin(Bits(payload))


def slices(payload: bytes, row: int) -> list[Slice]:
    """Return the counts of a payload; `row` is how many numbers an area has by the flow's layout."""
    bits = Bits(payload)
    _begin(bits)
    found: list[Slice] = []
    while bits.number(1):
        found.append(_slice(bits, found[-1].area if found else "", row))
    bits.end()
    return found


def body_parts(slices: Iterable[Slice], row: int) -> Mapping[str, list[int]]:
    """Return each area's whole row; raises Refused (422) where a number is missing or comes twice."""
    rows: dict[str, list[int | None]] = {}
    for one in slices:
        into = rows.setdefault(one.area, [None] * row)
        for at, value in enumerate(one.numbers, one.first):
            if into[at] is not None:
                raise broken(f"a count of {one.area} comes twice")
            into[at] = value
    whole = {area: [one for one in values if one is not None] for area, values in rows.items()}
    for area, values in whole.items():
        if len(values) != row:
            raise broken(f"counts of {area} are missing")
        if values[1] > values[0]:
            raise broken(f"{area} has fewer conversations begun than left")
    return whole


def week(index: int) -> str:
    """Return the label of an ISO week from its number in a frame."""
    try:
        year, number, _ = (MONDAY + timedelta(weeks=index)).isocalendar()
    except OverflowError:
        raise broken("its week is out of range") from None
    return f"{year:04d}-W{number:02d}"


def piece(payload: bytes) -> Piece:
    """Return the piece of a layout that a payload holds."""
    if len(payload) < 5 or payload[0] >= payload[1]:
        raise broken("it is no piece of a layout")
    return Piece(payload[0], payload[1], payload[2:4].hex(), payload[4:])


def layout(pieces: Iterable[bytes]) -> dict[str, Any]:
    """Return the members of a body that a layout tells; raises Refused (422) when it is damaged."""
    try:
        unpacker = zlib.decompressobj(wbits=-15)
        data = unpacker.decompress(b"".join(pieces), MOST_UNPACKED)
        form, flow, flow_hash, version, sector, title, questions = msgspec.json.decode(data)
        told = [_question(*one) for one in questions]
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, ValueError):
        raise broken("its layout is damaged") from None
    if form != 1 or not isinstance(flow_hash, str):
        raise broken("its layout is of a form not known here")
    known = {"flow": flow, "flow_hash": flow_hash, "flow_version": version, "sector": sector, "title": title}
    return {**known, "questions": told}


def row_size(questions: Sequence[Mapping[str, Any]]) -> int:
    """Return how many numbers an area has: begun, left, and one an option."""
    return 2 + sum(len(one["options"]) for one in questions)


def ack(epoch: int, now: int, top: int, held: Iterable[int], parts: Mapping[int, str], wanted: Iterable[str]) -> bytes:
    """Return the payload of a receipt. `parts` maps a number to a text of 0 and 1, one a part of its snapshot."""
    here = set(held)
    bits = _golomb(epoch) + f"{now // 1000 % 2**32:032b}" + "".join(str(int(top - at in here)) for at in range(WINDOW))
    ends = 2
    for seq, map_of_parts in parts.items():
        more = "1" + _golomb(top - seq) + f"{len(map_of_parts):08b}" + map_of_parts
        if len(bits) + len(more) + ends <= ACK_BITS:
            bits += more
    bits += "0"
    for flow in wanted:
        if len(bits) + 34 <= ACK_BITS:
            bits += f"1{int(flow, 16):032b}"
    bits += "0"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def broken(why: str) -> Refused:
    """Return the refusal of a frame that is authentic and makes no sense."""
    return Refused(422, "broken", f"The frame cannot be read: {why}. Have the gateway send it again.")


def _begin(bits: Bits) -> Begin:
    epoch, final = bits.golomb(), bool(bits.number(1))
    if not bits.number(1):
        return Begin(epoch, final, 0, 1)
    part, parts = bits.number(8), bits.number(8)
    if part >= parts:
        raise broken(f"part {part} of {parts}")
    return Begin(epoch, final, part, parts)


def _slice(bits: Bits, before: str, row: int) -> Slice:
    area, whole = _area(bits, before), bool(bits.number(1))
    first, length = (0, row) if whole else (bits.golomb(), bits.golomb())
    if first + length > row:
        raise broken(f"{area} has {row} numbers, not {first + length}")
    read, k = (bits.rice if bits.number(1) else bits.golomb), bits.number(4)
    return Slice(area, first, whole, [read(k) for _ in range(length)])


def _area(bits: Bits, before: str) -> str:
    former = before.split(".")
    if bits.number(1):
        step = bits.golomb(1) + 1
        last = str(int(former[-1] or 0) + step).zfill(len(former[-1]))
        return _checked(".".join([*former[:-1], last]))
    shared, more = bits.number(3), bits.number(3)
    parts = former[:shared] if before else []
    if len(parts) != shared:
        raise broken("an area follows none")
    for _ in range(more):
        width = bits.number(2) + 1 if parts else 2
        parts.append(str(bits.number(10 if parts else 4)).zfill(width))
    return _checked(".".join(parts))


def _checked(area: str) -> str:
    if not re.match(AREA, area):
        raise broken("an area is no HCP code")
    return area


def _question(id: str, type: str, measure: str, conditional: int, options: int | list[str]) -> dict[str, Any]:
    keys = _named(type, options) if isinstance(options, int) else options
    shown = [{"key": key} for key in keys]
    return {"id": id, "type": type, "measure": measure, "conditional": bool(conditional), "options": shown}


def _named(type: str, count: int) -> list[str]:
    if not 0 < count <= 200:
        raise ValueError(count)
    if type == "yes_no":
        return ["yes", "no"][:count]
    return [str(at) for at in (range(count) if type == "nps" else range(1, count + 1))]


def _golomb(value: int) -> str:
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits
