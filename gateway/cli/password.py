"""`awal password`: a new password for the console."""

from __future__ import annotations

import secrets

import click


@click.command()
def password() -> None:
    """Make a new operator's password, and the line to put in awal.toml under [console] or [operators.NAME].

    \b
    Example:
        awal password
    """
    from werkzeug.security import generate_password_hash

    fresh = secrets.token_urlsafe(12)
    click.echo(f"Password, shown this once: {fresh}")
    click.echo(f'password = "{generate_password_hash(fresh, method="scrypt")}"')
