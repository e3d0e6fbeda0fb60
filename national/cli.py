"""The command line of the national platform: `awal-national`."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeVar

import click

from national.app import create_app, now_ms
from national.errors import NationalError, Refused
from national.regions import regions
from national.signatures import key_of
from national.store import Gateway, Store, open_store
from national.wire import GATEWAY

DEFAULT_STORE = "sqlite:national.db"
LEAST_SECRET = 16
STORE_HELP = "Where it keeps its data: sqlite:PATH or postgresql://…"

Command = TypeVar("Command", bound=Callable[..., Any])


def store_option(command: Command) -> Command:
    """Add `--store` to a command."""
    option = click.option(
        "--store", "url", default=DEFAULT_STORE, show_default=True, envvar="AWAL_NATIONAL_STORE", help=STORE_HELP
    )
    return option(command)


class OneLine(click.Group):
    """A group whose errors are one line on stderr: 1 for what was refused, 2 for wrong usage."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line and exit."""
        code = 0
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False}) or 0
        except click.exceptions.NoArgsIsHelpError as fault:
            fault.show()
            code = fault.exit_code
        except click.UsageError as fault:
            code = fault.exit_code
            where = fault.ctx.command_path if fault.ctx else "awal-national"
            click.echo(f"awal-national: {' '.join(fault.format_message().split())} Try `{where} --help`.", err=True)
        except click.Abort:
            code = 130
        sys.exit(code)


