"""The copy: what it refuses, where it goes on, and how it is known to be whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from storage.copying.side import Side
from storage.copying.tables import NAMED, TABLES, Digest, Row, Table
from storage.errors import StoreError

BATCH = 1_000
"""Rows of one transaction."""

Step = Callable[[int], object]


class Copy:
    """From `source`, which stays as it is, to `target`, which cannot be served before it is whole."""

    def __init__(self, source: Side, target: Side, batch: int = BATCH) -> None:
        self.source = source
        self.target = target
        self._batch = batch
        self.total = sum(source.count(table) for table in TABLES)

    def begin(self, afresh: bool = False) -> int:
        """Refuse what must not be mixed; return how many rows an earlier run has copied already.

        `afresh` forgets what an earlier run copied. A target without the mark of a copy is never emptied.
        """
        if self.source.mark() is not None:
            raise StoreError(f"{self.source.where} is itself an unfinished copy: copy from the store it came from")
        mark = self.target.mark()
        if mark is None:
            self._require_empty()
        elif afresh:
            self.target.clear(self._mark(TABLES[0], None))
        elif json.loads(mark)["from"] != self.source.where:
            raise StoreError(
                f"{self.target.where} holds a part of {json.loads(mark)['from']}: end that copy first, or give "
                "--afresh to forget what was copied of it"
            )
        return sum(self.target.count(table) for table in TABLES) if self.target.mark() else 0

    def _require_empty(self) -> None:
        for table in TABLES:
            rows = self.target.count(table)
            if rows and table.name != "counters":
                raise StoreError(
                    f"{self.target.where} holds a gateway's data already ({rows} rows in {table.name}): "
                    "name a new file, or a database made with CREATE DATABASE"
                )

    def run(self, step: Step) -> None:
        """Copy all tables, from where an earlier run was interrupted; `step` hears how many rows came over."""
        for table, after in self._left():
            key = self.source.key(table)
            while rows := self.source.rows(table, after, self._batch):
                after = table.at(rows[-1], key)
                self.target.keep(table, rows, self._mark(table, after))
                step(len(rows))

    def _left(self) -> Iterator[tuple[Table, Row | None]]:
        """Yield the tables that are not copied yet, and the key after which to go on."""
        mark = self.target.mark()
        first, after = TABLES[0].name, None
        if mark is not None:
            found = json.loads(mark)
            first, after = found["table"], found["after"]
        begin = TABLES.index(NAMED[first])
        for table in TABLES[begin:]:
            yield table, tuple(after) if after is not None else None
            after = None

    def _mark(self, table: Table, after: Row | None) -> str:
        return json.dumps({"from": self.source.where, "table": table.name, "after": after})

    def verify(self, step: Step) -> None:
        """Compare each table's count and hash on both sides; raise StoreError for the first that differs."""
        for table in TABLES:
            given, kept = (self._digest(side, table, step) for side in (self.source, self.target))
            if (given.rows, str(given)) != (kept.rows, str(kept)):
                raise StoreError(
                    f"{table.name} differs: {given.rows} rows, hash {str(given)[:12]} in {self.source.where}; "
                    f"{kept.rows} rows, hash {str(kept)[:12]} in {self.target.where}. Did something write to one of "
                    "them? Copy again with --afresh"
                )

    def _digest(self, side: Side, table: Table, step: Step) -> Digest:
        digest, after, key = Digest(), None, side.key(table)
        while rows := side.rows(table, after, self._batch):
            for row in rows:
                digest.add(row)
            after = table.at(rows[-1], key)
            step(len(rows))
        if digest.rows != side.count(table):
            raise StoreError(
                f"{side.where}: {table.name} has {side.count(table)} rows, and {digest.rows} of them in the order of "
                f"its key ({', '.join(key)}): an index is damaged. Check that database before anything is copied"
            )
        return digest

    def finish(self, now: int) -> None:
        """Count ahead what was copied, and let the target be served."""
        self.target.settle(now)
        self.target.note_erasures(self.source.erasures())
        self.target.unmark()
