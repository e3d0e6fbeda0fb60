"""The officials' report as a plain structure: all figures of one place and period, small ones held back.

`reports.render` turns it into an SMS, a text, a page or a table. A report says how those who replied answered, never
what "the population" thinks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from flows.errors import AwalError
from flows.model import Flow, Text, restore
from flows.texts import Texts
from reports.periods import Period, before, is_open
from reports.questions import Cell, Question, Satisfaction, problem, questions
from reports.statistics import Estimate, difference, estimate, rate
from reports.suppression import K, protect, publish
from storage.store import Store, Tally, Walks

Row = TypeVar("Row", Tally, Walks)
LEAST = 5
"""The smallest threshold that protects anyone."""


class ReportError(AwalError):
    """A report that cannot be made as asked; the message names what to change."""


class FlowReport(Struct, frozen=True):
    """One flow in the report's place and period; None stands for a hidden count."""

    flow: str
    version: int
    """The newest version met."""
    title: Text
    source: str
    """The language the flow's own texts are written in."""
    sector: str
    begun: int | None
    completed: int | None
    questions: tuple[Question, ...]

    @property
    def completion(self) -> float | None:
        """Return the part of the conversations that reached the end."""
        if self.begun is None or self.completed is None:
            return None
        return rate(self.completed, self.begun)

    @property
    def indicator(self) -> Question | None:
        """Return the question that measures satisfaction."""
        return next((one for one in self.questions if one.satisfaction), None)

    @property
    def satisfaction(self) -> Satisfaction | None:
        """Return the satisfaction measured, if a question measures it."""
        return self.indicator.satisfaction if self.indicator else None

    @property
    def response(self) -> float | None:
        """Return the part of those who began that answered the satisfaction question."""
        if self.indicator is None or self.indicator.n is None or not self.begun:
            return None
        return rate(self.indicator.n, self.begun)

    @property
    def problem(self) -> tuple[Question, Cell] | None:
        """Return the problem named most, where that can be told."""
        return problem(self.questions)


class Report(Struct, frozen=True):
    """All figures of one place and period. `place` is an HCP code; empty means all that the gateway heard."""

    period: Period
    provisional: bool
    place: str
    made: date
    k: int
    begun: int | None
    completed: int | None
    flows: tuple[FlowReport, ...]
    languages: tuple[Cell, ...] = ()
    """Conversations by language; only for the whole gateway."""
    bearers: tuple[Cell, ...] = ()
    satisfaction: Satisfaction | None = None
    """All flows' satisfaction together, from those that may be printed."""
    region: str = ""
    """HCP code of the region the gateway serves: the name of a report on everything."""
    worst: str = ""
    """The flow whose satisfaction is lower than the others' by more than chance; empty when none stands out."""
    alerts: int | None = None
    """Open alerts, when the gateway keeps any."""
    partial: int | None = 0
    """Conversations that ended before their last question, and hold answers."""
    open: int | None = 0
    """Those that may still go on; the rest of `begun` ended without an answer."""


def build(
    store: Store,
    period: Period,
    place: str,
    texts: Texts,
    today: date,
    k: int = K,
    *,
    region: str = "",
    alerts: int | None = None,
) -> Report:
    """Make the report of a place (with all below it) and period; raises ReportError for an unknown place.

    An empty `place` takes in all conversations, those that named no place too; `region` then lends its name.
    `k` is the smallest count that is printed; 0 prints all, for the operator's own console.
    """
    if place and texts.places.get(place) is None:
        raise ReportError(f"“{place}” is no place. Give an HCP code such as 02 (region), 02.411 or 02.411.01.01.")
    if 0 < k < LEAST:
        raise ReportError(f"{k} is too small a count to print. Give {LEAST} or more, or 0 to hide nothing.")
    walks = _within(store.walks(*_days(period)), place)
    earlier = live(store, before(period), place, k)
    flows = _with_change(live(store, period, place, k), earlier)
    partial, going = _unfinished(walks, k)
    spread: Mapping[str, Mapping[str, int]] = {} if place else store.spread(*_days(period))
    return Report(
        period=period,
        provisional=is_open(period, today),
        place=place,
        made=today,
        k=k,
        begun=_told(sum(walk.started for walk in walks), k),
        completed=_told(sum(walk.completed for walk in walks), k),
        partial=partial,
        open=going,
        flows=flows,
        languages=_table(spread.get("language", {}), k),
        bearers=_table(spread.get("bearer", {}), k),
        satisfaction=_together(flows, earlier),
        region=region,
        worst=worst(flows),
        alerts=alerts,
    )


def _unfinished(walks: Sequence[Walks], k: int) -> tuple[int | None, int | None]:
    """Return how many conversations were partial and how many go on; what is small is not told by the others."""
    counts = {"partial": sum(walk.partial for walk in walks), "open": sum(walk.open for walk in walks)}
    known = sum(counts.values()) + sum(walk.completed for walk in walks)
    told = protect({**counts, "": sum(walk.started for walk in walks) - known}, k)
    return told["partial"], told["open"]


