"""Citizens who dial by script, a gateway in this process, and an oracle: what each of them should see and have kept."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from werkzeug.datastructures import MultiDict

from gateway.channels.base import Received
from gateway.cli.init import create
from gateway.project import Project
from storage.memory import MemoryStore
from storage.store import Store

SERVICE = "*384*1#"
Script = tuple[str, ...]
"""What one citizen types, from the language to the last answer of the flow on water."""


@dataclass(frozen=True)
class Expected:
    """What a script shows after each of its inputs (the first screen before any), and the answers kept then."""

    screens: tuple[bytes, ...]
    answers: tuple[dict[str, object], ...]


def a_script(chance: random.Random) -> Script:
    """Return one of some hundred ways through the flow on water."""
    supply = chance.choice([("1",), ("2", str(chance.randrange(6)))])
    mark = chance.randint(1, 5)
    problem = (str(chance.randint(1, 5)),) if mark <= 2 else ()
    return (chance.choice("123"), "4", "1", *supply, str(mark), *problem, "Oujda")


def path_of(script: Script, step: int) -> str:
    """Return the whole path a provider sends once `step` inputs were given."""
    return "*".join(script[:step])


def made(folder: Path, settings: Callable[[str], str] = lambda text: text) -> Path:
    """Make a demo project that can reach no provider; `settings` may change its file."""
    create(folder, demo=True)
    file = folder / "awal.toml"
    nowhere = re.sub(
        r'type = "(africastalking|twilio)"', r'type = "\1"\napi_url = "http://127.0.0.1:9"', file.read_text()
    )
    file.write_text(settings(nowhere))
    return folder


class Desk:
    """A gateway in this process: what its citizens dial goes in as the provider's callback, with an injected clock."""

    def __init__(self, folder: Path, store: Store | None = None, now: int = 1_795_420_800_000) -> None:
        self.now = now
        self.project = Project(made(folder))
        self.project.clock = lambda: self.now  # type: ignore[method-assign]
        if store is not None:
            self.project.__dict__["store"] = store
        self.channel = self.project.channels["at"]
        self.take = self.project.conversations.take
        self.store = self.project.store

    def dialled(self, phone: str, session: str, path: str) -> Received:
        """Return the inbound of one USSD callback."""
        fields = {"sessionId": session, "phoneNumber": phone, "serviceCode": SERVICE, "text": path}
        received = self.channel.dialled(MultiDict(fields))  # type: ignore[attr-defined]
        assert isinstance(received, Received)
        return received

    def ask(self, phone: str, session: str, path: str) -> bytes:
        """Deliver one USSD callback and return the screen."""
        return self.take(self.channel, self.dialled(phone, session, path))

    def pseudonym(self, phone: str) -> str:
        """Return under which name a phone is kept."""
        return self.project.phones.pseudonym(phone)

    def close(self) -> None:
        self.project.close()


@contextmanager
def oracle() -> Iterator[Callable[[Script], Expected]]:
    """Return `expected(script)`: the walk of one citizen alone, on plain dicts, where nothing fails or repeats."""
    with TemporaryDirectory() as folder:
        store = MemoryStore()
        desk = Desk(Path(folder) / "demo", store)

        @cache
        def expected(script: Script) -> Expected:
            phone = f"+2127{abs(hash(script)) % 10**8:08d}"
            screens, answers = [], []
            for step in range(len(script) + 1):
                screens.append(desk.ask(phone, f"oracle-{script}", path_of(script, step)))
                answers.append(kept_of(store, desk.pseudonym(phone)).get(desk.pseudonym(phone), {}))
            assert screens[-1].startswith(b"END"), screens[-1]
            store.erase(desk.pseudonym(phone), desk.now)
            return Expected(tuple(screens), tuple(answers))

        yield expected
        desk.close()


def kept_of(store: Store, only: str = "") -> dict[str, dict[str, object]]:
    """Return every citizen's answers by step; no step may be there twice."""
    found: dict[str, dict[str, object]] = {}
    for row in store.answers():
        if only in ("", row.citizen):
            assert row.step not in found.setdefault(row.citizen, {}), f"{row.citizen} has {row.step} twice"
            found[row.citizen][row.step] = row.value
    return found
