"""What the memory store knows of the national platform."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from storage.memory.rows import MemoryRows
from storage.store import Held, SyncRow


class MemorySync(MemoryRows):
    """Numbered snapshots, and the attempts to send them."""

    def epoch(self) -> int:
        """Return the sync epoch."""
        return 1

    def held(self) -> Sequence[Held]:
        """Return the newest snapshots."""
        with self._lock:
            return [self._held[key] for key in sorted(self._held)]

    def hold(self, flow_hash: str, period: str, digest: str) -> Held:
        """Number a snapshot."""
        with self._lock:
            found = self._held.get((flow_hash, period))
            if found is None or found.digest != digest:
                self._snapshots += 1
                found = Held(flow_hash, period, self.epoch(), self._snapshots, digest, acked=False)
                self._held[flow_hash, period] = found
            return found

    def acknowledge(self, flow_hash: str, period: str, epoch: int, seq: int) -> None:
        """Record that the platform holds this snapshot."""
        with self._lock:
            found = self._held.get((flow_hash, period))
            if found is not None and (found.epoch, found.seq) == (epoch, seq):
                self._held[flow_hash, period] = replace(found, acked=True)

    def log_sync(self, row: SyncRow) -> None:
        """Keep the outcome of one attempt."""
        self._syncs.append(row)

    def syncs(self, limit: int = 10) -> Sequence[SyncRow]:
        """Return the last attempts, newest first."""
        return self._syncs[::-1][:limit]
