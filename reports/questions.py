"""How each question of a flow was answered: counts, medians, satisfaction. Structures only, no words yet.

Versions of a flow are read together: an option or question that only an older version had is kept, behind those of
the newest. A question whose type changed from one version to the next is two questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from flows.model import Ask, Flow, QuestionType, Text
from reports import cells
from reports.statistics import Change, Estimate, estimate, median, top_marks
from reports.suppression import Published, publish
from storage.store import Tally

OPEN = ("place", "language")
"""Types whose possible answers the flow does not list: only those given have a cell."""
NUMBERS = ("integer", "decimal")
PROBLEM = "problem"
"""The `measure`, or the beginning of the id, of the question that names what is wrong."""
OTHER = "other"
"""The option that names nothing: never reported as the worst problem."""
ROUNDING = 5


class Cell(Struct, frozen=True):
    """One possible answer and how often it was given; None is a hidden count."""

    key: str
    count: int | None
    label: Text | None = None
    """The flow's own words; None where key and type say it all (yes/no, a mark, a place, a language)."""


class Together(Struct, frozen=True):
    """Hidden cells and their sum, which the printed counts tell anyway; a reader need not subtract."""

    cells: tuple[Cell, ...]
    count: int


class Numbers(Struct, frozen=True):
    """The middle and the ends of the numbers answered."""

    median: float
    low: float
    high: float


class Satisfaction(Struct, frozen=True):
    """The share of satisfied answers; where it may not be printed, a bound, or nothing."""

    marks: frozenset[str] = frozenset()
    """The answers that mean satisfied."""
    estimate: Estimate | None = None
    at_least: float | None = None
    at_most: float | None = None
    change: Change | None = None
    """Against the period before; None when one of the two may not be printed."""


class Question(Struct, frozen=True):
    """One question with its answers. `n` is None when there are a few, but too few to be told."""

    step: str
    type: QuestionType
    text: Text
    n: int | None
    cells: tuple[Cell, ...] = ()
    numbers: Numbers | None = None
    satisfaction: Satisfaction | None = None
    approximate: bool = False
    """Counts are rounded to the nearest 5, because their sum would tell a hidden count of an earlier question."""

    @property
    def hidden(self) -> bool:
        """Tell whether anything of this question is held back."""
        return self.n is None or any(cell.count is None for cell in self.cells)

    def share(self, cell: Cell) -> float | None:
        """Return the part of the answers a cell holds; for `choices` the part of what was named."""
        return cell.count / self.n if self.n and cell.count is not None else None

    @property
    def together(self) -> tuple[Together, ...]:
        """Return the hidden cells with their sum, satisfied and others apart where both are known."""
        found = self.satisfaction
        if not self.n or all(cell.count is None for cell in self.cells):
            return ()
        if not (found and found.estimate):
            return _summed(self.cells, self.n)
        satisfied = round(found.estimate.share * self.n)
        inside = tuple(cell for cell in self.cells if cell.key in found.marks)
        outside = tuple(cell for cell in self.cells if cell.key not in found.marks)
        return _summed(outside, self.n - satisfied) + _summed(inside, satisfied)


class _Asked(Struct, frozen=True):
    """A question over all versions of its flow, newest first, with what was answered."""

    ask: Ask
    marks: Mapping[str, Text | None]
    conditional: bool
    counts: Mapping[str, int]


def questions(versions: Mapping[str, Flow], tallies: Iterable[Tally], k: int) -> tuple[Question, ...]:
    """Return the questions of a flow, given its versions met by their hash, with counts of at least `k`."""
    asked = _asked(versions, tallies)
    made = [_question(one, k) for one in asked]
    deciding = frozenset().union(*map(_deciding, versions.values()))
    if not any(one.hidden and one.step in deciding for one in made):
        return tuple(made)
    return tuple(_rounded(one) if which.conditional else one for one, which in zip(made, asked, strict=True))


def _summed(cells: Sequence[Cell], total: int) -> tuple[Together, ...]:
    hidden = tuple(cell for cell in cells if cell.count is None)
    return (Together(hidden, max(0, total - sum(cell.count or 0 for cell in cells))),) if hidden else ()


def problem(asked: Sequence[Question]) -> tuple[Question, Cell] | None:
    """Return the problem named most, with its question; None when no printed count is surely the largest."""
    for question in asked:
        if question.type not in ("choice", "choices") or not _names_problems(question):
            continue
        named = [cell for cell in question.cells if cell.count and cell.key != OTHER]
        top = max(named, key=lambda cell: cell.count or 0, default=None)
        unseen = (question.n or 0) - sum(cell.count or 0 for cell in question.cells)
        if top and (top.count or 0) > unseen:
            return question, top
    return None


