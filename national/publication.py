"""What the public may see: which weeks, which figures, for the pages and the open data alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from msgspec import Struct

from national.figures import Chart, FlowFigures, figures
from national.regions import Region, first_day, is_over, last_day, regions
from national.store import Gateway, Store, Totals


class Week(Struct, frozen=True):
    """A week on a page; `provisional` while it may still change in the normal course of things."""

    label: str
    first: date
    last: date
    provisional: bool


class Indicator(Struct, frozen=True):
    """One published satisfaction figure with the flow it comes from."""

    flow: FlowFigures
    chart: Chart


class Section(Struct, frozen=True):
    """One regional section: who feeds it, how many took part, and what they answered in one week."""

    region: Region
    gateways: Sequence[Gateway]
    totals: Totals
    weeks: Sequence[str]
    week: Week | None
    flows: Sequence[FlowFigures]

    @property
    def last_contact(self) -> int:
        """Return when a gateway of the region was last heard (milliseconds UTC), 0 for never."""
        return max((one.last_contact for one in self.gateways), default=0)

    @property
    def indicators(self) -> Sequence[Indicator]:
        """Return the satisfaction figures that are published."""
        return [Indicator(flow, chart) for flow in self.flows for chart in flow.charts if chart.satisfaction]


class Publication:
    """Reads the store with the eyes of the public."""

    def __init__(self, store: Store, *, open_periods: bool, clock: Callable[[], int]) -> None:
        self.store = store
        self.clock = clock
        self.open_periods = open_periods

    def sections(self) -> Sequence[Section]:
        """Return the twelve sections, each with its newest week."""
        totals = self.store.totals()
        gateways = self.store.gateways()
        return [self._section(region, gateways, totals, None) for region in regions().values()]

    def section(self, code: str, label: str | None = None) -> Section | None:
        """Return one section with the week asked for (the newest by default); None when either does not exist."""
        region = regions().get(code)
        if region is None or (label is not None and label not in self._weeks(code)):
            return None
        return self._section(region, self.store.gateways(code), self.store.totals(), label)

    def _section(
        self, region: Region, gateways: Sequence[Gateway], totals: dict[str, Totals], label: str | None
    ) -> Section:
        labels = self._weeks(region.code)
        week = self._week(label or labels[0]) if labels else None
        flows: Sequence[FlowFigures] = ()
        if week is not None:
            shown = self.store.shown(week.label, running=self.open_periods)
            flows = figures(shown, region.code)
        mine = [one for one in gateways if one.region == region.code]
        return Section(region, mine, totals.get(region.code, Totals()), labels, week, flows)

    def _weeks(self, code: str) -> Sequence[str]:
        """Return the weeks that may be shown of a region, newest first."""
        labels = self.store.periods(code, running=self.open_periods)
        return [one for one in labels if self.open_periods or is_over(one, self.clock())]

    def _week(self, label: str) -> Week:
        first, last = first_day(label), last_day(label)
        if first is None or last is None:
            raise LookupError(label)
        final = label in self.store.periods(running=False) and is_over(label, self.clock())
        return Week(label, first, last, provisional=not final)
