"""A program whose disk loses power: as `fault_writer.py`, and with `normal` as its third word less careful than we are.

The less careful store exists here only: it shows that the proof sees a loss where there is one.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from fault_writer import by_turns, keep

from storage.sqlite import SqliteStore, connection

if __name__ == "__main__":
    path, name, care = sys.argv[1:]
    if care == "normal":
        careless = (
            pragma.replace("synchronous = FULL", "synchronous = NORMAL") for pragma in connection.WRITER_PRAGMAS
        )
        connection.WRITER_PRAGMAS = tuple(careless)
    ways = by_turns(SqliteStore(Path(path)))
    for number in range(8):
        threading.Thread(target=keep, args=(ways[number % 2], f"{name}.{number}"), daemon=True).start()
    threading.Event().wait()
