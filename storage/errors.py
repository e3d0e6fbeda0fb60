"""What can go wrong with the store, each with its remedy in the message."""

from flows.errors import AwalError


class StoreError(AwalError):
    """The store cannot keep or read what it was asked to; nothing was kept."""


class StoreBusy(StoreError):
    """Too much is waiting to be written, or a write took longer than the deadline; try again."""


class StoreLocked(StoreError):
    """Another process has this database open; stop it first, or use another project directory."""


class StoreFull(StoreError):
    """The disk is full; make room, and writing goes on by itself."""
