"""An operator's list of numbers: read, judged line by line, and kept with the ground for it. Nothing is sent from here.

A list is a CSV file with a header: `phone`, and where they are known `language`, `place` (HCP code) and `proof` (the
paper form of that citizen). Who said stop or was forgotten is left in peace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from flows.errors import AwalError
from gateway.phones import normalise
from gateway.spreadsheet import table
from locales.tags import TAGS
from storage.consents import Consent, Standing

if TYPE_CHECKING:
    from gateway.project import Project

COLUMNS = ("phone", "language", "place", "proof")
GROUND = range(3, 81)
"""The signs a ground may have: it stands in the first message, which says why we write."""
PAGE = 500
OVER = "+"
"""What of a row stands under no column, beside its cells."""


class Line(Struct, frozen=True):
    """One citizen of the list, by their place in the file."""

    number: int
    phone: str
    language: str = ""
    place: str = ""
    proof: str = ""

    def __repr__(self) -> str:
        """Show no phone number."""
        return f"Line(number={self.number})"


class Judged(Struct, frozen=True):
    """A list as it would be taken: the lines by standing, and what is wrong with the others, each `file:line: …`."""

    lines: Mapping[Standing, Sequence[Line]]
    wrong: Sequence[str]

    @property
    def taken(self) -> list[Line]:
        """The lines that an import keeps."""
        return [*self.lines["new"], *self.lines["known"]]

    def counts(self) -> dict[str, int]:
        """Return how many lines there are of each kind."""
        return {**{kind: len(lines) for kind, lines in self.lines.items()}, "wrong": len(self.wrong)}


def sound_ground(ground: str) -> str:
    """Return the words of a ground, in one line; raises AwalError where they are none."""
    words = " ".join(ground.split())
    if len(words) not in GROUND:
        raise AwalError(
            f"the ground {words[:30]!r} has {len(words)} signs: say in {GROUND.start} to {GROUND.stop - 1} why these "
            "citizens may be written to. They will read it in the first message"
        )
    return words


def judge(project: Project, file: Path) -> Judged:
    """Read a list and say how each line stands; raises AwalError when it is no list."""
    wrong: list[str] = []
    lines = list(_sound(project, file, wrong))
    names = {project.phones.pseudonym(line.phone): line for line in lines}
    found: dict[Standing, list[Line]] = {"new": [], "known": [], "stopped": [], "erased": []}
    everyone = list(names)
    for at in range(0, len(everyone), PAGE):
        for who, stands in project.store.standing(everyone[at : at + PAGE]).items():
            found[stands].append(names[who])
    return Judged({kind: sorted(some, key=lambda one: one.number) for kind, some in found.items()}, wrong)


def proofs(project: Project, lines: Sequence[Line], ground: str, proof: str, now: int) -> list[Consent]:
    """Return what is kept of each citizen: who, when, on which ground, and the number, sealed."""
    phones = project.phones
    return [
        Consent(
            citizen=phones.pseudonym(line.phone),
            at=now,
            act="imported",
            words=ground,
            proof=line.proof or proof,
            language=line.language,
            place=line.place,
            number=phones.seal(line.phone),
        )
        for line in lines
    ]


def first_words(project: Project, language: str, ground: str) -> str:
    """Return what stands first in the first message to who has not written: who writes, why, and how to stop it."""
    tag = language or project.settings.gateway.languages[0]
    who = project.settings.gateway.name or project.texts.phrase("administration", tag)
    return project.texts.phrase("invited", tag, who=who, ground=ground)


def _sound(project: Project, file: Path, wrong: list[str]) -> Iterator[Line]:
    """Yield the lines that can be taken; what is wrong with the others is added to `wrong`."""
    first: dict[str, int] = {}
    for number, row in _rows(file):
        try:
            line = _line(project, number, row)
            if line.phone in first:
                raise AwalError(f"this number stands in line {first[line.phone]} already. Take one of the two out.")
        except AwalError as error:
            wrong.append(f"{file.name}:{number}: {error}")
        else:
            first[line.phone] = number
            yield line


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows under the header, each with its line in the file."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AwalError(
            f"{file}: cannot be read as UTF-8 text ({type(error).__name__}). Save it as CSV, UTF-8."
        ) from None
    rows = table(text, file.name)
    names = [name.strip().lower() for name in next(rows, (1, []))[1]]
    unknown = sorted(set(names) - set(COLUMNS))
    if "phone" not in names or unknown:
        told = f"has the columns {', '.join(names) or 'none'}"
        raise AwalError(f"{file.name}:1: the header {told}. Write phone, and where known: {', '.join(COLUMNS[1:])}.")
    for line, row in rows:
        if any(cell.strip() for cell in row):
            over = "".join(row[len(names) :]).strip()
            yield line, {**dict(zip(names, map(_plain, row), strict=False)), OVER: over}


def _plain(cell: str) -> str:
    """Return a cell without what a spreadsheet puts around it, and without control characters."""
    return "".join(sign for sign in cell if sign.isprintable()).strip().removeprefix("'").strip()


def _line(project: Project, number: int, row: Mapping[str, str]) -> Line:
    if row[OVER]:
        raise AwalError(
            'the line has more cells than the header. Put a text that holds a comma or semicolon in "quotes".'
        )
    phone, language, place = row.get("phone", ""), row.get("language", ""), row.get("place", "")
    read = normalise(phone)
    if read is None:
        raise AwalError(f"{_shown(phone)} is no phone number. Write it as +212600000000 or 0600000000.")
    prefixes = tuple(project.settings.sending.prefixes)
    if prefixes and not read.startswith(prefixes):
        raise AwalError(
            f"{_shown(phone)} is no number that may be written to first ({', '.join(prefixes)}). "
            "Take it out, or add its prefix under [sending] prefixes."
        )
    if language and language not in TAGS:
        raise AwalError(f"{language!r} is no language. Write one of {', '.join(sorted(TAGS))}, or nothing.")
    if place and project.texts.places.get(place) is None:
        raise AwalError(f"{place!r} is no HCP code of a region, province or commune. Correct it, or leave it out.")
    return Line(number, read, language, place, row.get("proof", "")[:200])


def _shown(phone: str) -> str:
    """Return a number as it may be shown: its ends are enough to find it in the file."""
    return repr(phone if len(phone) < 7 else f"{phone[:4]}…{phone[-2:]}")
