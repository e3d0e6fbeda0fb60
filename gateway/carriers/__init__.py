"""How `awal sync` brings the national platform up to date: one module a carrier, each with `run`.

What needs the store happens in `gateway/control.py`, in the running gateway when there is one; what touches the
operator's files and terminal happens here, in the command.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class Options(Struct, frozen=True, kw_only=True):
    """What the operator asked of `awal sync`. Each carrier looks at what concerns it."""

    once: bool = False
    to: Path | None = None
    """Where files go; None for the current directory."""
    everything: bool = False
    """Send what is acknowledged too."""
