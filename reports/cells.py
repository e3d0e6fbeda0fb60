"""The cells of one flow version and period: absolute counts by question, option and area. Nothing else leaves.

Only closed answers are counted (yes or no, choices, marks). Free text, phone numbers, dates and raw numbers stay on
the gateway; a place answered is not a count but the area of all the conversation's answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from flows.content import marks
from flows.model import Ask, End, Flow, Go, Menu, Option, Step, Text, restore
from reports.periods import Period
from storage.store import Store, Tally, Walks

COUNTED = ("yes_no", "choice", "choices", "rating", "nps")
"""The question types whose answers leave the gateway, as counts."""

Row = TypeVar("Row", Tally, Walks)


class Mark(Struct, frozen=True):
    """One possible answer, in its canonical place; `label` is None where the number or yes/no says it all."""

    key: str
    label: Text | None = None


class Question(Struct, frozen=True):
    """A counted question. `conditional` when an earlier answer decides who is asked: its base is an answer too."""

    ask: Ask
    marks: tuple[Mark, ...]
    conditional: bool


class Sheet(Struct, frozen=True):
    """All cells of one flow version and period: `counts[question][option][area]`, zeros included."""

    flow: Flow
    period: Period
    areas: tuple[str, ...]
    questions: tuple[Question, ...]
    counts: Mapping[str, Sequence[Sequence[int]]]
    started: tuple[int, ...]
    completed: tuple[int, ...]

    @property
    def answers(self) -> int:
        """Return how many answers the sheet counts."""
        return sum(sum(row) for rows in self.counts.values() for row in rows)


def questions(flow: Flow) -> tuple[Question, ...]:
    """Return the questions of a flow whose answers are counted, in order."""
    decided = conditional(flow)
    return tuple(Question(ask, _marks(ask), ask.id in decided) for ask in flow.questions if ask.type in COUNTED)


def conditional(flow: Flow) -> frozenset[str]:
    """Return the questions that earlier answers decide about: guarded themselves, or below a step that can jump."""
    found = set()
    jumped = False
    for step in flow.steps:
        if isinstance(step, Ask) and (jumped or step.when):
            found.add(step.id)
        jumped = jumped or _can_jump(step)
    return frozenset(found)


def sheets(store: Store, period: Period, region: str, also: Iterable[str] = ()) -> list[Sheet]:
    """Count one period from the rows kept, one sheet for each flow version met.

    `region` is the area of conversations that named no place. `also` are flow versions to count even when nothing of
    theirs is left: after an erasure the zeros must leave too.
    """
    first, last = period.first.isoformat(), period.last.isoformat()
    tallies = _by_flow(store.tallies(first, last))
    walks = _by_flow(store.walks(first, last))
    made = []
    for flow_hash in sorted({*tallies, *walks, *also}):
        data = store.flow_data(flow_hash)
        if data is not None:
            flow = restore(data)
            made.append(sheet(flow, period, region, tallies.get(flow_hash, ()), walks.get(flow_hash, ())))
    return made


def sheet(flow: Flow, period: Period, region: str, tallies: Iterable[Tally], walks: Iterable[Walks]) -> Sheet:
    """Lay the counts of one flow version out by question, option and area."""
    tallies, walks = list(tallies), list(walks)
    counted = questions(flow)
    positions = {question.ask.id: _positions(question) for question in counted}
    kept = [one for one in tallies if one.value in positions.get(one.step, ())]
    areas = tuple(sorted({one.place or region for one in kept} | {one.place or region for one in walks}))
    column = {area: at for at, area in enumerate(areas)}
    counts = {question.ask.id: [[0] * len(areas) for _ in question.marks] for question in counted}
    for one in kept:
        counts[one.step][positions[one.step][one.value]][column[one.place or region]] += one.count
    started, completed = [0] * len(areas), [0] * len(areas)
    for walk in walks:
        started[column[walk.place or region]] += walk.started
        completed[column[walk.place or region]] += walk.completed
    return Sheet(flow, period, areas, counted, counts, tuple(started), tuple(completed))


def _marks(ask: Ask) -> tuple[Mark, ...]:
    """Return every possible answer in canonical order: what a position means never depends on what was answered."""
    if ask.type == "yes_no":
        return (Mark("yes"), Mark("no"))
    if ask.type == "nps":
        return tuple(Mark(str(mark)) for mark in range(11))
    if ask.type == "rating":
        labels = [*(one.label for one in ask.options), *[None] * marks(ask)]
        return tuple(Mark(str(at + 1), labels[at]) for at in range(marks(ask)))
    return tuple(Mark(one.key, one.label) for one in ask.options)


def _positions(question: Question) -> dict[str, int]:
    """Return the position of each value; a labelled rating may be kept by its mark or by its label's key."""
    by_mark = {mark.key: at for at, mark in enumerate(question.marks)}
    return {one.key: at for at, one in enumerate(question.ask.options)} | by_mark


def _can_jump(step: Step) -> bool:
    """Tell whether this step can lead past the ones below it."""
    if isinstance(step, Go | End):
        return True
    if isinstance(step, Ask):
        return any(one.go for one in step.options)
    return isinstance(step, Menu) and any(_goes(one) for one in step.options)


def _goes(option: Option) -> bool:
    return bool(option.go) or any(_goes(below) for below in option.options)


def _by_flow(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.flow_hash, []).append(row)
    return found
