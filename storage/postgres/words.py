"""Text on its way to PostgreSQL, which keeps every character but NUL, and a citizen may send any.

NUL goes as U+10FFFF and `0`, and U+10FFFF, which is no character, as U+10FFFF and `1`; so all comes back as it was.
"""

from __future__ import annotations

import msgspec

MARK = "\U0010ffff"
_MARK_UTF8 = MARK.encode()

encode = msgspec.json.Encoder().encode


def keepable(text: str) -> str:
    """Return the text as PostgreSQL can keep it."""
    if "\0" not in text and MARK not in text:
        return text
    return text.replace(MARK, MARK + "1").replace("\0", MARK + "0")


def restored(text: str) -> str:
    """Return the text as it was before `keepable`."""
    if MARK not in text:
        return text
    return text.replace(MARK + "0", "\0").replace(MARK + "1", MARK)


def document(value: object) -> bytes:
    """Return plain data as JSON that PostgreSQL can keep; bytes go as its hexadecimal text."""
    made = encode(value)
    if b"\\u0000" in made or _MARK_UTF8 in made:
        made = encode(_keepable(value))
    return made


def hexadecimal(data: bytes) -> str:
    """Return bytes as PostgreSQL reads them in a text."""
    return "\\x" + data.hex()


def _keepable(value: object) -> object:
    if isinstance(value, str):
        return keepable(value)
    if isinstance(value, dict):
        return {name: _keepable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_keepable(one) for one in value]
    return value
