"""Gettext files, read by Babel once and kept compiled, so that a start that finds nothing changed needs no Babel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from babel.messages.catalog import Message

_FORMAT = b"1"


class Entry(Struct, frozen=True, array_like=True):
    """One translation. `text` is empty where the translator has written nothing yet."""

    context: str
    source: str
    text: str
    fuzzy: bool = False
    obsolete: bool = False
    """No longer in the flow; kept for conversations pinned to the version that had it."""


class _Compiled(Struct, array_like=True):
    digest: bytes
    entries: tuple[Entry, ...]


_decoder = msgspec.msgpack.Decoder(_Compiled)


def entries(path: Path, cache: Path | None = None) -> tuple[Entry, ...]:
    """Return the entries of a `.po` file, from the cache folder when the file's content has not changed.

    Raises ValueError, naming the file, when it is no gettext file. A cache that cannot be read or written is
    done without.
    """
    content = path.read_bytes()
    digest = blake2b(_FORMAT + content, digest_size=16).digest()
    kept = cache / _cache_name(path) if cache else None
    if kept and (found := _restore(kept, digest)) is not None:
        return found
    parsed = tuple(_parse(content, path))
    if kept:
        _keep(kept, _Compiled(digest, parsed))
    return parsed


def _cache_name(path: Path) -> str:
    """Return one name per catalogue, so that the cache never holds more files than there are catalogues."""
    where = blake2b(os.fsencode(path.absolute()), digest_size=6).hexdigest()
    return f"{path.parent.parent.name}-{path.stem}-{where}.msgpack"


def _restore(kept: Path, digest: bytes) -> tuple[Entry, ...] | None:
    with suppress(OSError, msgspec.MsgspecError):
        compiled = _decoder.decode(kept.read_bytes())
        if compiled.digest == digest:
            return compiled.entries
    return None


def _keep(kept: Path, compiled: _Compiled) -> None:
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
        fresh.write_bytes(msgspec.msgpack.encode(compiled))
        fresh.replace(kept)


def _parse(content: bytes, path: Path) -> Iterator[Entry]:
    from babel.messages.pofile import PoFileError, read_po  # 60 ms, and needed only when a catalogue changed

    try:
        catalogue = read_po(BytesIO(content), charset="utf-8", abort_invalid=True)
    except (PoFileError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a gettext catalogue ({error}). Correct the line, or restore the file.") from None
    yield from (_entry(message, False) for message in catalogue if message.id)
    yield from (_entry(message, True) for message in catalogue.obsolete.values())


def _entry(message: Message, obsolete: bool) -> Entry:
    return Entry(message.context or "", _singular(message.id), _singular(message.string), message.fuzzy, obsolete)


def _singular(words: str | tuple[str, ...] | list[str] | None) -> str:
    """Return the text of a message; texts for citizens have no plural (see `locales.phrases`)."""
    return (words if isinstance(words, str) else (words or ("",))[0]) or ""
