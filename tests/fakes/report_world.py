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


def at(*moment: int) -> int:
    """Return the milliseconds of a moment, UTC."""
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc]


W46 = at(2026, 11, 11, 9)
W47 = at(2026, 11, 18, 9)
OUJDA = "02.411.01.23"
BERKANE = "02.113.01.09"

WATER = """
flow: water
version: 1
title: {fr: Eau potable, ar: الماء الصالح للشرب}
sector: water
language: fr
languages: [fr, ar]
steps:
- id: supply
  ask: {fr: "Avez-vous de l'eau chaque jour ?", ar: "هل لديكم الماء كل يوم؟"}
  type: yes_no
- id: hours
  when: supply == "no"
  ask: {fr: "Combien d'heures par jour ?", ar: "كم ساعة في اليوم؟"}
  type: integer
- id: satisfaction
  ask: {fr: "Quelle note donnez-vous ?", ar: "ما تقييمكم؟"}
  type: rating
  measure: satisfaction
- id: problem
  when: satisfaction <= 2
  ask: {fr: "Quel est le problème ?", ar: "ما هو المشكل؟"}
  type: choice
  options:
    cuts: {fr: Coupures, ar: الانقطاع}
    taste: {fr: Goût, ar: الذوق}
    price: {fr: Prix, ar: الثمن}
    other: {fr: Autre, ar: آخر}
- id: commune
  ask: {fr: "Votre commune ?", ar: "جماعتكم؟"}
  type: place
  level: commune
- say: {fr: Merci., ar: شكرا.}
"""

HEALTH = """
flow: health
version: 1
title: {fr: Centre de santé, ar: المركز الصحي}
sector: health
language: fr
languages: [fr, ar]
steps:
- id: visited
  ask: {fr: "Avez-vous visité le centre ?", ar: "هل زرتم المركز؟"}
  type: yes_no
- when: visited == "no"
  end: {fr: Merci., ar: شكرا.}
- id: satisfaction
  ask: {fr: "Êtes-vous satisfait ?", ar: "هل أنتم راضون؟"}
  type: rating
  measure: satisfaction
- id: wait
  ask: {fr: "Combien de minutes d'attente ?", ar: "كم دقيقة من الانتظار؟"}
  type: integer
- id: suggestion
  ask: {fr: "Une suggestion ?", ar: "هل لديكم اقتراح؟"}
  type: text
  optional: yes
- id: commune
  ask: {fr: "Quelle commune ?", ar: "أي جماعة؟"}
  type: place
  level: commune
- say: {fr: Merci., ar: شكرا.}
"""

NEEDS = """
flow: needs
version: 1
title: {fr: Besoins de ma commune, ar: حاجيات جماعتي}
language: fr
languages: [fr, ar]
steps:
- id: first
  ask: {fr: "Quel est le premier besoin ?", ar: "ما هي أول حاجة؟"}
  type: choice
  options:
    water: {fr: Eau, ar: الماء}
    health: {fr: Santé, ar: الصحة}
    school: {fr: École, ar: المدرسة}
    roads: {fr: Route, ar: الطريق}
- id: others
  ask: {fr: "Quels autres besoins ?", ar: "ما هي الحاجيات الأخرى؟"}
  type: choices
  options:
    water: {fr: Eau, ar: الماء}
    health: {fr: Santé, ar: الصحة}
    school: {fr: École, ar: المدرسة}
    roads: {fr: Route, ar: الطريق}
- say: {fr: Merci., ar: شكرا.}
"""


def read(text: str) -> Flow:
    """Return the flow of a YAML text."""
    loaded = load(text)
    assert loaded.flow is not None, loaded.problems
    return loaded.flow


def shipped(name: str) -> Flow:
    """Return a flow of `flows/surveys`."""
    folder = Path(__file__).resolve().parents[2] / "flows" / "surveys"
    return read((folder / f"{name}.yaml").read_text(encoding="utf-8"))


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
