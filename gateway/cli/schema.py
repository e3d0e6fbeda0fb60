"""`awal schema`: the flow format for editors."""

from __future__ import annotations

import click


@click.command()
def schema() -> None:
    """Write the JSON Schema of flow files on stdout, for editors that complete and underline.

    Put it beside the flows, and `# yaml-language-server: $schema=flow.schema.json` on a flow's first line.

    \b
    Example:
        awal schema > flows/flow.schema.json
    """
    click.echo(text(), nl=False)


def text() -> str:
    """Return the schema as JSON, ready to be kept in a file."""
    import json

    from flows.schema import schema as made

    return json.dumps(made(), ensure_ascii=False, indent=2) + "\n"
