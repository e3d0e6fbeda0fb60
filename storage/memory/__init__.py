"""The store on plain dicts, in one file an idea; outside, only `MemoryStore` is used."""

from storage.memory.store import MemoryStore

__all__ = ["MemoryStore"]
