"""The project's catalogues (`locales/<tag>/LC_MESSAGES/flows.po`), kept in step with its flows by Babel.

Babel finds, reads and writes the messages. The head of a file is ours: Babel writes a wrong Arabic plural rule and
knows no `zgh-Latn`. A translation is never guessed from words that look alike; where the words of a step change, its
translation is kept as a draft of the new ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from flows.errors import AwalError
from locales import extract as extractors
from locales.slots import slots, wrong_plurals
from locales.tags import PLURAL_HEADERS

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

DOMAIN = "flows"
KEYWORDS = {"pgettext": ((1, "c"), 2)}
"""Context and text, as `pybabel extract -k pgettext:1c,2` has them."""
Known = Callable[["Message"], tuple[str, bool]]
"""The words known for a new message, and whether they are only a draft."""


class CatalogueError(AwalError):
    """A catalogue cannot be read."""


class Tally(Struct, frozen=True):
    """What an update did to a catalogue."""

    kept: int
    new: int
    changed: int
    gone: int


def path_of(folder: Path, tag: str) -> Path:
    """Return the catalogue of a language in a folder of catalogues."""
    return folder / tag / "LC_MESSAGES" / f"{DOMAIN}.po"


def template(files: Iterable[Path], base: Path) -> Catalog:
    """Return the texts of flow files, with their places written from `base`."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract

    found = Catalog(charset="utf-8")
    for path in files:
        place = path.relative_to(base) if path.is_relative_to(base) else path
        with path.open("rb") as stream:
            finder: Any = extractors.flows  # Babel's own types leave no room for a context
            for line, text, notes, context in extract(finder, stream, KEYWORDS):
                found.add(text, locations=[(str(place), line)], auto_comments=notes, context=context)
    for message in found:
        message.flags.discard("python-format")  # `50 % des` is no format
    return found


def read(path: Path) -> Catalog:
    """Return a catalogue; raises CatalogueError with the line that is wrong."""
    from babel.messages.pofile import PoFileError, read_po

    try:
        return read_po(BytesIO(path.read_bytes()), charset="utf-8", abort_invalid=True)
    except PoFileError as error:
        line = (error.lineno or 0) + 1
        raise CatalogueError(f"{path}:{line}: is no gettext: {error}. Correct the line, or restore the file.") from None
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{path}: is not UTF-8 (byte {error.start}). Save it in UTF-8.") from None
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read: {error.strerror}. Check the name and its owner.") from None


def updated(old: Catalog, template: Catalog, known: Known) -> tuple[Catalog, Tally]:
    """Return a catalogue with the template's texts and the old one's translations, and what was done."""
    from babel.messages.catalog import Catalog

    fresh = Catalog(charset="utf-8")
    before = {_key(message): message for message in (*old.obsolete.values(), *_messages(old))}
    by_context = {message.context: message for message in _messages(old)}
    new = changed = 0
    for message in _messages(template):
        known_before = before.pop(_key(message), None)
        if known_before is not None:
            _put(fresh, message, known_before)
            continue
        earlier = by_context.get(message.context)
        if earlier is not None and earlier.string and not isinstance(earlier.string, tuple):
            changed += 1
            _put(fresh, message, earlier, previous=earlier.id)
        else:
            new += 1
            words, draft = known(message)
            _put(fresh, message, None, words=words, draft=draft)
    left = {message.context for message in _messages(old)} - {message.context for message in _messages(template)}
    fresh.obsolete.update((_index(one), one) for one in before.values() if one.string)
    return fresh, Tally(len(_messages(fresh)) - new - changed, new, changed, len(left))


def put(catalog: Catalog, context: str, source: str, words: str, *, fuzzy: bool, review: str = "") -> None:
    """Write the words of one text; who has reviewed them stands above, and only for these very words."""
    message = catalog.get(source, context)
    if message is None:
        raise LookupError(f"no message {context!r}")
    message.string = words
    message.previous_id = []
    message.flags.discard("fuzzy")
    if fuzzy:
        message.flags.add("fuzzy")
    notes = [note for note in message.user_comments if not note.startswith("reviewed by ")]
    message.user_comments = [*notes, review] if review else notes


