"""`awal backup` and `awal restore`: a copy known to be good, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.errors import AwalError
from gateway.cli.common import project

if TYPE_CHECKING:
    from gateway.project import Project


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--sealed", is_flag=True, help="Each citizen under a key of their own, which erasing them destroys.")
@click.option(
    "--keys",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the copy of these keys is renewed: on another medium than FILE.",
)
def backup(file: Path, sealed: bool, keys: Path | None) -> None:
    """Copy the database to FILE while the gateway runs, and verify the copy. Keep [keys] of awal.toml with it.

    Whoever has a plain copy can read it, also what citizens have had erased since. A sealed one says nothing of anybody
    without the keys beside the database; --keys renews the one copy of them that a lost disk needs.

    \b
    Example:
        awal backup /media/usb/oriental.db
        awal backup /media/usb/oriental.db --sealed --keys /media/safe/oriental.keys
    """
    from storage.open import store_path
    from storage.sqlite import SqliteStore, keyring

    if keys is not None and not sealed:
        raise click.UsageError("--keys goes with --sealed: a plain copy has no keys.")
    for kept in (file, keys):
        if kept is not None and not kept.parent.is_dir():
            raise AwalError(
                f"{kept.parent}: there is no such folder. Plug its medium in and mount it, or name another."
            )
    found = project()
    with SqliteStore(store_path(found.settings.gateway.store, found.directory), readonly=True) as store:
        counts = store.backup(file, sealed=sealed)
        click.echo(f"{file}: {', '.join(f'{count} {name}' for name, count in counts.items())}; verified.")
        if keys is not None:
            click.echo(f"{keys}: the keys of {keyring.carry(keyring.beside(store.path), keys)} citizens.")
        elif sealed:
            click.echo(f"It opens with {keyring.beside(store.path).name} alone: --keys FILE keeps a copy elsewhere.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--keys",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The copy of a sealed backup's keys, where those beside the database are lost.",
)
def restore(file: Path, keys: Path | None) -> None:
    """Put a backup in the database's place. Stop the gateway first; what came after the backup is lost.

    Who was forgotten since is not brought back: a sealed backup has no key for them any more. What was there before
    lies beside the database until the next restore, and erasing does not reach it: delete it once all is well.

    A campaign goes on as it stood at the backup, also one that was paused or stopped since: those that run are named,
    with how to stop them before the gateway starts.

    \b
    Example:
        awal restore /media/usb/oriental.db
        awal restore /media/usb/oriental.db --keys /media/safe/oriental.keys
    """
    from storage.open import restore_store, store_path

    found = project()
    url = found.settings.gateway.store
    epoch = restore_store(url, found.directory, file, keys)
    click.echo(f"Restored. The platform hears of it as epoch {epoch}.")
    path = store_path(url, found.directory)
    aside = path.with_name(f"{path.name}.replaced")
    if aside.exists():
        click.echo(f"What was there before is {aside}: delete it once all is well, erasing does not reach it.")
    found.readonly = True
    for line in _campaigns(found):
        click.echo(line)


def _campaigns(found: Project) -> Iterator[str]:
    """Yield what to know of the campaigns that run in the restored database: what was done since is forgotten."""
    from gateway.campaigns.record import read_all

    running = [kept.row.name for kept in read_all(found.store) if kept.state == "running"]
    for name in running:
        yield f"Campaign {name} runs, as at the backup: a pause or stop since is forgotten, and so is who was asked."
    if running:
        yield "Before the gateway starts: awal campaign pause NAME, or awal campaign stop NAME to end it for good."
