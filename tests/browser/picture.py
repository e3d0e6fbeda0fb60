"""Takes the picture of the phone that the README shows (`make picture`): a citizen before the results of 200 others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from simulated_phone import Gateway, Phone, launched, served

TARGET = Path(__file__).resolve().parents[2] / "docs" / "phone.png"
SIZE = {"width": 1180, "height": 866}


def main() -> None:
    """Serve a demo, have it rehearsed, dial, and take the picture."""
    with TemporaryDirectory() as folder, served(Path(folder) / "demo") as gateway, launched() as browser:
        subprocess.run(
            [sys.executable, "-m", "gateway", "-C", str(gateway.project), "rehearse", "200"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        take(gateway, browser.new_context(viewport=SIZE, color_scheme="light"))


def take(gateway: Gateway, context: object) -> None:
    """Walk to a question and keep what is seen."""
    phone = Phone(gateway, context, "+212612345678")
    phone.dial()
    for reply in ("3", "4", "1", "1", "2"):
        phone.reply(reply)
    phone.page.evaluate("window.scrollTo(0, 0)")
    TARGET.parent.mkdir(exist_ok=True)
    phone.page.screenshot(path=str(TARGET))


if __name__ == "__main__":
    main()
