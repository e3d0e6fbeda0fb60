"""A project in one process, with citizens who wrote, a clock that only tests move, and a channel that answers."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from console_world import World
from werkzeug.security import generate_password_hash

from gateway.campaigns import telling
from gateway.campaigns.tick import tick
from gateway.clock import Wall
from gateway.sending.civil import Civil
from storage.store import Change, Citizen, InboundRow

CASABLANCA = Civil("Africa/Casablanca")
CAMPAIGN = """\
campaign: pilot
flow: water
start: 2026-11-24 09:00
rest: 0
"""


class Moved(Wall):
    """A clock that only tests move."""

    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> int:
        return self.at


class Campaigner:
    """A world with a campaign: citizens write, the clock is moved, the tick is made, the sender sends."""

    def __init__(self, folder: Path, settings: str = "", channel: str = "", campaign: str = CAMPAIGN) -> None:
        world = World(folder, flows=("water", "health"))
        world.project.close()
        path = folder / "awal.toml"
        limits = f'[channels.simulator]\nflow = "water"\nprice_sms = 0.5\n{channel}\n'
        operators = "".join(
            f'[operators.{name}]\npassword = "{generate_password_hash(name, method="scrypt:1024:8:1")}"\n'
            for name in ("amina", "brahim")
        )
        path.write_text(path.read_text().replace("[channels.simulator]\n", limits) + f"\n{settings}\n{operators}")
        (folder / "campaigns").mkdir()
        self.folder, self.world = folder, world
        self.file(campaign)
        self.watch = Moved(0)
        self.at("2026-11-23 10:00")
        self.open()

    @classmethod
    def again(cls, folder: Path, now: int) -> Campaigner:
        """Open a project that another process has made, at a moment."""
        made = cls.__new__(cls)
        made.folder, made.watch = folder, Moved(now)
        made.world = World.__new__(World)
        made.world.folder = folder
        made.open()
        made.world.messages = os.getpid() * 100_000  # no message id of an earlier process comes again
        return made

    def open(self) -> None:
        """Start the gateway, as after it was killed."""
        self.world.open()
        self.project = self.world.project
        self.project.watch = self.watch

    def close(self) -> None:
        self.project.close()

    def file(self, text: str, name: str = "pilot") -> None:
        (self.folder / "campaigns" / f"{name}.yaml").write_text(text)

    def at(self, civil: str) -> None:
        """Move the clock to a civil time, `2026-11-23 10:00`."""
        self.watch.at = int(datetime.fromisoformat(civil).replace(tzinfo=CASABLANCA.zone).timestamp() * 1000)

    def later(self, minutes: float) -> None:
        self.watch.at += int(minutes * 60_000)

    def phone(self, number: int) -> str:
        return f"+2126610{number:05d}"

    def pseudonym(self, number: int) -> str:
        return self.project.phones.pseudonym(self.phone(number))

    def wrote(self, count: int, mark: str = "5", first: int = 0) -> None:
        """Let citizens answer the water flow by USSD, in Oujda."""
        for number in range(first, first + count):
            self.world.water(mark, self.phone(number))

    def known(self, count: int, communes: Sequence[str]) -> None:
        """Let citizens be known who answered once: in French, spread over communes, at little cost."""
        for number in range(count):
            citizen, place = self.pseudonym(number), communes[number % len(communes)]
            id = f"known-{number}"
            row = InboundRow(id, "simulator", id, citizen, "ussd", "", self.watch.at)
            person = Citizen(citizen, "fr", consented_at=1, place=place)
            sealed = self.project.phones.seal(self.phone(number))
            self.project.store.accept(Change(inbound=row, reply=b"", citizen=person, reach=sealed))

    def preview(self, name: str = "pilot") -> dict[str, Any]:
        return dict(telling.previewed(self.project, name))

    def do(self, act: str, operator: str = "", name: str = "pilot") -> dict[str, Any]:
        return dict(telling.perform(self.project, act, name, operator))

    def status(self, name: str = "pilot") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(json.dumps(telling.status(self.project, name)))
        return found

    def tick(self) -> dict[str, Any]:
        """Let the clock's chores run once: conversations that waited too long are closed, then citizens are asked."""
        self.project.follower.look(self.project.clock())
        tick(self.project)
        return self.status()

    def asked(self) -> list[str]:
        """Return who was asked, in the order in which their messages were queued."""
        return [row.citizen for row in reversed(self.project.store.outbox(limit=10_000)) if row.kind == "campaign"]

    def answers(self, number: int) -> None:
        """Let a citizen answer a campaign to the end, by SMS."""
        for reply in ("1", "5", "Oujda"):
            self.world.sms(reply, self.phone(number))

    def send(self, most: int = 10_000) -> int:
        """Let the provider take what waits."""
        store, now, sent = self.project.store, self.project.clock(), 0
        while rows := store.claim_outbox("simulator", now, 60_000, min(100, most - sent)):
            for row in rows:
                store.finish_outbox(row.id, row.fence, "accepted", now, provider_id=f"p-{row.id}")
            sent += len(rows)
        return sent