@click.group(cls=OneLine, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """The national platform: twelve regional sections, fed by the gateways with counts, never with phone numbers.

    \b
    First steps:
      1. on the gateway:  awal keys                      prints its id and public key
      2. here:            awal-national gateway add demo --region 02 --key KEY
      3. here:            awal-national serve            then open http://127.0.0.1:8001
      4. on the gateway:  [national] url in awal.toml, then: awal sync --once
    """


@main.command()
@store_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for every one.")
@click.option("--port", default=8001, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free port.")
@click.option("--open-periods", is_flag=True, help="Publish the running week too, marked provisional (for a demo).")
@click.option(
    "--sms-secret",
    default="",
    envvar="AWAL_NATIONAL_SMS_SECRET",
    help="Secret with which an SMS gateway may POST to /v1/sms; better set as AWAL_NATIONAL_SMS_SECRET.",
)
def serve(url: str, host: str, port: int, open_periods: bool, sms_secret: str) -> None:
    """Receive snapshots and show the twelve sections."""
    from waitress import create_server

    store = _open(url)
    if sms_secret and len(sms_secret) < LEAST_SECRET:
        _fail(f"The SMS secret is shorter than {LEAST_SECRET} characters. Make one: openssl rand -hex 16", 2)
    app = create_app(store, open_periods=open_periods, sms_secret=sms_secret)
    try:
        server = create_server(app, host=host, port=port, threads=8, ident="awal-national")
    except OSError as fault:
        _fail(f"{host}:{port} cannot be listened on ({fault.strerror or fault}). Choose another with --host or --port.")
    actual = getattr(server, "effective_port", port)
    signal.signal(signal.SIGTERM, _stop)
    click.echo(f"Awal national platform is listening on http://{_shown(host)}:{actual}")
    sys.stdout.flush()
    try:
        server.run()
    finally:
        server.close()
        store.close()


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
@store_option
def keys(as_json: bool, url: str) -> None:
    """Show the platform's id and public key, for `[national] key` in each gateway's awal.toml.

    \b
    Gateways need it to write a USB bundle, an SMS or a QR code that this platform alone can read.
    """
    store = _open(url)
    try:
        own = store.identity()
    except Refused as fault:
        _fail(str(fault))
    finally:
        store.close()
    if as_json:
        click.echo(json.dumps({"id": own.id, "public_key": own.public_key}, indent=2))
    else:
        click.echo(f"id          {own.id}\npublic_key  {own.public_key}")


@main.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILE…")
@click.option("--receipts", type=click.Path(file_okay=False, path_type=Path), help="Folder for the receipts instead.")
@store_option
def import_bundles(paths: tuple[Path, ...], receipts: Path | None, url: str) -> None:
    """Keep what USB bundles bring, and write a receipt beside each, to go back on the same stick.

    FILE is a bundle (*.awal), or a folder that holds some. A bundle is kept whole or not at all. Importing it again
    changes nothing.

    \b
    Example:
        awal-national import /media/stick
        then, on the gateway: awal sync --receipt /media/stick/awal-oriental-1-57.receipt
    """
    from national.importing import import_file, listed

    files = listed(paths)
    if not files:
        _fail(f"{paths[0]} holds no bundle. Write one on the gateway: awal sync --carrier bundle --to {paths[0]}")
    store, refused = _open(url), 0
    for file in files:
        try:
            click.echo(import_file(store, file, receipts or file.parent, now_ms()))
        except NationalError as fault:
            refused += 1
            click.echo(f"awal-national: {file}: {fault}", err=True)
    store.close()
    if refused:
        raise SystemExit(1)


@main.command()
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"))
@store_option
def receive(file: TextIO, url: str) -> None:
    """Take frames that came by SMS or were scanned from printed codes, one a line; FILE - reads stdin.

    What became of them goes to stderr, the receipts to send back to stdout, one SMS a line. Taking a frame twice
    changes nothing.

    \b
    Example:
        awal-national receive scanned.txt > back.txt
        then, on the gateway: awal sync --receipt back.txt, or send each line as SMS to the gateway's number
    """
    from national.reception import Reception, Taken

    store = _open(url)
    reception, taken, refused = Reception(store), list[Taken](), 0
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            taken.append(reception.take(line, now_ms()))
        except NationalError as fault:
            refused += 1
            click.echo(f"awal-national: {file.name}:{number}: {fault}", err=True)
        else:
            click.echo(f"{file.name}:{number}: {taken[-1].gateway}: {taken[-1].words}", err=True)
    for text in reception.receipts(taken, now_ms()):
        click.echo(text)
    store.close()
    if refused:
        raise SystemExit(1)


@main.group()
def gateway() -> None:
    """Enrol the gateways that may send, and list them."""


@gateway.command("add")
@click.argument("id")
@click.option("--region", required=True, metavar="CODE", help="HCP code of the region it serves: 01 to 12.")
@click.option("--key", required=True, help="Public key as `awal keys` prints it (bare, or the line of --json).")
@store_option
def add(id: str, region: str, key: str, url: str) -> None:
    """Enrol the gateway ID, or replace the key of one already enrolled. Repeating it changes nothing."""
    if not re.match(GATEWAY, id):
        _fail(f"“{id}” cannot be a gateway's id: a-z, 0-9 and hyphen. Give the one that `awal keys` prints.", 2)
    if region not in regions():
        known = ", ".join(f"{one.code} {one.name_fr}" for one in regions().values())
        _fail(f"“{region}” is not a region. Give one of: {known}.", 2)
    try:
        public = key_of(key, id)
    except NationalError as fault:
        _fail(str(fault), 2)
    store = _open(url)
    outcome = store.enrol(id, region, public, now_ms())
    store.close()
    name = f"{id} ({regions()[region].name_fr})"
    click.echo(
        {
            "added": f"Enrolled: {name}.",
            "replaced": f"Replaced the key or region of {name}. What it sent before is kept.",
            "unchanged": f"Already enrolled with this key: {name}.",
        }[outcome]
    )


@gateway.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON list.")
@store_option
def list_gateways(as_json: bool, url: str) -> None:
    """List the gateways enrolled, and when each was last heard."""
    store = _open(url)
    found = store.gateways()
    store.close()
    if as_json:
        rows = [{"id": one.id, "region": one.region, "key": one.public_key, **_heard(one)} for one in found]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for one in found:
        click.echo(f"{one.id:20} {one.region} {regions()[one.region].name_fr:28} {_last(one)}")
    if not found:
        click.echo("No gateway is enrolled. Run `awal keys` on one, then: awal-national gateway add --help")


def _stop(_number: int, _frame: object) -> NoReturn:
    """End the server's loop: it finishes what it answers and the store is closed."""
    raise SystemExit(0)


def _heard(one: Gateway) -> dict[str, int]:
    return {"enrolled_at": one.enrolled_at, "last_contact": one.last_contact, "skew": one.skew}


def _last(one: Gateway) -> str:
    from national.pages import moment

    return f"last heard {moment(one.last_contact)}" if one.last_contact else "never heard"


def _open(url: str) -> Store:
    try:
        return open_store(url)
    except (NationalError, Refused) as fault:
        _fail(str(fault))


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _fail(message: str, code: int = 1) -> NoReturn:
    click.echo(f"awal-national: {message}", err=True)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
