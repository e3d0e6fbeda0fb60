"""From the snapshots held to what one region's page shows: tables by question, their bars, the satisfaction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from national.regions import region_of
from national.suppression import Published, publish
from national.wire import Labels, Question, Snapshot

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution: a two-sided 95 % interval."""
INDICATION_BELOW = 30
SECTORS = {
    "health": "Santé",
    "education": "Éducation",
    "water": "Eau",
    "roads": "Routes",
    "energy": "Énergie",
    "transport": "Transport",
    "administration": "Administration",
    "environment": "Environnement",
    "security": "Sécurité",
    "business": "Entreprises",
    "other": "Autre",
}
FIXED_LABELS: Mapping[str, Mapping[str, Labels]] = {
    "yes_no": {"yes": {"fr": "Oui", "ar": "نعم"}, "no": {"fr": "Non", "ar": "لا"}},
}


class Satisfaction(Struct, frozen=True):
    """Per cent satisfied (top two of five) with its Wilson 95 % interval. `indication`: too few to compare."""

    percent: int
    low: int
    high: int
    n: int
    indication: bool


class Bar(Struct, frozen=True):
    """One option of a chart; None stands for hidden."""

    key: str
    label: Labels
    count: int | None
    percent: int | None


class Chart(Struct, frozen=True):
    """What is published of one question in one region and week."""

    question: str
    type: str
    measure: str
    conditional: bool
    text: Labels
    shown: str
    base: int | None
    bars: tuple[Bar, ...]
    satisfaction: Satisfaction | None

    @property
    def together(self) -> Bar | None:
        """Return the hidden counts as one, where others are shown: a reader would only have to subtract."""
        if self.shown != "some" or not self.base:
            return None
        count = max(0, self.base - sum(bar.count or 0 for bar in self.bars))
        return Bar("", {"fr": "Les masqués ensemble", "ar": "المخفية مجتمعة"}, count, percent(count, self.base))


class FlowFigures(Struct, frozen=True):
    """What is published of one flow in one region and week."""

    flow: str
    title: Labels
    sector: str
    started: int
    completed: int
    charts: tuple[Chart, ...]


class _Sum(Struct):
    """The counts of one question, summed over gateways, areas and flow versions that ask it alike."""

    question: Question
    counts: list[int]


class _Flow(Struct):
    newest: Snapshot
    started: int = 0
    completed: int = 0
    sums: dict[tuple[object, ...], _Sum] = field(default_factory=dict)


def figures(snapshots: Iterable[Snapshot], region: str) -> list[FlowFigures]:
    """Return what may be published of these snapshots (one week, any gateways) in one region, flow by flow."""
    flows: dict[str, _Flow] = {}
    for snapshot in sorted(snapshots, key=lambda one: (one.sector, one.flow, -one.flow_version, one.flow_hash)):
        here = [at for at, area in enumerate(snapshot.areas) if region_of(area) == region]
        if here:
            _add(flows.setdefault(snapshot.flow, _Flow(snapshot)), snapshot, here)
    return [
        _flow(one) for one in flows.values() if one.started or any(sum(table.counts) for table in one.sums.values())
    ]


def top_marks(question: Question) -> int:
    """Return how many of the last options mean satisfied: the top two of five marks, else none."""
    rated = question.type == "rating" and question.measure == "satisfaction"
    return 2 if rated and len(question.options) == 5 else 0


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a proportion (Wilson, 1927), which holds for small n where the usual one fails."""
    share, spread = hits / n, Z * Z / n
    centre = share + spread / 2
    reach = Z * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, (centre - reach) / (1 + spread)), min(1.0, (centre + reach) / (1 + spread))


def percent(part: int, whole: int) -> int:
    """Return a whole per cent, halves up."""
    return (200 * part + whole) // (2 * whole)


def _add(flow: _Flow, snapshot: Snapshot, here: Sequence[int]) -> None:
    flow.started += sum(snapshot.walks.started[at] for at in here)
    flow.completed += sum(snapshot.walks.completed[at] for at in here)
    for question in snapshot.questions:
        keys = tuple(option.key for option in question.options)
        alike = (question.id, question.type, question.measure, question.conditional, keys)
        table = flow.sums.setdefault(alike, _Sum(question, [0] * len(keys)))
        for at, row in enumerate(snapshot.cells[question.id]):
            table.counts[at] += sum(row[column] for column in here)


def _flow(flow: _Flow) -> FlowFigures:
    newest = flow.newest
    charts = tuple(_chart(table) for table in flow.sums.values())
    return FlowFigures(newest.flow, newest.title, newest.sector, flow.started, flow.completed, charts)


def _chart(table: _Sum) -> Chart:
    question = table.question
    published = publish(table.counts, conditional=question.conditional, top=top_marks(question))
    return Chart(
        question=question.id,
        type=question.type,
        measure=question.measure,
        conditional=question.conditional,
        text=question.text,
        shown=published.shown,
        base=published.base,
        bars=_bars(question, published),
        satisfaction=_satisfaction(published),
    )


def _bars(question: Question, published: Published) -> tuple[Bar, ...]:
    counts = published.counts or (None,) * len(question.options)
    fixed = FIXED_LABELS.get(question.type, {})
    return tuple(
        Bar(
            option.key,
            option.label or dict(fixed.get(option.key, {})),
            count,
            percent(count, published.base) if count is not None and published.base else None,
        )
        for option, count in zip(question.options, counts, strict=True)
    )


def _satisfaction(published: Published) -> Satisfaction | None:
    """Return the indicator where the number satisfied is published."""
    if published.top is None or not published.base:
        return None
    low, high = wilson(min(published.top, published.base), published.base)
    share = percent(published.top, published.base)
    indication = published.base < INDICATION_BELOW
    return Satisfaction(share, round(100 * low), round(100 * high), published.base, indication)
