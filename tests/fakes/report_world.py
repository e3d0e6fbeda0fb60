"""Citizens' answers in a real store, for the tests of what officials read."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from flows.load import load
from flows.model import Bearer, Flow, Value, dump
from flows.types import Conversation
from reports.periods import day_of
from storage.sqlite import SqliteStore
from storage.store import AnswerRow, Change, Citizen, InboundRow

SURVEYS = Path(__file__).resolve().parents[2] / "flows" / "surveys"


def at(*moment: int) -> int:
    """Return the milliseconds of a moment, UTC."""
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc]


W46 = at(2026, 11, 11, 9)
W47 = at(2026, 11, 18, 9)
OUJDA = "02.411.01.03"
BERKANE = "02.113.01.01"


def survey(name: str) -> Flow:
    """Return a shipped flow."""
    loaded = load((SURVEYS / f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")
    assert loaded.flow is not None, loaded.problems
    return loaded.flow


class Crowd:
    """A store, and citizens who answer into it, each in a conversation of their own."""

    def __init__(self, path: Path) -> None:
        self.store = SqliteStore(path / "crowd.db")
        self._numbers = itertools.count(1)

    def close(self) -> None:
        self.store.close()

    def answer(
        self,
        flow: Flow,
        answers: Mapping[str, Value],
        *,
        now: int = W47,
        place: str = "",
        done: bool = True,
        language: str = "fr",
        bearer: Bearer = "ussd",
        raw: str | None = None,
    ) -> str:
        """Keep one conversation with its answers; return its id. `raw` is what was written, else the value."""
        number = next(self._numbers)
        citizen, conversation, moment = f"p{number}", f"c{number}", datetime.fromtimestamp(now / 1000, UTC)
        if self.store.flow_data(flow.hash) is None:
            self.store.keep_flow(flow.hash, flow.id, flow.version, dump(flow), now)
        rows = [
            AnswerRow(
                id=f"a{number}-{step}",
                conversation=conversation,
                citizen=citizen,
                flow=flow.id,
                flow_version=flow.version,
                flow_hash=flow.hash,
                step=step,
                value=value,
                raw=str(value) if raw is None else raw,
                language=language,
                bearer=bearer,
                channel="simulator",
                answered_at=now,
                day=day_of(now),
            )
            for step, value in answers.items()
        ]
        state = Conversation(
            id=conversation,
            bearer=bearer,
            flow=flow.id,
            version=flow.version,
            flow_hash=flow.hash,
            language=language,
            phase="done" if done else "steps",
            status="done" if done else "active",
            answers=dict(answers),
            place=place,
            started_at=moment,
            updated_at=moment,
        )
        inbound = InboundRow(f"i{number}", "simulator", f"m{number}", citizen, bearer, "1", now)
        change = Change(
            inbound=inbound,
            reply=b"",
            citizen=Citizen(citizen, language),
            conversation=state,
            channel="simulator",
            answers=rows,
        )
        assert self.store.accept(change).outcome == "taken"
        return conversation

    def many(self, count: int, flow: Flow, answers: Mapping[str, Value], **more: object) -> None:
        """Keep `count` conversations with the same answers."""
        for _ in range(count):
            self.answer(flow, answers, **more)  # type: ignore[arg-type]
