"""What `awal kannel setup` writes: a kannel.conf whose smsbox keeps asking while the gateway is down.

Groups and fields as in Kannel's user guide. Everything listens to this machine alone, or lets only it in; the
passwords are made here. smsbox repeats a request until it is answered 200, every ten seconds for a week: what waits
for that is in smsbox's memory; what waits for smsbox, and which delivery reports are still to come, is in bearerbox's
spools, on disk.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from flows.errors import AwalError

Link = Literal["fake", "smpp", "at"]
CONFIG = "kannel.conf"
FOLDER = Path("data") / "kannel"
RETRY_EVERY, RETRIES = 10, 60_480
"""Seconds between two attempts of smsbox, and how many: a week."""
LEAST_RETRIES = 360
"""What `awal doctor` asks for: an hour of them."""

CORE = """\
# Kannel for the channel {name} of Awal. This file holds passwords: keep its mode 600.
group = core
admin-port = {admin}
admin-password = {admin_password}
status-password = {admin_password}
admin-deny-ip = "*.*.*.*"
admin-allow-ip = "127.0.0.1"
smsbox-port = {box}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
log-file = {folder}/bearerbox.log
log-level = 2
store-type = spool
store-location = {folder}/spool
dlr-storage = spool
dlr-spool = {folder}/reports

"""
LINKS: dict[Link, str] = {
    "fake": """\
# A network that is none, to try: fakesmsc of the package kannel-extras connects here.
group = smsc
smsc = fake
smsc-id = {name}
host = 127.0.0.1
port = {link}
connect-allow-ip = 127.0.0.1

""",
    "smpp": """\
# The operator's SMSC: fill in what the operator gave.
group = smsc
smsc = smpp
smsc-id = {name}
host = smsc.operator.example
port = 2775
transceiver-mode = true
smsc-username = CHANGE
smsc-password = CHANGE
system-type = ""
reconnect-delay = 10

""",
    "at": """\
# A modem on a serial port; `modemtype = auto` wants the groups of modems.conf.
group = smsc
smsc = at
smsc-id = {name}
modemtype = auto
device = /dev/ttyUSB0
speed = 115200
include = "/usr/share/doc/kannel/examples/modems.conf"

""",
}
BOX = """\
group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
smsbox-id = awal
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
global-sender = "{number}"
mo-recode = false
log-file = {folder}/smsbox.log
log-level = 2
# While the gateway is down: ask again every {every} s, for a week.
http-request-retry = {retries}
http-queue-delay = {every}

group = smsbox-route
smsbox-id = awal
smsc-id = {name}

group = sms-service
keyword = default
catch-all = true
get-url = "{url}"
max-messages = 0
concatenation = true
omit-empty = true
accept-x-kannel-headers = false

group = sendsms-user
username = awal
password = {password}
user-deny-ip = "*.*.*.*"
user-allow-ip = "127.0.0.1"
max-messages = 10
concatenation = true
"""


class Plan(Struct, frozen=True, kw_only=True):
    """What to set up: the channel, its get-url, and the ports."""

    name: str
    folder: Path
    url: str
    link: Link = "smpp"
    number: str = ""
    password: str = ""
    admin: int = 13000
    box: int = 13001
    link_port: int = 13002
    sendsms: int = 13013

    def __repr__(self) -> str:
        """Show no secret: the address holds one too."""
        return f"Plan(name={self.name!r}, folder={str(self.folder)!r})"

    @property
    def config(self) -> Path:
        """The file that both boxes read."""
        return self.folder / CONFIG


def faults(path: Path, urls: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a kannel.conf for channels of these get-urls, with its remedy; no secret is told."""
    for group in groups(path.read_text("utf-8", "replace")):
        match group.get("group"):
            case "sms-service":
                if group.get("get-url") not in urls:
                    yield f"{path}: get-url is no channel's address.", "Copy it whole from `awal channels`."
                if group.get("max-messages") != "0":
                    yield f"{path}: the sms-service would send our answers as SMS.", "Write `max-messages = 0` there."
            case "smsbox" if int_of(group.get("http-request-retry", "")) < LEAST_RETRIES:
                told = "what citizens send while the gateway is down is soon dropped."
                yield f"{path}: {told}", f"Write `http-request-retry = {RETRIES}` in the group smsbox."
            case "smsc" if group.get("smsc") == "smpp" and "alt-charset" in group:
                yield f"{path}: alt-charset garbles `é` on its way to the SMSC.", "Take that line out."


def groups(text: str) -> Iterator[dict[str, str]]:
    """Yield the groups of a configuration, which empty lines part."""
    lines = [line.strip() for line in text.splitlines() if not line.lstrip().startswith("#")]
    for block in "\n".join(lines).split("\n\n"):
        pairs = [line.partition("=") for line in block.splitlines() if "=" in line]
        yield {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def int_of(text: str) -> int:
    """Return a number; 0 where there is none."""
    return int(text) if text.isascii() and text.isdigit() else 0


def setup(plan: Plan) -> str:
    """Write the configuration and return the sendsms password; one that is there is never overwritten."""
    password = plan.password or secrets.token_urlsafe(24)
    for name in ("spool", "reports"):
        (plan.folder / name).mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(plan.config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise AwalError(f"{plan.config}: is there already. Move it away to have a new one written.") from None
    with open(file, "w", encoding="utf-8") as out:
        out.write(config(plan, password))
    return password


def config(plan: Plan, password: str) -> str:
    """Return the text of kannel.conf."""
    return (CORE + LINKS[plan.link] + BOX).format(
        name=plan.name,
        folder=plan.folder,
        url=plan.url,
        number=plan.number,
        password=password,
        admin=plan.admin,
        admin_password=secrets.token_urlsafe(24),
        box=plan.box,
        link=plan.link_port,
        sendsms=plan.sendsms,
        every=RETRY_EVERY,
        retries=RETRIES,
    )