def _deciding(flow: Flow) -> frozenset[str]:
    """Return the questions whose answers decide who is asked another one."""
    conditions = " ".join(step.when for step in flow.steps)
    return frozenset(
        ask.id for ask in flow.questions if ask.id in conditions or any(option.go for option in ask.options)
    )


def _names_problems(question: Question) -> bool:
    return question.step.startswith(PROBLEM)


def _asked(by_hash: Mapping[str, Flow], tallies: Iterable[Tally]) -> list[_Asked]:
    """Lay the versions over one another and give each question its counts."""
    asks: dict[tuple[str, str], list[tuple[Flow, Ask]]] = {}
    for flow in sorted(by_hash.values(), key=lambda flow: -flow.version):
        for ask in flow.questions:
            asks.setdefault((ask.id, ask.type), []).append((flow, ask))
    counts: dict[tuple[str, str], Counter[str]] = {key: Counter() for key in asks}
    for one in tallies:
        asked = _ask(by_hash.get(one.flow_hash), one.step)
        if asked is not None:
            counts[asked.id, asked.type][_value(asked, one.value)] += one.count
    return [_over(versions, counts[key]) for key, versions in asks.items()]


def _over(versions: Sequence[tuple[Flow, Ask]], counts: Mapping[str, int]) -> _Asked:
    marks: dict[str, Text | None] = {}
    conditional = False
    for flow, ask in versions:
        listed = {one.ask.id: one for one in cells.questions(flow)}.get(ask.id)
        conditional = conditional or ask.id in cells.conditional(flow)
        for mark in listed.marks if listed else ():
            marks.setdefault(mark.key, mark.label)
    return _Asked(versions[0][1], marks, conditional, counts)


def _ask(flow: Flow | None, step: str) -> Ask | None:
    found = flow.steps[flow.index[step]] if flow and step in flow.index else None
    return found if isinstance(found, Ask) else None


def _value(ask: Ask, value: str) -> str:
    """Return the mark of a labelled rating kept by its label's key; any other value as it is."""
    if ask.type == "rating":
        keys = [option.key for option in ask.options]
        return str(keys.index(value) + 1) if value in keys else value
    return value


def _question(asked: _Asked, k: int) -> Question:
    ask = asked.ask
    if ask.type in OPEN or asked.marks:
        return _closed(asked, k)
    total = sum(asked.counts.values())
    n = None if 0 < total < k else total
    numbers = _numbers(asked.counts) if n and ask.type in NUMBERS else None
    return Question(ask.id, ask.type, ask.text, n, numbers=numbers)


def _closed(asked: _Asked, k: int) -> Question:
    ask = asked.ask
    listed = {key: asked.counts.get(key, 0) for key in asked.marks}
    extra = {key: asked.counts[key] for key in sorted(asked.counts) if key not in listed}
    top = _satisfied(ask, listed)
    table = publish(listed | extra, k, top)
    made = tuple(Cell(key, count, asked.marks.get(key)) for key, count in table.cells.items())
    satisfaction = _satisfaction(table, top) if top else None
    return Question(ask.id, ask.type, ask.text, table.total, made, satisfaction=satisfaction)


def _satisfied(ask: Ask, listed: Iterable[str]) -> frozenset[str]:
    """Return the answers that mean satisfied, where the question measures satisfaction."""
    if ask.measure != "satisfaction":
        return frozenset()
    if ask.type == "rating":
        return frozenset(str(mark) for mark in top_marks(len(list(listed))))
    return {"yes_no": frozenset({"yes"}), "nps": frozenset({"9", "10"})}.get(ask.type, frozenset())


def _satisfaction(table: Published, marks: frozenset[str]) -> Satisfaction:
    n = table.total or 0
    if not n:
        return Satisfaction(marks)
    return Satisfaction(
        marks,
        estimate(table.part, n) if table.part is not None else None,
        table.at_least / n if table.at_least is not None else None,
        table.at_most / n if table.at_most is not None else None,
    )


def _numbers(counts: Mapping[str, int]) -> Numbers | None:
    values: Counter[float] = Counter()
    for value, count in counts.items():
        try:
            values[float(value)] += count
        except ValueError:
            continue
    middle = median(values)
    return None if middle is None else Numbers(middle, min(values), max(values))


def _rounded(question: Question) -> Question:
    """Round the counts of a question that only some were asked: its base is itself an answer to an earlier one."""
    made = tuple(replace(cell, count=_near(cell.count)) for cell in question.cells)
    n = sum(cell.count or 0 for cell in made) if made and not question.hidden else _near(question.n)
    found = question.satisfaction
    if found and found.estimate and n:
        satisfied = _near(round(found.estimate.share * found.estimate.n)) or 0
        found = replace(found, estimate=estimate(min(satisfied, n), n))
    return replace(question, n=n, cells=made, satisfaction=found, approximate=True)


def _near(count: int | None) -> int | None:
    return None if count is None else (count + ROUNDING // 2) // ROUNDING * ROUNDING
