"""What `awal modem setup` writes for gammu-smsd, and what `awal doctor` sees of a modem.

Options as in gammu's manual ("SMSD configuration file"). The SQL service is the only one written: FILES with
RunOnReceive hands a sender's name to a shell in the version packaged by Debian 12.
"""

from __future__ import annotations

import configparser
import getpass
import gzip
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from flows.errors import AwalError
from gateway.channels.smsd import opened

CONFIG, UNIT, DATABASE = "gammu-smsdrc", "awal-modem.service", "smsd.db"
FOLDER = Path("data") / "modem"
"""Where a project keeps its modem's files, unless `database` names another place."""
SCHEMAS = (
    "/usr/share/doc/gammu-smsd/examples/sqlite.sql",
    "/usr/share/doc/gammu-smsd/examples/sqlite.sql.gz",
    "/usr/share/doc/gammu/examples/sql/sqlite.sql",
    "/usr/local/share/doc/gammu/examples/sql/sqlite.sql",
)
"""Where packages put gammu-smsd's own schema."""
WEAK = 20
"""Percent of signal below which SMS are lost."""

MODEM = """\
[gammu]
device = {device}
connection = at
"""
DUMMY = """\
[gammu]
model = dummy
connection = none
device = {device}
gammuloc = /dev/null
"""
SMSD = """\

[smsd]
service = sql
driver = sqlite3
dbdir = {folder}/
database = {database}
PhoneID = {name}
{security}
# Delivery reports are matched to what was sent, up to a day later.
DeliveryReport = sms
DeliveryReportDelay = 86400
# What the network refuses is tried again every five minutes for 40 minutes.
MaxRetries = 8
RetryTimeout = 300
MultipartTimeout = 600
LoopSleep = 1
{pace}
# No log: it would hold citizens' numbers. To look for a fault, set these for an hour:
# logfile = {folder}/smsd.log
# debuglevel = 1
"""
PACE = """\
ReceiveFrequency = 2
StatusFrequency = 15
CommTimeout = 30
SendTimeout = 60"""
DUMMY_PACE = """\
ReceiveFrequency = 1
StatusFrequency = 2
CommTimeout = 1
SendTimeout = 5"""
SERVICE = """\
[Unit]
Description=SIM modem of Awal ({name})

[Service]
User={user}
# The daemon writes local times; Awal reads them as UTC.
Environment=TZ=UTC
ExecStart={program} -c {config}
Restart=always
RestartSec=10

[Install]
WantedBy=multi-user.target
"""


class Plan(Struct, frozen=True, kw_only=True):
    """What to set up: the channel's name, its database, and the device, or a phone that is none."""

    name: str
    database: Path
    device: str = "/dev/ttyUSB0"
    dummy: bool = False
    pin: str = ""
    schema: Path | None = None

    @property
    def folder(self) -> Path:
        """The directory of all its files."""
        return self.database.parent

    @property
    def config(self) -> Path:
        """The daemon's configuration."""
        return self.folder / CONFIG

    @property
    def unit(self) -> Path:
        """The systemd unit that runs the daemon."""
        return self.folder / UNIT


def setup(plan: Plan) -> None:
    """Write configuration, database and unit; a database that is there stays, a configuration is never overwritten."""
    if plan.config.exists():
        raise AwalError(f"{plan.config}: is there already. Move it away to have a new one written.")
    plan.folder.mkdir(parents=True, exist_ok=True)
    if plan.database.exists():
        with opened(plan.database):
            pass  # it says itself what is wrong with it
    else:
        make_database(plan.database, schema(plan.schema))
    if plan.dummy:
        for box in range(1, 6):
            (phone(plan) / "sms" / str(box)).mkdir(parents=True, exist_ok=True)
    _write(plan.config, config(plan))
    _write(plan.unit, unit(plan))


def phone(plan: Plan) -> Path:
    """Return the directory that a phone without a device lives in."""
    return plan.folder / "phone"


def config(plan: Plan) -> str:
    """Return gammu-smsd's configuration."""
    device = str(phone(plan)) if plan.dummy else plan.device
    head = (DUMMY if plan.dummy else MODEM).format(device=device)
    return head + SMSD.format(
        folder=plan.folder,
        database=plan.database.name,
        name=plan.name,
        security=f"CheckSecurity = 1\nPIN = {plan.pin}" if plan.pin else "CheckSecurity = 0",
        pace=DUMMY_PACE if plan.dummy else PACE,
    )


def unit(plan: Plan) -> str:
    """Return the systemd unit."""
    program = shutil.which("gammu-smsd") or "/usr/bin/gammu-smsd"
    return SERVICE.format(name=plan.name, user=getpass.getuser(), program=program, config=plan.config)


def schema(given: Path | None = None) -> str:
    """Return the schema that comes with gammu-smsd; raises AwalError where it is not to be found."""
    for path in [given] if given else map(Path, SCHEMAS):
        if path.is_file():
            read = gzip.open if path.suffix == ".gz" else open
            with read(path, "rt", encoding="utf-8") as file:
                return str(file.read())
    told = str(given) if given else "gammu-smsd's sqlite.sql"
    raise AwalError(f"{told}: is not there. Install gammu-smsd and libdbd-sqlite3, or name the file with --schema.")


def make_database(path: Path, schema: str) -> None:
    """Make the daemon's database, readable by its user only."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(path)) as connection:
        try:
            connection.executescript(schema)
        except sqlite3.Error as error:
            path.unlink()
            raise AwalError(
                f"the schema cannot be read ({error}). Name gammu-smsd's sqlite.sql with --schema."
            ) from None


def _write(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def faults(database: Path) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the configuration beside a database, each with its remedy."""
    path = database.parent / CONFIG
    if not path.is_file():
        return
    reader = configparser.ConfigParser(interpolation=None, strict=False, inline_comment_prefixes=(";",))
    try:
        reader.read_string(path.read_text("utf-8"))
    except (configparser.Error, UnicodeDecodeError) as error:
        yield f"{path} cannot be read ({type(error).__name__}).", "Move it away, and run `awal modem setup`."
        return
    smsd = dict(reader["smsd"]) if "smsd" in reader else {}
    service = smsd.get("service", "").strip().lower()
    if service != "sql":
        yield (
            f"{path}: service is {service or 'not set'}, but Awal reads the SQL service's database.",
            "Move the file away, and run `awal modem setup`.",
        )
    if "runonreceive" in smsd:
        yield (
            f"{path}: RunOnReceive lets a stranger's SMS run commands in some versions of gammu-smsd.",
            "Take that line out.",
        )
    if smsd.get("deliveryreport", "").strip().lower() != "sms":
        yield f"{path}: without `DeliveryReport = sms` nobody knows what arrived.", "Write that line in [smsd]."
    if (Path(smsd.get("dbdir", "")) / smsd.get("database", "")).resolve() != database.resolve():
        yield f"{path}: names another database than {database}.", "Make the two the same."
