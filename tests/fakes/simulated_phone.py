"""A demo gateway in a process of its own, a real Chromium, and hands and eyes for the phone on the first page."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.init import create

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
WAIT = 15_000
"""Milliseconds after which what has not appeared will not."""


@dataclass(frozen=True)
class Gateway:
    """A gateway that serves: its project, its address, its operator's password."""

    project: Path
    url: str
    password: str


@contextmanager
def served(project: Path) -> Iterator[Gateway]:
    """Make a demo project and serve it, as `awal init --demo` and `awal serve` do."""
    password = create(project, demo=True)
    command = [sys.executable, "-m", "gateway", "-C", str(project), "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout
        found = re.fullmatch(r"Awal is listening on (\S+)\n", process.stdout.readline())
        assert found, "the gateway did not start"
        yield Gateway(project, found[1], password)
    finally:
        process.terminate()
        process.communicate(timeout=30)


@contextmanager
def launched() -> Iterator[Any]:
    """Run Chromium, the distribution's own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Phone:
    """The phone on the page: `number` is the citizen's."""

    def __init__(self, gateway: Gateway, context: Any, number: str = "", path: str = "/") -> None:
        self.gateway = gateway
        self.errors: list[str] = []
        self.page = context.new_page()
        self.page.set_default_timeout(WAIT)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.goto(gateway.url + path)
        if number:
            self.citizen(number)

    def citizen(self, number: str) -> None:
        """Become another citizen."""
        self.page.fill("#number", number)
        self.page.press("#number", "Tab")

    @property
    def screen(self) -> str:
        """What the screen shows now; on SMS the newest message received."""
        if self.page.is_visible(".display .text"):
            return str(self.page.inner_text(".display .text"))
        return str(self.page.locator(".thread li:not(.mine)").last.inner_text())

    def press(self, key: str) -> None:
        self.page.click(f'[data-do="{key}"]')

    def keys(self, typed: str) -> None:
        """Type on the phone's own keys."""
        for key in typed:
            self.page.click(f'[data-key="{key}"]')

    def settled(self) -> str:
        """Wait for the gateway's screen."""
        self.page.locator(".display .text:not(.wait)").wait_for()
        return self.screen

    def dial(self, code: str = "") -> str:
        self.keys(code)
        self.press("call")
        return self.settled()

    def reply(self, text: str) -> str:
        """Write in the screen's field and send, as a visitor with a keyboard does."""
        self.page.fill("#entry", text)
        self.page.press("#entry", "Enter")
        return self.settled()

    def mode(self, name: str) -> None:
        self.page.click(f'[data-mode="{name}"]')

    def text(self, words: str) -> str:
        """Send an SMS and wait for what comes back."""
        before = self.page.locator(".thread li:not(.mine)").count()
        self.page.fill("#entry", words)
        self.page.press("#entry", "Enter")
        self.page.locator(".thread li:not(.mine)").nth(before).wait_for()
        return self.screen
