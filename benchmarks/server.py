"""A PostgreSQL server of the benchmarks' own: started at its first use, with the settings it is installed with."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import ExitStack
from functools import cache
from typing import Any

from benchmarks.servers import ROOT

SERVING = ExitStack()
"""To be left at the end of all measuring."""


def there(what: str) -> bool:
    """Tell whether a server can be had here; if not, say what is left out."""
    found = importlib.util.find_spec("psycopg") is not None and _module().program("initdb") is not None
    if not found:
        print(f"{what}: left out, since PostgreSQL or psycopg is not installed (`make programs`)")
    return found


def database() -> str:
    """Make an empty database and return its URL."""
    return str(running().new_database())


@cache
def running() -> Any:
    """Return the server, which runs from now on."""
    return SERVING.enter_context(_module().PostgresServer())


def _module() -> Any:
    """Return the module that starts servers: the tests have it."""
    fakes = str(ROOT / "tests" / "fakes")
    if fakes not in sys.path:
        sys.path.append(fakes)
    import postgres_server

    return postgres_server
