"""A snapshot as frames: each holds the counts of some areas, and can be read without the others.

Numbers stand in the canonical order: area by area as the snapshot lists them, and for each area the conversations
begun, those not completed, and then every option of every question. No id travels: the flow hash in the header guards
the order. A frame that cannot take a whole area takes a slice of it, by position.

    payload = epoch EG0 · final 1 · many 1 · [part 8 · parts 8] · runs
    runs    = (1 · area · whole 1 · [first EG0 · length EG0] · rice 1 · k 4 · the numbers)* · 0 · zeros to a whole byte

The receiver keeps the parts of one number until it has all, and only then merges: parts of two numbers would not add
up (more completed than begun), and published tables are compared whole. What it holds stays until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reports.frames.bits import FrameError, Writer, best_code
from reports.frames.envelope import (
    CODE_BYTES,
    COUNTS,
    HEADER_BYTES,
    SIGNATURE_BYTES,
    SIGNED,
    SMS_BYTES,
    TAG_BYTES,
    Link,
    header,
    seal,
    week_index,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Body = Mapping[str, Any]

MOST_PARTS = 255
SIGNED_AS = b"awal frame 1"
"""What precedes header and payload where they are signed."""
_ROOM_FOR_END = 1


class Run(Struct, frozen=True):
    """A slice of the numbers of one area: `first` is its position in the area's row of `size`."""

    area: str
    first: int
    size: int
    numbers: Sequence[int]


def sms_frames(body: Body, link: Link) -> list[bytes]:
    """Return the frames of a numbered body, each for one SMS."""
    room = SMS_BYTES - HEADER_BYTES[COUNTS] - TAG_BYTES
    head = header(COUNTS, link, place(body))
    return [seal(link, head, plain) for plain in payloads(body, room)]


def code_frames(body: Body, link: Link, key: Ed25519PrivateKey) -> list[bytes]:
    """Return the frames of a numbered body, each for one printed code, with the gateway's own signature inside.

    The tag could be the platform's own work; the signature shows anybody that the gateway said so.
    """
    room = CODE_BYTES - HEADER_BYTES[SIGNED] - TAG_BYTES - SIGNATURE_BYTES
    head = header(SIGNED, link, place(body))
    return [seal(link, head, plain + key.sign(SIGNED_AS + head + plain)) for plain in payloads(body, room)]


def place(body: Body) -> bytes:
    """Return flow hash, week and seq, as a header has them; raises FrameError when the numbers have no room."""
    if body["seq"] >= 1 << 24:
        raise FrameError(f"Snapshot {body['seq']} has no number in a frame. Send by HTTPS or by a bundle.")
    year, week = str(body["period"]).split("-W")
    index = week_index(date.fromisocalendar(int(year), int(week), 1))
    return bytes.fromhex(body["flow_hash"])[:4] + index.to_bytes(2, "big") + int(body["seq"]).to_bytes(3, "big")


def payloads(body: Body, room: int) -> list[bytes]:
    """Return the plain texts of the frames, of at most `room` bytes each."""
    single = list(_filled(body, 8 * room - _begin(body, 0, 1).bits))
    runs = single if len(single) == 1 else list(_filled(body, 8 * room - _begin(body, 0, 2).bits))
    if len(runs) > MOST_PARTS:
        raise FrameError(f"{body['flow']} {body['period']} needs {len(runs)} frames. Send by HTTPS or by a bundle.")
    return [_payload(body, part, len(runs), one) for part, one in enumerate(runs)]


def rows(body: Body) -> Iterator[tuple[str, list[int]]]:
    """Yield each area with its numbers in canonical order."""
    walks, cells = body["walks"], body["cells"]
    for at, area in enumerate(body["areas"]):
        begun, done = walks["started"][at], walks["completed"][at]
        yield area, [begun, begun - done, *(row[at] for one in body["questions"] for row in cells[one["id"]])]


def _payload(body: Body, part: int, parts: int, runs: Sequence[Run]) -> bytes:
    out = _begin(body, part, parts)
    before = ""
    for run in runs:
        write_run(out, run, before)
        before = run.area
    out.put(0, 1)
    return out.bytes()


def _begin(body: Body, part: int, parts: int) -> Writer:
    out = Writer()
    out.golomb(body["epoch"])
    out.put(int(body["final"]), 1)
    out.put(int(parts > 1), 1)
    if parts > 1:
        out.put(part, 8)
        out.put(parts, 8)
    return out


def _filled(body: Body, room: int) -> Iterator[list[Run]]:
    """Yield the runs of one frame after the other, each as full as `room` bits allow."""
    runs: list[Run] = []
    used, before = _ROOM_FOR_END, ""
    for area, numbers in rows(body):
        first = 0
        while first < len(numbers):
            rest = Run(area, first, len(numbers), numbers[first:])
            run = _fitting(rest, before, room - used)
            if run is None:
                if not runs:
                    raise FrameError(f"{area}: a count is too large for a frame. Send by HTTPS or by a bundle.")
                yield runs
                runs, used, before = [], _ROOM_FOR_END, ""
                continue
            runs.append(run)
            used, before, first = used + _bits(run, before), area, first + len(run.numbers)
    yield runs


def _fitting(run: Run, before: str, room: int) -> Run | None:
    """Return as much of a run as fits, None when not even one number does."""
    low, high = 0, len(run.numbers)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _bits(_cut(run, middle), before) <= room else (low, middle - 1)
    return _cut(run, low) if low else None


def _cut(run: Run, length: int) -> Run:
    return Run(run.area, run.first, run.size, run.numbers[:length])


def _bits(run: Run, before: str) -> int:
    out = Writer()
    _write_place(out, run, before)
    return out.bits + 5 + best_code(run.numbers)[0]


def write_run(out: Writer, run: Run, before: str) -> None:
    """Write one run; `before` is the area of the run before it in the same frame."""
    _write_place(out, run, before)
    _, rice, k = best_code(run.numbers)
    out.put(int(rice), 1)
    out.put(k, 4)
    write: Callable[[int, int], None] = out.rice if rice else out.golomb
    for one in run.numbers:
        write(one, k)


def _write_place(out: Writer, run: Run, before: str) -> None:
    out.put(1, 1)
    write_area(out, run.area, before)
    whole = len(run.numbers) == run.size
    out.put(int(whole), 1)
    if not whole:
        out.golomb(run.first)
        out.golomb(len(run.numbers))


def write_area(out: Writer, area: str, before: str) -> None:
    """Write an HCP code after another one: a sister by how far it is off, any other by its own parts.

    area = 1 · distance - 1 EG1 (same parent, same number of digits, larger)
         | 0 · parts shared 3 · parts more 3 · each: digits - 1 2, value 10 (the region: value 4)
    """
    own, former = area.split("."), before.split(".")
    if len(own) > 1 and own[:-1] == former[:-1] and len(own[-1]) == len(former[-1]) and own[-1] > former[-1]:
        out.put(1, 1)
        out.golomb(int(own[-1]) - int(former[-1]) - 1, 1)
        return
    shared = next((at for at, pair in enumerate(zip(own, former, strict=False)) if pair[0] != pair[1]), None)
    shared = min(len(own), len(former)) if shared is None else shared
    out.put(0, 1)
    out.put(shared, 3)
    out.put(len(own) - shared, 3)
    for at, part in enumerate(own[shared:], shared):
        if at:
            out.put(len(part) - 1, 2)
        out.put(int(part), 10 if at else 4)
