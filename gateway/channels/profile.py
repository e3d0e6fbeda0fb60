"""Profiles of `ussd-http`: how one operator's gateway words its requests, and what it wants to hear.

A profile is a YAML file, shipped in `profiles/` or the project's own. `read` refuses what it does not know, with file,
line and remedy; what it has read can be served without looking at it again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from xml.parsers.expat import ExpatError, ParserCreate

from msgspec import Struct

from flows.nearest import did_you_mean
from gateway.settings import SettingsError

if TYPE_CHECKING:
    from flows.load.nodes import Node

SHIPPED = Path(__file__).parent / "profiles"
MOST_BYTES = 64 * 1024
TYPES = (
    "text/plain",
    "text/html",
    "text/xml",
    "application/xml",
    "application/xhtml+xml",
    "application/vnd.wap.xhtml+xml",
    "application/json",
)
REQUEST = ("phone", "session", "text", "inputs", "id", "turn", "service", "network", "new")
ANSWER = ("type", "continue", "end", "header", "links", "template")
SLOTS = ("text", "mark", "form")
SLOT = re.compile(r"\{([A-Za-z_]+)\}")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


class Request(Struct, frozen=True, kw_only=True):
    """The names of an operator's parameters. `all` where `text` holds every input so far, joined by stars."""

    phone: str
    session: str
    text: str
    all: bool
    id: str = ""
    """The parameter that tells one request from another; `none` where the operator has none."""
    turn: str = ""
    """The parameter that our own links carry, for the same purpose."""
    service: str = ""
    network: str = ""
    new: tuple[str, str] = ("", "")
    """The parameter and its value that say that the session begins."""


class Answer(Struct, frozen=True, kw_only=True):
    """What the operator wants to hear: `template` with `{text}`, and `{mark}` or a header that says whether it ends."""

    type: str
    template: str
    goes_on: str = ""
    ends: str = ""
    header: str = ""
    links: bool = False


class Profile(Struct, frozen=True, kw_only=True):
    """One operator's way."""

    request: Request
    answer: Answer


def find(name: str) -> Profile:
    """Return a shipped profile by its name, or the one in a YAML file; raises SettingsError."""
    if name.endswith((".yaml", ".yml")):
        return read(_text(Path(name)), name)
    shipped = sorted(one.stem for one in SHIPPED.glob("*.yaml"))
    if name not in shipped:
        raise SettingsError(f"{name!r} is no shipped profile and no YAML file. {did_you_mean(name, shipped)}")
    path = SHIPPED / f"{name}.yaml"
    return read(_text(path), path.name)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise SettingsError(f"{path}: is larger than {MOST_BYTES} bytes. A profile is a page at most.")
        return raw.decode("utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}. Check the name and its owner.") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 (byte {error.start}). Save it in UTF-8.") from None


def read(text: str, file: str) -> Profile:
    """Return the profile that `text` describes; raises SettingsError with file, line and remedy."""
    from flows.load.nodes import compose
    from flows.load.problem import Notes

    notes = Notes(file)
    root = compose(text, notes)
    if notes.problems:
        raise SettingsError(str(notes.in_order[0]))
    reader = _Reader(file)
    top = reader.map(root, ("request", "answer"))
    request = reader.request(reader.map(top.get("request"), REQUEST, "request", root))
    return Profile(request=request, answer=reader.answer(reader.map(top.get("answer"), ANSWER, "answer", root)))


class _Keys(Struct):
    """The keys of one map, and the line it stands on."""

    name: str
    line: int
    nodes: dict[str, Node]

    def get(self, key: str) -> Node | None:
        return self.nodes.get(key)


