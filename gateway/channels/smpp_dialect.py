"""What an operator's SMSC understands by USSD over SMPP: operations, the session's parameter, codings, in YAML.

Shipped dialects are in `dialects/`; a project's own one is a YAML file. It must say everything: nothing is guessed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from flows.nearest import did_you_mean
from gateway.settings import SettingsError

SHIPPED = Path(__file__).with_name("dialects")
TAGS = {"user_message_reference": 0x0204, "its_session_info": 0x1383}
RECEIPT_IDS = ("same", "hex", "decimal")


class Dialect(Struct, frozen=True):
    """One dialect, read and found sound."""

    begin: frozenset[int]
    reply: frozenset[int]
    abort: frozenset[int]
    go_on: int
    end: int
    session_tag: int
    session_mask: int
    end_bit: int
    service_type: str
    gsm: int
    ucs2: int
    receipt_id: str


SHAPE: dict[str, Any] = {
    "operations": {"begin": [int], "reply": [int], "abort": [int], "continue": int, "end": int},
    "session": {"tlv": object, "mask": int, "end_bit": int},
    "service_type": str,
    "codings": {"gsm": int, "ucs2": int},
    "receipt_id": str,
}
"""Every key of a dialect, and what it holds."""
MOST = {"mask": 0xFFFF, "end_bit": 0xFFFF, "tlv": 0xFFFF}
"""The largest number of a key; of all others it is one octet."""


def named(name: str, project: Path | None = None) -> Dialect:
    """Return the shipped dialect of that name (`smpp34` for none), or the one in a YAML file of the project.

    Raises SettingsError naming file, line and remedy.
    """
    shipped = sorted(path.stem for path in SHIPPED.glob("*.yaml"))
    if not name.endswith((".yaml", ".yml")):
        if (name or "smpp34") not in shipped:
            raise SettingsError(f"{name!r} is no shipped dialect and no YAML file. {did_you_mean(name, shipped)}")
        return read(SHIPPED / f"{name or 'smpp34'}.yaml")
    return read((project or Path()) / name)


def read(path: Path) -> Dialect:
    """Return the dialect in a file."""
    import yaml

    try:
        root = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({type(error).__name__}). Copy {SHIPPED}/smpp34.yaml.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise SettingsError(f"{path}:{line}: is no YAML. Compare it with {SHIPPED}/smpp34.yaml.") from None
    found = _walk(path, root, SHAPE, "")
    operations, session = found["operations"], found["session"]
    return Dialect(
        begin=frozenset(operations["begin"]),
        reply=frozenset(operations["reply"]),
        abort=frozenset(operations["abort"]),
        go_on=operations["continue"],
        end=operations["end"],
        session_tag=session["tlv"],
        session_mask=session["mask"],
        end_bit=session["end_bit"],
        service_type=found["service_type"],
        gsm=found["codings"]["gsm"],
        ucs2=found["codings"]["ucs2"],
        receipt_id=found["receipt_id"],
    )


def _walk(path: Path, node: Any, shape: dict[str, Any], within: str) -> dict[str, Any]:
    """Return the values of a mapping that has exactly the keys of its shape."""
    if node is None or node.id != "mapping":
        raise _wrong(path, node, f"{within or 'the dialect'} is no mapping. Compare it with {SHIPPED}/smpp34.yaml.")
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = str(key.value)
        if name not in shape:
            raise _wrong(path, key, f"{name!r} is no key of {within or 'a dialect'}. {did_you_mean(name, list(shape))}")
        if name in found:
            raise _wrong(path, key, f"{name!r} is there twice. Keep one.")
        kind = shape[name]
        found[name] = _walk(path, value, kind, name) if isinstance(kind, dict) else _value(path, name, value, kind)
    missing = [name for name in shape if name not in found]
    if missing:
        told = f"{', '.join(missing)} missing in {within or 'the dialect'}. Copy the line from {SHIPPED}/smpp34.yaml."
        raise _wrong(path, node, told)
    return found


def _value(path: Path, name: str, node: Any, kind: Any) -> Any:
    if isinstance(kind, list):
        if node.id != "sequence":
            raise _wrong(path, node, f"{name} is no list. Write it as [1, 18].")
        return [_value(path, name, one, kind[0]) for one in node.value]
    told = node.value if node.id == "scalar" else ""
    if name == "tlv" and told in TAGS:
        return TAGS[told]
    if kind is str:
        if name == "receipt_id" and told not in RECEIPT_IDS:
            raise _wrong(path, node, f"{name} is {told!r}. Write one of {', '.join(RECEIPT_IDS)}.")
        if node.id != "scalar" or (name == "service_type" and not (told.isascii() and len(told) <= 5)):
            raise _wrong(path, node, f"{name} is {told!r}. Write at most five letters.")
        return told
    try:
        number = int(told, 0)
    except ValueError:
        number = -1
    if not 0 <= number <= MOST.get(name, 0xFF):
        names = f", or one of {', '.join(TAGS)}" if name == "tlv" else ""
        raise _wrong(path, node, f"{name} is {told!r}. Write a number from 0 to {MOST.get(name, 0xFF)}{names}.")
    return number


def _wrong(path: Path, node: Any, told: str) -> SettingsError:
    line = node.start_mark.line + 1 if node is not None else 1
    return SettingsError(f"{path}:{line}: {told}")
