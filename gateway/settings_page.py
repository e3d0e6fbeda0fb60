"""The table of settings as a page for people, `gateway/settings.md`; and which settings nothing uses yet."""

from __future__ import annotations

import msgspec

from gateway.settings import KINDS, SECTIONS, Channel, Setting, describe

INTRODUCTION = """\
This page is made from the table in `settings.py` (`make docs`); a test keeps the two in step. A value `env:NAME` is
read from the environment variable NAME. An unknown name is refused, with the nearest known one."""

PRICES = {"price_sms", "price_in", "price_ussd", "currency"}
"""The settings of a channel that `awal budget` reads, and no adapter."""


def markdown() -> str:
    """Return the documentation of every setting, as kept in `gateway/settings.md`."""
    lines = ["# Settings: `awal.toml`", "", INTRODUCTION]
    for section in SECTIONS.values():
        purpose = (section.__doc__ or "").strip().splitlines()[0]
        lines += ["", f"## `[{section.title}]`", "", purpose, "", "| setting | kind | default | what it does |"]
        lines += ["|---|---|---|---|"] + [_line(row) for row in describe(section)]
    return "\n".join(lines) + "\n"


def _line(row: Setting) -> str:
    later = " **Not used yet.**" if row.section == Channel.title and row.name in unused() else ""
    default = "required" if row.default is None else f"`{msgspec.json.encode(row.default).decode()}`"
    accepts = f" One of {', '.join(f'`{choice}`' for choice in row.note.choices)}." if row.note.choices else ""
    accepts += f" Form: {row.note.hint}." if row.note.hint else ""
    kind = KINDS[row.kind] + (", secret" if row.secret else "")
    return f"| `{row.name}` | {kind} | {default} | {row.help}{accepts}{later} |"


def unused() -> set[str]:
    """Return the settings of a channel that no adapter uses yet."""
    from gateway.channels.base import Settings as Used

    return {row.name for row in describe(Channel)} - set(Used.__struct_fields__) - PRICES
