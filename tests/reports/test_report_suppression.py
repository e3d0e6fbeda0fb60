"""The attacker knows every printed number and the algorithm itself."""

from collections import defaultdict
from collections.abc import Collection, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.suppression import publish

TABLES = st.lists(st.integers(0, 60), min_size=1, max_size=11).map(
    lambda counts: {str(at): count for at, count in enumerate(counts)}
)
View = tuple[object, ...]


def tables(cells: int, total: int) -> Iterator[tuple[int, ...]]:
    """Yield every table of so many cells that adds up to `total`."""
    if cells == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in tables(cells - 1, total - first):
            yield (first, *rest)


def view(counts: tuple[int, ...], k: int, part: Collection[str]) -> View:
    """Return all that is printed of a table."""
    found = publish({str(at): count for at, count in enumerate(counts)}, k, part)
    return (found.total, tuple(found.cells.values()), found.part, found.at_least, found.at_most)


@pytest.mark.parametrize(
    ("k", "cells", "most", "part"),
    [
        (3, 2, 20, ""),
        (3, 3, 18, ""),
        (3, 4, 13, ""),
        (3, 3, 18, "2"),
        (3, 4, 13, "23"),
        (3, 5, 11, "34"),
        (5, 3, 24, ""),
        (5, 4, 18, "23"),
        (10, 2, 40, "1"),
    ],
)
def test_no_hidden_count_can_be_worked_out(k: int, cells: int, most: int, part: str) -> None:
    """Of all tables that print alike, at least two differ in each hidden cell."""
    alike: dict[View, list[tuple[int, ...]]] = defaultdict(list)
    for total in range(most + 1):
        for counts in tables(cells, total):
            alike[view(counts, k, part)].append(counts)
    for printed, possible in alike.items():
        for at, count in enumerate(printed[1]):  # type: ignore[arg-type]
            if count is None:
                assert len({counts[at] for counts in possible}) > 1, (printed, possible)


def test_with_ten_almost_every_small_count_stays_possible() -> None:
    alike: dict[View, set[int]] = defaultdict(set)
    for total in range(45):
        for counts in tables(3, total):
            if 0 < counts[0] < 10:
                alike[view(counts, 10, ())].add(counts[0])
    known = [possible for printed, possible in alike.items() if printed[0] is not None]
    assert known
    assert min(map(len, known)) >= 8


@settings(deadline=None)
@given(TABLES, st.sampled_from([5, 10]), st.booleans())
def test_only_true_counts_are_printed_and_no_small_one(counts: dict[str, int], k: int, wanted: bool) -> None:
    part = list(counts)[-2:] if wanted else []
    found = publish(counts, k, part)
    total, within = sum(counts.values()), sum(counts[key] for key in part)
    assert list(found.cells) == list(counts)
    assert found.total in (total, None)
    assert (found.total is None) == (0 < total < k)
    for key, printed in found.cells.items():
        assert printed in (counts[key], None)
        assert printed is None or not 0 < printed < k
    if found.part is not None:
        assert found.part == within
        assert not 0 < within < k
        assert not 0 < total - within < k
    if found.at_least is not None:
        assert k <= found.at_least <= within < total
    if found.at_most is not None:
        assert 0 < within <= found.at_most < k


@settings(deadline=None)
@given(TABLES, st.sampled_from([5, 10]))
def test_by_subtraction_nothing_narrower_than_k_is_learnt(counts: dict[str, int], k: int) -> None:
    """The bounds of the linear programme: hidden cells are not negative, and add up to what is left of the total."""
    found = publish(counts, k)
    hidden = [counts[key] for key, printed in found.cells.items() if printed is None]
    if hidden and found.total is not None:
        least = 1 if any(printed == 0 for printed in found.cells.values()) else 0
        assert len(hidden) > 1 or len(counts) == 1
        assert sum(hidden) - least * len(hidden) >= min(k, sum(hidden) // 2)


@pytest.mark.parametrize(
    ("counts", "printed"),
    [
        ((30, 40, 0), (30, 40, 0)),
        ((60, 4, 30, 12), (None, None, 30, 12)),
        ((60, 30, 12, 5), (60, None, None, None)),
        ((60, 30, 25, 5), (60, 30, None, None)),
        ((5, 60, 30), (None, None, 30)),
        ((1, 1, 50), (None, None, None)),
        ((20, 0), (None, None)),
        ((30, 0), (30, 0)),
        ((3, 4), (None, None)),
        ((0, 0), (0, 0)),
    ],
)
def test_tables_as_printed(counts: tuple[int, ...], printed: tuple[int | None, ...]) -> None:
    assert view(counts, 10, ())[1] == printed


def test_a_part_that_is_nearly_all_becomes_a_bound() -> None:
    marks = {"1": 0, "2": 2, "3": 3, "4": 90, "5": 89}
    found = publish(marks, 10, ("4", "5"))
    assert (found.total, found.part, found.at_least, found.at_most) == (184, None, 175, None)
    assert found.cells["1"] is found.cells["2"] is found.cells["3"] is None
    turned = publish(dict(zip(marks, reversed(marks.values()), strict=True)), 10, ("4", "5"))
    assert (turned.part, turned.at_least, turned.at_most) == (None, None, 9)


def test_all_satisfied_in_a_small_sample_is_not_told() -> None:
    found = publish({"1": 0, "2": 0, "3": 0, "4": 12, "5": 12}, 10, ("4", "5"))
    assert set(found.cells.values()) == {None}
    assert (found.part, found.at_least) == (None, None)
    assert publish({"1": 0, "4": 20, "5": 20}, 10, ("4", "5")).part == 40


def test_without_a_threshold_all_is_printed() -> None:
    assert publish({"a": 1, "b": 2}, 0, ("a",)) == publish({"a": 1, "b": 2}, 1, ("a",))
    assert publish({"a": 1, "b": 2}, 0, ("a",)).cells == {"a": 1, "b": 2}
