"""The SQLite store: one file, one process that writes it, one thread that commits."""

from storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
