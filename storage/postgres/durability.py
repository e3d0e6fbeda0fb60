"""What a server says of itself, for `awal doctor`: its version, its connections, and whether it keeps what it told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import psycopg
from msgspec import Struct

from storage.postgres.connection import conninfo, errors

ASK = """
SELECT current_setting('server_version'), (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
"""
KEEP = "SELECT name, setting FROM pg_settings WHERE name = ANY (%s)"
LOSES = {
    "fsync": "a power cut loses or ruins everything",
    "synchronous_commit": "a power cut loses the last acknowledged answers",
    "full_page_writes": "a power cut can tear a page, unless the file system never does (ZFS)",
}
"""The settings that durability hangs on, and what happens where one is off."""
REFUSED = ("fsync", "synchronous_commit")
"""Those without which no store is opened (`connection`)."""


class Server(Struct, frozen=True):
    """One look at a server."""

    version: str
    connections: int
    most: int
    """Connections that gateways may have, all together."""
    settings: Mapping[str, str]

    @property
    def crowded(self) -> bool:
        """Tell whether less than a tenth of the connections is free."""
        return self.connections * 10 > self.most * 9

    def off(self) -> Iterator[tuple[str, str]]:
        """Yield each setting that is off, and what that loses."""
        for name, loses in LOSES.items():
            if self.settings.get(name) == "off":
                yield name, loses


def look(url: str) -> Server:
    """Ask a server, also one on which no store would be opened; raise StoreError when there is none."""
    with errors(url), psycopg.connect(conninfo(url), autocommit=True) as connection:
        version, connections, most = connection.execute(ASK).fetchone() or ("", 0, 0)
        settings: dict[str, str] = dict(connection.execute(KEEP, (list(LOSES),)).fetchall())
    return Server(version.split()[0], connections, most, settings)