def live(store: Store, period: Period, place: str = "", k: int = 0) -> tuple[FlowReport, ...]:
    """Return every flow met in the period, in the order of their ids; uncensored unless `k` is given.

    The operator's console draws these: whoever runs the gateway holds the answers themselves.
    """
    tallies = _within(store.tallies(*_days(period)), place)
    walks = _within(store.walks(*_days(period)), place)
    versions = _versions(store, {row.flow_hash for row in tallies} | {row.flow_hash for row in walks})
    begun = protect({flow: sum(w.started for w in walks if w.flow == flow) for flow in versions}, k)
    completed = protect({flow: sum(w.completed for w in walks if w.flow == flow) for flow in versions}, k)
    return tuple(
        _flow(found, [row for row in tallies if row.flow == flow], k, begun[flow], completed[flow])
        for flow, found in versions.items()
    )


def worst(flows: Sequence[FlowReport]) -> str:
    """Return the flow whose satisfaction lies below the others' by more than chance, or nothing.

    Flows are not ranked: among equal services some always come last. One is named only when the interval of its
    difference from all others together excludes zero, and both sides have a sample that stands by itself.
    """
    known = _estimates(flows)
    for flow, own in sorted(known.items(), key=lambda item: item[1].share):
        others = _pooled(found for name, found in known.items() if name != flow)
        if others and own.strength == others.strength == "solid" and difference(own, others).direction == "down":
            return flow
    return ""


def covers(place: str, code: str) -> bool:
    """Tell whether the place `code` is `place` or lies below it; every code lies below the empty place."""
    return not place or code == place or code.startswith(place + ".")


def _flow(
    versions: Mapping[str, Flow], tallies: Sequence[Tally], k: int, begun: int | None, done: int | None
) -> FlowReport:
    newest = max(versions.values(), key=lambda flow: flow.version)
    made = questions(versions, tallies, k)
    return FlowReport(newest.id, newest.version, newest.title, newest.language, newest.sector, begun, done, made)


def _versions(store: Store, hashes: Iterable[str]) -> dict[str, dict[str, Flow]]:
    """Return the versions met of each flow by their hash, the flows in the order of their ids."""
    met = {one: restore(data) for one in sorted(hashes) if (data := store.flow_data(one)) is not None}
    ids = sorted({flow.id for flow in met.values()})
    return {id: {one: flow for one, flow in met.items() if flow.id == id} for id in ids}


def _with_change(flows: Sequence[FlowReport], earlier: Sequence[FlowReport]) -> tuple[FlowReport, ...]:
    """Compare each flow's satisfaction with the period before, where both may be printed."""
    known = {one.flow: one.satisfaction for one in earlier}
    return tuple(_changed(one, known.get(one.flow)) for one in flows)


def _changed(flow: FlowReport, old: Satisfaction | None) -> FlowReport:
    own, now = flow.indicator, flow.satisfaction
    if not (own and now and now.estimate and old and old.estimate):
        return flow
    compared = replace(own, satisfaction=replace(now, change=difference(now.estimate, old.estimate)))
    return replace(flow, questions=tuple(compared if one is own else one for one in flow.questions))


def _together(flows: Sequence[FlowReport], earlier: Sequence[FlowReport]) -> Satisfaction | None:
    """Return the satisfaction of all flows; a single flow's own, bound and change included."""
    measured = [one.satisfaction for one in flows if one.satisfaction]
    if len(measured) < 2:
        return measured[0] if measured else None
    now, old = _estimates(flows), _estimates(earlier)
    own, past = _pooled(now.values()), _pooled(old.values())
    alike = own and past and now.keys() == old.keys()
    return Satisfaction(estimate=own, change=difference(own, past) if alike and own and past else None)


def _estimates(flows: Iterable[FlowReport]) -> dict[str, Estimate]:
    """Return the satisfaction of each flow where it may be printed."""
    return {one.flow: one.satisfaction.estimate for one in flows if one.satisfaction and one.satisfaction.estimate}


def _pooled(estimates: Iterable[Estimate]) -> Estimate | None:
    known = list(estimates)
    return estimate(sum(round(one.share * one.n) for one in known), sum(one.n for one in known))


def _table(counts: Mapping[str, int], k: int) -> tuple[Cell, ...]:
    cells = publish({key: counts[key] for key in sorted(counts)}, k).cells
    return tuple(Cell(key, count) for key, count in cells.items())


def _within(rows: Iterable[Row], place: str) -> list[Row]:
    return [row for row in rows if covers(place, row.place)]


def _told(count: int, k: int) -> int | None:
    return None if 0 < count < k else count


def _days(period: Period) -> tuple[str, str]:
    return period.first.isoformat(), period.last.isoformat()
