"""`awal sync`: bring the national platform up to date."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click
from click.core import ParameterSource

from gateway.cli.common import project

CARRIERS = ("https", "sms", "bundle", "qr")
"""Each is a module of `gateway.carriers`; the first is the default."""
FILES = ("bundle", "qr")
"""Those that write files, where `--to` says."""


@click.command()
@click.option("--once", is_flag=True, help="One attempt over the link; without it, failed attempts are made again.")
@click.option("--carrier", type=click.Choice(CARRIERS), default=CARRIERS[0], show_default=True, help="How it travels.")
@click.option(
    "--to", type=click.Path(path_type=Path), metavar="FOLDER", help="Where files go: the mounted stick, or a page.html."
)
@click.option("--all", "everything", is_flag=True, help="Write what is acknowledged too, for a platform that lost it.")
@click.option(
    "--receipt",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Take what a receipt of the platform acknowledges.",
)
def sync(once: bool, carrier: str, to: Path | None, everything: bool, receipt: Path | None) -> None:
    """Send what the platform does not hold yet: counts and snapshots, never numbers, never words.

    \b
    https   over the link, as the running gateway does by itself
    sms     to the platform's number ([national] phone and key), within the day's budget; receipts come
            back as SMS. The running gateway does it by itself when the link has failed for long
    bundle  a file on a USB stick, sealed for the platform ([national] key). There, `awal-national
            import` reads it and puts a receipt beside it. Bring the stick back and run the same
            command: it takes the receipt, and writes what is new. What is not acknowledged goes
            again, so that a lost stick loses nothing
    qr      printed codes, sealed like the bundle: a page to print, and a picture of each. There,
            `awal-national receive` takes what was scanned; --receipt takes what it prints

    \b
    Example:
        awal sync --once
        awal sync --carrier bundle --to /media/stick
        awal sync --carrier sms
        awal sync --carrier qr --to codes.html
        awal sync --receipt /media/stick/awal-oriental-1-57.receipt

    Works beside a running gateway and without one.
    """
    from gateway.carriers import Options

    if (to or everything) and carrier not in FILES:
        raise click.UsageError(f"--to and --all go with --carrier {' or '.join(FILES)}.")
    found = project()
    if receipt is not None:
        from gateway.carriers import bundle, sms

        (sms if sms.is_receipt(receipt) else bundle).take(found, receipt)
        if click.get_current_context().get_parameter_source("carrier") is ParameterSource.DEFAULT:
            return
    options = Options(once=once, to=to, everything=everything)
    import_module(f"gateway.carriers.{carrier}").run(found, options)
