"""Networks of phones, one for each kind of channel, on its real counterpart: citizens write, hear, lose the network.

What a citizen heard is what reached their phone, joined from the parts that travelled. What a citizen writes is brought
as this kind of provider brings it: again and again until the gateway has taken it.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from live_gateway import LiveGateway
from modem_world import Modem, awaited
from ports import free_port
from smpp_world import Smsc

from flows.encoding import encoding, split
from gateway.channels.smpp_pdu import pieces
from gateway.cli import run
from gateway.kannel import CONFIG, FOLDER

NUMBER = "2424"
NAME = "net"
SECRET = "f3a9c1d7e5b04682a1c3e5f708192a3b"
SBIN = "/usr/sbin:/usr/local/sbin"


class Network(ABC):
    """One network; `programs` is what it needs. Made, it has added its channel to the gateway's project."""

    programs: tuple[str, ...] = ()
    keeps = False
    """Whether a program between us and the network takes what it cannot deliver yet, and keeps it."""

    def __init__(self, gateway: LiveGateway, folder: Path, name: str = NAME) -> None:
        self.gateway, self.folder, self.name = gateway, folder, name

    @abstractmethod
    def up(self) -> None:
        """Let the network be there."""

    @abstractmethod
    def down(self) -> None:
        """Take it away, at once."""

    @abstractmethod
    def says(self, phone: str, text: str) -> None:
        """Let a citizen send an SMS, which is brought until it is taken."""

    @abstractmethod
    def heard(self, phone: str) -> list[str]:
        """Return the messages that reached a citizen whole, in their order."""

    @abstractmethod
    def travelled(self, phone: str) -> list[tuple[str, int]]:
        """Return the coding of each of these messages, and in how many parts it was handed over."""

    @abstractmethod
    def tells(self, phone: str, fate: str) -> None:
        """Report the last message to a citizen as `delivered`, or with the word for one that is still on its way."""

    def close(self) -> None:
        """End what was started."""
        self.down()


class ModemNetwork(Network):
    """A SIM modem: the real gammu-smsd with its dummy phone."""

    programs = ("gammu-smsd",)
    keeps = True

    def __init__(self, gateway: LiveGateway, folder: Path) -> None:
        super().__init__(gateway, folder)
        assert run(["-C", str(gateway.directory), "modem", "setup", "--dummy"]) == 0
        self.modem = Modem(gateway.directory / "data" / "modem", written=True)
        config = self.modem.plan.config
        config.write_text(config.read_text().replace("LoopSleep = 1", "LoopSleep = 0"))  # the daemon's longest wait
        self.references = itertools.count(1)
        gateway.add(NAME, type="gammu", database="data/modem/smsd.db", number="+212600000000")

    def up(self) -> None:
        self.modem.start()

    def down(self) -> None:
        self.modem.stop(kill=True)

    def says(self, phone: str, text: str) -> None:
        parts, reference = split(text), next(self.references) % 256
        for at, part in enumerate(parts, 1):
            header = f"050003{reference:02X}{len(parts):02X}{at:02X}" if len(parts) > 1 else ""
            self.modem.arrives(part, phone, udh=header)

    def _sent(self, phone: str) -> list[list[tuple[str, str]]]:
        rows = self.modem.rows(
            "SELECT ID, Coding, TextDecoded FROM sentitems WHERE DestinationNumber = ? ORDER BY ID, SequencePosition",
            phone,
        )
        waiting = {one for (one,) in self.modem.rows("SELECT ID FROM outbox")}
        whole: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for id, coding, text in rows:
            whole[id].append((coding, text))
        return [parts for id, parts in whole.items() if id not in waiting]

    def heard(self, phone: str) -> list[str]:
        return ["".join(text for _, text in parts) for parts in self._sent(phone)]

    def travelled(self, phone: str) -> list[tuple[str, int]]:
        names = {"Default_No_Compression": "GSM-7", "Unicode_No_Compression": "UCS-2"}
        return [(names[parts[0][0]], len(parts)) for parts in self._sent(phone)]

    def tells(self, phone: str, fate: str) -> None:
        if fate == "delivered":
            self.modem.arrives("Delivered", phone, pdu="Status_Report")