class _Reader:
    """Turns nodes into a profile; every complaint names the line and the remedy."""

    def __init__(self, file: str) -> None:
        self.file = file

    def error(self, line: int, wrong: str, remedy: str) -> SettingsError:
        return SettingsError(f"{self.file}:{line}: {wrong}. {remedy.rstrip('.')}.")

    def map(self, node: Node | None, known: tuple[str, ...], name: str = "", parent: Node | None = None) -> _Keys:
        from flows.load.nodes import Map

        if not isinstance(node, Map):
            line = node.line if node else parent.line if parent else 1
            raise self.error(line, f"{name or 'the profile'} is no map of keys", f"Write {', '.join(known)}")
        for key, _ in node.pairs.values():
            if key.text not in known:
                raise self.error(key.line, f"unknown key {key.text[:40]!r}", did_you_mean(key.text, known))
        return _Keys(name, node.line, {key: value for key, (_, value) in node.pairs.items()})

    def word(self, keys: _Keys, key: str, *, needed: bool = False) -> str:
        """Return a text, maybe empty where it is not needed."""
        from flows.load.nodes import Scalar

        node = keys.get(key)
        if node is None and not needed:
            return ""
        if not isinstance(node, Scalar) or (needed and not node.text):
            line = node.line if node else keys.line
            raise self.error(line, f"{keys.name} needs `{key}`, one word or text", f"Write `{key}: …`")
        return node.text

    def name(self, keys: _Keys, key: str, *, needed: bool = False) -> str:
        """Return the name of a parameter or header."""
        found = self.word(keys, key, needed=needed)
        if found and not NAME.fullmatch(found):
            line = self.line(keys, key)
            raise self.error(
                line, f"`{key}: {found[:40]}` is no name", "Use letters, digits, point, hyphen, underscore"
            )
        return found

    def one_of(self, keys: _Keys, key: str, known: tuple[str, ...]) -> str:
        found = self.word(keys, key, needed=True)
        if found not in known:
            raise self.error(self.line(keys, key), f"`{key}: {found[:40]}` is not known", did_you_mean(found, known))
        return found

    def line(self, keys: _Keys, key: str) -> int:
        node = keys.get(key)
        return node.line if node else keys.line

    def request(self, keys: _Keys) -> Request:
        """Read the parameters; one name serves one purpose."""
        names = {key: self.name(keys, key, needed=True) for key in ("phone", "session", "text")}
        names |= {key: self.name(keys, key) for key in ("id", "turn", "service", "network")}
        every = self.one_of(keys, "inputs", ("all", "last")) == "all"
        used: dict[str, str] = {}
        for key, name in names.items():
            if name and name in used:
                raise self.error(self.line(keys, key), f"{name!r} is both {used[name]} and {key}", "Name another one")
            used[name] = key
        if not every and not names["id"] and not names["turn"]:
            wrong = "`inputs: last` without `id`: the same input twice could not be told from a repeated request"
            raise self.error(keys.line, wrong, "Name the parameter that numbers requests, or write `id: none`")
        return Request(**names, all=every, new=self.new(keys))

    def new(self, keys: _Keys) -> tuple[str, str]:
        if keys.get("new") is None:
            return "", ""
        marker = self.map(keys.get("new"), ("name", "value"), "new")
        return self.name(marker, "name", needed=True), self.word(marker, "value", needed=True)

    def answer(self, keys: _Keys) -> Answer:
        """Read what is answered; it must say, in one way or another, whether the session goes on."""
        kind = self.one_of(keys, "type", TYPES)
        links = bool(self.word(keys, "links")) and self.one_of(keys, "links", ("yes", "no")) == "yes"
        marks = [self.word(keys, key, needed=not links) for key in ("continue", "end")]
        found = Answer(
            type=kind,
            template=self.word(keys, "template", needed=True),
            goes_on=marks[0],
            ends=marks[1],
            header=self.name(keys, "header"),
            links=links,
        )
        self.sound(found, keys)
        return found

    def sound(self, answer: Answer, keys: _Keys) -> None:
        """Refuse an answer that shows no text, never says whether it ends, or is no document."""
        line, slots = self.line(keys, "template"), SLOT.findall(answer.template)
        for slot in slots:
            if slot not in SLOTS:
                raise self.error(line, f"unknown place {{{slot}}} in the template", did_you_mean(slot, SLOTS))
        if "text" not in slots:
            raise self.error(line, "the template shows no {text}", "Write {text} where the screen goes")
        if answer.links and "form" not in slots:
            raise self.error(line, "the template has no {form}", "Write {form} where a citizen may type any reply")
        if not answer.links and ("mark" not in slots) == (not answer.header):
            wrong = "the answer must say once whether the session goes on"
            raise self.error(line, wrong, "Write {mark} in the template, or name a `header`")
        if answer.links and answer.type in ("text/plain", "application/json"):
            raise self.error(self.line(keys, "links"), f"{answer.type} has no links", "Use application/xhtml+xml")
        if not answer.header.isascii() or any(not one.isprintable() for one in answer.goes_on + answer.ends):
            raise self.error(keys.line, "a mark has characters that cannot be seen", "Write it in plain letters")
        if answer.header and not (answer.goes_on + answer.ends).isascii():
            raise self.error(keys.line, "a header carries plain letters only", "Write the marks in ASCII")
        if "xml" in answer.type:
            self.document(fill(answer.template, dict.fromkeys(SLOTS, "")), line)

    def document(self, text: str, line: int) -> None:
        try:
            ParserCreate().Parse(text.encode(), True)
        except ExpatError as error:
            raise self.error(
                line, f"the template is no XML ({error})", "Close every element, quote attributes"
            ) from None


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return the template with its places filled, each once: what a citizen reads is never filled again."""
    return SLOT.sub(lambda found: values[found[1]], template)
