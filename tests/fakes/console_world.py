"""A project with its console and webhooks in this process, and a visitor who fills in its forms."""

from __future__ import annotations

import re
from pathlib import Path

from werkzeug.security import generate_password_hash
from werkzeug.test import Client, TestResponse

from gateway.app import create_app
from gateway.cli.init import create
from gateway.lane import Lane
from gateway.project import Project
from gateway.running import front

AMINA, BRAHIM = "+212611223344", "+212687654321"
TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


class Visitor(Client):
    """A browser without JavaScript."""

    def token(self, path: str = "/login") -> str:
        found = TOKEN.search(self.get(path).text)
        assert found, f"{path} has no form"
        return found[1]

    def send(self, path: str, seen: str = "/login", **fields: str) -> TestResponse:
        """Post a form with the token that the page `seen` carried."""
        return self.post(path, data={"csrf": self.token(seen), **fields})


class World:
    """The project, the application, and who visits it."""

    def __init__(self, folder: Path, demo: bool = True, flows: tuple[str, ...] = ("water",)) -> None:
        self.password = create(folder, demo=True)
        path = folder / "awal.toml"
        cheap = generate_password_hash(self.password, method="scrypt:1024:8:1")  # a real one takes a tenth of a second
        path.write_text(re.sub(r'^password = ".*"$', f'password = "{cheap}"', path.read_text(), flags=re.M))
        for file in (folder / "flows").iterdir():
            if file.name.partition(".")[0] not in flows:
                file.unlink()
        if not demo:
            self.edit(folder, "demo = true\n", "")
        self.folder = folder
        self.open()

    def open(self) -> None:
        """Bring the project to life, as a start of the gateway does."""
        self.project = Project(self.folder)
        self.app = create_app(self.project)
        self.lane = Lane(self.project.channels, self.project.conversations, note=self.project.note)
        self.messages = 0

    @staticmethod
    def edit(folder: Path, old: str, new: str) -> None:
        path = folder / "awal.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def visitor(self) -> Visitor:
        return Visitor(front(self.lane, self.app))

    def operator(self) -> Visitor:
        """A visitor who has signed in."""
        one = self.visitor()
        assert one.send("/login", password=self.password).status_code == 303
        return one

    def ussd(self, text: str, session: str, phone: str = AMINA, **more: str) -> str:
        self.messages += 1
        fields = {"id": f"u{self.messages}", "session": session, "phone": phone, "text": text, **more}
        return self._post("ussd", fields).text

    def sms(self, text: str, phone: str = AMINA) -> None:
        self.messages += 1
        answer = self._post("sms", {"id": f"s{self.messages}", "from": phone, "to": "212", "text": text})
        assert answer.status_code == 200

    def _post(self, route: str, fields: dict[str, str]) -> TestResponse:
        url = self.project.channels["simulator"].urls()[route]
        return self.visitor().post(url.removeprefix("http://127.0.0.1:8000"), data=fields)

    def deliver(self) -> None:
        """Do what the sender does."""
        store, now = self.project.store, self.project.clock()
        for row in store.claim_outbox("simulator", now, 60_000, 100):
            store.finish_outbox(row.id, row.fence, "accepted", now)

    def water(self, mark: str = "5", phone: str = AMINA) -> None:
        """A citizen answers the water flow in French."""
        session = f"water-{phone}"
        self.ussd("", session, phone, event="start")
        for reply in ("3", "1", "1", mark, *(["1"] if mark < "4" else []), "Oujda"):
            last = self.ussd(reply, session, phone)
        assert last.startswith("END Merci"), last
