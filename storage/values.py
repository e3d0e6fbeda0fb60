"""An answer's value as two plain columns, so that a count needs no parsing and nothing is lost on the way back."""

from __future__ import annotations

from typing import Literal

import msgspec

from flows.model import Value

Kind = Literal["text", "integer", "decimal", "list"]


def to_columns(value: Value) -> tuple[Kind, str]:
    """Return the value's kind and its text; only a list is written as JSON."""
    if isinstance(value, str):
        return "text", value
    if isinstance(value, list):
        return "list", msgspec.json.encode(value).decode()
    if isinstance(value, int):
        return "integer", str(int(value))
    return "decimal", repr(value)


def from_columns(kind: str, text: str) -> Value:
    """Return the value that `to_columns` took apart."""
    if kind == "integer":
        return int(text)
    if kind == "decimal":
        return float(text)
    if kind == "list":
        return msgspec.json.decode(text, type=list[str])
    return text
