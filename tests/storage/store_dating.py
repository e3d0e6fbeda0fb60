"""A program to be killed: it finds the clock of an undated time, dates two conversations at a time, and tells each."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from storage.sqlite import SqliteStore

if __name__ == "__main__":
    with SqliteStore(Path(sys.argv[1])) as store:
        store.find_clock(1, int(sys.argv[2]), int(sys.argv[3]))
        os.write(1, b"found\n")
        while done := store.date(2):
            os.write(1, f"{done}\n".encode())
        threading.Event().wait()
