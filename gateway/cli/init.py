"""`awal init`: a new project directory, with its secrets."""

from __future__ import annotations

import base64
import os
import re
import secrets
from pathlib import Path

import click

from flows.errors import AwalError
from gateway.settings import FILE, ID

PROGRAM = Path(__file__).parent.parent.parent
SURVEYS = PROGRAM / "flows" / "surveys"
"""The flows that are shipped."""

GUIDE = """\
# An Awal project. Every setting, its default and its meaning: gateway/settings.md of the program, or `awal doctor`.
# A value "env:NAME" is read from the environment variable NAME. This file holds secrets: keep its mode 600, and keep
# a copy of [keys] in a safe place: without them, numbers and pseudonyms of this gateway cannot be read again.
"""

GATEWAY = """
[gateway]
id = "{id}"
region = "{region}"                        # HCP code of the region, 01 to 12
public_url = "http://127.0.0.1:8000"  # the address under which providers reach this gateway
store = "sqlite:data/awal.db"
languages = ["fr", "ar", "zgh"]
timezone = "Africa/Casablanca"
"""

CHANNELS = """
# One table per connection. `awal channels` prints the addresses to paste at the provider.
#
# [channels.at]
# type = "africastalking"
# username = "..."
# api_key = "env:AT_API_KEY"
# number = "..."
# secret = "{path_secret}"
#
# [channels.twilio]
# type = "twilio"
# account_sid = "..."
# auth_token = "env:TWILIO_AUTH_TOKEN"
# number = "+1..."
#
# A phone on the first page of the console, to try flows; its answers count like any citizen's.
#
# [channels.phone]
# type = "simulator"
# secret = "{simulator_secret}"

[national]
url = ""                              # the national platform; empty sends nothing
every = 15                            # minutes between two synchronisations

# Officials receive a summary by SMS.
#
# [officials.commune]
# phone = "+2126..."
# language = "fr"
# place = "{region_or_example}"
# schedule = "monday 08:00"
"""

DEMO_CHANNELS = """
[channels.at]
type = "africastalking"
username = "sandbox"
api_key = "{api_key}"
number = "34567"
secret = "{path_secret}"

[channels.twilio]
type = "twilio"
account_sid = "AC{account}"
auth_token = "{token}"
number = "+15005550006"

[channels.simulator]
type = "simulator"
secret = "{simulator_secret}"

[national]
url = "http://127.0.0.1:8001"         # `awal-national serve`; `awal demo` serves one beside the gateway
every = 1

[officials.oujda]
phone = "+212600000001"
language = "fr"
place = "02"
schedule = "monday 08:00"
channel = "simulator"
"""

KEYS = """
[keys]
pseudonym = "{pseudonym}"
phone = "{phone}"
signing = "{signing}"
cookie = "{cookie}"

[console]
password = "{password}"
"""


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--demo", is_flag=True, help="Configure demonstration channels and copy the shipped flows.")
def init(directory: Path, demo: bool) -> None:
    """Make a project directory, its secrets and the operator's password.

    \b
    Example:
        awal init oriental
        awal init --demo /srv/demo && awal -C /srv/demo serve
    """
    password = create(directory, demo)
    click.echo(f"Made {directory / FILE}, flows/, locales/ and data/.")
    click.echo(f"Operator's password, shown this once: {password}")
    if not demo:
        click.echo(f"Write a flow in {directory / 'flows'}; examples to copy: {SURVEYS}")
    click.echo(f"Next: awal -C {directory} check, then awal -C {directory} serve")


def create(directory: Path, demo: bool) -> str:
    """Make the project and return the operator's password; an existing project is refused and left as it is."""
    directory.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(12)
    try:
        file = os.open(directory / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise AwalError(f"{directory / FILE}: a project is already there. Name another directory.") from None
    with open(file, "w", encoding="utf-8") as out:
        out.write(text(directory, demo, password))
    for folder in ("flows", "locales", "data"):
        (directory / folder).mkdir(exist_ok=True)
    if demo:
        copy_shipped(directory)
    return password


def text(directory: Path, demo: bool, password: str) -> str:
    """Return the text of a new `awal.toml`, with fresh secrets."""
    region = "02" if demo else ""
    values = _keys() | {
        "id": "demo" if demo else _id(directory),
        "region": region,
        "region_or_example": region or "02.411",
        "path_secret": secrets.token_urlsafe(24),
        "simulator_secret": secrets.token_urlsafe(24),
        "api_key": secrets.token_hex(32),
        "account": secrets.token_hex(16),
        "token": secrets.token_hex(16),
        "password": _hash(password),
    }
    parts = [GATEWAY, DEMO_CHANNELS if demo else CHANNELS, KEYS]
    whole = GUIDE + "".join(parts).format_map(values)
    return whole + ("demo = true\n" if demo else "")


def copy_shipped(directory: Path) -> None:
    """Copy the shipped flows, their conversation tests and their translations; a file that is there stays.

    The translations come along so that the flows stay whole when a later version ships others.
    """
    for source in sorted(SURVEYS.glob("*.yaml")):
        _copy(source, directory / "flows" / source.name)
    for source in sorted((PROGRAM / "locales").glob("*/LC_MESSAGES/flows.po")):
        _copy(source, directory / source.relative_to(PROGRAM))


def _copy(source: Path, target: Path) -> None:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())


def _id(directory: Path) -> str:
    """Return a gateway id made from the directory's name."""
    name = re.sub(r"[^a-z0-9]+", "-", directory.resolve().name.lower()).strip("-")[:40]
    return name if re.fullmatch(ID, name) else "gateway"


def _keys() -> dict[str, str]:
    names = ("pseudonym", "phone", "signing", "cookie")
    return {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in names}


def _hash(password: str) -> str:
    from werkzeug.security import generate_password_hash

    return generate_password_hash(password, method="scrypt")
