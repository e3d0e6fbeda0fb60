"""`awal demo`: the gateway and a national platform side by side, with something to show. `make run` calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from msgspec.structs import replace

from gateway.cli.common import project
from gateway.project import Project
from gateway.settings import FILE, Settings

CITIZENS = 200
REHEARSED = "rehearsed"
"""A mark in data/: the citizens of the demo have been played."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65534), help="Port; the platform is on the next."
)
@click.option("--citizens", default=CITIZENS, show_default=True, help="Citizens rehearsed on the first start.")
def demo(host: str, port: int, citizens: int) -> None:
    """Serve a demo project: made if there is none, rehearsed on its first start, with its national platform beside.

    \b
    Example:
        awal -C /tmp/demo demo --port 9000
    """
    from gateway.cli.init import create
    from gateway.server import claim_port, serve, url

    directory = click.get_current_context().find_root().obj
    if not (directory / FILE).exists():
        create(directory, demo=True)
    found = project()
    claim_port(host, port), claim_port(host, port + 1)
    with platform(found, host, port + 1) as key:
        settings = addressed(found.settings, url(host, port), url(host, port + 1), key)
        serve(directory, settings, host, port, lambda address: show(directory, address, settings, citizens))


def addressed(settings: Settings, gateway: str, national: str, key: str) -> Settings:
    """Return the settings with the demo's addresses and platform, whatever the port this time, and a quiet terminal."""
    return replace(
        settings,
        gateway=replace(settings.gateway, public_url=gateway, log="warning"),
        national=replace(settings.national, url=national, key=key),
    )


@contextmanager
def platform(found: Project, host: str, port: int) -> Iterator[str]:
    """Serve the national platform, with this gateway enrolled, in a process that ends with ours; yield its key."""
    from gateway.server import die_with
    from reports.keys import public_key

    gateway, parent = found.settings.gateway, os.getpid()
    ours = public_key(found.settings.keys.signing)
    awal_national = [sys.executable, "-m", "national.cli"]
    store = ["--store", f"sqlite:{(found.directory / 'data' / 'national.db').resolve()}"]
    enrol = [*awal_national, "gateway", "add", gateway.id, "--region", gateway.region, "--key", ours, *store]
    subprocess.run(enrol, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program
    told = subprocess.run([*awal_national, "keys", "--json", *store], check=True, capture_output=True)  # noqa: S603
    child = subprocess.Popen(  # noqa: S603 - as above
        [*awal_national, "serve", "--host", host, "--port", str(port), "--open-periods", *store],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: die_with(parent),
    )
    try:
        yield str(json.loads(told.stdout)["public_key"])
    finally:
        child.terminate()
        child.wait()


def show(directory: Path, address: str, settings: Settings, citizens: int) -> None:
    """On the first start have citizens speak; then say where everything is."""
    from gateway.console.login import one_time_link

    click.echo(f"Awal is listening on {address}")
    mark = directory / "data" / REHEARSED
    if citizens and not mark.exists():
        awal = [sys.executable, "-m", "gateway", "-C", str(directory)]
        subprocess.run([*awal, "rehearse", str(citizens)], check=False)  # noqa: S603 - our own program
        subprocess.run([*awal, "sync", "--once"], check=False)  # noqa: S603 - as above
        mark.touch()
    click.echo(f"\nPhone and results:    {address}")
    click.echo(f"Console, opens once:  {one_time_link(directory, address)}")
    click.echo(f"National platform:    {settings.national.url}")
