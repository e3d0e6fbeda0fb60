"""The real gammu-smsd with its dummy phone: a modem on which SMS arrive by dropping a file."""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from gateway.modem import Plan, phone, setup

SMSC = "123456"
"""The number that the dummy phone gives its SMSC."""
CODINGS = {True: "Default_No_Compression", False: "Unicode_No_Compression"}


def awaited(condition: Callable[[], Any], told: str, seconds: float = 20.0) -> Any:
    """Return what `condition` gives once it is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"never happened: {told}")


class Modem:
    """The files of one modem, as `awal modem setup --dummy` writes them, and the daemon while it runs."""

    def __init__(self, folder: Path, *, written: bool = False) -> None:
        self.plan = Plan(name="modem", database=folder / "smsd.db", dummy=True)
        if not written:
            setup(self.plan)
        self.database = self.plan.database
        self.process: subprocess.Popen[bytes] | None = None
        self.slots = itertools.count(1)

    def start(self) -> None:
        """Run the daemon."""
        self.process = subprocess.Popen(
            ["gammu-smsd", "-c", str(self.plan.config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"TZ": "UTC"},
        )
        awaited(lambda: self.rows("SELECT 1 FROM phones"), "gammu-smsd has seen its phone")

    def stop(self, kill: bool = False) -> None:
        """End the daemon, politely or not."""
        if self.process is None:
            return
        self.process.kill() if kill else self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Look into the daemon's database, or change it as the daemon would."""
        with closing(sqlite3.connect(self.database, timeout=10)) as connection, connection:
            return connection.execute(sql, values).fetchall()

    def arrives(self, text: str, sender: str = "+212612345678", udh: str = "", pdu: str = "Deliver") -> None:
        """Let the network bring an SMS, or with `Status_Report` the news that the last one arrived."""
        digits = text.encode("utf-16-be").hex().upper()
        lines = {
            "PDU": pdu,
            "SMSC": f'"{SMSC}"',
            "Sent": time.strftime("%Y%m%dT%H%M%S", time.gmtime()),
            "State": "UnRead",
            "Number": f'"{sender}"',
            "Coding": CODINGS[text.isascii()],
            "Folder": "1",
            "Length": str(len(text)),
        }
        lines |= {"UDH": udh} if udh else {}
        lines |= {"MessageReference": "255", "DeliveryStatus": "0"} if pdu == "Status_Report" else {}
        lines |= {f"Text{at // 200:02}": digits[at : at + 200] for at in range(0, len(digits) or 1, 200)}
        body = "[SMSBackup000]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())
        whole = phone(self.plan) / "arriving"
        whole.write_text(body)
        whole.rename(phone(self.plan) / "sms" / "1" / str(next(self.slots)))
