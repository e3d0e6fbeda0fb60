from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from national.suppression import K, Published, publish
from reports import suppression

TABLES = st.lists(st.one_of(st.integers(0, 30), st.integers(0, 400)), min_size=2, max_size=11)


@pytest.mark.parametrize(
    ("description", "counts", "shown", "expected"),
    [
        ("enough of everything", [40, 25, 10], "all", (40, 25, 10)),
        ("nobody is nobody", [40, 0, 25], "all", (40, 0, 25)),
        ("too few answers", [9, 0, 0], "none", ()),
        ("all on one option, and few", [0, 29], "none", ()),
        ("all on one option, and many", [0, 30], "all", (0, 30)),
        ("a small one, and the option before it", [50, 3, 40, 20], "some", (None, None, 40, 20)),
        ("a small first one, and the option after it", [3, 50, 40, 20], "some", (None, None, 40, 20)),
        ("the option before it is not enough", [30, 12, 3, 20, 50], "some", (None, None, None, 20, 50)),
        ("nobody hides nobody", [30, 0, 3, 20], "some", (None, 0, None, 20)),
        ("the small side of two gives both away", [50, 3], "none", ()),
        ("nothing is left to show", [3, 4, 30], "none", ()),
    ],
)
def test_what_is_shown(description: str, counts: list[int], shown: str, expected: tuple[int | None, ...]) -> None:
    table = publish(counts)
    assert (table.shown, table.counts) == (shown, expected), description
    assert table.base == (None if shown == "none" else sum(counts))


@pytest.mark.parametrize(
    ("counts", "shown", "top"),
    [
        ([20, 20, 20, 20, 20], "all", 40),
        ([20, 3, 20, 20, 20], "top", 40),
        ([1, 2, 20, 3, 4], "none", None),
        ([1, 2, 8, 20, 20], "top", 40),
        ([0, 0, 4, 16, 20], "none", None),
        ([0, 0, 0, 20, 25], "all", 45),
        ([0, 0, 0, 8, 25], "top", 33),
        ([0, 0, 0, 8, 20], "none", None),
        ([0, 0, 0, 12, 14], "none", None),
    ],
)
def test_satisfaction_is_shown_as_two_sides_when_a_mark_is_small(
    counts: list[int], shown: str, top: int | None
) -> None:
    table = publish(counts, top=2)
    assert (table.shown, table.top) == (shown, top)
    if shown == "top":
        assert set(table.counts) == {None}


def test_a_question_asked_after_certain_answers_tells_no_exact_number() -> None:
    assert publish([13, 22, 40], conditional=True) == Published("all", 75, (15, 20, 40))
    assert publish([41, 3, 13, 60], conditional=True) == Published("some", 115, (None, None, 15, 60))


@given(TABLES, st.sampled_from([0, 2]))
def test_no_small_count_is_ever_shown(counts: list[int], top: int) -> None:
    table = publish(counts, top=top)
    for count, shown in zip(counts, table.counts, strict=bool(table.counts)):
        assert shown is None or shown == count
        assert not (0 < count < K and shown is not None)
    if table.top is not None:
        assert table.top == 0 or table.top >= K
        assert table.base == table.top or (table.base or 0) - table.top >= K


@given(TABLES)
def test_who_only_adds_and_subtracts_finds_no_hidden_count_within_k(counts: list[int]) -> None:
    table = publish(counts)
    if table.shown != "some":
        assert table.shown == "none" or None not in table.counts
        return
    # base and shown counts give the sum of the hidden ones: each of them lies anywhere from 0 to that sum
    unknown = (table.base or 0) - sum(count or 0 for count in table.counts)
    assert table.counts.count(None) >= 2
    assert unknown >= 2 * K


def tables(base: int, width: int) -> Iterator[tuple[int, ...]]:
    """Yield every table of `width` counts that sum to `base`."""
    if width == 1:
        yield (base,)
        return
    for first in range(base + 1):
        for rest in tables(base - first, width - 1):
            yield (first, *rest)


def found(k: int, width: int, bases: Iterable[int], top: int) -> Iterator[tuple[Published, set[int]]]:
    """Yield, for each hidden count that may be small, what is published and all the values it may have."""
    for base in bases:
        sources = defaultdict(list)
        for table in tables(base, width):
            sources[publish(table, top=top, k=k)].append(table)
        for published, origins in sources.items():
            for at, shown in enumerate(published.counts):
                values = {table[at] for table in origins}
                if shown is None and any(0 < value < k for value in values):
                    yield published, values


@pytest.mark.parametrize(
    ("k", "width", "bases", "top"),
    [
        (3, 3, range(3, 30), 0),
        (3, 4, range(3, 20), 0),
        (5, 4, range(12, 22), 0),
        (10, 3, range(20, 60), 0),
        (10, 4, (31, 40), 0),
        (3, 5, range(3, 15), 2),
        (10, 5, (12, 31), 2),
    ],
)
def test_who_knows_the_rule_still_holds_every_small_number_possible(
    k: int, width: int, bases: Iterable[int], top: int
) -> None:
    """Up to four options, or on two sides: nothing is learnt of a small count but that it is small."""
    checked = 0
    for published, values in found(k, width, bases, top):
        assert set(range(1, k)) <= values, (published, values)
        checked += 1
    assert checked


@pytest.mark.parametrize(
    ("k", "width", "bases", "fewest"), [(4, 5, range(12, 16), 2), (5, 6, (15, 17), 2), (10, 5, (30, 33), 8)]
)
def test_of_many_options_no_hidden_count_is_known(k: int, width: int, bases: Iterable[int], fewest: int) -> None:
    assert min(len(values) for _, values in found(k, width, bases, 0)) >= fewest


@given(TABLES, st.sampled_from([0, 2]))
def test_a_gateways_report_and_the_page_hide_alike(counts: list[int], top: int) -> None:
    """Whoever lays both side by side must not see in one what the other hides."""
    keys = [str(at) for at in range(len(counts))]
    printed = suppression.publish(dict(zip(keys, counts, strict=True)), K, keys[-top:] if top else ())
    page = publish(counts, top=top)
    for shown, other in zip(page.counts, printed.cells.values(), strict=bool(page.counts)):
        assert shown is None or other == shown
        assert top or page.shown == "none" or other == shown
    assert page.top is None or page.top == printed.part