class SmppNetwork(Network):
    """An operator's SMSC: npm's `smpp`, which brings a message again until it is acknowledged."""

    programs = ("node", "npm")

    def __init__(self, gateway: LiveGateway, folder: Path) -> None:
        super().__init__(gateway, folder)
        self.port = free_port()
        self.smsc: Smsc | None = None
        self.past: list[dict[str, Any]] = []
        self.ids = itertools.count(1)
        self.closing = threading.Event()
        self.channel()

    def channel(self) -> None:
        """Add the channel to the project."""
        self.gateway.add(
            NAME,
            type="smpp",
            host="127.0.0.1",
            port=self.port,
            system_id="awal",
            password="pass",
            number=NUMBER,
            database="data/spool.db",
        )

    def up(self) -> None:
        self.smsc = Smsc(self.port, first=len(self.past) + 1)

    def down(self) -> None:
        if self.smsc is not None:
            smsc, self.smsc = self.smsc, None
            smsc.stop()
            self.past += smsc.all("submitted")

    def says(self, phone: str, text: str) -> None:
        bodies, coding = pieces(text, next(self.ids)), 0 if encoding(text) == "GSM-7" else 8
        threading.Thread(target=self._brought, args=(phone, bodies, coding), daemon=True).start()

    def _brought(self, phone: str, bodies: list[bytes], coding: int) -> None:
        for body in bodies:
            fields = {"source_addr": phone[1:], "data_coding": coding, "short_message_hex": body.hex()}
            self._until_taken(fields | ({"esm_class": 0x40} if len(bodies) > 1 else {}))

    def _until_taken(self, fields: dict[str, object]) -> None:
        while not self.closing.wait(0.05):
            try:
                if self.smsc is not None and self.smsc.deliver(patience=2.0, **fields) == 0:
                    return
            except (AssertionError, OSError, ValueError):  # the link broke before it was acknowledged
                continue

    def _parts(self, phone: str) -> list[dict[str, Any]]:
        now = self.smsc.all("submitted") if self.smsc is not None else []
        return [one for one in (*self.past, *now) if one["to"] == phone[1:] and one["status"] == 0]

    def _sent(self, phone: str) -> list[list[dict[str, Any]]]:
        found: list[list[dict[str, Any]]] = []
        for one in self._parts(phone):
            at = int(one["udh"][0][-2:], 16) if one["udh"] else 1
            if at == 1:
                found.append([])
            found[-1].append(one)
        return [
            parts for parts in found if len(parts) == (int(parts[0]["udh"][0][-4:-2], 16) if parts[0]["udh"] else 1)
        ]

    def heard(self, phone: str) -> list[str]:
        return ["".join(part["text"] for part in parts) for parts in self._sent(phone)]

    def travelled(self, phone: str) -> list[tuple[str, int]]:
        return [("UCS-2" if parts[0]["coding"] == 8 else "GSM-7", len(parts)) for parts in self._sent(phone)]

    def tells(self, phone: str, fate: str) -> None:
        stat = {"delivered": "DELIVRD", "accepted": "ENROUTE"}[fate]
        for part in self._sent(phone)[-1]:
            receipt = f"id:{part['id']} sub:001 dlvrd:001 stat:{stat} err:000 text:"
            self._until_taken({"source_addr": phone[1:], "esm_class": 4, "short_message": receipt})

    def close(self) -> None:
        self.closing.set()
        self.down()


class KannelNetwork(SmppNetwork):
    """The same SMSC behind the real bearerbox and smsbox, with the files that `awal kannel setup` writes."""

    programs = ("node", "npm", "bearerbox")
    keeps = True

    def channel(self) -> None:
        self.ports = {name: free_port() for name in ("admin", "box", "sendsms")}
        self.boxes: list[subprocess.Popen[bytes]] = []
        sendsms = f"http://127.0.0.1:{self.ports['sendsms']}/cgi-bin/sendsms"
        self.gateway.add(
            NAME,
            type="kannel",
            secret=SECRET,
            username="awal",
            password="pass-word",
            number=NUMBER,
            sendsms_url=sendsms,
        )

    def up(self) -> None:
        if not self.boxes:
            self.config = kannel_config(self.gateway, self.port, self.ports)
            self.open_boxes()
        super().up()
        assert self.smsc is not None
        self.smsc.event("bound")

    def open_boxes(self) -> None:
        """Start bearerbox, then smsbox."""
        for name, port in (("bearerbox", self.ports["admin"]), ("smsbox", self.ports["sendsms"])):
            program = shutil.which(name) or shutil.which(name, path=SBIN) or name
            quiet = subprocess.DEVNULL
            box = subprocess.Popen([program, "-v", "4", str(self.config)], stdin=quiet, stdout=quiet, stderr=quiet)
            self.boxes.append(box)
            awaited(partial(answers, port), f"{name} listens")

    def kill_boxes(self) -> None:
        """End both at once, as a power cut would."""
        for box in reversed(self.boxes):
            box.kill()
            box.wait()
        self.boxes.clear()

    def close(self) -> None:
        super().close()
        self.kill_boxes()


def total(part: dict[str, Any]) -> int:
    """Return in how many parts the message of this part travels."""
    return int(part["udh"][0][-4:-2], 16) if part["udh"] else 1


def kannel_config(gateway: LiveGateway, smsc: int, ports: dict[str, int]) -> Path:
    """Write Kannel's configuration by the command that operators use, and put the test's ports into it."""
    assert run(["-C", str(gateway.directory), "kannel", "setup", "--link", "smpp"]) == 0
    config = gateway.directory / FOLDER / CONFIG
    text = config.read_text()
    changes = {
        "admin-port = 13000": f"admin-port = {ports['admin']}",
        "smsbox-port = 13001": f"smsbox-port = {ports['box']}",
        "bearerbox-port = 13001": f"bearerbox-port = {ports['box']}",
        "sendsms-port = 13013": f"sendsms-port = {ports['sendsms']}",
        "host = smsc.operator.example\nport = 2775": f"host = 127.0.0.1\nport = {smsc}",
        "smsc-username = CHANGE\nsmsc-password = CHANGE": "smsc-username = kannel\nsmsc-password = pass",
        "reconnect-delay = 10": "reconnect-delay = 1",
        "http-queue-delay = 10": "http-queue-delay = 1",
    }
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    config.write_text(text)
    return config


def answers(port: int) -> bool:
    """Tell whether somebody answers HTTP there."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        return False
    return True