def _put(
    catalog: Catalog,
    message: Message,
    old: Message | None,
    *,
    previous: object = None,
    words: str = "",
    draft: bool = False,
) -> None:
    """Add a template's message with what was known of it; words of an earlier text are a draft."""
    flags = {flag for flag in (old.flags if old else ()) if flag != "python-format"}
    if previous or draft:
        flags.add("fuzzy")
    was = list(old.previous_id) if old else []
    catalog.add(
        message.id,
        old.string if old else words,
        locations=message.locations,
        flags=flags,
        auto_comments=message.auto_comments,
        user_comments=old.user_comments if old else (),
        previous_id=[str(previous)] if previous else was,
        context=message.context,
    )


def _messages(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def _key(message: Message) -> tuple[str, str]:
    return message.context or "", str(message.id)


def _index(message: Message) -> Any:
    """Return the key that Babel itself keeps a message under."""
    return (message.id, message.context) if message.context else message.id


# files ---------------------------------------------------------------------------------------------------------
_HEAD = """\
msgid ""
msgstr ""
"Project-Id-Version: awal\\n"
"Language: \\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: \\n"
"""
_ENTRY = re.compile(r'(?:#[^\n]*\n)*msgid ""\nmsgstr ""\n(?:"[^\n]*\n?)*')


def written(catalog: Catalog, tag: str, before: str = "", *, previous: bool = False) -> str:
    """Return the text of a catalogue file; the head of the file as it was `before` stays, its language set right.

    An empty `tag` makes a template. With `previous`, a text that changed keeps its earlier words in a comment.
    """
    from babel.messages.pofile import write_po

    stream = BytesIO()
    write_po(stream, catalog, width=0, omit_header=True, include_previous=previous)
    return f"{_head(before, tag)}\n{stream.getvalue().decode().strip()}\n"


def _head(before: str, tag: str) -> str:
    found = _ENTRY.match(before)
    head = found[0].rstrip("\n") + "\n" if found else _HEAD
    for name, value in (("Language", tag), ("Plural-Forms", PLURAL_HEADERS.get(tag, ""))):
        line = f'"{name}: {value}\\n"'
        pattern = re.compile(rf'^"{name}:.*(?:\n"(?!\w+-?[\w-]*:).*)*$', re.MULTILINE)
        if not value:
            head = pattern.sub("", head).replace("\n\n", "\n")
        elif pattern.search(head):
            head = pattern.sub(lambda _, line=line: line, head, count=1)  # type: ignore[misc]
        else:
            head += line + "\n"
    return head


def problems(path: Path, tag: str) -> Iterator[str]:
    """Yield what is wrong with a catalogue, each with line and remedy; raises CatalogueError where it is no gettext."""
    catalog = read(path)
    wanted = re.sub(r"\s", "", PLURAL_HEADERS.get(tag, ""))
    given = re.search(r'Plural-Forms: *(.*?)\\n"', path.read_text("utf-8").replace('"\n"', ""))
    if given and re.sub(r"\s", "", given[1]) != wanted:
        yield f"{path}:1: the plural rule is not that of '{tag}'. Write \"Plural-Forms: {PLURAL_HEADERS[tag]}\\n\"."
    for message in _messages(catalog):
        for source, words in zip(_forms(message.id), _forms(message.string), strict=False):
            if words and slots(source) != slots(words):
                keep = braced(slots(source))
                yield f"{path}:{message.lineno}: {words!r} has other slots than {source!r}. Keep {keep}."
            for wrong, remedy in wrong_plurals(words, tag):
                yield f"{path}:{message.lineno}: in {words!r} {wrong}. {remedy}."


def _forms(words: object) -> tuple[str, ...]:
    return tuple(map(str, words)) if isinstance(words, list | tuple) else (str(words or ""),)


def braced(names: Iterable[str]) -> str:
    """Return the names of slots as a text writes them."""
    return " ".join(f"{{{name}}}" for name in sorted(names)) or "no slot"


def machine(path: Path) -> bytes:
    """Return a catalogue as the `.mo` that other gettext programs read; drafts are left out."""
    from babel.messages.mofile import write_mo

    stream = BytesIO()
    write_mo(stream, read(path))
    return stream.getvalue()
