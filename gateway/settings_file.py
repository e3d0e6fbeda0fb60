"""`awal.toml` read into the table of settings; what is missing, unknown or wrong is refused with its remedy."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from flows.nearest import did_you_mean
from gateway.settings import (
    FILE,
    ID,
    KINDS,
    NAMED,
    SECTIONS,
    Section,
    Setting,
    Settings,
    SettingsError,
    describe,
    quoted,
)

_TYPES: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool, "list": tuple[str, ...]}


def load(directory: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read a project's `awal.toml`; raises SettingsError for what is missing, unknown or wrong in it."""
    path = directory / FILE
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        message = f"{path}: there is no project here. Make one with `awal init {directory}`, or name one with -C."
        raise SettingsError(message) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}). Check the file's owner and encoding.") from error
    return read(text, str(path), environ)


def read(text: str, file: str = FILE, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read settings from the text of an `awal.toml`; `file` names it in errors."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: is not TOML: {error}. Quote texts, and write each key once.") from error
    reader = _Reader(file, environ)
    parts: dict[str, Any] = {name: reader.part(name, value) for name, value in data.items()}
    return Settings(**parts)


class _Reader:
    """Turns TOML tables into sections; every refusal names the file and the key."""

    def __init__(self, file: str, environ: Mapping[str, str]) -> None:
        self.file = file
        self.environ = environ

    def refuse(self, where: str, wrong: str) -> SettingsError:
        return SettingsError(f"{self.file}: {where}: {wrong}")

    def part(self, name: str, value: object) -> Section | dict[str, Section]:
        """Read one top-level table, or a family of them."""
        if name not in SECTIONS:
            raise self.refuse(f"[{name}]", f"there is no such section. {did_you_mean(name, list(SECTIONS))}")
        if name not in NAMED:
            return self.section(f"[{name}]", SECTIONS[name], value)
        return {one: self.named(name, one, inner) for one, inner in self.mapping(f"[{name}]", value).items()}

    def named(self, family: str, name: str, value: object) -> Section:
        where = f"[{family}.{name}]"
        if not re.fullmatch(ID, name):
            raise self.refuse(where, f"{name!r} is no name. Use a-z, 0-9 and hyphens.")
        return self.section(where, SECTIONS[family], value)

    def mapping(self, where: str, value: object) -> dict[str, object]:
        if not isinstance(value, dict):
            raise self.refuse(where, f"must be a table, not {value!r}.")
        return value

    def section(self, where: str, kind: type[Section], value: object) -> Section:
        """Read one table into its struct."""
        given = self.mapping(where, value)
        rows = {row.name: row for row in describe(kind)}
        for name in given:
            if name not in rows:
                raise self.refuse(f"{where} {name}", f"there is no such setting. {did_you_mean(name, list(rows))}")
        for row in rows.values():
            if row.default is None and row.name not in given:
                raise self.refuse(where, f"{row.name} is missing. {row.help}")
        return kind(**{name: self.value(f"{where} {name}", rows[name], given[name]) for name in given})

    def value(self, where: str, row: Setting, value: object) -> object:
        """Read one value: the environment's where it says `env:NAME`, then its type, then what its note accepts."""
        named = isinstance(value, str) and value.startswith("env:")
        if named:
            value = self.environment(where, str(value)[4:], row)
        shown = "the value" if row.secret else quoted(value)
        try:
            typed = msgspec.convert(value, _TYPES[row.kind], strict=not named)
        except msgspec.ValidationError:
            raise self.refuse(where, f"{shown} is no {KINDS[row.kind]}.") from None
        wrong = _wrong(row, typed)
        if wrong:
            raise self.refuse(where, f"{shown} {wrong}")
        return typed

    def environment(self, where: str, name: str, row: Setting) -> object:
        if name not in self.environ:
            raise self.refuse(where, f"the environment has no {name}. Set it, or write the value here.")
        text = self.environ[name]
        return [part.strip() for part in text.split(",") if part.strip()] if row.kind == "list" else text


def _wrong(row: Setting, value: Any) -> str:
    """Return what a well-typed value still does wrong, with the remedy; empty when it is right."""
    note = row.note
    for one in value if row.kind == "list" else [value]:
        if note.choices and one not in note.choices:
            return f"is not known here. Use {' or '.join(note.choices)}."
        if note.pattern and not re.fullmatch(note.pattern, one):
            return f"is not of the form {note.hint}."
    if note.least is not None and value < note.least:
        return f"is too small; the least is {note.least:g}."
    if row.name == "quiet_hours" and value and value[:5] == value[6:]:
        return "ends when it begins. Leave it empty for no quiet hours."
    if row.name == "timezone" and not _is_timezone(value):
        return "is no timezone. Use a name such as Africa/Casablanca."
    return ""


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
