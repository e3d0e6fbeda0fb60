"""One end of a copy: a store that nobody else writes, read and written table by table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from storage.copying.tables import Row, Table
from storage.open import is_postgres, store_path


class Side(Protocol):
    """What `SqliteSide` and `PostgresSide` do. Nobody else has the store open for writing as long as they live."""

    where: str
    """The store as it may be shown."""

    def key(self, table: Table) -> tuple[str, ...]:
        """Return the columns by which this side reads a table: those of one of its indexes."""

    def rows(self, table: Table, after: Row | None, limit: int) -> list[Row]:
        """Return the next rows after a key."""

    def count(self, table: Table) -> int:
        """Count a table's rows."""

    def keep(self, table: Table, rows: Sequence[Row], mark: str) -> None:
        """Keep rows and the mark of how far the copy came, in one durable transaction."""

    def mark(self) -> str | None:
        """Return the mark of a copy that has not ended."""

    def clear(self, mark: str) -> None:
        """Delete all rows, and begin at `mark`."""

    def settle(self, now: int) -> None:
        """Count ahead what was copied, and let the next row have the next number."""

    def unmark(self) -> None:
        """Take the mark away: the store is whole, and may be served."""

    def erasures(self) -> list[tuple[int, str]]:
        """Return who was forgotten and when, where a list is kept."""

    def note_erasures(self, erased: Sequence[tuple[int, str]]) -> None:
        """Take over such a list."""

    def epoch(self) -> int:
        """Return the sync epoch."""

    def raise_epoch(self, above: int) -> int:
        """Raise the sync epoch over itself and `above`; return the new one."""

    def close(self) -> None:
        """Let the store go."""


@contextmanager
def opened(url: str, base: Path, *, new: bool = False) -> Iterator[Side]:
    """Open a store alone; raise StoreLocked when a gateway runs on it. `new`: it may be made."""
    side: Side
    if is_postgres(url):
        from storage.copying.postgres import PostgresSide

        side = PostgresSide(url)
    else:
        from storage.copying.sqlite import SqliteSide

        side = SqliteSide(store_path(url, base), new=new)
    try:
        yield side
    finally:
        side.close()
