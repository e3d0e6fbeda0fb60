"""`awal store`: moving a gateway from one store to the other, and the epoch after a restore."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

from flows.errors import AwalError
from gateway.cli.common import Group, outside, project


@click.group(cls=Group)
def store() -> None:
    """Move a gateway to another store, SQLite or PostgreSQL.

    \b
    Example:
        awal store copy sqlite:data/awal.db postgresql://awal:…@host/awal
    """


@store.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--afresh", is_flag=True, help="Forget what an interrupted copy brought over, and begin again.")
def copy(source: str, target: str, afresh: bool) -> None:
    """Copy everything from one store to another, and verify the copy; stop the gateways of both first.

    FROM and TO are written as `store` in awal.toml; env:NAME keeps a password out of the command. Interrupted, it
    goes on where it was when it is run again. TO must be empty, and cannot be served before it is whole.

    \b
    Example:
        awal store copy sqlite:data/awal.db postgresql://awal:…@host/awal
        awal store copy env:AWAL_STORE sqlite:data/awal.db
    """
    from storage.copying import Copy, opened

    here = outside().directory
    urls = [_url(one) for one in (source, target)]
    if urls[0] == urls[1]:
        raise AwalError("FROM and TO are the same store: name the one to copy to")
    with opened(urls[0], here) as given, opened(urls[1], here, new=True) as kept:
        job = Copy(given, kept)
        done = job.begin(afresh)
        _show("Copying", job.total, done, job.run)
        _show("Verifying", 2 * job.total, 0, job.verify)
        job.finish(time.time_ns() // 1_000_000)
    click.echo(f"{job.total} rows copied, each table's count and hash the same on both sides.")
    click.echo(f"Write this into awal.toml under [gateway], then start the gateway:\n\n    store = {_toml(target)}\n")
    click.echo("Never start a gateway on the old store again: each message would go out twice.")


@store.command()
@click.option("--raise", "up", is_flag=True, help="Raise it by one; stop the gateways first.")
@click.option("--above", type=click.IntRange(1), help="Raise it over this number too.")
def epoch(up: bool, above: int | None) -> None:
    """Show the epoch of this gateway's snapshots, or raise it after a restore by PostgreSQL's own tools.

    The platform takes the snapshots of the highest epoch it has seen. A database that was put back numbers its
    snapshots as before, and they would be taken for old ones. `awal restore` raises the epoch by itself.

    \b
    Example:
        awal store epoch
        awal store epoch --above 3
    """
    if not up and above is None:
        click.echo(str(project(readonly=True).store.epoch()))
        return
    from storage.copying import opened

    found = project()
    with opened(found.settings.gateway.store, found.directory) as side:
        number = side.raise_epoch(above or 0)
    click.echo(f"The platform hears of this store as epoch {number} from now on.")


def _url(setting: str) -> str:
    """Return the URL that an argument names, itself or by a variable of the environment."""
    import os

    kind, _, name = setting.partition(":")
    if kind != "env":
        return setting
    if not os.environ.get(name):
        raise AwalError(f"{setting}: the environment has no {name}: set it to the store's URL")
    return os.environ[name]


def _toml(setting: str) -> str:
    import json

    return json.dumps(setting, ensure_ascii=False)


def _show(label: str, total: int, done: int, work: Callable[[Callable[[int], object]], None]) -> None:
    """Do some work, with a bar of it on a terminal."""
    with click.progressbar(length=total, label=label, hidden=not sys.stdout.isatty()) as bar:
        bar.update(min(done, total))
        work(bar.update)
