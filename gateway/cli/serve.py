"""`awal serve`: gateway, scheduler and console in one go."""

from __future__ import annotations

import click

from gateway.cli.common import project


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
def serve(host: str, port: int) -> None:
    """Take calls and messages, run the scheduled jobs, and show the console.

    \b
    Example:
        awal -C oriental serve --host 0.0.0.0 --port 8000
    """
    from gateway.server import serve as run

    found = project()
    run(found.directory, found.settings, host, port, lambda url: click.echo(f"Awal is listening on {url}"))
