"""Reading in the memory store: answers and figures, counted from the rows each time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from storage.memory.rows import MemoryRows, Walk, is_open
from storage.store import AnswerRow, Tally, Walks


class MemoryReading(MemoryRows):
    """What was answered, and how often."""

    def answers(self, flow: str = "", since: int = 0) -> Iterator[AnswerRow]:
        """Yield answers in the order they were kept."""
        with self._lock:
            rows = [
                replace(row, place=self._walks[row.conversation].state.place)
                for row in self._answers.values()
                if flow in ("", row.flow) and row.answered_at >= since
            ]
        yield from rows

    def answers_of(self, wanted: Callable[[str], bool]) -> Sequence[AnswerRow]:
        """Return the answers of the conversations whose ids are wanted."""
        rows = list(self.answers())
        ids = {id for id in dict.fromkeys(row.conversation for row in rows) if wanted(id)}
        return [row for row in rows if row.conversation in ids]

    def words(self, flow: str, steps: Sequence[str], since: int = 0, limit: int = 20) -> Sequence[AnswerRow]:
        """Return the newest answers in the citizens' own words, newest first."""
        rows = [row for row in self.answers(flow, since) if row.free and row.flow == flow and row.step in steps]
        return sorted(rows, key=lambda row: row.answered_at)[::-1][:limit]

    def tallies(self, first_day: str, last_day: str, flow: str = "", steps: Sequence[str] = ()) -> Sequence[Tally]:
        """Count answers."""
        found: Counter[tuple[str, str, str, str, str]] = Counter()
        for row in self.answers(flow):
            if first_day <= row.day <= last_day and (not steps or row.step in steps):
                keys = {""} if row.free else set(row.value) if isinstance(row.value, list) else {str(row.value)}
                found.update((row.flow, row.flow_hash, row.step, key, row.place) for key in keys)
        return [Tally(*key, count) for key, count in sorted(found.items())]

    def _begun(self, first_day: str, last_day: str, flow: str = "") -> list[Walk]:
        with self._lock:
            walks = [walk for walk in self._walks.values() if first_day <= walk.day <= last_day and walk.state.flow]
        return [walk for walk in walks if flow in ("", walk.state.flow)]

    def walks(self, first_day: str, last_day: str, flow: str = "") -> Sequence[Walks]:
        """Count conversations begun and completed."""
        started: Counter[tuple[str, str, str]] = Counter()
        completed: Counter[tuple[str, str, str]] = Counter()
        partial: Counter[tuple[str, str, str]] = Counter()
        going: Counter[tuple[str, str, str]] = Counter()
        for walk in self._begun(first_day, last_day, flow):
            key = (walk.state.flow, walk.state.flow_hash, walk.state.place)
            started[key] += 1
            completed[key] += walk.state.status == "done"
            going[key] += is_open(walk)
            told = any(row.conversation == walk.state.id for row in self._answers.values())
            partial[key] += told and not is_open(walk) and walk.state.status != "done"
        return [Walks(*key, started[key], completed[key], partial[key], going[key]) for key in sorted(started)]

    def spread(self, first_day: str, last_day: str) -> Mapping[str, Mapping[str, int]]:
        """Count conversations by language, bearer and flow."""
        found: dict[str, Counter[str]] = defaultdict(Counter, language=Counter(), bearer=Counter(), flow=Counter())
        for walk in self._begun(first_day, last_day):
            found["language"][walk.state.language] += 1
            found["bearer"][walk.bearer] += 1
            found["flow"][walk.state.flow] += 1
        return {name: dict(counter) for name, counter in found.items()}

    def answer_days(self) -> Sequence[str]:
        """Return the civil days that hold answers or conversations."""
        with self._lock:
            days = {row.day for row in self._answers.values()} | {walk.day for walk in self._walks.values()}
        return sorted(days)

    def fallbacks(self) -> Mapping[str, int]:
        """Return how many texts each fallback served."""
        return dict(self._fallbacks)

    def counts(self) -> Mapping[str, int]:
        """Return totals."""
        with self._lock:
            rows = [taken.row for taken in self._inbound.values() if taken.row is not None]
            walks = [walk for walk in self._walks.values() if walk.state.flow]
            return {
                "citizens": len(self._citizens),
                "conversations": len(walks),
                "open": sum(is_open(walk) for walk in walks),
                "inbound": len(rows),
                "answers": len(self._answers),
                "steps": sum(bool(row.conversation) for row in rows),
            }

    def roll(self, now: int, limit: int = 100) -> int:  # noqa: ARG002
        """Do nothing: the rows themselves are counted each time."""
        return 0
