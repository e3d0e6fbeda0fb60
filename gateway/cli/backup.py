"""`awal backup` and `awal restore`: a copy known to be good, and the way back."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.common import project


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy the database to FILE while the gateway runs, and verify the copy. Keep [keys] of awal.toml with it.

    \b
    Example:
        awal backup /media/usb/oriental.db
    """
    from storage.open import store_path
    from storage.sqlite import SqliteStore

    found = project()
    with SqliteStore(store_path(found.settings.gateway.store, found.directory), readonly=True) as store:
        counts = store.backup(file)
    click.echo(f"{file}: {', '.join(f'{count} {name}' for name, count in counts.items())}; verified.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def restore(file: Path) -> None:
    """Put a backup in the database's place. Stop the gateway first; what came after the backup is lost.

    \b
    Example:
        awal restore /media/usb/oriental.db
    """
    from storage.open import restore_store

    found = project()
    epoch = restore_store(found.settings.gateway.store, found.directory, file)
    click.echo(f"Restored. The platform hears of it as epoch {epoch}.")
