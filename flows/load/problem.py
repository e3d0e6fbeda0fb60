"""What `awal check` says: problems, each with the code that documents it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Level = Literal["error", "warning"]
MAX_PROBLEMS = 200
"""More problems than this in one file are one problem: it is no flow. The last one listed says so."""


class Code(Struct, frozen=True):
    """A kind of problem: its stable code, its short name, its level, and one line for the documentation."""

    code: str
    name: str
    level: Level
    doc: str


CODES: dict[str, Code] = {}
"""Every code by itself, in the order of the documentation. Loader and checker register theirs on import."""


def code(code: str, name: str, doc: str, level: Level = "error") -> Code:
    """Register a kind of problem and return it; a code is never given twice."""
    if code in CODES:
        raise ValueError(f"the code {code} is taken by {CODES[code].name}")
    CODES[code] = Code(code, name, level, doc)
    return CODES[code]


class Problem(Struct, frozen=True):
    """One thing wrong in one place: what, and what to do about it. Both are whole sentences on one line."""

    file: str
    line: int
    code: str
    level: Level
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.code}: {self.message} {self.remedy}"

    def line_text(self) -> str:
        """Return the line that `awal check` prints: `file:line: CODE: what is wrong. What to do.`"""
        return str(self)

    def as_json(self) -> dict[str, str | int]:
        """Return the object that `awal check --json` lists; its message holds the remedy."""
        return {
            "file": self.file,
            "line": self.line,
            "code": self.code,
            "level": self.level,
            "message": f"{self.message} {self.remedy}",
        }


class Refused(Exception):
    """A value the loader cannot take; caught by the reader of the map around it, which goes on with the next key."""

    def __init__(self, code: Code, line: int, message: str, remedy: str) -> None:
        super().__init__(message)
        self.code, self.line, self.message, self.remedy = code, line, message, remedy


class Notes:
    """Collects the problems of one file, and the line of each thing a later check may have to point at.

    `lines` knows `step`, `step/option` (deeper: `step/key/key`), `step#key` and `step/option#key` for the keys that
    are written out, and `#key` for the header.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.lines: dict[str, int] = {}

    def add(self, code: Code, line: int, message: str, remedy: str) -> None:
        """Keep one problem, up to `MAX_PROBLEMS`; the two sentences get their full stops here."""
        if self.full:
            return
        if len(self.problems) == MAX_PROBLEMS - 1:
            message = f"{message}, and there are more problems than can be listed"
        self.problems.append(Problem(self.file, line, code.code, code.level, sentence(message), sentence(remedy)))

    @property
    def full(self) -> bool:
        """True when nothing more is listed, so that nothing more need be looked at."""
        return len(self.problems) >= MAX_PROBLEMS

    def refuse(self, refused: Refused) -> None:
        """Keep what a reader refused."""
        self.add(refused.code, refused.line, refused.message, refused.remedy)

    @property
    def in_order(self) -> tuple[Problem, ...]:
        """The problems by line, each once."""
        return tuple(sorted(dict.fromkeys(self.problems), key=lambda one: (one.line, one.code)))


def sentence(text: str) -> str:
    """Return `text` on one line, ended by a full stop or a question mark."""
    flat = " ".join(text.split())
    return flat if flat.endswith((".", "?")) else f"{flat}."


def quoted(value: str, room: int = 40) -> str:
    """Return a value as a message shows it: short, on one line, with nothing invisible left in it."""
    shown = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in value)
    return f"'{shown}'" if len(shown) <= room else f"'{shown[: room - 1]}…'"


def listed(words: Iterable[str]) -> str:
    """Return words as a remedy lists them."""
    return ", ".join(words)
