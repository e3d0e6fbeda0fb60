"""The wire format as the platform reads it: the shape of a snapshot, and every reason to refuse one.

This file and `README.md` are all a platform needs to know of the gateways.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from national.errors import Refused
from national.regions import AREA, WEEK, last_day

VERSION = 1
MOST_BYTES = 256 * 1024
GATEWAY = r"^[a-z0-9][a-z0-9-]{0,62}\Z"

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Number = Annotated[int, Meta(ge=0, le=2**53)]
Labels = dict[Annotated[str, Meta(pattern=r"^[A-Za-z-]{2,12}\Z")], Annotated[str, Meta(max_length=1000)]]
Area = Annotated[str, Meta(pattern=AREA)]


class Option(Struct, frozen=True):
    """One possible answer; its place in the list is its place in the counts."""

    key: Name
    label: Labels = {}


class Question(Struct, frozen=True):
    """A question and its possible answers. `conditional`: an earlier answer decides who is asked."""

    id: Name
    type: Literal["yes_no", "choice", "choices", "rating", "nps"]
    options: Annotated[list[Option], Meta(min_length=1, max_length=200)]
    text: Labels = {}
    measure: Annotated[str, Meta(max_length=64)] = ""
    conditional: bool = False


class Walks(Struct, frozen=True):
    """Conversations begun, and those of them completed, by area."""

    started: list[Count]
    completed: list[Count]


class Snapshot(Struct, frozen=True):
    """All counts of one flow version and week of one gateway. Unknown members are ignored, and not kept."""

    v: int
    gateway: Annotated[str, Meta(pattern=GATEWAY)]
    region: Annotated[str, Meta(pattern=r"^(0[1-9]|1[0-2])\Z")]
    flow: Name
    flow_hash: Annotated[str, Meta(pattern=r"^[0-9a-f]{8,64}\Z")]
    flow_version: Annotated[int, Meta(ge=0, le=10**9)]
    title: Labels
    sector: Name
    period: Annotated[str, Meta(pattern=WEEK)]
    final: bool
    epoch: Number
    seq: Number
    made_at: Number
    questions: Annotated[list[Question], Meta(max_length=200)]
    areas: Annotated[list[Area], Meta(max_length=2000)]
    cells: dict[str, list[list[Count]]]
    walks: Walks

    @property
    def number(self) -> tuple[int, int]:
        """Return `(epoch, seq)`: the highest wins."""
        return (self.epoch, self.seq)


class Wrong(Struct, frozen=True):
    """One member that cannot be taken, and why."""

    field: str
    message: str


def read(data: bytes) -> Snapshot:
    """Return the snapshot that a body holds; raises Refused (422) naming every field that is wrong."""
    try:
        snapshot = msgspec.json.decode(data, type=Snapshot)
    except msgspec.ValidationError as fault:
        message, _, field = str(fault).partition(" - at `$")
        raise _refused([Wrong(field.rstrip("`").lstrip(".") or "body", message)]) from fault
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise _refused([Wrong("body", f"not JSON: {fault}")]) from fault
    if wrong := list(_wrong(snapshot)):
        raise _refused(wrong)
    return snapshot


def wrong_region(given: str, enrolled: str) -> list[dict[str, str]]:
    """Return the fault of a region that is not its gateway's, as a 422 lists it; nothing when it is right."""
    message = f"“{given}” in the body, but this gateway is enrolled in “{enrolled}”"
    return [] if given == enrolled else [{"field": "region", "message": message}]


def write(snapshot: Snapshot) -> bytes:
    """Return the snapshot as kept: only the members this version knows."""
    return msgspec.json.encode(snapshot, order="sorted")


def _refused(wrong: list[Wrong]) -> Refused:
    fields = [{"field": one.field, "message": one.message} for one in wrong]
    first = wrong[0]
    return Refused(422, "invalid", f"{first.field}: {first.message}", fields=fields)


def _wrong(snapshot: Snapshot) -> Iterator[Wrong]:
    """Yield what the types alone cannot say."""
    if snapshot.v != VERSION:
        yield Wrong("v", f"version {snapshot.v} is not spoken here, only {VERSION}")
    if last_day(snapshot.period) is None:
        yield Wrong("period", f"{snapshot.period} is not a week of the ISO calendar")
    if len(set(snapshot.areas)) != len(snapshot.areas):
        yield Wrong("areas", "an area comes twice")
    yield from _wrong_walks(snapshot)
    yield from _wrong_cells(snapshot)


def _wrong_walks(snapshot: Snapshot) -> Iterator[Wrong]:
    walks, width = snapshot.walks, len(snapshot.areas)
    for name, row in (("started", walks.started), ("completed", walks.completed)):
        if len(row) != width:
            yield Wrong(f"walks.{name}", f"{len(row)} counts for {width} areas")
    if any(done > begun for begun, done in zip(walks.started, walks.completed, strict=False)):
        yield Wrong("walks.completed", "more conversations completed than started")


def _wrong_cells(snapshot: Snapshot) -> Iterator[Wrong]:
    ids = [question.id for question in snapshot.questions]
    if len(set(ids)) != len(ids):
        yield Wrong("questions", "a question comes twice")
    if set(snapshot.cells) != set(ids):
        yield Wrong("cells", "its questions are not those of “questions”")
        return
    for question in snapshot.questions:
        keys = [option.key for option in question.options]
        rows = snapshot.cells[question.id]
        if len(set(keys)) != len(keys):
            yield Wrong(f"questions.{question.id}.options", "an option comes twice")
        if len(rows) != len(keys):
            yield Wrong(f"cells.{question.id}", f"{len(rows)} rows for {len(keys)} options")
        elif any(len(row) != len(snapshot.areas) for row in rows):
            yield Wrong(f"cells.{question.id}", f"a row does not hold {len(snapshot.areas)} counts, one an area")
