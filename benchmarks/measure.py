"""How a comparison is made: both sides in turn, several rounds, the median of the ratios, the noise beside it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One line of the result: what is measured, on which two sides, and what ratio is aimed at.

    A side returns one figure a round. `at_most` says that smaller is better; otherwise larger is. A row without a
    target is there to be read beside another.
    """

    name: str
    unit: str
    ours: Callable[[], float]
    base: Callable[[], float]
    target: float | None
    at_most: bool = True
    against: str = "bare Flask"
    aside: Callable[[], Sequence[str]] = tuple
    """Gives lines to be shown with the result: what a ratio alone does not tell."""


@dataclass
class Result:
    """The figures of a row, a pair a round."""

    row: Row
    ours: list[float] = field(default_factory=list)
    base: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """The ratio of each pair."""
        return [ours / base for ours, base in zip(self.ours, self.base, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios."""
        return statistics.median(self.ratios)

    @property
    def met(self) -> bool:
        """Tell whether the target is reached, if there is one."""
        if self.row.target is None:
            return True
        return self.ratio <= self.row.target if self.row.at_most else self.ratio >= self.row.target

    @property
    def verdict(self) -> str:
        """The target in words, and whether it is reached."""
        if self.row.target is None:
            return "no target"
        sign = "≤" if self.row.at_most else "≥"
        return f"target {sign} {self.row.target:g}: {'reached' if self.met else 'NOT REACHED'}"

    def lines(self) -> Iterable[str]:
        """Yield the result in words."""
        yield f"{self.row.name}: {self.ratio:.2f} × {self.row.against} ({self.verdict})"
        yield f"    ours {summary(self.ours, self.row.unit)}"
        yield f"    base {summary(self.base, self.row.unit)}"
        yield f"    ratios {' '.join(f'{ratio:.2f}' for ratio in self.ratios)}"
        yield from (f"    {line}" for line in self.row.aside())


def summary(figures: Sequence[float], unit: str) -> str:
    """Return the median of some figures and how far they spread."""
    middle = statistics.median(figures)
    spread = (max(figures) - min(figures)) / middle if middle else 0.0
    return f"{middle:.1f} {unit}, from {min(figures):.1f} to {max(figures):.1f} (spread {spread:.0%})"


def compare(rows: Sequence[Row], rounds: int, progress: Callable[[str], None]) -> list[Result]:
    """Measure every row, the two sides in turn, and return the results."""
    results = [Result(row) for row in rows]
    for number in range(rounds):
        for result in results:
            progress(f"round {number + 1} of {rounds}: {result.row.name}")
            first, second = (result.ours, result.row.ours), (result.base, result.row.base)
            for figures, side in (first, second) if number % 2 else (second, first):
                figures.append(side())
    return results
